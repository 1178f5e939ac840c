"""A web server on this machine that stands for an archive: the libraries that fetch from it run as they are."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

Answer = Callable[[dict[str, str]], bytes | int]


@dataclass
class Archive:
    """What it holds, by path: bytes, a status, or a function of the query that gives either; and what was asked."""

    url: str
    files: dict[str, bytes | int | Answer] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    cut: int | None = None  # bytes after which every answer breaks off

    def answer(self, target: str) -> bytes | int:
        """Look a request up; 404 where there is nothing."""
        parts = urlsplit(target)
        held = self.files.get(parts.path, 404)
        return held(dict(parse_qsl(parts.query))) if callable(held) else held


class Handler(BaseHTTPRequestHandler):
    """Answers GET and HEAD, whole files and ranges of them."""

    def do_GET(self) -> None:
        self._send(body=True)

    def do_HEAD(self) -> None:
        self._send(body=False)

    def _send(self, *, body: bool) -> None:
        archive = self.server.archive
        found = archive.answer(self.path)
        archive.asked.append(self.path)
        if isinstance(found, int):
            self.send_error(found)
            return
        first, last, wanted = 0, len(found) - 1, self.headers.get("Range")
        if wanted:
            begin, end = wanted.removeprefix("bytes=").split("-")
            first, last = int(begin), min(int(end or last), last)
        self.send_response(206 if wanted else 200)
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Content-Length", str(last - first + 1))
        if wanted:
            self.send_header("Content-Range", f"bytes {first}-{last}/{len(found)}")
        self.end_headers()
        if body:
            self.wfile.write(found[first : last + 1][: archive.cut])

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def serving() -> Iterator[Archive]:
    """Serve from a free port until the block ends."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.archive = Archive(f"http://127.0.0.1:{server.server_port}")
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield server.archive
        finally:
            server.shutdown()
            thread.join()
