"""Escalations: one open a cause, paged until somebody answers, accepted and completed by a named person."""

from __future__ import annotations

from datetime import timedelta
from threading import Barrier, Thread

import pytest
from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from care.domain.codes import Priority, Purpose
from care.domain.first_look import Look, clock
from care.domain.ladder import default_ladder
from care.domain.triage import Alarm
from care.errors import Conflict, Invalid, NotAllowed, NotFound
from care.records.audit_events import AuditEvent
from care.records.communications import Communication
from care.records.dead_letters import DeadLetter
from care.records.escalations import Escalation, EscalationLink
from care.records.flags import Flag
from care.records.patients import Patient
from care.records.practitioners import Practitioner
from care.runtime import Runtime
from care.services import escalations
from care.services.alarms import Case, raise_alarms, raise_many
from care.services.escalations import accept, complete, look, message, page_due
from tests.conftest import Clinic, Clock
from tests.services.world import World, make_world

LOW = Alarm("glucose-low", Priority.URGENT, "glucose-low", {"value": "60"}, "rule", timedelta(minutes=20))
VERY_LOW = Alarm("glucose-low", Priority.STAT, "glucose-very-low", {"value": "40"}, "rule")
ROUTINE = Alarm("needs-person", Priority.ROUTINE, "asked-for-person", {}, "doubt")


@pytest.fixture
def world(session: Session, rt: Runtime, clock: Clock, clinic: Clinic) -> World:
    return make_world(session, rt, clock, clinic)


@pytest.fixture
def patient(world: World) -> Patient:
    return world.patient(protocol=None)


def alarm(world: World, patient: Patient, *alarms: Alarm) -> list[Escalation]:
    raised = raise_alarms(
        world.session,
        world.now,
        patient=patient,
        organization_id=patient.organization_id,
        care_team_id=patient.care_team_id,
        alarms=alarms,
    )
    world.session.commit()
    return raised


def pages(world: World) -> list[Communication]:
    return world.out(Purpose.PAGE)


def page(world: World) -> int:
    page_due(world.session, world.rt, world.now)
    return len(pages(world))


def test_the_first_alarm_of_a_cause_makes_a_flag_and_an_escalation(world: World, patient: Patient) -> None:
    (raised,) = alarm(world, patient, LOW)
    flag = world.session.get_one(Flag, raised.flag_id)
    assert (flag.status, flag.cause, raised.status, raised.priority) == ("active", "glucose-low", "requested", "urgent")
    assert raised.page_at == world.now + timedelta(minutes=20)
    assert [link.escalation_id for link in world.links()] == [raised.id]


def test_a_second_alarm_of_the_cause_joins_the_open_escalation(world: World, patient: Patient) -> None:
    (raised,) = alarm(world, patient, LOW)
    assert alarm(world, patient, LOW) == []
    assert [link.escalation_id for link in world.links()] == [raised.id, raised.id]
    assert len(world.escalations(patient)) == 1


def test_a_worse_report_raises_the_priority_and_pages_at_once(world: World, patient: Patient) -> None:
    alarm(world, patient, LOW)
    assert page(world) == 0
    alarm(world, patient, VERY_LOW)
    (row,) = world.escalations(patient)
    assert (row.priority, row.reason, row.params) == ("stat", "glucose-very-low", {"value": "40"})
    assert page(world) == 1


def test_a_milder_report_never_lowers_an_escalation(world: World, patient: Patient) -> None:
    alarm(world, patient, VERY_LOW)
    alarm(world, patient, LOW)
    (row,) = world.escalations(patient)
    assert (row.priority, row.reason) == ("stat", "glucose-very-low")


def test_after_it_is_closed_the_next_alarm_makes_a_new_one(world: World, patient: Patient) -> None:
    (first,) = alarm(world, patient, LOW)
    complete(world.session, world.rt, world.clinic.nurse, first.id, "phoned")
    (second,) = alarm(world, patient, LOW)
    assert second.id != first.id
    assert [flag.status for flag in world.all(Flag)] == ["inactive", "active"]


def test_two_patients_alarms_in_one_batch_stay_apart(world: World, patient: Patient) -> None:
    other = world.patient("+12025550102", protocol=None)
    cases = [
        Case(one.organization_id, one.care_team_id, one.id, world.now, (LOW,)) for one in (patient, other, patient)
    ]
    raised = raise_many(world.session, world.now, cases)
    world.session.commit()
    assert {row.patient_id for row in raised} == {patient.id, other.id}
    assert len(world.links()) == 3


