"""Civil time by a table that clinicians can read; days that begin and end; a machine without zones."""

from __future__ import annotations

import csv
import sys
import zoneinfo
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from care.domain.civil import end_of_day, start_of_day, zone_of
from care.domain.plan import expand, read_plan
from care.errors import Invalid
from care.library import calendars
from tests.domain.plans import action, plan

TABLE = Path(__file__).parent.parent / "cases" / "civil.csv"
CASES = {row["case"]: row for row in csv.DictReader(TABLE.open(encoding="utf-8"))}
CODES = ("completion", "gap", "fold", "calendar", "holiday")


@pytest.mark.parametrize("case", CASES)
def test_the_table_holds(case: str) -> None:
    row = CASES[case]
    own = {name: row[name] for name in CODES if row[name]}
    asked = action("a", row["time"], days=1, expires_after=(int(row["window (hours)"]), "h"), **own)
    zone = {"time_zone": row["plan's zone"]} if row["plan's zone"] else {}
    read = read_plan(plan(asked, **zone), calendars())
    day = date.fromisoformat(row["day"])
    middle = datetime(day.year, day.month, day.day, tzinfo=UTC)
    found = expand(read, day, row["patient's zone"], middle - timedelta(days=3), middle + timedelta(days=20))
    if row["asked at"] == "not asked":
        assert found == []
        return
    (one,) = found
    assert one.nominal == datetime.fromisoformat(f"{row['day']}T{row['time']}"), "what it is called stays what it was"
    assert one.due_at == datetime.fromisoformat(row["asked at"])
    assert (one.opens_at or one.due_at) == datetime.fromisoformat(row["open from"])
    until = row["open until"]
    assert one.closes_at == (None if until == "ever" else datetime.fromisoformat(until))
    assert (one.closes_at or one.expires_at) == one.expires_at


@pytest.mark.parametrize(
    ("zone", "day", "begins", "ends"),
    [
        ("Asia/Shanghai", date(2026, 5, 1), "2026-05-01T00:00+08:00", "2026-05-02T00:00+08:00"),
        ("America/New_York", date(2026, 3, 8), "2026-03-08T00:00-05:00", "2026-03-09T00:00-04:00"),
        ("Africa/Cairo", date(2026, 4, 24), "2026-04-24T01:00+03:00", "2026-04-25T00:00+03:00"),
        ("America/Havana", date(2026, 11, 1), "2026-11-01T00:00-04:00", "2026-11-02T00:00-05:00"),
        ("America/Havana", date(2026, 10, 31), "2026-10-31T00:00-04:00", "2026-11-01T00:00-04:00"),
        ("America/St_Johns", date(2010, 11, 6), "2010-11-06T00:00-02:30", "2010-11-07T00:00-03:30"),
        ("Pacific/Apia", date(2011, 12, 29), "2011-12-29T00:00-10:00", "2011-12-31T00:00+14:00"),
    ],
)
def test_a_day_begins_and_ends_where_the_clocks_say(zone: str, day: date, begins: str, ends: str) -> None:
    assert start_of_day(day, zone_of(zone)) == datetime.fromisoformat(begins)
    assert end_of_day(day, zone_of(zone)) == datetime.fromisoformat(ends)


@pytest.fixture
def no_zones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine without a time zone database."""
    loaded = [name for name in sys.modules if name.partition(".")[0] == "tzdata"]  # by whoever asked before us
    for name in {"tzdata", *loaded}:
        monkeypatch.setitem(sys.modules, name, None)
    zoneinfo.reset_tzpath([str(tmp_path)])
    zoneinfo.ZoneInfo.clear_cache()
    yield
    zoneinfo.reset_tzpath()
    zoneinfo.ZoneInfo.clear_cache()


def test_a_machine_without_a_zone_database_says_so_and_blames_no_name(no_zones: None) -> None:
    with pytest.raises(Invalid) as refused:
        zone_of("Europe/London")
    assert refused.value.code == "no-zone-database"
