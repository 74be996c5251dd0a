"""A team's ladder and rota on a page, without a script; what is refused is said in words and nothing typed is lost."""

from __future__ import annotations

import re
from html import unescape

from flask.testing import FlaskClient

from care.domain.ladder import default_ladder, read_ladder
from care.domain.rota import read_shifts
from care.records.ladders import newest_ladders, newest_rotas
from care.records.practitioners import Practitioner
from tests.dashboard.ward import Ward


def sent(page: str, which: str) -> dict[str, str]:
    """What a browser sends of one of the page's forms when nothing is changed."""
    form = re.search(rf'<form method="post" action="[^"]*/{which}".*?</form>', page, re.DOTALL)
    assert form
    found: dict[str, str] = {}
    for field in re.findall(r"<input[^>]*>", form.group()):
        name, value = re.search(r'name="([^"]*)"', field), re.search(r'value="([^"]*)"', field)
        if name and ("checkbox" not in field or " checked" in field):
            found[name.group(1)] = unescape(value.group(1)) if value else "on"
    for name, options in re.findall(r'<select id="[^"]*" name="([^"]*)">(.*?)</select>', form.group(), re.DOTALL):
        chosen = re.search(r'value="([^"]*)" selected', options)
        found[name] = chosen.group(1) if chosen else ""
    return found


def place(ward: Ward, which: str) -> str:
    return f"/admin/teams/{ward.world.clinic.team.id}/{which}"


def row(number: int, person: object, start: str, end: str, days: str = "0123456") -> dict[str, str]:
    boxes = {f"shift-{number}-day-{day}": "on" for day in days}
    return boxes | {f"shift-{number}-person": str(person), f"shift-{number}-start": start, f"shift-{number}-end": end}


def test_the_page_shows_what_counts_and_sending_it_unchanged_keeps_it(admin: FlaskClient, ward: Ward):
    page = admin.get(place(ward, "on-call")).text
    assert "nurses on call" in page
    saved = admin.post(place(ward, "ladder"), data=sent(page, "ladder"), follow_redirects=True)
    assert "The ladder was saved" in saved.text
    kept = read_ladder(
        newest_ladders(ward.world.session, [ward.world.clinic.team.id])[ward.world.clinic.team.id].document
    )
    assert (kept.inside, kept.outside, kept.hold) == (default_ladder().inside, default_ladder().outside, kept.hold)


def test_a_ladder_that_takes_too_long_is_refused_in_words_and_nothing_typed_is_lost(admin: FlaskClient, ward: Ward):
    form = sent(admin.get(place(ward, "on-call")).text, "ladder")
    form["inside-stat-0-wait"] = "29"
    refused = admin.post(place(ward, "ladder"), data=form)
    assert refused.status_code == 422
    assert "reaches the last resort within 30 minutes" in refused.text
    assert sent(refused.text, "ladder")["inside-stat-0-wait"] == "29"
    for wrong in ("", "-3", "1.5", "many"):
        form["inside-stat-0-wait"] = wrong
        assert admin.post(place(ward, "ladder"), data=form).status_code == 422
    assert newest_ladders(ward.world.session, [ward.world.clinic.team.id]) == {}


def test_working_hours_and_other_rungs_by_night_are_kept(admin: FlaskClient, ward: Ward):
    form = sent(admin.get(place(ward, "on-call")).text, "ladder")
    form.update({f"hours-0-day-{day}": "on" for day in range(5)} | {"hours-0-start": "08:00", "hours-0-end": "17:00"})
    form["outside-stat-0-whom"] = "team"
    admin.post(place(ward, "ladder"), data=form)
    page = admin.get(place(ward, "on-call")).text
    again = sent(page, "ladder")
    assert (again["hours-0-start"], again["hours-0-day-4"], again["outside-stat-0-whom"]) == ("08:00", "on", "team")
    assert "hours-0-day-5" not in again


def test_a_rota_is_saved_and_one_with_a_hole_is_refused_with_its_hours(admin: FlaskClient, ward: Ward):
    nurse = ward.world.clinic.nurse.id
    refused = admin.post(place(ward, "rota"), data=row(0, nurse, "07:00", "19:00"))
    assert refused.status_code == 422
    assert "no nurse from Monday 00:00 to Monday 07:00" in refused.text
    assert sent(refused.text, "rota")["shift-0-start"] == "07:00"
    numbers = {"fall_back_channel": "sms", "fall_back": "+12025550199"}
    data = row(0, nurse, "07:00", "19:00") | row(1, nurse, "19:00", "07:00") | numbers
    saved = admin.post(place(ward, "rota"), data=data, follow_redirects=True)
    assert "The rota was saved" in saved.text
    kept = newest_rotas(ward.world.session)[ward.world.clinic.team.id]
    assert [shift.person for shift in read_shifts(kept.shifts)] == [str(nurse)] * 2
    assert kept.fall_back == "+12025550199"
    assert sent(saved.text, "rota")["fall_back"] == "+12025550199"


def test_a_hole_that_opened_since_is_shown_with_who_has_gone(admin: FlaskClient, ward: Ward):
    nurse = ward.world.clinic.nurse
    admin.post(place(ward, "rota"), data=row(0, nurse.id, "00:00", "00:00"))
    ward.world.session.get_one(Practitioner, nurse.id).active = False
    ward.world.session.commit()
    page = admin.get(place(ward, "on-call")).text
    assert "No nurse all week" in page
    assert "Test Nurse, nurse" in page


def test_staff_do_not_write_their_own_rota(nurse: FlaskClient, ward: Ward):
    assert nurse.get(place(ward, "on-call")).status_code == 403
    assert nurse.post(place(ward, "rota"), data={}).status_code == 403


def test_the_page_of_staff_leads_there(admin: FlaskClient, ward: Ward):
    assert place(ward, "on-call") in admin.get("/admin").text
