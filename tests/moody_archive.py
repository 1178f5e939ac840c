"""A web server on this machine that misbehaves as archives do: every answer, header and broken connection is stated."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit


@dataclass
class Request:
    """What was asked."""

    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]  # names in small letters
    body: bytes = b""


@dataclass
class Reply:
    """What is answered; ``length`` is what is said of it, ``cut`` the bytes after which the connection breaks."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    length: int | None = None
    cut: int | None = None
    stall: threading.Event | None = None  # waited for after the cut


Mood = Callable[[Request], Reply]


@dataclass
class Moody:
    """Answers by path, and all that was asked."""

    url: str
    moods: dict[str, Mood] = field(default_factory=dict)
    asked: list[Request] = field(default_factory=list)
    sent: int = 0  # bytes of bodies

    def seen(self, name: str) -> list[str]:
        """Values of a header in all requests that had it."""
        return [request.headers[name] for request in self.asked if name in request.headers]


class Handler(BaseHTTPRequestHandler):
    """Looks a path up and does what is said there."""

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def _answer(self) -> None:
        moody = self.server.moody
        parts = urlsplit(self.path)
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = self.rfile.read(int(headers.get("content-length", 0)))
        request = Request(self.command, parts.path, parse_qs(parts.query), headers, body)
        moody.asked.append(request)
        reply = moody.moods.get(parts.path, lambda _: Reply(404))(request)
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(reply.body) if reply.length is None else reply.length))
        self.send_header("Connection", "close")
        self.end_headers()
        out = reply.body[: reply.cut]
        moody.sent += len(out)
        try:
            self.wfile.write(out)
            self.wfile.flush()
            if reply.stall is not None:
                reply.stall.wait(30)
        except ConnectionError:
            pass  # whoever asked was killed
        self.close_connection = True

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def whole(data: bytes, *, etag: str = '"one"', ranges: bool = True, cut: int | None = None) -> Mood:
    """Give a file, or the range asked for where the validator fits; breaks off after ``cut`` bytes of each answer."""

    def mood(request: Request) -> Reply:
        headers = {"Content-Type": "application/zip"} | ({"ETag": etag} if etag else {})
        wanted = request.headers.get("range")
        if not ranges or wanted is None or request.headers.get("if-range", etag) != etag:
            return Reply(200, data, headers, cut=cut)
        first = int(wanted.removeprefix("bytes=").rstrip("-"))
        if first >= len(data):
            return Reply(416, b"", {"Content-Range": f"bytes */{len(data)}"})
        headers["Content-Range"] = f"bytes {first}-{len(data) - 1}/{len(data)}"
        return Reply(206, data[first:], headers, cut=cut)

    return mood


def first(*before: Mood | Reply, then: Mood) -> Mood:
    """Answer so once each, then otherwise."""
    left = list(before)

    def mood(request: Request) -> Reply:
        answer = left.pop(0) if left else then
        return answer if isinstance(answer, Reply) else answer(request)

    return mood


@contextmanager
def moody() -> Iterator[Moody]:
    """Serve from a free port until the block ends."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        server.moody = Moody(f"http://127.0.0.1:{server.server_port}")
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield server.moody
        finally:
            server.shutdown()
            thread.join()
