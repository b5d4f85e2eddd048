from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import stat
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from miniatures import MINIATURES
from servers import Served, Server, serving

from fvx.datasets import Remote, Table, corpora, open_dataset
from fvx.datasets.download import ARCHIVES, RECORD, Downloaded, Progress, download
from fvx.datasets.unpack import unpack
from fvx.datasets.verify import verify
from fvx.errors import DatasetError

ITW = next(one for one in corpora.fvx_datasets() if one.name == "itw")


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as found:
        yield found


def itw_zip(tmp_path: Path) -> bytes:
    """The miniature of In-the-Wild, packed as its authors do, and a little filling."""
    folder = MINIATURES["itw"].write(tmp_path / "made/release_in_the_wild")
    (folder / "attribution.txt").write_bytes(os.urandom(200_000))
    made = shutil.make_archive(
        str(tmp_path / "made"), "zip", tmp_path / "made", "release_in_the_wild"
    )
    content = Path(made).read_bytes()
    shutil.rmtree(tmp_path / "made")
    return content


def md5(content: bytes) -> str:
    return f"md5:{hashlib.md5(content).hexdigest()}"


def corpus(server: Server, name: str = "itw.zip", **about: Any) -> Table:
    """In-the-Wild, to be had from that server."""
    remote = Remote(server.url(name), strip="release_in_the_wild", **about)
    return Table(
        name="itw", folder="itw", protocols=("meta.csv",), audio=("{file}",), remotes=(remote,)
    )


def fetch(layout: Table, home: Path, **more: Any) -> Downloaded:
    return download(layout, home, **{"n_tries": 3, "wait_s": 0.0, **more})


def gets(server: Server) -> list[str]:
    return [wanted for method, _, wanted in server.asked if method == "GET"]


# One that behaves ---------------------------------------------------------------------------------


def test_a_corpus_is_fetched_checked_unpacked_and_read(server: Server, tmp_path: Path) -> None:
    content = itw_zip(tmp_path)
    server.files["itw.zip"] = Served(content)
    seen: list[Progress] = []
    layout = corpus(server, checksum=md5(content), n_bytes=len(content))
    done = fetch(layout, tmp_path / "datasets", on_progress=seen.append)
    assert done.files == {"itw.zip": md5(content)}
    dataset = open_dataset("itw", {"itw": layout}, home=tmp_path / "datasets")
    assert [clip.id for clip in dataset.clips] == ["0.wav", "4.wav"]
    assert not (done.folder / ARCHIVES).exists()
    fetched = [one for one in seen if one.doing == "fetch"]
    assert fetched[-1].n_done == fetched[-1].n_all == len(content)
    assert [one.n_done for one in seen if one.doing == "unpack"] == [1, 2, 3, 4, 5]


def test_what_has_come_is_not_fetched_again(server: Server, tmp_path: Path) -> None:
    server.files["itw.zip"] = Served(itw_zip(tmp_path))
    layout = corpus(server)
    assert fetch(layout, tmp_path / "d").n_there == 0
    n_asked = len(server.asked)
    assert fetch(layout, tmp_path / "d").n_there == 1
    assert len(server.asked) == n_asked


def test_archives_of_several_parts_and_keys_fill_one_folder(server: Server, tmp_path: Path) -> None:
    mini = MINIATURES["asvspoof2021_df"].write(tmp_path / "made")
    flacs = sorted((mini / "ASVspoof2021_DF_eval/flac").iterdir())
    for n, members in enumerate([flacs[:2], flacs[2:]]):
        server.files[f"part{n}.tar.gz"] = Served(
            tar_of({f"ASVspoof2021_DF_eval/flac/{one.name}": one.read_bytes() for one in members})
        )
    key = "keys/DF/CM/trial_metadata.txt"
    server.files["keys.tar.gz"] = Served(tar_of({key: (mini / key).read_bytes()}))
    known = next(one for one in corpora.fvx_datasets() if one.name == "asvspoof2021_df")
    names = ("part0.tar.gz", "part1.tar.gz", "keys.tar.gz")
    layout = replace(known, remotes=tuple(Remote(server.url(name)) for name in names))
    done = download(layout, tmp_path / "d", wait_s=0)
    assert list(done.files) == list(names)
    assert len(open_dataset("asvspoof2021_df", {known.name: layout}, tmp_path / "d").clips) == 4


def test_a_file_that_is_no_archive_is_kept_where_it_belongs(server: Server, tmp_path: Path) -> None:
    server.files["keys.txt"] = Served(b"a key")
    layout = Table(
        name="x", protocols=("p",), remotes=(Remote(server.url("keys.txt"), into="keys"),)
    )
    download(layout, tmp_path, wait_s=0)
    assert (tmp_path / "x/keys/keys.txt").read_bytes() == b"a key"


