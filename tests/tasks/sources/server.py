"""A server on loopback that misbehaves as it is told to: a step a request, and well once the steps are used up."""

from __future__ import annotations

import re
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Step = Callable[["Handler"], None]


class Server(HTTPServer):
    """Serves `content` at every path; `asked` has the path and the Range of each request."""

    content: bytes = b""
    etag: str | None = '"one"'

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.steps: list[Step] = []
        self.asked: list[tuple[str, str | None]] = []

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.server_port}/{path}"

    def handle_error(self, request, client_address) -> None:
        """A client that hangs up is part of the play."""


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.server.asked.append((self.path, self.headers["Range"]))
        (self.server.steps.pop(0) if self.server.steps else whole)(self)

    def log_message(self, *words: object) -> None:
        """Tests are not to hear of it."""

    def begin(self, status: int, **headers: object) -> None:
        self.send_response(status)
        if self.server.etag:
            headers.setdefault("ETag", self.server.etag)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), str(value))
        self.end_headers()

    def start(self) -> int:
        """The byte that the client wants to go on from."""
        match = re.fullmatch(r"bytes=(\d+)-", self.headers["Range"] or "")
        same = self.headers["If-Range"] in (None, self.server.etag)
        return int(match[1]) if match and same else 0


def whole(handler: Handler, sent: int | None = None) -> None:
    """All that was asked for, or only the bytes before `sent` although more were promised."""
    content, start = handler.server.content, handler.start()
    if start >= len(content) > 0:
        handler.begin(416, Content_Range=f"bytes */{len(content)}")
        return
    rest = content[start:]
    if start:
        ranged = f"bytes {start}-{len(content) - 1}/{len(content)}"
        handler.begin(206, Content_Length=len(rest), Content_Range=ranged)
    else:
        handler.begin(200, Content_Length=len(rest))
    handler.wfile.write(rest if sent is None else content[start:sent])


def drops_after(sent: int) -> Step:
    return lambda handler: whole(handler, sent)


def ignores_range(handler: Handler) -> None:
    handler.begin(200, Content_Length=len(handler.server.content))
    handler.wfile.write(handler.server.content)


def says(content: bytes, **headers: object) -> Step:
    """Something else, as if it were the file."""

    def step(handler: Handler) -> None:
        handler.begin(200, Content_Length=len(content), **headers)
        handler.wfile.write(content)

    return step


def without_length(content: bytes) -> Step:
    def step(handler: Handler) -> None:
        handler.begin(200)
        handler.wfile.write(content)

    return step


def answers(status: int, **headers: object) -> Step:
    return lambda handler: handler.begin(status, Content_Length=0, **headers)


def goes_on_elsewhere(handler: Handler) -> None:
    """A range, but not the one that was asked for."""
    content = handler.server.content
    handler.begin(206, Content_Length=10, Content_Range=f"bytes 5-14/{len(content)}")
    handler.wfile.write(content[5:15])


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
