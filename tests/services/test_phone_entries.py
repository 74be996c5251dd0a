"""Phone entries behind their page: two who hand in at once, a draft that is left, a proxy who answers."""

from __future__ import annotations

from threading import Barrier, Thread
from uuid import uuid4

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from care.domain.people import Staff
from care.errors import Conflict, Invalid
from care.records.phone_calls import PhoneCall, promised_calls
from care.records.questionnaire_responses import QuestionnaireResponse
from care.records.tasks import Task
from care.runtime import Runtime
from care.services import form_drafts, phone_entries, proxies
from care.services.proxies import Proxy
from tests.conftest import Clinic, Clock
from tests.services.world import HEART, World, make_world

NONE = {"valueCoding": {"system": "https://care.invalid/fhir/CodeSystem/level", "code": "none"}}
POSTED = {"weight": ["74.1"], "breathlessness": [NONE], "swelling": [False]}


@pytest.fixture
def world(session: Session, rt: Runtime, clock: Clock, clinic: Clinic) -> World:
    return make_world(session, rt, clock, clinic)


@pytest.fixture
def task(world: World) -> Task:
    """The first thing that a patient with heart failure is asked, on its day."""
    world.patient(protocol=HEART)
    found = min((one for one in world.all(Task)), key=lambda one: one.due_at)
    world.clock.set(max(world.now, found.due_at))
    return found


def entry(world: World, task: Task, who: Staff) -> phone_entries.Entry:
    return phone_entries.open_entry(world.session, world.rt, who, task.patient_id, task.id)


def test_of_two_who_hand_in_at_once_one_does_and_the_other_is_told(world: World, task: Task, engine: Engine) -> None:
    version, told = entry(world, task, world.clinic.nurse).version, []
    world.session.rollback()
    barrier = Barrier(2)

    def go(who: Staff) -> None:
        with Session(engine, expire_on_commit=False) as own:
            barrier.wait()
            desk = own, world.rt, who, task.patient_id, task.id
            try:
                phone_entries.hand_in(*desk, POSTED, version, uuid4(), "patient")
                told.append("kept")
            except Conflict as conflict:
                told.append(conflict.code)

    threads = [Thread(target=go, args=(who,)) for who in (world.clinic.nurse, world.clinic.clinician)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(told) == ["answered-meanwhile", "kept"]
    assert (len(world.all(QuestionnaireResponse)), len(world.all(PhoneCall))) == (1, 1)


def test_a_draft_that_staff_leave_is_judged_when_its_task_is_over(world: World, task: Task) -> None:
    nurse = world.clinic.nurse
    desk = world.session, world.rt, nurse, task.patient_id, task.id
    phone_entries.keep_entry(*desk, {"weight": ["74.1"]}, entry(world, task, nurse).version)
    world.clock.set(task.expires_at)
    world.clock.forward(hours=1)
    form_drafts.settle_due(world.session, world.rt, world.now)
    (report,) = world.all(QuestionnaireResponse)
    assert (report.status, report.source) == ("stopped", "phone")
    assert report.document["author"] == {"reference": f"Practitioner/{nurse.id}"}
    assert "source" not in report.document  # nobody said who answered


def test_a_proxy_answers_only_while_they_may(world: World, task: Task) -> None:
    nurse = world.clinic.nurse
    one = proxies.add_proxy(
        world.session, world.rt, nurse, task.patient_id, Proxy("Demo Daughter", "child", "by-phone")
    )
    desk = world.session, world.rt, nurse, task.patient_id, task.id
    proxies.end_proxy(world.session, world.rt, nurse, task.patient_id, one.id)
    with pytest.raises(Invalid, match="who answered"):
        phone_entries.hand_in(*desk, POSTED, entry(world, task, nurse).version, uuid4(), str(one.id))
    world.session.rollback()
    other = proxies.add_proxy(world.session, world.rt, nurse, task.patient_id, Proxy("Demo Son", "child", "by-phone"))
    phone_entries.hand_in(*desk, POSTED, entry(world, task, nurse).version, uuid4(), str(other.id))
    (report,) = world.all(QuestionnaireResponse)
    assert report.document["source"] == {"reference": f"RelatedPerson/{other.id}"}


def test_a_promise_is_the_teams_and_is_kept_by_the_next_call(world: World, task: Task) -> None:
    nurse, later = world.clinic.nurse, world.clock.forward(minutes=1).replace(hour=23)
    desk = world.session, world.rt, nurse, task.patient_id
    phone_entries.log_call(*desk, uuid4(), "no-answer", "", later)
    assert [call.call_back_at for call, _patient in promised_calls(world.session, world.clinic.clinician)] == [later]
    assert promised_calls(world.session, world.clinic.other_nurse) == []
    assert promised_calls(world.session, world.clinic.admin) == []
    world.clock.forward(minutes=1)
    phone_entries.log_call(*desk, uuid4(), "engaged")
    assert promised_calls(world.session, nurse) == []
