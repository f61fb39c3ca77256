"""A server on loopback that misbehaves as a test says: one step for each request, and well after the last step."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Step = Callable[["Handler"], None]


class Server(HTTPServer):
    """Serves `content` at every path; `asked` lists the path of each request."""

    content: bytes = b""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.steps: list[Step] = []
        self.asked: list[str] = []

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.server_port}/{path}"

    def handle_error(self, request, client_address) -> None:
        """Ignore clients that hang up: tests make them do it."""


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        (self.server.steps.pop(0) if self.server.steps else drops_after(None))(self)

    def log_message(self, *words: object) -> None:
        """Print nothing."""

    def begin(self, status: int, **headers: object) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), str(value))
        self.end_headers()


def drops_after(sent: int | None) -> Step:
    """Send only so many bytes, although all are announced."""

    def step(handler: Handler) -> None:
        handler.begin(200, Content_Length=len(handler.server.content))
        handler.wfile.write(handler.server.content[:sent])

    return step


def stalls(handler: Handler) -> None:
    """Send nothing more until the client hangs up."""
    drops_after(1000)(handler)
    handler.rfile.read(1)


def says(content: bytes, **headers: object) -> Step:
    """Send something else as if it were the file."""

    def step(handler: Handler) -> None:
        handler.begin(200, Content_Length=len(content), **headers)
        handler.wfile.write(content)

    return step


def without_length(content: bytes) -> Step:
    def step(handler: Handler) -> None:
        handler.begin(200)
        handler.wfile.write(content)

    return step


def sends_for_ever(size: int = 1 << 16) -> Step:
    """Send blocks of a size until the client hangs up."""

    def step(handler: Handler) -> None:
        handler.begin(200)
        while True:
            handler.wfile.write(b"x" * size)

    return step


def answers(status: int, **headers: object) -> Step:
    return lambda handler: handler.begin(status, Content_Length=0, **headers)


@contextmanager
def serving(content: bytes) -> Iterator[Server]:
    with Server() as server:
        server.content = content
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.005})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
