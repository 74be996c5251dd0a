"""Moments on a page: the same one asked for twice, on two clocks."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from flask import Flask, g

from dashboard.moments import exact

MOMENT = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
YORK, HONG_KONG = ZoneInfo("America/New_York"), ZoneInfo("Asia/Hong_Kong")


def test_the_same_moment_is_told_on_each_clock_in_each_language():
    with Flask("care").app_context():
        for _ in range(2):
            g.page_language = "en"
            assert exact(MOMENT, YORK) == "Mon 2 Mar 2026, 07:00 EST"
            assert exact(MOMENT.astimezone(HONG_KONG), YORK) == "Mon 2 Mar 2026, 07:00 EST"
            assert exact(MOMENT, HONG_KONG) == "Mon 2 Mar 2026, 20:00 HKT"
            g.page_language = "zh-Hans"
            assert exact(MOMENT, HONG_KONG).startswith("2026年3月2日")
