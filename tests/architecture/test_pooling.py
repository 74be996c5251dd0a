"""A pooler that lends a connection for one transaction (PgBouncer) must be able to stand before the database."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PARTS = ("care", "care_api", "bots", "scheduler", "dashboard", "core")
# What stays on a connection after its transaction has ended: the next borrower would have it.
LASTING = re.compile(
    r"pg_(try_)?advisory_(lock|unlock)|\bLISTEN \w|\bSET SESSION\b|\bCREATE TEMP|\bWITH HOLD\b"
    r"|set_config\([^)]*, *false\)"
)


@pytest.mark.parametrize("words", ["SELECT pg_advisory_lock(1)", "LISTEN due", "CREATE TEMPORARY TABLE t (n int)"])
def test_the_search_finds_what_lasts(words: str):
    assert LASTING.search(words)


def test_nothing_in_a_session_outlasts_its_transaction():
    found = [
        f"{path.relative_to(ROOT)}: {match.group()}"
        for part in PARTS
        for path in sorted((ROOT / part).rglob("*.py"))
        for match in LASTING.finditer(path.read_text(encoding="utf-8"))
    ]
    assert found == []