# Faults of servers --------------------------------------------------------------------------------


def test_a_dropped_connection_is_taken_up_where_it_ended(server: Server, tmp_path: Path) -> None:
    content = itw_zip(tmp_path)
    server.files["itw.zip"] = Served(content, drop_after=60_000)
    fetch(corpus(server, checksum=md5(content)), tmp_path / "d")
    assert gets(server) == ["", "bytes=60000-", "bytes=120000-", "bytes=180000-"]


def test_a_download_that_was_given_up_goes_on_from_there(server: Server, tmp_path: Path) -> None:
    content = itw_zip(tmp_path)
    served = server.files["itw.zip"] = Served(content, drop_after=60_000)
    layout = corpus(server)
    first_only = iter([None])

    def stop(one: Progress) -> None:
        if one.doing == "fetch" and one.n_done >= 60_000 and next(first_only, 1) is None:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch(layout, tmp_path / "d", on_progress=stop)
    served.drop_after = None
    fetch(layout, tmp_path / "d")
    assert gets(server)[-1].startswith("bytes=")
    assert gets(server)[-1] != "bytes=0-"
    assert (tmp_path / "d/itw/meta.csv").exists()


def test_a_server_that_only_begins_is_given_up_and_the_beginning_kept(
    server: Server, tmp_path: Path
) -> None:
    server.files["itw.zip"] = Served(itw_zip(tmp_path), drop_after=0)
    with pytest.raises(DatasetError, match="connection ended after 0 of"):
        fetch(corpus(server), tmp_path / "d")
    assert len(gets(server)) == 3
    assert not (tmp_path / "d/itw/meta.csv").exists()


def test_a_server_that_does_not_go_on_is_asked_from_the_start(
    server: Server, tmp_path: Path
) -> None:
    content = itw_zip(tmp_path)
    served = server.files["itw.zip"] = Served(content, drop_after=60_000, ranges=False)
    with pytest.raises(DatasetError, match=r"60,000 bytes are kept"):
        fetch(corpus(server), tmp_path / "d")
    served.drop_after = None
    fetch(corpus(server), tmp_path / "d")
    assert (tmp_path / "d/itw/meta.csv").exists()


def test_a_file_that_changed_meanwhile_is_not_pieced_together(
    server: Server, tmp_path: Path
) -> None:
    content = itw_zip(tmp_path)
    served = server.files["itw.zip"] = Served(b"x" * 90_000, drop_after=60_000, ranges=False)
    with pytest.raises(DatasetError, match="bytes are kept"):
        fetch(corpus(server), tmp_path / "d")
    served.content, served.ranges, served.drop_after = content, True, None
    fetch(corpus(server), tmp_path / "d")
    assert (tmp_path / "d/itw/meta.csv").exists()


def test_a_part_without_a_tag_is_only_gone_on_with_where_a_checksum_follows(
    server: Server, tmp_path: Path
) -> None:
    content = itw_zip(tmp_path)
    server.files["itw.zip"] = Served(content, drop_after=150_000, tags=False)
    fetch(corpus(server, checksum=md5(content)), tmp_path / "a")
    assert gets(server) == ["", "bytes=150000-"]
    with pytest.raises(DatasetError, match="connection ended"):
        fetch(corpus(server), tmp_path / "b")
    assert set(gets(server)[2:]) == {""}


@pytest.mark.parametrize(("says", "reason"), [(10**6, "connection ended"), (100, "damaged")])
def test_a_server_that_lies_about_the_length_is_not_believed(
    says: int, reason: str, server: Server, tmp_path: Path
) -> None:
    server.files["itw.zip"] = Served(itw_zip(tmp_path), says_length=says, ranges=False)
    with pytest.raises(DatasetError, match=reason):
        fetch(corpus(server), tmp_path / "d")
    assert not (tmp_path / "d/itw/meta.csv").exists()


def test_a_length_other_than_the_published_one_is_refused(server: Server, tmp_path: Path) -> None:
    content = itw_zip(tmp_path)
    server.files["itw.zip"] = Served(content)
    with pytest.raises(DatasetError, match=f"long, where {len(content) + 1:,} are published"):
        fetch(corpus(server, n_bytes=len(content) + 1), tmp_path / "d")


