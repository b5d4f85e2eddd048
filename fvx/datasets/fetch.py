"""Fetching one file over HTTP: goes on where it was cut off, and checks what came."""

from __future__ import annotations

import http.client
import json
import re
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import fvx
from fvx.atomic import write_json
from fvx.errors import DatasetError

_BLOCK_BYTES = 1 << 18
_TIMEOUT_S = 30
_RANGE = re.compile(r"bytes (?:(\d+)-\d+|\*)/(\d+|\*)")
_GIVE_UP = {400, 401, 402, 403, 404, 405, 410, 451}

# No file:// and no ftp://, whatever a server redirects to.
_OPENER = urllib.request.OpenerDirector()
for _handler in (
    urllib.request.ProxyHandler,
    urllib.request.HTTPHandler,
    urllib.request.HTTPSHandler,
    urllib.request.HTTPDefaultErrorHandler,
    urllib.request.HTTPRedirectHandler,
    urllib.request.HTTPErrorProcessor,
    urllib.request.UnknownHandler,
):
    _OPENER.add_handler(_handler())


@dataclass
class Fetcher:
    """A downloader as pooch wants one, that resumes.

    Attributes
    ----------
    part : Path
        Where the file grows; it stays when the download fails, and the next goes on with it.
    n_bytes : int or None
        Length that the file must have, where that is known.
    is_checked : bool
        Whether its checksum will be compared: then it may go on with what is there, though the
        server does not say whether the file is still the same.
    on_bytes : callable
        Called with the bytes that are there and the bytes there should be (None: not said).
    n_tries : int
        Attempts in a row that bring nothing before it gives up.
    wait_s : float
        Pause before the second attempt, doubled each time.
    """

    part: Path
    n_bytes: int | None = None
    is_checked: bool = False
    on_bytes: Callable[[int, int | None], None] = lambda *_: None
    n_tries: int = 5
    wait_s: float = 1.0

    def __call__(self, url: str, output_file: str | Path, mod: Any = None) -> None:
        """Fetch the URL into a file.

        Raises
        ------
        DatasetError
            If the server refuses, keeps failing, or sends another length than it should.
        """
        n_failed, reason = 0, ""
        while n_failed < self.n_tries:
            before = self._n_there()
            if n_failed:
                time.sleep(self.wait_s * 2 ** (n_failed - 1))
            try:
                total = self._go_on(url)
                there = self._n_there()
                if total is None or there == total:
                    self._accept(url, there)
                    self.part.replace(output_file)
                    self._about.unlink(missing_ok=True)
                    return
                reason = f"the connection ended after {there:,} of {total:,} bytes"
            except urllib.error.HTTPError as error:
                reason = f"the server says {error.code} {error.reason}"
                error.close()
                if error.code in _GIVE_UP:
                    break
            except (OSError, http.client.HTTPException) as error:
                reason = str(getattr(error, "reason", None) or error) or type(error).__name__
            n_failed = 0 if self._n_there() > before else n_failed + 1
        kept = self._n_there()
        also = f"; {kept:,} bytes are kept, and the same command goes on from there" if kept else ""
        raise DatasetError(f"{url}: cannot be fetched, {reason}{also}")

    @property
    def _about(self) -> Path:
        return self.part.with_name(self.part.name + ".json")

    def _n_there(self) -> int:
        return self.part.stat().st_size if self.part.exists() else 0

    def _accept(self, url: str, n_there: int) -> None:
        if self.n_bytes is not None and n_there != self.n_bytes:
            self._forget()
            raise DatasetError(
                f"{url}: {n_there:,} bytes long, where {self.n_bytes:,} are published; discarded"
            )

    def _forget(self) -> None:
        self.part.unlink(missing_ok=True)
        self._about.unlink(missing_ok=True)

    def _go_on(self, url: str) -> int | None:
        """Append what is lacking; return how long the whole should be."""
        start, validator = self._n_there(), self._validator(url)
        if start and not validator and not self.is_checked:
            self._forget()
            start = 0
        headers = {"User-Agent": f"fvx/{fvx.__version__}", "Accept-Encoding": "identity"}
        if start:
            headers["Range"] = f"bytes={start}-"
            if validator:
                headers["If-Range"] = validator
        try:
            answer = _OPENER.open(urllib.request.Request(url, headers=headers), timeout=_TIMEOUT_S)
        except urllib.error.HTTPError as error:
            if error.code != 416:
                raise
            error.close()
            found = _RANGE.fullmatch(error.headers.get("Content-Range", ""))
            if found and found[2] == str(start):
                return start
            self._forget()
            raise OSError("the server has less than was there already") from error
        with answer:
            total = self._total(answer, start)
            restarted = answer.status != 206
            write_json(self._about, {"url": url, "validator": _validator_of(answer.headers)})
            with self.part.open("wb" if restarted else "ab") as file:
                n_there = 0 if restarted else start
                while block := answer.read(_BLOCK_BYTES):
                    file.write(block)
                    n_there += len(block)
                    self.on_bytes(n_there, total)
                    if self.n_bytes is not None and n_there > self.n_bytes:
                        break  # it never ends, or is something else
        return total

    def _total(self, answer: Any, start: int) -> int | None:
        if answer.status == 206:
            found = _RANGE.fullmatch(answer.headers.get("Content-Range", ""))
            if found is None or found[1] != str(start):
                self._forget()
                raise OSError("the server goes on from elsewhere than was asked")
            return None if found[2] == "*" else int(found[2])
        length = answer.headers.get("Content-Length")
        return int(length) if length and length.isdigit() else None

    def _validator(self, url: str) -> str:
        try:
            about = json.loads(self._about.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return ""
        return str(about.get("validator") or "") if about.get("url") == url else ""


def _validator_of(headers: Any) -> str:
    """What tells this version of the file from another: a strong tag, or its date."""
    tag = headers.get("ETag") or ""
    return str(tag if tag and not tag.startswith("W/") else headers.get("Last-Modified") or "")


def length_of(url: str) -> int | None:
    """Ask how long a file is; None if the server does not say."""
    request = urllib.request.Request(
        url, method="HEAD", headers={"User-Agent": f"fvx/{fvx.__version__}"}
    )
    try:
        with _OPENER.open(request, timeout=_TIMEOUT_S) as answer:
            length = answer.headers.get("Content-Length")
            return int(length) if length and length.isdigit() else None
    except (OSError, http.client.HTTPException, ValueError):
        return None
