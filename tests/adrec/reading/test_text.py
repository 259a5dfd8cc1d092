"""The dialect of a text: separator, header and quotation marks, from the values; what is unclear is asked."""

import time
from pathlib import Path

import pytest

from adrec.errors import DataError
from adrec.reading.account import Doubt
from adrec.reading.rows import open_rows
from tests.adrec.reading.reading import names, read, values, written

# -- the first line ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "user,item,time\n1,2,3\n",
        "user,item\nu1,i1\nu2,i1\n",
        ",x,y\n0,0.5,1.5\n1,2.5,3.5\n",
        "item,0,1,2\n7,0.5,1.5,2.5\n",
        "0,1,2\n0.5,1.5,2.5\n3.5,4.5,5.5\n",
        "genre,title\ncomedy,Airplane\ncomedy,Big\n",
        "kunde,artikel\nk-1,a-1\nk-2,a-7\n",
        "kunde,alter\nanna,#N/A\nben,31\n",
    ],
)
def test_a_first_line_unlike_the_values_names_the_columns(tmp_path: Path, text: str):
    first = text.split("\n")[0].split(",")
    assert names(written(tmp_path / "a.csv", text)) == [name or "column1" for name in first]


@pytest.mark.parametrize(
    "text",
    [
        "1,2,3\n4,5,6\n",
        "u1,i9\nu2,i8\nu1,i3\n",
        "A2CX7LUOHB2NDG,0321732944,5.0,1341100800\nA2NWSAGRHCP8N5,0439886341,1.0,1367193600\n",
        "196,kept,3\n186,kept,5\n22,left,1\n",
        "the,0.5,1\nof,0.25,2\n",
    ],
)
def test_a_first_line_like_the_values_is_the_first_row(tmp_path: Path, text: str):
    rows = [tuple(line.split(",")) for line in text.splitlines()]
    with open_rows(written(tmp_path / "a.csv", text)) as found:
        assert found.names == [f"column{i + 1}" for i in range(len(rows[0]))]
        assert "The file has no header line; its first line is a row, and the columns are called column1" in found.account.notes[0]
    assert read(tmp_path / "a.csv") == rows


@pytest.mark.parametrize(
    "text", ["anna,bern\nben,ulm\ncarla,rom\n", "2019,kunde\n5,a1\n6,b2\n7,c3\n", "0,1\n2,3\n", "7,8\n", "NULL,2,x5\n1,2,3\n4,5,6\n"]
)
def test_an_unclear_first_line_is_asked_about(tmp_path: Path, text: str):
    path = written(tmp_path / "a.csv", text)
    with pytest.raises(Doubt, match="looks like data .*: say header=none .* or header=first") as doubt:
        open_rows(path)
    assert (doubt.value.option, [value for value, _ in doubt.value.candidates]) == ("header", ["none", "first"])
    rows = [tuple(line.split(",")) for line in text.splitlines()]
    assert read(path, header="none") == rows
    assert (read(path, header="first"), tuple(names(path, header="first"))) == (rows[1:], rows[0])


def test_a_wrong_value_of_an_option_is_named(tmp_path: Path):
    path = written(tmp_path / "a.csv", "a,b\n1,2\n")
    for option, value in (("header", "yes"), ("quotes", "single"), ("separator", "a longer one")):
        with pytest.raises(DataError, match=f"The option {option} must be"):
            if option == "quotes":
                written(path, 'a,b\n"1",2\n')
            open_rows(path, **{option: value})


def test_column_names_must_differ_and_empty_ones_are_numbered(tmp_path: Path):
    with pytest.raises(DataError, match="has 2 columns named 'a'"):
        open_rows(written(tmp_path / "a.csv", "a, a,b\n1,2,3\n"))
    assert names(written(tmp_path / "b.csv", ",title,\n1,x,\n2,y,\n")) == ["column1", "title", "column3"]


