"""Remote: one file of a corpus, as its authors publish it."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass

ARCHIVES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")


@dataclass(frozen=True)
class Remote:
    """A file to fetch, and what it must be like.

    Attributes
    ----------
    url : str
    file : str
        Name to keep it under; the URL's last part if empty.
    checksum : str
        ``md5:…`` or ``sha256:…``; empty where none is published. Then the first download is
        trusted and its sha256 recorded.
    n_bytes : int or None
        Length, where it is published.
    strip : str
        Folder that all members of the archive lie in and that is left off.
    into : str
        Folder below the corpus's own that it is unpacked into, or kept in if no archive.
    """

    url: str
    _: KW_ONLY
    file: str = ""
    checksum: str = ""
    n_bytes: int | None = None
    strip: str = ""
    into: str = ""

    @property
    def name(self) -> str:
        """What the file is called on disk."""
        return self.file or self.url.partition("?")[0].rstrip("/").rpartition("/")[2]

    @property
    def is_archive(self) -> bool:
        """Whether it is to be unpacked."""
        return self.name.lower().endswith(ARCHIVES)