def test_alarms_at_the_same_moment_make_one_escalation(world: World, patient: Patient, empty_database: Engine) -> None:
    gate = Barrier(4)

    def one() -> None:
        with Session(empty_database) as session:
            mine = session.get_one(Patient, patient.id)
            gate.wait()
            raise_alarms(
                session,
                world.now,
                patient=mine,
                organization_id=mine.organization_id,
                care_team_id=mine.care_team_id,
                alarms=[LOW],
            )
            session.commit()

    threads = [Thread(target=one) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert world.session.scalar(select(func.count()).select_from(Escalation)) == 1
    assert world.session.scalar(select(func.count()).select_from(EscalationLink)) == 4


def test_a_page_goes_to_everyone_of_the_role_and_holds_nothing_of_the_patient(world: World, patient: Patient) -> None:
    alarm(world, patient, VERY_LOW)
    assert page(world) == 1
    (sent,) = pages(world)
    assert (sent.practitioner_id, sent.priority, sent.patient_id) == (world.clinic.nurse.id, 3, None)
    (words,) = world.words(sent)
    assert "/worklist" in words
    for secret in (patient.name, str(patient.id), "40", "glucose", "+1202"):
        assert secret not in words


def test_no_two_pages_read_alike_so_that_a_provider_can_be_asked_which_it_took(world: World, patient: Patient) -> None:
    alarm(world, patient, VERY_LOW)
    for _ in range(4):
        page(world)
        world.clock.forward(minutes=5)
    words = [word for one in pages(world) for word in world.words(one)]
    assert len(set(words)) == len(words) == 5  # nurse, nurse, clinician, both of the team


def test_an_unanswered_page_climbs_from_nurse_to_clinician_and_never_falls_silent(
    world: World, patient: Patient
) -> None:
    alarm(world, patient, VERY_LOW)
    for _ in range(5):
        page(world)
        world.clock.forward(minutes=5)
    assert [one.practitioner_id for one in pages(world)] == [
        world.clinic.nurse.id,
        world.clinic.nurse.id,
        world.clinic.clinician.id,
        *[world.clinic.nurse.id, world.clinic.clinician.id] * 2,  # everyone; and again, for want of a number
    ]


def test_the_same_moment_is_paged_once(world: World, patient: Patient) -> None:
    alarm(world, patient, VERY_LOW)
    assert [page(world), page(world)] == [1, 1]


def test_routine_waits_on_the_worklist_and_pages_nobody(world: World, patient: Patient) -> None:
    alarm(world, patient, ROUTINE)
    world.clock.forward(days=6)
    assert page(world) == 0


def test_routine_that_nobody_looks_at_for_a_week_is_paged(world: World, patient: Patient) -> None:
    alarm(world, patient, ROUTINE)
    world.clock.forward(days=7)
    assert page(world) == 1


def test_without_a_nurse_the_clinician_is_paged(world: World, patient: Patient) -> None:
    world.session.get_one(Practitioner, world.clinic.nurse.id).active = False
    world.session.commit()
    alarm(world, patient, VERY_LOW)
    page(world)
    assert [one.practitioner_id for one in pages(world)] == [world.clinic.clinician.id]


def test_with_nobody_to_page_it_says_so_once_and_keeps_trying(world: World, patient: Patient) -> None:
    for who in (world.clinic.nurse, world.clinic.clinician):
        world.session.get_one(Practitioner, who.id).active = False
    world.session.commit()
    alarm(world, patient, VERY_LOW)
    for _ in range(3):
        page(world)
        world.clock.forward(minutes=5)
    (letter,) = world.all(DeadLetter)
    assert (letter.queue, letter.error) == ("pages", "nobody-to-page")
    (row,) = world.escalations(patient)
    assert row.page_at is not None


def test_who_accepts_owns_it_and_pages_that_have_not_left_stay(world: World, patient: Patient) -> None:
    (raised,) = alarm(world, patient, VERY_LOW)
    page(world)
    row = accept(world.session, world.rt, world.clinic.nurse, raised.id)
    assert (row.status, row.owner_id, row.accepted_at) == ("accepted", world.clinic.nurse.id, world.now)
    assert [one.delivery for one in pages(world)] == ["stopped"]


def test_somebody_else_is_told_who_was_faster(world: World, patient: Patient) -> None:
    (raised,) = alarm(world, patient, VERY_LOW)
    accept(world.session, world.rt, world.clinic.nurse, raised.id)
    with pytest.raises(Conflict) as refused:
        accept(world.session, world.rt, world.clinic.clinician, raised.id)
    assert refused.value.code == "already-accepted"
    assert refused.value.detail["owner_name"] == "Test Nurse"
    with pytest.raises(Conflict):
        complete(world.session, world.rt, world.clinic.clinician, raised.id, "phoned")


def test_an_acceptance_that_leads_to_nothing_is_paged_again(world: World, patient: Patient) -> None:
    (raised,) = alarm(world, patient, VERY_LOW)
    page(world)
    accept(world.session, world.rt, world.clinic.nurse, raised.id)
    world.clock.forward(hours=1)
    assert page(world) == 2
    (row,) = world.escalations(patient)
    assert (row.status, row.owner_id) == ("requested", None)


def test_closing_it_records_the_outcome_and_ends_the_flag(world: World, patient: Patient) -> None:
    (raised,) = alarm(world, patient, LOW)
    row = complete(world.session, world.rt, world.clinic.nurse, raised.id, "phoned", "ate something, 110 now")
    assert (row.status, row.outcome, row.note, row.page_at) == ("completed", "phoned", "ate something, 110 now", None)
    assert b"110" not in (row.note_sealed or b"")
    with pytest.raises(Conflict) as refused:
        complete(world.session, world.rt, world.clinic.nurse, raised.id, "acted")
    assert refused.value.code == "already-completed"


def test_what_came_in_after_the_page_was_drawn_is_not_closed_unread(world: World, patient: Patient) -> None:
    (row,) = alarm(world, patient, LOW)
    alarm(world, patient, LOW)
    with pytest.raises(Conflict) as told:
        escalations.complete(world.session, world.rt, world.clinic.nurse, row.id, "phoned", joined=1)
    assert told.value.code == "grew"
    world.session.rollback()
    escalations.complete(world.session, world.rt, world.clinic.nurse, row.id, "phoned", joined=2)
    assert row.status == "completed"


def test_only_a_known_outcome_closes_it(world: World, patient: Patient) -> None:
    (raised,) = alarm(world, patient, LOW)
    with pytest.raises(Invalid):
        complete(world.session, world.rt, world.clinic.nurse, raised.id, "whatever")


def test_another_teams_escalation_does_not_exist(world: World, patient: Patient) -> None:
    (raised,) = alarm(world, patient, LOW)
    for act in (accept, lambda *given: complete(*given, "phoned")):
        with pytest.raises(NotFound):
            act(world.session, world.rt, world.clinic.other_nurse, raised.id)
        with pytest.raises(NotAllowed):
            act(world.session, world.rt, world.clinic.admin, raised.id)


def test_what_staff_do_is_audited_and_what_machines_do_is_not(world: World, patient: Patient) -> None:
    (raised,) = alarm(world, patient, VERY_LOW)
    before = world.session.scalar(select(func.count()).select_from(AuditEvent))
    page(world)
    accept(world.session, world.rt, world.clinic.nurse, raised.id)
    complete(world.session, world.rt, world.clinic.nurse, raised.id, "phoned", "a note")
    message(world.session, world.rt, world.clinic.nurse, patient.id, "How are you now?")
    events = world.all(AuditEvent)[before:]
    assert {event.action for event in events} == {"escalation.accept", "escalation.complete", "patient.message"}
    assert all(event.agent_id == world.clinic.nurse.id and event.patient_id == patient.id for event in events)
    assert not any("note" in str(event.detail) or "How" in str(event.detail) for event in events)


def test_a_nurse_writes_to_a_patient_and_the_waiting_texts_are_answered(world: World, patient: Patient) -> None:
    world.say("I wonder whether the new pills are fine")
    (waiting,) = world.texts_in()
    assert waiting.waits_since is not None
    sent = message(world.session, world.rt, world.clinic.nurse, patient.id, "  Yes, they are.  ")
    assert (sent.purpose, sent.practitioner_id) == ("nurse", world.clinic.nurse.id)
    assert world.words(sent) == ["Yes, they are."]
    assert [one.waits_since for one in world.texts_in()] == [None]


@pytest.mark.parametrize("words", ["", "   ", "x" * 1001])
def test_a_message_is_neither_empty_nor_endless(world: World, patient: Patient, words: str) -> None:
    with pytest.raises(Invalid):
        message(world.session, world.rt, world.clinic.nurse, patient.id, words)


def test_nobody_writes_to_another_teams_patient(world: World, patient: Patient) -> None:
    with pytest.raises(NotFound):
        message(world.session, world.rt, world.clinic.other_nurse, patient.id, "hello")


def test_closing_an_escalation_settles_the_texts_it_was_about(world: World, patient: Patient) -> None:
    world.receive("I have crushing chest pain")
    (raised,) = world.escalations(patient)
    complete(world.session, world.rt, world.clinic.nurse, raised.id, "sent-to-emergency")
    assert [one.waits_since for one in world.texts_in()] == [None]


def test_the_module_names_what_it_offers() -> None:
    assert all(hasattr(escalations, name) for name in escalations.__all__)


def test_the_first_look_is_kept_and_audited_once(world: World, patient: Patient) -> None:
    (raised,) = alarm(world, patient, LOW)
    nurse, clinician = world.clinic.nurse, world.clinic.clinician
    assert raised.looked_at is None
    first = world.clock.forward(minutes=3)
    look(world.session, world.rt, nurse, raised.id)
    world.clock.forward(minutes=3)
    assert look(world.session, world.rt, clinician, raised.id).looked_at == first
    accept(world.session, world.rt, clinician, raised.id)
    assert world.escalations(patient)[0].looked_at == first
    looks = [event.agent_id for event in world.all(AuditEvent) if event.action == "escalation.look"]
    assert looks == [nurse.id]


def test_who_accepts_or_closes_has_looked(world: World, patient: Patient) -> None:
    (raised,) = alarm(world, patient, LOW)
    world.clock.forward(minutes=2)
    assert accept(world.session, world.rt, world.clinic.nurse, raised.id).looked_at == world.now
    (other,) = alarm(world, patient, ROUTINE)
    assert complete(world.session, world.rt, world.clinic.nurse, other.id, "phoned").looked_at == world.now


def test_what_got_worse_after_a_look_wants_another(world: World, patient: Patient) -> None:
    (raised,) = alarm(world, patient, LOW)
    look(world.session, world.rt, world.clinic.nurse, raised.id)
    worse = world.clock.forward(minutes=30)
    alarm(world, patient, VERY_LOW)
    (row,) = world.escalations(patient)
    assert (row.since, row.requested_at) == (worse, worse - timedelta(minutes=30))
    assert clock(Priority.STAT, row.since, row.looked_at, worse, default_ladder()).look is Look.IN_TIME
    world.clock.forward(minutes=4)
    assert look(world.session, world.rt, world.clinic.nurse, raised.id).looked_at == world.now


def test_a_look_at_what_is_closed_changes_nothing(world: World, patient: Patient) -> None:
    (raised,) = alarm(world, patient, LOW)
    complete(world.session, world.rt, world.clinic.nurse, raised.id, "phoned")
    before = world.escalations(patient)[0].looked_at
    world.clock.forward(minutes=1)
    assert look(world.session, world.rt, world.clinic.nurse, raised.id).looked_at == before


def test_nobody_looks_at_another_teams_alert(world: World, patient: Patient) -> None:
    (raised,) = alarm(world, patient, LOW)
    for who in (world.clinic.other_nurse, world.clinic.admin):
        with pytest.raises(NotFound):
            look(world.session, world.rt, who, raised.id)
    assert world.escalations(patient)[0].looked_at is None


def test_an_escalation_has_the_highest_risk_of_the_reports_that_joined_it(world: World, patient: Patient) -> None:
    def risks(*said: float | None) -> float | None:
        own = (patient.organization_id, patient.care_team_id, patient.id, world.now, (LOW,))
        raise_many(world.session, world.now, [Case(*own, risk=one) for one in said])
        world.session.commit()
        return world.escalations(patient)[0].risk

    assert risks(None) is None
    assert risks(0.2) == 0.2
    assert risks(0.7, 0.4, None, float("nan"), 1.5) == 0.7