# -- separators -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "text", "form"),
    [
        ("a.csv", "u,t\n1,x y\n2,z|w\n", "CSV, separated by ','"),
        ("a.csv", "u|t\n1|x y\n2|z\n", "CSV, separated by '|'"),
        ("a.csv", "u;t\n1;2,5\n2;3,5\n", "CSV, separated by ';'"),
        ("a.txt", "u\tt\n1\tx y\n2\tz w\n", "text, separated by tabs"),
        ("a.dat", "1::Heat (1995)::x|y\n2::Jumanji (1995)::z\n", "text, separated by '::'"),
        ("a.txt", "1 2 3\n4 5 6\n", "text, separated by blanks"),
        ("a.txt", " 1  2\t3 \n4 5 6\n", "text, separated by blanks"),
        ("a.tsv", "title\nA, b\nC d\n", "TSV of one column"),
    ],
)
def test_the_separator_is_the_one_that_fits_every_line(tmp_path: Path, name: str, text: str, form: str):
    with open_rows(written(tmp_path / name, text)) as rows:
        assert rows.format == form


def test_several_fitting_separators_are_asked_about(tmp_path: Path):
    path = written(tmp_path / "a.csv", "1;2,5\n2;3,5\n3;4,5\n")
    with pytest.raises(Doubt, match="taken apart in several ways: say separator=, .* or separator=; ") as doubt:
        open_rows(path)
    assert doubt.value.candidates[1] == (";", "2 columns separated by ';'")
    assert read(path, separator=";") == [("1", "2,5"), ("2", "3,5"), ("3", "4,5")]


@pytest.mark.parametrize(
    ("name", "text", "line"),
    [("a.csv", "a,b\n1,2\n3,4,5\n", 3), ("a.csv", "a,b\n1\n", 2), ("a.tsv", "a\tb\n1\t2\n3\n", 3), ("a.csv", 'a,b\n"1\n2",3\n4\n', 4)],
)
def test_a_ragged_row_is_refused_with_its_line(tmp_path: Path, name: str, text: str, line: int):
    with pytest.raises(
        DataError, match=rf"Line {line} of '.*' has (more values than the first line, which|1 value, but the first line) has 2"
    ):
        read(written(tmp_path / name, text))


@pytest.mark.parametrize("name", ["a.txt", "a.csv"])
def test_a_first_line_with_a_name_too_few_is_told(tmp_path: Path, name: str):
    with pytest.raises(DataError, match="Every line of '.*' has one value more than the first: a name is missing there.*row.names=FALSE"):
        open_rows(written(tmp_path / name, '"V1" "V2"\n"i 1" 0.1 0.2\n"i 2" 0.3 0.4\n'))


def test_enclosed_values_separated_by_blanks_in_a_csv_are_asked_about(tmp_path: Path):
    path = written(tmp_path / "a.csv", '"user" "item" "rating"\n"u1" "i 1" 3\n"u2" "i 2" 4\n')
    with pytest.raises(Doubt, match="enclosed by quotation marks and separated by blanks: say separator=blank"):
        read(path)
    assert read(path, separator="blank") == [("u1", "i 1", "3"), ("u2", "i 2", "4")]


def test_a_separator_at_the_end_of_every_line_but_the_first_is_no_value(tmp_path: Path):
    assert read(written(tmp_path / "a.csv", "a,b\n1,2,\n3,4,\n")) == [("1", "2"), ("3", "4")]


@pytest.mark.parametrize(("name", "separator"), [("a.tsv", "\t"), ("a.dat", "::"), ("a.txt", " "), ("a.csv", ",")])
def test_a_separator_within_quotation_marks_in_every_line_is_no_value_more(tmp_path: Path, name: str, separator: str):
    lines = ["user,item,note", *(f'{user},x,"a,b"' for user in (1, 2, 3))]
    with open_rows(written(tmp_path / name, "\n".join(lines).replace(",", separator))) as rows:
        assert [row[-1] for row in values(rows)] == [f"a{separator}b"] * 3


def test_a_ragged_row_between_loose_blanks_is_refused(tmp_path: Path):
    with pytest.raises(DataError, match="Row 3 of '.*' has 1 value, but the first line has 2"):
        read(written(tmp_path / "a.txt", "a  0.5\nb 1.5\nc\n"))


def test_recboles_names_carry_their_types(tmp_path: Path):
    with open_rows(written(tmp_path / "a.item", "item_id:token\tclass:token_seq\n1\tAction Comedy\n")) as rows:
        assert (rows.names, rows.lists, rows.format) == (["item_id", "class"], {"class": " "}, "RecBole's atomic file, separated by tabs")
    with pytest.raises(DataError, match="lacks its type"):
        open_rows(written(tmp_path / "b.inter", "user_id\titem_id\n1\t2\n"))


