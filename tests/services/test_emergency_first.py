"""Words of danger come first: in any state, from anybody, a person is called and the emergency reply is queued."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from care.domain.codes import LANGUAGES, Priority, Purpose
from care.domain.screen import Verdict
from care.library import crisis_line, emergency_number
from care.library.files import ROOT, document
from care.records.audit_events import AuditEvent
from care.records.care_plans import CarePlan
from care.records.patients import ContactPoint
from care.records.tasks import Task
from care.runtime import Runtime
from care.services import consents, outbox, reminders
from care.services.emergencies import crisis_words, emergency_words
from care.services.plans import stop_plan
from tests.conftest import Clinic, Clock
from tests.services.world import DIABETES, HEART, World, make_world

FILES = [document(ROOT / "lexicons" / f"{name}.json") for name in ("crisis", "red-flags")]
DANGEROUS = [text for file in FILES for entry in file["entries"] for text in entry["positives"]]
NUMBERS = document(ROOT / "lexicons" / "emergency-numbers.json")["countries"]
PHONE = "+12025550101"


@pytest.fixture
def world(session: Session, rt: Runtime, clock: Clock, clinic: Clinic) -> World:
    return make_world(session, rt, clock, clinic)


def asked(world: World) -> None:
    """A question is open."""
    patient = world.patient(protocol=HEART)
    due = select(Task.due_at).where(Task.patient_id == patient.id).order_by(Task.due_at)
    world.clock.set(world.session.scalars(due).first())
    reminders.send_due(world.session, world.rt, world.now)


def noticed(world: World) -> None:
    asked(world)
    world.say("OK")


def paused(world: World) -> None:
    noticed(world)
    world.say("71.5 kg", "later")


def handed_over(world: World) -> None:
    noticed(world)
    world.say("qwerty", "asdfgh")


def choosing(world: World) -> None:
    world.patient(protocol=HEART)
    world.say("ok")


def opted_out(world: World) -> None:
    world.patient()
    world.say("STOP")


def never_agreed(world: World) -> None:
    patient = world.patient()
    consents.decide(world.session, world.now, patient, granted=False, source="test", channel="sms")
    world.session.commit()


def plan_over(world: World) -> None:
    world.patient(protocol=DIABETES)
    stop_plan(world.session, world.rt, world.clinic.nurse, world.all(CarePlan)[0].id)


def in_crisis(world: World) -> None:
    noticed(world)
    world.say("I want to die")
    world.clock.forward(minutes=1)


def shared(world: World) -> None:
    world.patient(label="mother")
    world.patient(label="father")


def address_dead(world: World) -> None:
    patient = world.patient()
    contact = world.session.scalars(select(ContactPoint).where(ContactPoint.patient_id == patient.id)).one()
    contact.status = "failed"
    world.session.commit()


STATES: dict[str, Callable[[World], object]] = {
    "a stranger": lambda world: None,
    "idle": lambda world: world.patient(),
    "no plan": lambda world: world.patient(protocol=None),
    "reminded": asked,
    "asked": noticed,
    "paused": paused,
    "handed over": handed_over,
    "choosing": choosing,
    "opted out": opted_out,
    "consent withdrawn": never_agreed,
    "plan over": plan_over,
    "in a crisis already": in_crisis,
    "a shared phone": shared,
    "an address that failed": address_dead,
}


@pytest.mark.parametrize("state", STATES)
def test_in_any_state_a_person_is_called_and_the_emergency_reply_is_queued(world: World, state: str) -> None:
    STATES[state](world)

    @settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.sampled_from(DANGEROUS), st.sampled_from(["{}", "38.5, {}", "STOP {}", "  {}!!", "{}\n2"]))
    def dangerous(words: str, around: str) -> None:
        world.clock.forward(seconds=1)
        text = around.format(words)
        before, linked = len(world.out(Purpose.EMERGENCY)), len(world.links())
        received = world.receive(text)
        assert received.verdict.kind in ("crisis", "red_flag")
        replies = world.out(Purpose.EMERGENCY)
        assert len(replies) == before + 1, "queued with the text, before any turn"
        assert replies[-1].priority == Priority.STAT.rank
        assert len(world.links()) > linked
        raised = [row for row in world.escalations() if row.cause in ("crisis", "red-flag")]
        assert raised and all(row.page_at is not None for row in raised)
        world.take()
        assert len(world.out(Purpose.EMERGENCY)) == before + 1

    dangerous()
    outbox.deliver_due(world.session, world.rt, world.now)
    assert all(row.delivery in ("sent", "delivered") for row in world.out(Purpose.EMERGENCY))


def test_an_alarming_stop_is_not_an_opt_out_and_a_plain_one_in_a_crisis_is(world: World) -> None:
    patient = world.patient()
    world.say("the bleeding will not stop", "STOP 血止不住")
    assert [row.action for row in world.all(AuditEvent) if row.action.startswith("consent.with")] == []
    world.say("STOP")
    assert [row.patient_id for row in world.all(AuditEvent) if row.action == "consent.withdraw"] == [patient.id]


def test_after_a_crisis_nothing_is_asked_for_two_hours_and_nothing_is_debated(world: World) -> None:
    noticed(world)
    world.say("I want to die")
    before = len(world.out())
    world.clock.forward(minutes=30)
    world.say("nobody cares", "ok", "yes", "71.5 kg")
    reminders.send_due(world.session, world.rt, world.now)
    said = world.words(*world.out()[before:])
    assert not any("1/3" in one or "?" in one for one in said), said
    assert len(said) <= 2, "that a nurse reads it, and at most that an entry is kept"
    world.clock.forward(hours=2)
    world.say("ok")
    assert "1/3" in world.words(*world.out())[-1], "later the form goes on when the patient wants it to"


@pytest.mark.parametrize("words", ["人工", "nurse", "護士", "真人", "Nurse!", "can i talk to a nurse"])
@pytest.mark.parametrize(
    "state", ["idle", "reminded", "asked", "paused", "handed over", "choosing", "in a crisis already"]
)
def test_who_asks_for_a_person_gets_one_in_any_state(world: World, state: str, words: str) -> None:
    STATES[state](world)
    before = len(world.links())
    world.clock.forward(minutes=20)
    world.say(words)
    assert len(world.links()) > before
    assert world.texts_in()[-1].waits_since is not None


def test_two_misunderstandings_hand_over(world: World) -> None:
    noticed(world)
    world.say("qwerty")
    assert world.escalations() == []
    world.say("asdfgh")
    assert [row.cause for row in world.escalations()] == ["needs-person"]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("country", [*NUMBERS, "FR", "XX", ""])
def test_a_reply_in_danger_names_that_countrys_numbers_and_no_others(country: str, language: str) -> None:
    own = {emergency_number(country), crisis_line(country)} - {None}
    others = {value for row in NUMBERS.values() for key, value in row.items() if key != "source"} | {"112"}
    for kind in ("crisis", "red_flag"):
        words = emergency_words(Verdict(kind, "x", Priority.STAT), language, country)  # type: ignore[arg-type]
        found = {
            number for number in others if number in "".join(char if char.isdigit() else " " for char in words).split()
        }
        wanted = own if kind == "crisis" else {emergency_number(country)}
        assert found == wanted
    assert crisis_words(language, country) == emergency_words(Verdict("crisis"), language, country)


REASSURING = (
    *(
        "you are fine",
        "you're fine",
        "you are ok",
        "nothing to worry",
        "don't worry",
        "do not worry",
        "no need to worry",
    ),
    *(
        "not serious",
        "not dangerous",
        "harmless",
        "is normal",
        "you are safe",
        "will be fine",
        "will be ok",
        "no danger",
    ),
    *(
        "calm down",
        "cheer up",
        "relax",
        "不用担心",
        "不用擔心",
        "别担心",
        "別擔心",
        "不必担心",
        "不必擔心",
        "放心",
        "没事",
        "沒事",
    ),
    *(
        "没关系",
        "沒關係",
        "不要紧",
        "不要緊",
        "唔使擔心",
        "冇事",
        "正常的",
        "很正常",
        "不严重",
        "不嚴重",
        "没问题",
        "沒問題",
        "冇問題",
    ),
    *("没有危险", "沒有危險", "安全的", "会好的", "會好的"),
)


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_that_is_said_to_a_patient_says_that_they_are_fine(language: str) -> None:
    said = document(ROOT / "texts" / f"{language}.json")
    folded = {key: str(words).casefold().replace("\u2019", "'") for key, words in said.items()}
    assert [(key, one) for key, words in folded.items() for one in REASSURING if one in words] == []
