"""A server on 127.0.0.1 that serves files, well or badly."""

from __future__ import annotations

import hashlib
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Served:
    """One file, and what is wrong with how it is served.

    Attributes
    ----------
    content : bytes
    drop_after : int or None
        Bytes of each answer after which the connection is closed.
    says_length : int or None
        What ``Content-Length`` says instead of the truth.
    fails : list of int
        Status codes of the first answers.
    ranges, tags : bool
        Whether it goes on from the middle, and says which version it has.
    redirect : str
        Where it sends everyone.
    """

    content: bytes
    drop_after: int | None = None
    says_length: int | None = None
    fails: list[int] = field(default_factory=list)
    ranges: bool = True
    tags: bool = True
    redirect: str = ""


@dataclass
class Server:
    address: str
    files: dict[str, Served] = field(default_factory=dict)
    asked: list[tuple[str, str, str]] = field(default_factory=list)  # method, file, range

    def url(self, name: str) -> str:
        return f"{self.address}/{name}"


class _Handler(BaseHTTPRequestHandler):
    server: _Http
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def _answer(self, body: bool) -> None:
        self.close_connection = True
        name = self.path.lstrip("/").partition("?")[0]
        wanted = self.headers.get("Range", "")
        about = self.server.about
        about.asked.append((self.command, name, wanted))
        served = about.files.get(name)
        if served is None:
            self.send_error(404)
            return
        if body and served.fails:
            self.send_error(served.fails.pop(0))
            return
        if served.redirect:
            self.send_response(302)
            self.send_header("Location", served.redirect)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        content, start = served.content, 0
        tag = '"' + hashlib.md5(content).hexdigest() + '"'
        found = re.fullmatch(r"bytes=(\d+)-", wanted)
        same = self.headers.get("If-Range", tag) == tag
        if found and served.ranges and same:
            start = int(found[1])
            if start >= len(content):
                self.send_response(416)
                self.send_header("Content-Range", f"bytes */{len(content)}")
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            self.send_response(206)
            last = len(content) - 1
            self.send_header("Content-Range", f"bytes {start}-{last}/{len(content)}")
        else:
            self.send_response(200)
        length = len(content) - start if served.says_length is None else served.says_length
        self.send_header("Content-Length", str(length))
        if served.tags:
            self.send_header("ETag", tag)
        self.end_headers()
        if body:
            end = len(content) if served.drop_after is None else start + served.drop_after
            self.wfile.write(content[start:end])


class _Http(ThreadingHTTPServer):
    about: Server
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        pass  # a client that goes away is no news


@contextmanager
def serving() -> Iterator[Server]:
    http = _Http(("127.0.0.1", 0), _Handler)
    http.about = Server(f"http://127.0.0.1:{http.server_port}")
    thread = threading.Thread(target=http.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield http.about
    finally:
        http.shutdown()
        http.server_close()
        thread.join()