# -- a file that was cut short ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "text", "lacks"),
    [
        ("a.csv", "u,i,t\n1,2,3\n4,5,6\n7,8", "has no line end and 2 values of 3"),
        ("a.csv", 'u,i,t\n1,2,"a\nb"\n4,5,6\n7,"8', "has no line end and a quotation mark too few"),
        ("a.csv", "u,i,t\n1,2,3\n4,5,6\n7,8,é", "ends within a character of UTF-8"),
        ("a.csv", "u,i,t\r\n1,2,3\r\n4,5,6\r\n7,8,9\r", "has half of a line end"),
        ("a.tsv", "u\ti\tt\n1\t2\t3\n4\t5\t6\n7\t8", "has no line end and 2 values of 3"),
        ("a.txt", "u i  t\n1 2 3.5\n4 5 6.5\n7 8", "has no line end and 2 values of 3"),
        ("a.inter", "u:token\ti:token\tt:float\n1\t2\t3\n4\t5\t6\n7", "has no line end and 1 value of 3"),
    ],
)
def test_a_last_line_cut_short_is_asked_about_and_counted_if_left_out(tmp_path: Path, name: str, text: str, lacks: str):
    data = text.encode()
    path = written(tmp_path / name, data[:-1] if data.endswith("é".encode()) else data)
    with pytest.raises(Doubt, match=rf"Line \d of '.*', the last one, {lacks}: .* say cut=drop \(the last line is left out\)") as doubt:
        open_rows(path)
    assert (doubt.value.option, doubt.value.candidates[0][0]) == ("cut", "drop")
    with open_rows(path, cut="drop") as rows:
        assert len(values(rows)) == 2
        assert (rows.account.lines["rows"], rows.account.lines["cut"], rows.account.rows) == (2, 1, 2)


def test_a_last_line_without_line_end_is_read_if_it_is_whole(tmp_path: Path):
    for how in ({}, {"cut": "drop"}):
        assert len(read(written(tmp_path / "a.csv", "u,i\n1,2\n3,4"), **how)) == 2
        assert len(read(written(tmp_path / "b.csv", 'u,t\n1,"a\nb"'), **how)) == 1
        assert len(read(written(tmp_path / "c.tsv", "u\tt\n1\ta\n2\t"), **how)) == 2
    with pytest.raises(DataError, match="Line 3 of '.*' has 1 value, but the first line has 2"):
        open_rows(written(tmp_path / "d.csv", "u,i\n1,2\n3\n"), cut="drop")


def test_rows_of_which_one_is_short_are_no_users_with_their_items(tmp_path: Path):
    lines = [f"{i} {i + 100} 5" for i in range(30)]
    path = written(tmp_path / "a.txt", "\n".join([*lines, "30 130"]))
    with pytest.raises(Doubt, match="30 of the first 31 lines of '.*' have 3 values, the others not: say layout=columns .* layout=lists"):
        open_rows(path)
    with pytest.raises(Doubt, match="cut=drop"):
        open_rows(path, layout="columns", header="none")
    assert len(read(path, layout="columns", header="none", cut="drop")) == 30
    assert len(read(path, layout="lists")) == 61


# -- quotation marks --------------------------------------------------------------------------------------------------


def test_quotation_marks_in_csv_enclose_values(tmp_path: Path):
    text = 'u,t\n1,"a,""b"""\n2,"c\nd"\n3,7" vinyl\n'
    assert read(written(tmp_path / "a.csv", text)) == [("1", 'a,"b"'), ("2", "c\nd"), ("3", '7" vinyl')]


def test_quotation_marks_between_tabs_are_characters(tmp_path: Path):
    assert read(written(tmp_path / "a.tsv", 'u\tt\n1\t"a\n2\tb"\n3\t"Heroes"\n4\t"\n')) == [
        ("1", '"a'),
        ("2", 'b"'),
        ("3", '"Heroes"'),
        ("4", '"'),
    ]


