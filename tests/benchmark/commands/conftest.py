from tests.tasks.sources.conftest import server, silent_host, slept

__all__ = ["server", "silent_host", "slept"]  # fixtures: a server on loopback
