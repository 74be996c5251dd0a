from __future__ import annotations

import re

from flask.testing import FlaskClient
from sqlalchemy import update

from care.records.communications import Communication
from care.services import reminders
from tests.dashboard.ward import Ward
from tests.services.world import HEART


def test_each_cause_stands_apart_with_one_thing_to_do(nurse: FlaskClient, ward: Ward):
    world = ward.world
    quiet = world.patient("+12025550180", HEART, name="Demo Quiet Person")
    for _ in range(40):
        world.clock.forward(hours=3)
        reminders.send_due(world.session, world.rt, world.now)
    world.session.execute(update(Communication).where(Communication.purpose == "reminder").values(delivery="delivered"))
    world.session.commit()
    nurse.post(f"/patients/{ward.three.id}/silence", data={"cause": "admitted"})
    page = nurse.get("/silent").text
    unread, admitted = page.index('id="s-unread"'), page.index('id="s-admitted"')
    assert unread < page.index("DQP, 76") < admitted
    assert "Demo Quiet Person" not in page
    assert "Is home again" in page[admitted:]
    only = nurse.get("/silent?cause=admitted").text
    assert "DQP" not in only and "示○" in only
    home = nurse.post(f"/patients/{ward.three.id}/silence/end", data={"cause": "admitted"}, follow_redirects=True)
    assert "It is noted" in home.text
    assert str(quiet.id) in page


def test_a_long_group_is_read_page_by_page_while_some_leave_it(nurse: FlaskClient, ward: Ward):
    world = ward.world
    everyone = [world.patient(f"+1202555{number:04}", HEART) for number in range(1000, 1062)]
    for one in everyone:
        nurse.post(f"/patients/{one.id}/silence", data={"cause": "refused"})
    first = nurse.get("/silent?cause=refused").text
    rows = re.findall(r'<td><a href="/patients/([0-9a-f-]{36})"', first)
    more = re.search(r'class="more"><a class="button second" href="([^"]+)"', first)
    assert len(rows) == 50 and more
    assert str(everyone[49].id) not in more.group(1)
    for one in (rows[0], rows[-1]):
        nurse.post(f"/patients/{one}/silence/end", data={"cause": "refused"})
    rest = nurse.get(more.group(1).replace("&amp;", "&")).text
    rows += re.findall(r'<td><a href="/patients/([0-9a-f-]{36})"', rest)
    assert len(rows) == len(set(rows)) == 62
    assert "Show all 60" in nurse.get("/silent").text


def test_another_team_sees_nobody_and_marks_nobody(stranger: FlaskClient, admin: FlaskClient, ward: Ward):
    assert "Nobody is silent" in stranger.get("/silent").text
    assert stranger.post(f"/patients/{ward.one.id}/silence", data={"cause": "admitted"}).status_code == 404
    assert admin.get("/silent").status_code == 403
