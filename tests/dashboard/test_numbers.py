from __future__ import annotations

import csv
import io
from dataclasses import replace
from datetime import time, timedelta
from zoneinfo import ZoneInfo

import pytest
from flask.testing import FlaskClient

from care.domain.codes import Outcome, Priority
from care.domain.ladder import Rung, Whom, default_ladder
from care.domain.numbers import Tally, period
from care.domain.week import Hours
from care.records.numbers import Numbers, Scope, _allowed, _open, scope_of
from care.records.organizations import CareTeam
from care.records.silent import silent
from care.services import escalations
from dashboard.numbers import plain
from tests.dashboard.ward import Ward


def _asked(ward: Ward, language: str | None = None) -> Numbers:
    world = ward.world
    scope = Scope(world.clinic.organization.id, world.clinic.team.id, language)
    return Numbers(world.session, scope, period(world.now, ZoneInfo("America/New_York"), 4), "America/New_York")


def _lines(client: FlaskClient, address: str = "/numbers.csv") -> list[dict[str, str]]:
    answer = client.get(address)
    assert answer.status_code == 200
    assert answer.data.startswith(b"\xef\xbb\xbf")
    return list(csv.DictReader(io.StringIO(answer.data.decode("utf-8-sig"))))


def _closed(ward: Ward, outcome: Outcome) -> None:
    alert = ward.alert(ward.one)
    escalations.accept(ward.world.session, ward.world.rt, ward.world.clinic.nurse, alert.id)
    ward.world.clock.forward(minutes=3)
    escalations.complete(ward.world.session, ward.world.rt, ward.world.clinic.nurse, alert.id, outcome)


def test_the_page_answers_its_two_questions(nurse: FlaskClient, ward: Ward):
    page = nurse.get("/numbers").text
    assert "Are we keeping up, are the alerts right?" in page
    for heading in ("Week by week", "Which rules and models are right?", "At what hour does the work come?"):
        assert heading in page
    assert "Demo Patient" not in page


def test_each_figure_says_on_the_same_page_how_it_is_counted(nurse: FlaskClient, ward: Ward):
    page = nurse.get("/numbers").text
    for name in ("how-response", "how-look", "how-per", "how-right", "how-minutes"):
        assert f'href="#{name}"' in page
        assert f'id="{name}"' in page


def test_every_report_and_every_alert_is_counted_once(nurse: FlaskClient, ward: Ward):
    found = _asked(ward)
    cells = found.cells()
    assert sum(cell.tally.alerts for cell in cells) == len(ward.world.escalations())
    assert sum(one.tally.alerts for one in found.severities()) == len(ward.world.escalations())
    assert sum(hour.alerts for hour in found.hours()) == len(ward.world.escalations())
    assert sum(cell.tally.reports for cell in cells) >= 60


def test_an_outcome_decides_whether_its_rule_was_right(nurse: FlaskClient, ward: Ward):
    _closed(ward, Outcome.PHONED)
    rule = next(one for one in _asked(ward).origins() if one.tally.right)
    assert (rule.kind, rule.tally.precision.count, rule.tally.precision.of) == ("rule", 1, 1)
    assert rule.version
    assert rule.name in nurse.get("/numbers").text


def test_who_could_not_be_reached_is_shown_and_counts_neither_way(nurse: FlaskClient, ward: Ward):
    _closed(ward, Outcome.COULD_NOT_REACH)
    total = sum((cell.tally for cell in _asked(ward).cells()), Tally())
    assert (total.right, total.wrong, total.unclear) == (0, 0, 1)
    assert "1 closed without anybody knowing" in nurse.get("/numbers").text


def test_the_first_look_is_held_against_the_ladder_of_the_team_at_that_hour(ward: Ward):
    by_priority = {one.priority: one for one in _asked(ward).severities()}
    stat = by_priority["stat"]
    assert stat.shortest == stat.longest == timedelta(minutes=10)  # two pages of five minutes by the default ladder
    assert stat.median is None  # nobody has looked
    assert stat.tally.late + stat.tally.waiting == stat.tally.alerts
    ward.world.clock.forward(hours=9)
    late = {one.priority: one for one in _asked(ward).severities()}["stat"]
    assert (late.tally.late, late.tally.waiting) == (late.tally.alerts, 0)