def test_a_file_that_never_ends_is_cut_off(server: Server, tmp_path: Path) -> None:
    server.files["itw.zip"] = Served(b"x" * 3_000_000)
    with pytest.raises(DatasetError, match="long, where 1,000 are published; discarded"):
        fetch(corpus(server, n_bytes=1000), tmp_path / "d")
    assert not any((tmp_path / "d/itw" / ARCHIVES).iterdir())


def test_a_wrong_checksum_is_refused_and_nothing_kept_of_it(server: Server, tmp_path: Path) -> None:
    content = itw_zip(tmp_path)
    served = server.files["itw.zip"] = Served(content[:-1] + b"x")
    layout = corpus(server, checksum=md5(content))
    with pytest.raises(DatasetError, match=rf"has not the published checksum {md5(content)}"):
        fetch(layout, tmp_path / "d")
    assert not any((tmp_path / "d/itw" / ARCHIVES).iterdir())
    assert not (tmp_path / "d/itw/meta.csv").exists()
    served.content = content
    fetch(layout, tmp_path / "d")
    assert (tmp_path / "d/itw/meta.csv").exists()


def test_a_server_out_of_order_is_asked_again(server: Server, tmp_path: Path) -> None:
    server.files["itw.zip"] = Served(itw_zip(tmp_path), fails=[503, 500])
    fetch(corpus(server), tmp_path / "d")
    assert len(gets(server)) == 3


@pytest.mark.parametrize("code", [403, 404])
def test_a_server_that_refuses_is_not_asked_again(
    code: int, server: Server, tmp_path: Path
) -> None:
    server.files["itw.zip"] = Served(b"", fails=[code] * 9)
    with pytest.raises(DatasetError, match=rf"the server says {code}"):
        fetch(corpus(server), tmp_path / "d")
    assert len(gets(server)) == 1


def test_a_redirect_leads_to_http_only(server: Server, tmp_path: Path) -> None:
    (tmp_path / "secret.zip").write_bytes(b"secret")
    server.files["itw.zip"] = Served(b"", redirect=f"file://{tmp_path}/secret.zip")
    with pytest.raises(DatasetError, match="cannot be fetched"):
        fetch(corpus(server), tmp_path / "d")
    server.files["here.zip"] = Served(itw_zip(tmp_path))
    server.files["itw.zip"] = Served(b"", redirect=server.url("here.zip"))
    fetch(corpus(server), tmp_path / "d")
    assert (tmp_path / "d/itw/meta.csv").exists()


def test_a_server_that_is_not_there_says_so(tmp_path: Path) -> None:
    with serving() as gone:
        layout = corpus(gone)
    with pytest.raises(DatasetError, match=r"cannot be fetched, .*refused"):
        fetch(layout, tmp_path / "d")


# Before it begins ---------------------------------------------------------------------------------


def test_too_small_a_disk_is_said_before_anything_is_fetched(
    server: Server, tmp_path: Path
) -> None:
    server.files["itw.zip"] = Served(b"x", says_length=10**15)
    with pytest.raises(DatasetError, match=r"about 2500000\.\d GB are needed, .* GB are free"):
        fetch(corpus(server), tmp_path / "d")
    assert gets(server) == []


@pytest.mark.parametrize("name", ["mlaad", "spoofceleb", "deepfake_eval_2024"])
def test_a_gated_corpus_says_where_to_ask(name: str, tmp_path: Path) -> None:
    layout = next(one for one in corpora.fvx_datasets() if one.name == name)
    with pytest.raises(DatasetError, match=r"given on request; .*https://"):
        download(layout, tmp_path)


@pytest.mark.parametrize("name", ["habla", "vctk", "add2022"])
def test_a_corpus_that_fvx_cannot_fetch_says_where_to_put_it(name: str, tmp_path: Path) -> None:
    layout = next(one for one in corpora.fvx_datasets() if one.name == name)
    with pytest.raises(DatasetError, match=r"cannot download it .* unpack it in"):
        download(layout, tmp_path)


def test_two_downloads_of_one_corpus_do_not_meet(server: Server, tmp_path: Path) -> None:
    server.files["itw.zip"] = Served(itw_zip(tmp_path))
    layout = corpus(server)
    refused = []

    def again(one: Progress) -> None:
        with pytest.raises(DatasetError, match="another download is at work"):
            fetch(layout, tmp_path / "d")
        refused.append(one)

    fetch(layout, tmp_path / "d", on_progress=again)
    assert refused


# Archives -----------------------------------------------------------------------------------------


def tar_of(members: dict[str, bytes], *more: tarfile.TarInfo) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
        for info in more:
            tar.addfile(info)
    return packed.getvalue()


