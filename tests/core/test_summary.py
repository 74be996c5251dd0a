"""The summary before a visit: one page whatever there is to say, the same bytes each time; who made it is known."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from care.domain.trend import Chart, Point
from care.records.audit_events import AuditEvent
from core.minis import mini
from core.summary import Sheet
from core.summary_pdf import pdf
from tests.conftest import NOON, require
from tests.dashboard.ward import Ward

LONG = "A very long sentence that says much more than anybody wants to read before a visit 血糖很低，请马上复查。 " * 12
CHART = Chart("29463-7", "Weight", "kg", tuple(Point(NOON, 70.0 + n, "", "", "") for n in range(3)))
SHORT = Sheet(
    "Demo", [("Born", "1950")], ["Why"], [], [("Weight 70 kg", "1 Mar")], ["a"], ["b"], ["c"], "d", [], "made"
)


def full() -> Sheet:
    more, drawn = "… and more", [mini(replace(CHART, title=LONG), LONG, NOON, NOON)] * 4
    rows = [(LONG, "22 November 2026, 12:00")] * 13
    facts = [(f"F{n}", LONG) for n in range(6)]
    beside = [LONG] * 3, [LONG] * 3 + [more], [LONG] * 4 + [more]
    return Sheet(LONG, facts, [LONG] * 4 + [more], drawn, rows, *beside, LONG, [LONG] * 2, LONG)


@pytest.mark.parametrize("language", ["en", "zh-Hans", "zh-Hant"])
def test_it_is_one_page_whatever_there_is_to_say_and_nothing_runs_off_it(app: Flask, language: str, tmp_path):
    with app.test_request_context():
        found = pdf(full(), language)
    assert found.count(b"/Type /Page\n") + found.count(b"/Type /Page ") == 1
    require(shutil.which("pdftotext"), "pdftotext (Debian's package poppler-utils) is not on this machine")
    (tmp_path / "long.pdf").write_bytes(found)
    words = subprocess.run(
        ["pdftotext", "-bbox", str(tmp_path / "long.pdf"), "-"], capture_output=True, text=True, check=True
    ).stdout
    ends = [float(line.partition('yMax="')[2].partition('"')[0]) for line in words.splitlines() if "<word" in line]
    sides = [float(line.partition('xMax="')[2].partition('"')[0]) for line in words.splitlines() if "<word" in line]
    starts = [float(line.partition('yMin="')[2].partition('"')[0]) for line in words.splitlines() if "<word" in line]
    assert max(sides) <= 595 - 30
    assert max(ends) < 842
    made = [start for start in starts if start > 842 - 42]
    assert made, "by whom it was made stands at the foot"
    assert words.count("Visits") == 1
    assert words.count(">very<") >= 6 + 8 + 4 + 13 + 6 + 4 + 2 + 6 + 2, "something was left out"


def test_the_same_summary_is_the_same_bytes(app: Flask):
    with app.test_request_context():
        assert pdf(SHORT, "en") == pdf(SHORT, "en")


def test_it_is_made_of_what_is_known_and_says_what_is_not(clinician: FlaskClient, ward: Ward):
    page = clinician.get(f"/core/patients/{ward.one.id}/summary").text
    for words in ("Demo Patient One", "Glucose very low", "Could I move my evening reminder", "by Test Clinician"):
        assert words in page
    assert "Unknown: Care does not record medicines." in page
    assert "As reviewed; none was set for this patient." in page


def test_nobody_keeps_the_file_its_name_says_nothing_and_who_made_it_is_known(clinician: FlaskClient, ward: Ward):
    answer = clinician.get(f"/core/patients/{ward.two.id}/summary.pdf")
    assert answer.data.startswith(b"%PDF-")
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Content-Disposition"] == "inline; filename=summary.pdf"
    made = ward.world.session.scalars(select(AuditEvent).where(AuditEvent.action == "patient.summary")).all()
    assert [(one.patient_id, one.detail) for one in made] == [(ward.two.id, {"form": "pdf"})]


def test_another_team_makes_none(stranger: FlaskClient, ward: Ward):
    for face in ("summary", "summary.pdf"):
        assert stranger.get(f"/core/patients/{ward.one.id}/{face}").status_code == 404