def test_hours_outside_work_have_the_targets_of_outside_work(ward: Ward):
    plain_ladder = default_ladder()
    slower = {**plain_ladder.outside, Priority.STAT: (Rung(Whom.NURSE, timedelta(minutes=7)),)}
    ladder = replace(plain_ladder, outside=slower, hours=(Hours((0, 1), time(8), time(16)),))
    assert _allowed(ladder, Priority.STAT, True) == timedelta(minutes=10)
    assert _allowed(ladder, Priority.STAT, False) == timedelta(minutes=7)
    assert _open(ladder) == "{[480,960),[1920,2400)}"
    assert _open(plain_ladder) is None


def test_nurse_minutes_are_the_time_between_acts_and_a_pause_counts_for_one(ward: Ward):
    before = sum(cell.tally.seconds for cell in _asked(ward).cells())
    _closed(ward, Outcome.ACTED)  # three minutes from taking to closing, then nothing more
    ward.world.clock.forward(minutes=30)
    after = sum(cell.tally.seconds for cell in _asked(ward).cells())
    assert after - before == 3 * 60 + 60


def test_another_team_sees_nothing_of_it(stranger: FlaskClient, ward: Ward):
    assert {line["table"] for line in _lines(stranger)} == {"hour", "now"}
    page = stranger.get(f"/numbers?team={ward.world.clinic.team.id}").text
    assert "Nothing was asked, reported or raised in this time." in page


def test_an_administrator_sees_the_hospital_or_one_team_and_no_patient(admin: FlaskClient, ward: Ward):
    whole = _lines(admin)
    assert {line["team"] for line in whole if line["table"] == "cells"} == {"Team A"}
    assert "Team by team" in admin.get("/numbers").text
    assert {line["table"] for line in _lines(admin, f"/numbers.csv?team={ward.world.clinic.other_team.id}")} == {"hour"}
    assert "Demo Patient" not in admin.get("/numbers").text


@pytest.mark.parametrize("team", ["00000000-0000-0000-0000-000000000009", "nonsense", "%00"])
def test_a_team_of_nowhere_is_not_found(admin: FlaskClient, ward: Ward, team: str):
    assert admin.get(f"/numbers?team={team}").status_code == 404


def test_weeks_and_languages_that_do_not_exist_are_the_usual_ones(nurse: FlaskClient, ward: Ward):
    assert nurse.get("/numbers?weeks=999999999&language=tlh").status_code == 200
    assert nurse.get("/numbers?weeks=x").status_code == 200


def test_by_language_only_those_patients_count(ward: Ward):
    languages = {cell.language for cell in _asked(ward, "zh-Hant").cells()}
    assert languages == {"zh-Hant"}


def test_a_scope_is_ones_own_team_whatever_is_asked_for(ward: Ward):
    clinic = ward.world.clinic
    assert scope_of(clinic.nurse, ward.world.session, clinic.other_team.id, None).care_team_id == clinic.team.id


def test_no_cell_of_the_file_is_taken_for_a_formula(admin: FlaskClient, ward: Ward):
    for value in ("=1+1", "+1", "-1", "@x", "\tx", "\rx"):
        assert plain(value) == f"'{value}"
    assert (plain(None), plain(0.5), plain(3), plain("Team A")) == ("", "0.5000", "3", "Team A")
    team = ward.world.session.get_one(CareTeam, ward.world.clinic.team.id)
    team.name = "=HYPERLINK(1)"
    ward.world.session.commit()
    assert "'=HYPERLINK(1)" in {line["team"] for line in _lines(admin)}


def test_who_is_silent_now_is_counted_as_the_list_of_them_counts(nurse: FlaskClient, ward: Ward):
    ward.world.clock.forward(days=9)
    known = len(silent(ward.world.session, ward.world.clinic.nurse, ward.world.now))
    line = next(line for line in _lines(nurse) if line["measure"] == "silent-patients")
    assert line["count"] == str(known)
    assert "Silent patients, now" in nurse.get("/numbers").text
    assert "Silent patients, now" not in nurse.get("/numbers?language=en").text
