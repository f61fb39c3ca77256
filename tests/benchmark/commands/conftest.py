from tests.tasks.sources.conftest import nobody, server, slept

__all__ = ["nobody", "server", "slept"]  # fixtures: a server on loopback