def zip_of(members: dict[str, bytes], link: tuple[str, str] | None = None) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in members.items():
            made.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
        if link is not None:
            info = zipfile.ZipInfo(link[0])
            info.create_system = 3
            info.external_attr = (stat.S_IFLNK | 0o777) << 16
            made.writestr(info, link[1])
    return packed.getvalue()


def special(name: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


GOOD = {"a/good.wav": b"good"}
HOSTILE: dict[str, tuple[Callable[[Path], bytes], str]] = {
    "tar-dots": (lambda out: tar_of({**GOOD, "../evil": b"x"}), "leads out of the folder"),
    "tar-dots-inside": (lambda out: tar_of({**GOOD, "a/../../evil": b"x"}), "leads out"),
    "tar-absolute": (lambda out: tar_of({**GOOD, f"{out}/evil": b"x"}), "absolute path"),
    "tar-symlink-out": (
        lambda out: tar_of(GOOD, special("link", tarfile.SYMTYPE, "../..")), "leads out"
    ),
    "tar-symlink-absolute": (
        lambda out: tar_of(GOOD, special("link", tarfile.SYMTYPE, str(out))), "absolute path"
    ),
    "tar-hardlink-out": (
        lambda out: tar_of(GOOD, special("link", tarfile.LNKTYPE, "../evil")), "leads out"
    ),
    "tar-link-to-nothing": (
        lambda out: tar_of(GOOD, special("link", tarfile.SYMTYPE, "nothing")), "not in the archive"
    ),
    "tar-device": (
        lambda out: tar_of(GOOD, special("null", tarfile.CHRTYPE)), "neither a file nor a folder"
    ),
    "tar-pipe": (
        lambda out: tar_of(GOOD, special("pipe", tarfile.FIFOTYPE)), "neither a file nor a folder"
    ),
    "zip-dots": (lambda out: zip_of({**GOOD, "../evil": b"x"}), "leads out of the folder"),
    "zip-backslash": (lambda out: zip_of({**GOOD, "a\\..\\evil": b"x"}), "absolute path"),
    "zip-drive": (lambda out: zip_of({**GOOD, "C:/evil": b"x"}), "absolute path"),
    "zip-absolute": (lambda out: zip_of({**GOOD, f"{out}/evil": b"x"}), "absolute path"),
    "zip-symlink-out": (lambda out: zip_of(GOOD, ("link", "../../evil")), "leads out"),
    "zip-symlink-absolute": (lambda out: zip_of(GOOD, ("link", f"{out}/evil")), "absolute path"),
    "zip-bomb": (lambda out: zip_of({**GOOD, "big.wav": bytes(70 << 20)}), "unpacks to more than"),
    "tar-bomb": (lambda out: tar_of({**GOOD, "big.wav": bytes(70 << 20)}), "unpacks to more than"),
    "zip-cut": (lambda out: zip_of(GOOD)[:-30], "damaged"),
    "tar-cut": (lambda out: tar_of({"a": os.urandom(99_999)})[:-5000], "damaged"),
    "empty": (lambda out: b"", "damaged"),
    "no-archive": (lambda out: b"<html>Please log in</html>" * 100, "damaged"),
    "nothing-in-it": (lambda out: zip_of({}), "holds no files"),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_archive_leaves_nothing_behind(name: str, server: Server, tmp_path: Path) -> None:
    make, reason = HOSTILE[name]
    out = tmp_path / "outside"
    out.mkdir()
    file = "x.zip" if name.startswith("zip") else "x.tar.gz"
    server.files[file] = Served(make(out))
    before = sorted(path for path in tmp_path.rglob("*"))
    with pytest.raises(DatasetError, match=reason):
        fetch(corpus(server, file), tmp_path / "d")
    after = {path for path in tmp_path.rglob("*") if path not in before}
    left = {str(path.relative_to(tmp_path / "d")) for path in after if path != tmp_path / "d"}
    assert left == {"itw", f"itw/{ARCHIVES}", f"itw/{ARCHIVES}/{file}", f"itw/{RECORD}.lock"}


def test_a_link_inside_the_archive_becomes_the_file_it_means(tmp_path: Path) -> None:
    for name, content in (
        ("x.tar.gz", tar_of(GOOD, special("a/same.wav", tarfile.SYMTYPE, "good.wav"))),
        ("x.zip", zip_of(GOOD, ("b/same.wav", "../a/good.wav"))),
        ("y.tar.gz", tar_of(GOOD, special("hard.wav", tarfile.LNKTYPE, "a/good.wav"))),
    ):
        (tmp_path / name).write_bytes(content)
        assert unpack(tmp_path / name, tmp_path / "to") == 2
    for name in ("a/same.wav", "b/same.wav", "hard.wav"):
        assert (tmp_path / "to" / name).read_bytes() == b"good"
        assert not (tmp_path / "to" / name).is_symlink()


def test_nothing_is_unpacked_through_a_link_that_was_there(tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "to").mkdir()
    (tmp_path / "to/a").symlink_to(tmp_path / "outside")
    (tmp_path / "x.zip").write_bytes(zip_of(GOOD))
    with pytest.raises(DatasetError, match="a link out of"):
        unpack(tmp_path / "x.zip", tmp_path / "to")
    assert not any((tmp_path / "outside").iterdir())


def test_a_header_that_understates_a_size_lets_no_more_out(tmp_path: Path) -> None:
    content = bytearray(zip_of({"a.wav": bytes(1 << 20)}))
    for at in range(len(content) - 4):  # the size, in both headers
        if content[at : at + 4] == (1 << 20).to_bytes(4, "little"):
            content[at : at + 4] = (10).to_bytes(4, "little")
    (tmp_path / "x.zip").write_bytes(bytes(content))
    with pytest.raises(DatasetError, match="damaged"):
        unpack(tmp_path / "x.zip", tmp_path / "to")
    assert not (tmp_path / "to/a.wav").exists()


def test_permissions_are_not_taken_over(tmp_path: Path) -> None:
    info = tarfile.TarInfo("run.sh")
    info.mode = 0o4777
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        tar.addfile(info, io.BytesIO())
    (tmp_path / "x.tar").write_bytes(packed.getvalue())
    unpack(tmp_path / "x.tar", tmp_path / "to")
    mode = (tmp_path / "to/run.sh").stat().st_mode
    assert not mode & (stat.S_ISUID | stat.S_IXUSR)


# Verifying ----------------------------------------------------------------------------------------


def downloaded(server: Server, tmp_path: Path, **about: Any) -> tuple[Table, Path]:
    content = itw_zip(tmp_path)
    server.files["itw.zip"] = Served(content)
    if about.get("checksum") == "right":
        about["checksum"] = md5(content)
    layout = corpus(server, **about)
    return layout, fetch(layout, tmp_path / "d", keep_archives=True).folder


@pytest.mark.parametrize(("checksum", "word"), [("right", "as published"), ("", "as first seen")])
def test_a_whole_corpus_is_whole(checksum: str, word: str, server: Server, tmp_path: Path) -> None:
    layout, folder = downloaded(server, tmp_path, checksum=checksum)
    found = verify(layout.read(folder), layout)
    assert found.is_whole
    assert (found.n_bonafide, found.n_spoof, found.unreadable) == (1, 1, {})
    assert found.checksums == {"itw.zip": word}


def test_missing_damaged_and_changed_files_are_found(server: Server, tmp_path: Path) -> None:
    layout, folder = downloaded(server, tmp_path)
    (folder / "meta.csv").write_text((folder / "meta.csv").read_text() + "7.wav,X,spoof\n")
    (folder / "0.wav").write_bytes(b"RIFF")
    (folder / ARCHIVES / "itw.zip").write_bytes(b"another")
    found = verify(layout.read(folder), layout)
    assert not found.is_whole
    assert list(found.unreadable) == ["0.wav"]
    assert found.missing == ("7.wav",)
    assert found.checksums == {"itw.zip": "differs"}


def test_what_came_first_is_what_later_archives_are_compared_with(
    server: Server, tmp_path: Path
) -> None:
    _, folder = downloaded(server, tmp_path)
    record = json.loads((folder / RECORD).read_text())["itw.zip"]
    assert record["checksum"].startswith("sha256:")
    assert record["published"] is False


def test_archives_that_were_not_kept_are_no_fault(server: Server, tmp_path: Path) -> None:
    layout, folder = downloaded(server, tmp_path, checksum="right")
    (folder / ARCHIVES / "itw.zip").unlink()
    assert verify(layout.read(folder), layout).checksums == {"itw.zip": "not kept"}
    assert verify(layout.read(folder), layout).is_whole


@pytest.mark.parametrize("content", ["[]", "{", ""])
def test_a_damaged_note_of_what_has_come_is_refused(
    content: str, server: Server, tmp_path: Path
) -> None:
    layout, folder = downloaded(server, tmp_path)
    (folder / RECORD).write_text(content)
    with pytest.raises(DatasetError, match=r"\.json: (cannot be read|is no record)"):
        fetch(layout, tmp_path / "d")
