from __future__ import annotations

import codecs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from care.domain.cells import guarded, unguarded
from care.domain.cohort_sheet import COLUMNS, LARGEST, MOST_ROWS, REQUIRED, read_sheet, written_sheet
from care.errors import Invalid

HEADER = ",".join(COLUMNS)
ROW = {
    "name": "示範病人",
    "record_number": "0017",
    "birth_date": "01/02/1966",
    "language": "zh-Hant",
    "country": "HK",
    "time_zone": "Asia/Hong_Kong",
    "channel": "sms",
    "address": "+85255550101",
    "consent": "yes",
    "consent_source": "paper",
}


def line(**changes: str) -> str:
    return ",".join((ROW | changes).get(name, "") for name in COLUMNS)


def sheet(text: str, encoding: str = "utf-8", separator: str = ",") -> bytes:
    return text.replace(",", separator).encode(encoding)


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_a_file_is_read_as_text_however_it_was_saved(encoding: str, separator: str):
    found = read_sheet(sheet(f"{HEADER}\r\n{line()}\r\n", encoding, separator))
    assert found.separator == separator
    assert found.encoding == ("GB18030" if encoding == "gb18030" else "UTF-8")
    cells = found.lines[0].cells
    assert (cells["name"], cells["record_number"], cells["birth_date"]) == ("示範病人", "0017", "01/02/1966")
    assert found.lines[0].number == 2


def test_the_number_of_a_row_is_the_spreadsheets():
    found = read_sheet(sheet(f"\n{HEADER}\n{line()}\n\n,,,\n{line()}\n"))
    assert [one.number for one in found.lines] == [3, 6]


def test_headers_may_be_chinese_and_in_any_order():
    found = read_sheet("电话,姓名,病历号,语言,国家,时区,渠道,血糖单位,同意,同意方式\n1,2,3,4,5,6,7,8,8,9\n".encode())
    assert found.lines[0].cells["address"] == "1"
    assert found.lines[0].cells["consent_source"] == "9"
    assert found.lines[0].cells["starts_on"] == ""


@pytest.mark.parametrize(
    ("source", "code", "row"),
    [
        (b"", "not-a-table", None),
        (sheet(HEADER), "empty", None),
        (b"x" * (LARGEST + 1), "too-large", None),
        (codecs.BOM_UTF16_LE + HEADER.encode("utf-16-le"), "encoding", None),
        (b"\x00name,\x00", "encoding", None),
        (b"\xff\xfe\xff\xff\x80", "encoding", None),
        (b"a,b\n1,2\n", "not-a-table", None),
        (sheet(f"{HEADER},colour\n{line()},red"), "unknown-column", None),
        (sheet(f"{HEADER},name\n{line()},red"), "column-twice", None),
        (sheet("name,country\nA,US"), "missing-columns", None),
        (sheet(f"{HEADER}\n{line()},more"), "ragged", 2),
        (sheet(f"{HEADER}\n{line()}\n{line(name=chr(34) + 'open')}"), "quote", 3),
        (sheet(f"{HEADER}\n{line(name='x' * 501)}"), "too-long", 2),
        (sheet("\n".join([HEADER, *[line()] * (MOST_ROWS + 1)])), "too-many-rows", None),
    ],
)
def test_a_file_that_is_none_is_refused_with_its_reason(source: bytes, code: str, row: int | None):
    with pytest.raises(Invalid) as wrong:
        read_sheet(source)
    assert (wrong.value.code, wrong.value.detail["row"]) == (code, row)
    assert wrong.value.detail["place"] == "file"


@given(st.text())
def test_no_cell_that_we_write_is_a_formula_and_each_is_read_back(value: str):
    assert not guarded(value).startswith(("=", "+", "-", "@", "\t", "\r"))
    assert unguarded(guarded(value)) == value


cells = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=20).map(str.strip)


@given(st.lists(st.dictionaries(st.sampled_from(COLUMNS), cells), min_size=1, max_size=8))
def test_what_we_write_we_read(rows: list[dict[str, str]]):
    kept = [{name: row.get(name, "") for name in COLUMNS} | {"name": "A"} for row in rows]
    found = read_sheet(written_sheet([COLUMNS, *([row[name] for name in COLUMNS] for row in kept)]))
    assert [dict(one.cells) for one in found.lines] == kept


def test_what_must_be_there_is_part_of_the_template():
    assert set(COLUMNS) >= REQUIRED
