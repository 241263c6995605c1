"""A bucket on a loopback port: the part of the S3 protocol that reading a file takes.

It serves the files of a folder, by ranges, as an object store does, and writes down what it was
asked for.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import urlsplit

BUCKET = "company"
ABSENT = (
    '<?xml version="1.0"?><ListBucketResult><Name>company</Name><KeyCount>0</KeyCount>'
    "<IsTruncated>false</IsTruncated></ListBucketResult>"
)


class _Objects(BaseHTTPRequestHandler):
    folder: Path
    asked: list[str]

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def _answer(self, *, with_body: bool) -> None:
        type(self).asked.append(f"{self.command} {self.path}")
        file = self.folder / urlsplit(self.path).path.removeprefix(f"/{BUCKET}").lstrip("/")
        if not file.is_file():
            is_list = "list-type" in self.path
            self._send(200 if is_list else 404, ABSENT.encode() if is_list else b"", {}, with_body)
            return
        content = file.read_bytes()
        first, last, status = 0, len(content) - 1, 200
        if wanted := self.headers.get("Range"):
            begin, _, end = wanted.removeprefix("bytes=").partition("-")
            first, last, status = int(begin), min(int(end or last), last), 206
        span = {"Content-Range": f"bytes {first}-{last}/{len(content)}"} if wanted else {}
        more = {"ETag": '"1"', "Last-Modified": "Thu, 01 Jan 2026 00:00:00 GMT"} | span
        self._send(status, content[first : last + 1], more, with_body)

    def _send(self, status: int, body: bytes, more: dict[str, str], with_body: bool) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **more}.items():
            self.send_header(name, value)
        self.end_headers()
        if with_body:
            self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Keep quiet."""


@contextmanager
def serving(folder: Path) -> Iterator[tuple[str, list[str]]]:
    """Serve `folder` as a bucket; give the parameters of its URLs and what was asked for."""
    asked: list[str] = []
    handler = type("Objects", (_Objects,), {"folder": folder, "asked": asked})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        address = f"127.0.0.1%3A{server.server_port}"
        yield f"?scheme=http&region=here&endpoint_override={address}", asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
