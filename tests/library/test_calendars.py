"""The calendars of the library: known holidays are in them, and each says where it has them from."""

from __future__ import annotations

from datetime import date

import pytest

from care.domain.codes import LANGUAGES
from care.library import calendars
from care.library.files import documents


def test_each_calendar_names_its_official_source_and_has_a_title_in_every_language() -> None:
    for path, document in documents("calendars"):
        assert document["id"] == path.stem
        assert document["source"]["url"].startswith("https://")
        assert set(calendars()[path.stem].title) == set(LANGUAGES)


@pytest.mark.parametrize(
    ("calendar", "day", "next_working"),
    [
        ("us-federal", date(2026, 1, 19), date(2026, 1, 20)),
        ("us-federal", date(2026, 5, 25), date(2026, 5, 26)),
        ("us-federal", date(2026, 11, 26), date(2026, 11, 27)),
        ("us-federal", date(2026, 7, 3), date(2026, 7, 6)),
        ("us-federal", date(2026, 7, 4), date(2026, 7, 6)),
        ("us-federal", date(2021, 12, 31), date(2022, 1, 3)),
        ("us-federal", date(2022, 6, 20), date(2022, 6, 21)),
        ("cn-public", date(2024, 2, 17), date(2024, 2, 18)),
        ("cn-public", date(2025, 10, 1), date(2025, 10, 9)),
        ("cn-public", date(2026, 2, 15), date(2026, 2, 24)),
        ("cn-public", date(2026, 1, 2), date(2026, 1, 4)),
    ],
)
def test_a_known_holiday_is_in_its_calendar(calendar: str, day: date, next_working: date) -> None:
    assert calendars()[calendar].moves[day] == next_working


@pytest.mark.parametrize(
    ("calendar", "day"),
    [
        ("us-federal", date(2020, 6, 19)),  # Juneteenth is one since 2021
        ("us-federal", date(2026, 11, 27)),
        ("cn-public", date(2026, 2, 14)),
        ("cn-public", date(2025, 10, 11)),
    ],
)
def test_a_day_on_which_people_work_is_in_none(calendar: str, day: date) -> None:
    assert day not in calendars()[calendar].moves


def test_a_year_has_as_many_days_off_as_were_announced() -> None:
    per_year = {year: sum(day.year == year for day in calendars()["cn-public"].moves) for year in (2024, 2025, 2026)}
    assert per_year == {2024: 28, 2025: 28, 2026: 33}
