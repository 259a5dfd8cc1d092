"""People's files of interactions, items and histories that are made to do harm: nothing is written elsewhere, waited for or executed."""

import gzip
import io
import os
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from adrec.data.item_files import read_items
from adrec.data.readers import read_dataset
from adrec.errors import DataError, printable
from adrec.explain.recommending import read_histories

ROWS = "user,item,time\n" + "".join(f"u{i % 9},i{i % 7},{i}\n" for i in range(60))
READERS = [read_dataset, read_items, read_histories]


def zipped(name: str, data: str) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, data)
    return stream.getvalue()


@pytest.mark.parametrize("member", ["../../evil.csv", "/evil.csv", "C:\\evil.csv", "a/../../evil.csv"])
@pytest.mark.parametrize("read", READERS)
def test_a_member_of_an_archive_is_written_nowhere_by_its_name(tmp_path: Path, read: Callable[[Path], object], member: str) -> None:
    folder = tmp_path / "a" / "b"
    folder.mkdir(parents=True)
    (folder / "x.zip").write_bytes(zipped(member, ROWS))
    read(folder / "x.zip")
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [folder / "x.zip"] and not Path("/evil.csv").exists()


REFUSED = {
    "bomb.zip": (zipped("a.csv", "1,1,1\n" * 4_000_000), "unpacks to more than"),
    "twice.csv.gz.gz": (gzip.compress(gzip.compress(ROWS.encode())), "unknown format|not UTF-8"),
    "deep.jsonl": (b"[" * 200_000 + b"]" * 200_000, "not an object"),
    "deep.json": (b"[" * 200_000, "not one whole JSON object"),
    "digits.jsonl": (b"\n".join(b'{"user": 1, "item": %s, "time": %d}' % (b"9" * 5000, i) for i in range(5)), "at most 512 characters"),
    "escapes.csv": (ROWS.replace("user,item,time", "\x1b[31ma,\x1b]0;x\x07b,\u202ec").encode(), r"\?\[31ma"),
}


@pytest.mark.parametrize("read", READERS)
@pytest.mark.parametrize("name", REFUSED)
def test_bombs_depth_and_digits_without_end_are_one_sentence(tmp_path: Path, read: Callable[[Path], object], name: str) -> None:
    data, says = REFUSED[name]
    (tmp_path / name).write_bytes(data)
    with pytest.raises(DataError, match=says) as error:
        read(tmp_path / name)
    assert printable(str(error.value)) == str(error.value)


@pytest.mark.parametrize("read", READERS)
def test_links_to_devices_and_pipes_are_not_waited_for(tmp_path: Path, read: Callable[[Path], object]) -> None:
    (tmp_path / "zero.csv").symlink_to("/dev/zero")
    (tmp_path / "loop.csv").symlink_to(tmp_path / "loop.csv")
    os.mkfifo(tmp_path / "pipe.csv")
    for name in ("zero.csv", "loop.csv", "pipe.csv"):
        with pytest.raises(DataError, match="not a regular file|no file"):
            read(tmp_path / name)
