from __future__ import annotations

from typing import Any

from flask.testing import FlaskClient

from care.domain.plan.editing import ActionForm, form_of
from care.records.care_plans import active_plans
from care.records.definitions import definition
from care.records.protocol_drafts import ProtocolDraft
from care.services import content, protocols
from tests.dashboard.ward import Ward
from tests.services.world import HEART


def fields(forms: list[ActionForm], **changes: Any) -> dict[str, str]:
    """The page's form as a browser posts it."""
    posted = {"actions": str(len(forms)), "saved": "0", "act": "save"}
    for n, form in enumerate(forms):
        one = {name: getattr(form, name) for name in ActionForm.__slots__ if name not in ("titles", "weekdays")}
        posted |= {f"{n}-{name}": value for name, value in one.items()}
        posted |= {f"{n}-title-{code}": words for code, words in form.titles.items()}
        posted |= {f"{n}-on-{day}": "yes" for day in form.weekdays}
    return posted | changes


def begun(client: FlaskClient, ward: Ward) -> str:
    answer = client.post(f"/protocols/{definition(ward.world.session, HEART).id}/draft")
    assert answer.status_code == 303
    return str(answer.headers["Location"])


def forms(ward: Ward) -> list[ActionForm]:
    return [form_of(one) for one in content.plan(ward.world.session, HEART).actions]


def test_a_version_is_written_compared_and_published(clinician: FlaskClient, ward: Ward):
    there = begun(clinician, ward)
    assert "The next version of Heart failure daily check" in clinician.get(there).text
    answer = clinician.post(there, data=fields(forms(ward), **{"0-times": "09:30"}), follow_redirects=True)
    assert answer.request.path == f"{there}/review"
    assert "<del>08:00</del>" in answer.text
    assert "<ins>09:30</ins>" in answer.text
    assert "Publish it as version 1.1.0" in answer.text
    assert "09:30" in clinician.get(f"{there}/preview?channel=sms").text
    done = clinician.post(f"{there}/publish", data={"reason": "mornings are busy", "saved": "1"}, follow_redirects=True)
    assert "Version 1.1.0 is published" in done.text
    assert done.request.path.endswith("/move"), "who is on the old one comes next"
    plan = active_plans(ward.world.session, ward.two.id)[0]
    assert plan.definition_id == definition(ward.world.session, HEART).id
    moved = clinician.post(done.request.path, data={"plan": str(plan.id)}, follow_redirects=True)
    assert "1 plan was moved." in moved.text
    assert "Nobody of your team is" in moved.text


def test_what_is_wrong_is_said_at_its_field_and_nothing_typed_is_lost(clinician: FlaskClient, ward: Ward):
    there = begun(clinician, ward)
    typed = fields(forms(ward), **{"0-times": "8 in the morning", "0-expires": "10 h"})
    answer = clinician.post(there, data=typed)
    assert answer.status_code == 422
    assert 'value="8 in the morning"' in answer.text
    assert 'value="10 h"' in answer.text
    assert 'id="0-times-fault"' in answer.text


def test_an_action_is_added_and_taken_out_without_saving(clinician: FlaskClient, ward: Ward):
    there = begun(clinician, ward)
    more = clinician.post(there, data=fields(forms(ward), act="add", **{"0-times": "half"})).text
    assert 'name="1-times"' in more
    assert 'value="half"' in more
    fewer = clinician.post(there, data=fields(forms(ward) * 2, act="remove:1"))
    assert 'name="1-times"' not in fewer.text
    assert ward.world.all(ProtocolDraft)[0].saved == 0
    new = ActionForm("", {"en": "Evening weight"}, forms(ward)[0].questionnaire, "20:00", expires="3 h")
    saved = clinician.post(there, data=fields([*forms(ward), new]), follow_redirects=True)
    assert "is asked from now on" in saved.text


def test_who_saves_second_is_told_and_keeps_what_was_typed(clinician: FlaskClient, admin: FlaskClient, ward: Ward):
    there = begun(clinician, ward)
    assert begun(admin, ward) == there
    assert admin.post(there, data=fields(forms(ward), **{"0-times": "07:00"})).status_code == 303
    answer = clinician.post(there, data=fields(forms(ward), **{"0-times": "10:00"}))
    assert answer.status_code == 409
    assert 'value="10:00"' in answer.text
    assert "a colleague has saved" in answer.text.casefold()


def test_who_publishes_second_is_told(clinician: FlaskClient, admin: FlaskClient, ward: Ward):
    there = begun(clinician, ward)
    clinician.post(there, data=fields(forms(ward), **{"0-times": "07:00"}))
    publish = {"reason": "agreed", "saved": "1"}
    assert admin.post(f"{there}/publish", data=publish).status_code == 303
    second = clinician.post(f"{there}/publish", data=publish)
    assert second.status_code == 409
    assert "was published already" in second.text
    assert clinician.post(f"{there}/discard").status_code == 303


def test_nurses_read_and_do_not_write(nurse: FlaskClient, clinician: FlaskClient, ward: Ward):
    assert "Write the next version" not in nurse.get("/protocols").text
    assert "Write the next version" in clinician.get("/protocols").text
    known = definition(ward.world.session, HEART).id
    assert nurse.post(f"/protocols/{known}/draft").status_code == 403
    assert nurse.get(begun(clinician, ward)).status_code == 403


def test_another_teams_plan_is_not_moved(stranger: FlaskClient, clinician: FlaskClient, ward: Ward):
    plan, known = active_plans(ward.world.session, ward.two.id)[0], definition(ward.world.session, HEART).id
    assert stranger.post(f"/protocols/{known}/move", data={"plan": str(plan.id)}).status_code == 404
    assert str(plan.id) not in stranger.get(f"/protocols/{known}/move").text
    assert stranger.post(f"/protocols/{known}/move", data={"plan": "x"}).status_code == 303


def test_older_versions_stay_to_be_looked_at(clinician: FlaskClient, ward: Ward):
    there = begun(clinician, ward)
    clinician.post(there, data=fields(forms(ward), **{"0-times": "07:00"}))
    clinician.post(f"{there}/publish", data={"reason": "agreed", "saved": "1"})
    page = clinician.get("/protocols").text
    assert "Older versions" in page
    assert protocols.newest(ward.world.session, HEART.split("|")[0]).version == "1.1.0"