@pytest.mark.parametrize(
    "text", ['u\tt\n1\t"a""b"\n2\tc\n', 'u\tt\n1\t"a\tb"\n2\tc\n', '"u"\t"t"\n1\t"a"\n2\tc\n', 'u\tt\n1\t"a"\n2\t"c"\n']
)
def test_quotation_marks_between_tabs_enclose_values_where_a_program_wrote_them_so(tmp_path: Path, text: str):
    with open_rows(written(tmp_path / "a.tsv", text)) as rows:
        assert "quotes=double" in rows.account.notes[0]
    assert read(tmp_path / "a.tsv")[1] == ("2", "c")
    assert '"' not in read(tmp_path / "a.tsv")[0][1].replace('a"b', "")


def test_quotation_marks_around_some_values_between_tabs_are_asked_about(tmp_path: Path):
    path = written(tmp_path / "a.tsv", 'u\tt\n1\t"Heroes"\n2\tLow\n')
    with pytest.raises(Doubt, match="Some values in '.*' begin and end with a quotation mark"):
        open_rows(path)
    assert (read(path, quotes="none")[0], read(path, quotes="double")[0]) == (("1", '"Heroes"'), ("1", "Heroes"))


def test_an_open_quotation_mark_is_refused_with_its_line_and_the_option(tmp_path: Path):
    path = written(tmp_path / "a.csv", 'u,i,t\n1,2,x\n3,"4,y\n5,6,z\n')
    with pytest.raises(Doubt, match=r"line 3 of '.*' a quotation mark opens .*quotes=none") as doubt:
        open_rows(path)
    assert [value for value, _ in doubt.value.candidates] == ["none"]
    assert read(path, quotes="none") == [("1", "2", "x"), ("3", '"4', "y"), ("5", "6", "z")]


def test_rows_that_two_quotation_marks_would_hide_are_asked_about(tmp_path: Path):
    path = written(tmp_path / "a.csv", 'u,t,n\n1,a,2\n2,"b,3\n3,c,4\n4,d",5\n')
    with pytest.raises(Doubt, match="line 3 of '.*' encloses line breaks, and every line would be a row in itself"):
        open_rows(path)
    assert len(read(path, quotes="none")) == 4
    assert len(read(path, quotes="double")) == 2


def test_backslashes_before_quotation_marks_are_told(tmp_path: Path):
    with open_rows(written(tmp_path / "a.csv", 'u,t\n1,"a \\"b\\", c"\n2,"d\\\\"\n')) as rows:
        assert "quotes=backslash" in rows.account.notes[0]
    assert read(tmp_path / "a.csv") == [("1", 'a "b", c'), ("2", "d\\")]


def test_backslashes_that_escape_nothing_are_no_escapes(tmp_path: Path):
    assert read(written(tmp_path / "a.csv", 'u,t\n1,"C:\\new"\n2,\\N\n')) == [("1", "C:\\new"), ("2", "\\N")]
    with pytest.raises(Doubt):
        open_rows(written(tmp_path / "b.csv", 'u,t\n1,"C:\\new \\"x\\""\n'))


WIDE = 1200
"""More columns than an expression may have parts in the engine."""


def _wide(path: Path, separator: str, *titles: str) -> Path:
    rows = [["t", *(f"e{i}" for i in range(WIDE))], *([title, *(f"0.{i}" for i in range(WIDE))] for title in titles)]
    return written(path, "".join(separator.join(row) + "\n" for row in rows))


def test_many_columns_with_quotation_marks_are_read(tmp_path: Path):
    assert [row[0] for row in read(_wide(tmp_path / "a.csv", ",", '"a, b"', '"c\nd"'))] == ["a, b", "c\nd"]
    assert [row[0] for row in read(_wide(tmp_path / "a.tsv", "\t", '"a ""b"""', '"c"'))] == ['a "b"', "c"]
    with pytest.raises(Doubt, match="line 3 of '.*' encloses line breaks, and every line would be a row in itself"):
        read(_wide(tmp_path / "b.csv", ",", "a", '"b', "c", 'd"'))


def test_many_columns_with_quotation_marks_cost_little(tmp_path: Path):
    path = _wide(tmp_path / "a.csv", ",", *(f'"a,\n{i}"' for i in range(20)))
    begun = time.process_time()
    assert len(read(path)) == 20
    assert time.process_time() - begun < 3, "CPU seconds; one query a column took minutes"
