"""A cohort's sheet: a CSV file as somebody's spreadsheet wrote it, read as text and nothing else. Pure.

Everything stays as it was typed: a record number keeps its zeros, and nothing is ever taken for a date. pandas would
read most of this too, but it drops the rows behind a quote that nobody closed without a word.
"""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from care.domain.cells import guarded, unguarded
from care.errors import Invalid

LARGEST = 1024 * 1024  # bytes
MOST_ROWS = 2000
COLUMNS = (
    "name",
    "birth_date",
    "sex",
    "record_number",
    "language",
    "country",
    "time_zone",
    "channel",
    "address",
    "label",
    "glucose_unit",
    "consent",
    "consent_source",
    "consent_asked_on",
    "protocol",
    "starts_on",
)
OPTIONAL = frozenset({"birth_date", "sex", "label", "consent_asked_on", "protocol", "starts_on"})
REMARKS = ("row", "what_is_wrong")  # columns that our own file of faults adds: it may be mended and brought again
REQUIRED = frozenset(COLUMNS) - OPTIONAL
_CHINESE = {
    "姓名": "name",
    "出生日期": "birth_date",
    "性别": "sex",
    "性別": "sex",
    "病历号": "record_number",
    "病歷號": "record_number",
    "语言": "language",
    "語言": "language",
    "国家": "country",
    "國家": "country",
    "时区": "time_zone",
    "時區": "time_zone",
    "渠道": "channel",
    "电话": "address",
    "電話": "address",
    "称呼": "label",
    "稱呼": "label",
    "血糖单位": "glucose_unit",
    "血糖單位": "glucose_unit",
    "同意": "consent",
    "同意方式": "consent_source",
    "征询日期": "consent_asked_on",
    "徵詢日期": "consent_asked_on",
    "方案": "protocol",
    "开始日期": "starts_on",
    "開始日期": "starts_on",
}
_SEPARATORS = ",;\t"
_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_LONGEST_CELL = 500


@dataclass(frozen=True, slots=True)
class Line:
    """One row of the sheet by column; `number` is the row's in the spreadsheet, whose header is its first."""

    number: int
    cells: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Sheet:
    """The rows that hold something, with how the file was written."""

    encoding: str
    separator: str
    lines: tuple[Line, ...]


def read_sheet(source: bytes) -> Sheet:
    """The sheet in these bytes: UTF-8, with or without a mark, or GB18030; commas, semicolons or tabs.

    Raises Invalid with `place` "file", and `row` where one is at fault: too-large, encoding, empty, not-a-table,
    missing-columns, unknown-column, column-twice, ragged, quote, too-many-rows, control-character, too-long.
    """
    if len(source) > LARGEST:
        raise _wrong("too-large", "the file is larger than a megabyte")
    text, encoding = _decoded(source)
    rows, separator = _rows(text)
    number = next((at for at, row in enumerate(rows) if any(cell.strip() for cell in row)), None)
    if number is None:
        raise _wrong("empty", "the file is empty")
    columns = _columns(rows[number])
    lines = tuple(
        Line(at, _cells(row, columns, at))
        for at, row in enumerate(rows[number + 1 :], start=number + 2)
        if any(cell.strip() for cell in row)
    )
    if not lines:
        raise _wrong("empty", "the file has a header and no patient")
    if len(lines) > MOST_ROWS:
        raise _wrong("too-many-rows", f"a file holds at most {MOST_ROWS} patients; divide it")
    return Sheet(encoding, separator, lines)


def written_sheet(rows: Iterable[Sequence[str]]) -> bytes:
    """Rows as a CSV file that every spreadsheet opens with its characters right; no cell is a formula."""
    kept = io.StringIO()
    csv.writer(kept, lineterminator="\r\n").writerows([guarded(cell) for cell in row] for row in rows)
    return codecs.BOM_UTF8 + kept.getvalue().encode()


def _decoded(source: bytes) -> tuple[str, str]:
    if source.startswith(_UTF_16):
        raise _wrong("encoding", "the file is UTF-16; save it as CSV in UTF-8")
    for name in ("utf-8-sig", "gb18030"):
        try:
            text = source.decode(name)
        except UnicodeDecodeError:
            continue
        if "\x00" in text:
            break
        return text, "UTF-8" if name == "utf-8-sig" else "GB18030"
    raise _wrong("encoding", "the file is no text in UTF-8 or GB18030; save it as CSV in UTF-8")


def _rows(text: str) -> tuple[list[list[str]], str]:
    """The rows, by the separator that gives the most columns we know."""
    header = next((line for line in text.splitlines() if line.strip(_SEPARATORS + ' "')), "")
    known = {one: sum(_name(cell) in COLUMNS for cell in _split(header, one)) for one in _SEPARATORS}
    separator = max(known, key=lambda one: known[one])
    if not known[separator]:
        raise _wrong("not-a-table", "the first row names no column of the template")
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    rows: list[list[str]] = []
    try:
        rows.extend(reader)
    except csv.Error:
        raise _wrong("quote", "a quotation mark is not closed, or stands inside a cell", len(rows) + 1) from None
    return rows, separator


def _split(header: str, separator: str) -> list[str]:
    return next(csv.reader([header], delimiter=separator), [])


def _name(cell: str) -> str:
    plain = cell.strip().casefold()
    return _CHINESE.get(plain, plain.replace(" ", "_").replace("-", "_"))


def _columns(header: Sequence[str]) -> list[str]:
    cells = list(header)
    while cells and not cells[-1].strip():
        cells.pop()
    columns = [_name(cell) for cell in cells]
    for cell, name in zip(cells, columns, strict=True):
        if name not in (*COLUMNS, *REMARKS):
            raise _wrong("unknown-column", "the header names a column that the template has not", column=cell[:60])
        if columns.count(name) > 1:
            raise _wrong("column-twice", "a column is named twice", column=name)
    missing = sorted(REQUIRED - set(columns))
    if missing:
        raise _wrong("missing-columns", "columns are missing", column=", ".join(missing))
    return columns


def _cells(row: Sequence[str], columns: Sequence[str], number: int) -> dict[str, str]:
    if any(cell.strip() for cell in row[len(columns) :]):
        raise _wrong("ragged", "a row has more cells than the header", number)
    cells = {name: unguarded(cell.strip()) for name, cell in zip(columns, row, strict=False)}
    for name, value in cells.items():
        if len(value) > _LONGEST_CELL:
            raise _wrong("too-long", f"a cell holds at most {_LONGEST_CELL} characters", number, name)
    return {name: cells.get(name, "") for name in COLUMNS}


def _wrong(code: str, message: str, row: int | None = None, column: str = "") -> Invalid:
    return Invalid(code, message, place="file", row=row, column=column)
