from tests.tasks.sources.conftest import nobody, server, settings, slept

__all__ = ["nobody", "server", "settings", "slept"]  # fixtures: a server on loopback
