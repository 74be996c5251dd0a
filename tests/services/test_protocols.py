"""Protocols: the next version is a draft, compared and then published for good; plans stay where they are."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import time
from typing import Any

import pytest
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from care.domain.plan.editing import ActionForm, form_of
from care.errors import CareError, Conflict, Invalid, NotAllowed, NotFound
from care.records.audit_events import AuditEvent
from care.records.care_plans import active_plans
from care.records.definitions import Definition, definition
from care.records.protocol_drafts import ProtocolDraft
from care.services import content, protocols
from tests.conftest import Clinic, Clock
from tests.services.world import DIABETES, HEART, World, make_world


@pytest.fixture
def world(session: Session, rt: Any, clock: Clock, clinic: Clinic) -> World:
    return make_world(session, rt, clock, clinic)


def base(world: World, canonical: str = HEART) -> Definition:
    return definition(world.session, canonical)


def begun(world: World) -> ProtocolDraft:
    return protocols.begin_draft(world.session, world.rt, world.clinic.clinician, base(world).id)


def forms(draft: ProtocolDraft) -> list[ActionForm]:
    return [form_of(one) for one in protocols.plan_of(draft).actions]


def saved(world: World, **change: Any) -> ProtocolDraft:
    draft = begun(world)
    first = replace(forms(draft)[0], **(change or {"times": "09:00"}))
    return protocols.save(world.session, world.rt, world.clinic.clinician, draft.id, [first], draft.saved)


def publish(world: World, draft: ProtocolDraft, reason: str = "agreed by the team") -> Definition:
    return protocols.publish(world.session, world.rt, world.clinic.clinician, draft.id, reason, draft.saved)


def test_a_draft_is_published_as_the_next_version_and_the_old_one_stays(world: World):
    before = dict(base(world).document)
    draft = saved(world)
    assert [(one.field, one.before, one.after) for one in protocols.changes(world.session, draft)] == [
        ("times", (time(8),), (time(9),))
    ]
    made = publish(world, draft)
    assert (made.version, made.document["version"]) == ("1.1.0", "1.1.0")
    assert base(world).document == before
    assert content.plan(world.session, made.id).actions[0].times == (time(9),)
    actions = world.session.scalars(select(AuditEvent.action)).all()
    assert {"protocol.draft", "protocol.save", "protocol.publish"} <= set(actions)


def test_running_plans_stay_until_somebody_moves_them(world: World):
    patient, other = world.patient(protocol=HEART), world.patient("+12025550102", HEART, world.clinic.other_nurse)
    made = publish(world, saved(world))
    assert active_plans(world.session, patient.id)[0].definition_id == base(world).id
    waiting = protocols.on_older(world.session, world.clinic.nurse, made)
    assert [(plan.patient_id, version) for plan, _, version in waiting] == [(patient.id, "1.0.0")]
    assert protocols.on_older(world.session, world.clinic.admin, made) == []
    moved = protocols.move(world.session, world.rt, world.clinic.nurse, made, [plan.id for plan, _, _ in waiting])
    assert (moved.moved, moved.left) == (1, 0)
    assert active_plans(world.session, patient.id)[0].definition_id == made.id
    theirs = active_plans(world.session, other.id)[0]
    with pytest.raises(NotFound):
        protocols.move(world.session, world.rt, world.clinic.nurse, made, [theirs.id])
    world.session.rollback()
    assert theirs.definition_id == base(world).id


def test_a_plan_that_was_stopped_meanwhile_is_left_and_told(world: World):
    from care.services.plans import stop_plan

    patient = world.patient(protocol=HEART)
    made, plan = publish(world, saved(world)), active_plans(world.session, patient.id)[0]
    stop_plan(world.session, world.rt, world.clinic.nurse, plan.id)
    moved = protocols.move(world.session, world.rt, world.clinic.nurse, made, [plan.id])
    assert (moved.moved, moved.left) == (0, 1)


def test_of_two_publishers_one_is_told(world: World, empty_database: Engine):
    draft = saved(world)

    def press(_: int) -> str:
        with Session(empty_database) as own:
            try:
                who = world.clinic.clinician
                return protocols.publish(own, world.rt, who, draft.id, "agreed", draft.saved).version
            except CareError as told:
                return told.code

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(press, range(2))) == ["1.1.0", "settled"]
    assert len([one for one in world.all(Definition) if one.url == draft.url]) == 2


def test_a_draft_that_was_overtaken_is_compared_again_before_it_is_published(world: World):
    draft = saved(world)
    old = base(world)
    entry = {**old.document["action"][0], "title": "Another title"}
    document = {**old.document, "version": "1.1.0", "action": [entry]}
    world.session.add(
        Definition(kind=old.kind, url=old.url, version="1.1.0", sha256="x", document=document, published_at=world.now)
    )
    world.session.commit()
    with pytest.raises(Conflict) as told:
        publish(world, draft)
    assert told.value.code == "overtaken"
    world.session.rollback()
    draft = protocols.rebase(world.session, world.rt, world.clinic.clinician, draft.id, draft.saved)
    assert {one.field for one in protocols.changes(world.session, draft)} == {"times", "title"}
    assert publish(world, draft).version == "1.2.0"


def test_two_who_save_the_same_draft_do_not_overwrite_each_other(world: World):
    draft = begun(world)
    assert begun(world).id == draft.id, "one draft a protocol"
    first = forms(draft)
    protocols.save(world.session, world.rt, world.clinic.admin, draft.id, first, 0)
    with pytest.raises(Conflict) as told:
        protocols.save(world.session, world.rt, world.clinic.clinician, draft.id, first, 0)
    assert told.value.code == "saved-meanwhile"


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"times": "soon"}, "0-times"),
        ({"questionnaire": "https://care.invalid/fhir/Questionnaire/none|1"}, "0-questionnaire"),
        ({"questionnaire": DIABETES}, "0-questionnaire"),
    ],
)
def test_what_cannot_be_asked_is_not_kept(world: World, change: dict[str, str], place: str):
    draft = begun(world)
    before = dict(draft.document)
    with pytest.raises(Invalid) as wrong:
        saved(world, **change)
    assert wrong.value.detail["place"] == place
    world.session.rollback()
    world.session.refresh(draft)
    assert (draft.document, draft.saved) == (before, 0)


def test_a_version_that_changes_nothing_or_has_no_reason_is_not_published(world: World):
    with pytest.raises(Invalid, match="nothing differs"):
        publish(world, begun(world))
    world.session.rollback()
    with pytest.raises(Invalid, match="in a few words"):
        publish(world, saved(world), " ")


def test_a_discarded_draft_is_over_and_another_may_begin(world: World):
    draft = saved(world)
    protocols.discard(world.session, world.rt, world.clinic.clinician, draft.id)
    with pytest.raises(Conflict):
        publish(world, draft)
    world.session.rollback()
    assert begun(world).id != draft.id


def test_nurses_edit_no_protocol_and_nobody_edits_an_old_version(world: World):
    with pytest.raises(NotAllowed):
        protocols.begin_draft(world.session, world.rt, world.clinic.nurse, base(world).id)
    publish(world, saved(world))
    with pytest.raises(Conflict, match="newer version"):
        begun(world)
    with pytest.raises(NotFound):
        protocols.begin_draft(
            world.session,
            world.rt,
            world.clinic.admin,
            definition(world.session, "https://care.invalid/fhir/Questionnaire/glucose-daily|1.0.0").id,
        )


@pytest.mark.parametrize(
    ("version", "after"), [("1.0.0", "1.1.0"), ("2.9.4", "2.10.0"), ("3", "4"), ("2026-a", "2026-a-2"), ("v1", "v2")]
)
def test_the_next_version_follows(version: str, after: str):
    assert protocols.next_version(version) == after
