"""What is packed is unpacked within limits, and what is no text is said to be none."""

import bz2
import gzip
import tempfile
import zipfile
from pathlib import Path

import pyarrow as pa
import pytest

from adrec.errors import DataError
from adrec.reading import opened
from adrec.reading.opened import line_of, scan
from adrec.reading.rows import open_rows
from tests.adrec.reading.reading import read, written

TEXT = b"user,item\n1,2\n3,4\n"


def packed(folder: Path, suffix: str, text: bytes = TEXT) -> Path:
    path = folder / f"a.csv{suffix}"
    if suffix == ".zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("folder/a.csv", text)
            archive.writestr("__MACOSX/a.csv", b"")
        return path
    by = {".gz": gzip.compress, ".bz2": bz2.compress, ".zst": lambda data: pa.Codec("zstd").compress(data, asbytes=True)}
    return written(path, by[suffix](text))


@pytest.mark.parametrize("suffix", [".gz", ".bz2", ".zst", ".zip"])
def test_packed_files_are_read_and_leave_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    rows = open_rows(packed(tmp_path, suffix))
    assert rows.sample().to_pylist() == [{"user": "1", "item": "2"}, {"user": "3", "item": "4"}]
    assert rows.format == f"CSV, separated by ',', unpacked from {suffix}"
    assert list((tmp_path / "temporary").iterdir())
    del rows
    assert list((tmp_path / "temporary").iterdir()) == []


@pytest.mark.parametrize("suffix", [".gz", ".bz2", ".zst", ".zip"])
def test_what_unpacks_to_too_much_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str):
    monkeypatch.setattr(opened, "FREE_EXPANSION", 1000)
    monkeypatch.setattr(opened, "MOST_EXPANSION", 2)
    with pytest.raises(DataError, match="unpacks to more than"):
        open_rows(packed(tmp_path, suffix, TEXT * 1000))


@pytest.mark.parametrize("suffix", [".gz", ".bz2", ".zst", ".zip"])
def test_what_is_cut_short_is_refused(tmp_path: Path, suffix: str):
    path = packed(tmp_path, suffix)
    path.write_bytes(path.read_bytes()[:-6])
    with pytest.raises(DataError, match="damaged or cut short"):
        open_rows(path)


def test_a_zip_of_several_files_and_a_name_without_a_format_are_refused(tmp_path: Path):
    with zipfile.ZipFile(tmp_path / "two.zip", "w") as archive:
        archive.writestr("a.csv", TEXT)
        archive.writestr("b.csv", TEXT)
    with pytest.raises(DataError, match=r"must hold one file, but it holds 2 \('a.csv', 'b.csv'\)"):
        open_rows(tmp_path / "two.zip")
    with pytest.raises(DataError, match="unknown format"):
        open_rows(written(tmp_path / "a.gz", gzip.compress(TEXT)))
    with pytest.raises(DataError, match="empty once unpacked"):
        open_rows(written(tmp_path / "a.csv.gz", gzip.compress(b"")))


def test_a_packed_file_without_the_suffix_is_told(tmp_path: Path):
    with pytest.raises(DataError, match=r"is a compressed file: rename it so that it ends in \.gz"):
        open_rows(written(tmp_path / "a.csv", gzip.compress(TEXT)))


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "is empty"),
        (b"\xef\xbb\xbf", "nothing but empty lines"),
        (b"\n\r\n\n", "nothing but empty lines"),
        ("a,b\n1,2\n".encode("utf-16"), "is UTF-16 text; save it as UTF-8"),
        ("a,b\n1,2\n".encode("utf-16-le"), "is UTF-16 text; save it as UTF-8"),
        (b"a,b\n1,\0\n", "is a binary file, not text"),
        (b"a,b\n1,caf\xe9\n", "is not UTF-8 text; save it as UTF-8"),
        (b"a,b\n1,\xc3", "ends within a character of UTF-8"),
        (b"a,b\n1,x\ry\n2,z\n", "Line 2 of '.*' holds a carriage return inside"),
        (b"a,b\n1," + b"x" * (1 << 22), "a line of more than 4 MiB"),
    ],
)
def test_what_is_no_text_of_rows_is_refused_with_a_sentence(tmp_path: Path, data: bytes, sentence: str):
    with pytest.raises(DataError, match=sentence):
        open_rows(written(tmp_path / "a.csv", data))


def test_folders_and_missing_files_are_refused(tmp_path: Path):
    (tmp_path / "f.csv").mkdir()
    for name, sentence in (("f.csv", "is a folder"), ("g.csv", "There is no file"), ("\0.csv", "There is no file")):
        with pytest.raises(DataError, match=sentence):
            open_rows(tmp_path / name)


@pytest.mark.parametrize("chunk", [1, 2, 3, 1 << 20])
@pytest.mark.parametrize(
    ("data", "lines", "blank"),
    [
        (b"a\nb", 2, 0),
        (b"a\nb\n", 2, 0),
        (b"\na\n\nb\n\n", 5, 3),
        (b"\r\na\r\n\r\nb\r\n", 4, 2),
        (b"\ra\r\rb", 4, 2),
        (b"\xef\xbb\xbf\na\xc3\xa4\n", 2, 1),
    ],
)
def test_lines_are_counted_whatever_the_size_of_a_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chunk: int, data: bytes, lines: int, blank: int
):
    monkeypatch.setattr(opened, "CHUNK", max(chunk, 3) if data.startswith(b"\xef") else chunk)
    found = scan(written(tmp_path / "a", data))
    assert (found.lines, found.blank) == (lines, blank)


def test_the_line_of_a_text_is_found_across_reads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(opened, "CHUNK", 3)
    path = written(tmp_path / "a", "one\ntwo\nthree\nfour")
    assert [line_of(path, text) for text in (b"one", b"three\nf", b"four", b"five")] == [1, 3, 4, None]


@pytest.mark.parametrize("text", ["a,b\n1,2\r\n3,4\n", "a,b\r\n1,2\n3,4\r\n", "a,b\r1,2\r3,4", 'a,b\r\n"1",2\n3,4\r\n'])
def test_lines_that_end_in_other_ways_are_read(tmp_path: Path, text: str):
    assert read(written(tmp_path / "a.csv", text)) == [("1", "2"), ("3", "4")]
