"""Scoring: rules first, a model may add, doubt reaches a nurse, and every low is linked to an escalation."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine, event, select, update
from sqlalchemy.orm import Session

from care.domain.assessment import Assessment, Before, Contribution
from care.domain.codes import Purpose
from care.domain.measure import Measure
from care.errors import AssessmentError
from care.library import reason
from care.records.care_plans import CarePlan
from care.records.definitions import Definition
from care.records.escalations import EscalationLink
from care.records.observations import Observation
from care.records.patients import Patient
from care.records.questionnaire_responses import QuestionnaireResponse
from care.records.risk_assessments import RiskAssessment
from care.records.timeline import timeline
from care.runtime import Runtime
from care.services import content, inbox, outbox, reports
from care.services.escalations import page_due
from tests.conftest import Clinic, Clock
from tests.services.world import HEART, WEIGHT, World, make_world

PHQ9 = "https://care.invalid/fhir/Questionnaire/phq-9|1.0.0"


@pytest.fixture
def world(session: Session, rt: Runtime, clock: Clock, clinic: Clinic) -> World:
    made = make_world(session, rt, clock, clinic)
    made.with_model(quiet)
    return made


def model(band: str, priority: str | None, risk: float) -> Any:
    """A model that always says the same, of all measures it was given."""

    def assess(
        bundle: str, measures: Sequence[Measure], at: datetime, zone: str, before: Before | None = None
    ) -> Assessment:
        reason = Contribution("lowest", {"en": "lowest glucose"}, 58.0, 0.4)
        ids = tuple(one.id for one in measures)
        return Assessment(bundle, "b" * 64, risk, band, priority, (reason,), (), (58.0,), ids)

    return assess


def refuses(reason: str) -> Any:
    def assess(*_: object) -> Assessment:
        raise AssessmentError(reason)

    return assess


quiet = model("low", None, 0.1)


def causes(world: World) -> list[tuple[str, str]]:
    return [(row.cause, row.priority) for row in world.escalations()]


def test_a_normal_reading_is_assessed_and_raises_nothing(world: World) -> None:
    world.patient()
    world.tell("glucose 100")
    assert causes(world) == []
    (report,) = world.all(QuestionnaireResponse)
    assert (report.judged, report.score_at) == ("nothing", None)
    assert len(world.all(RiskAssessment)) == 1


@pytest.mark.parametrize(
    ("words", "priority"),
    [
        ("glucose 69", "urgent"),
        ("glucose 54", "urgent"),
        ("glucose 53", "stat"),
        ("glucose 3.8 mmol/L", "urgent"),
        ("glucose 2.9 mmol/L", "stat"),
        ("glucose before supper 0Lo", "stat"),
        ("low sugar symptoms", "urgent"),
        ("血糖３．２", "urgent"),
    ],
)
def test_a_low_is_raised_by_rule(world: World, words: str, priority: str) -> None:
    world.patient(glucose_unit="mg/dL")
    world.tell(words)
    assert causes(world) == [("glucose-low", priority)]


@pytest.mark.parametrize("words", ["glucose 70", "glucose 3.9 mmol/L", "insulin regular 9", "meal more than usual"])
def test_what_is_not_low_raises_nothing(world: World, words: str) -> None:
    world.patient()
    world.tell(words)
    assert causes(world) == []


def test_every_low_is_linked_to_an_escalation_and_none_twice(world: World) -> None:
    world.patient()
    texts = [world.incoming(f"glucose {value}") for value in (58, 58, 120, 45, 69)]
    inbox.receive_many(world.session, world.rt, texts)
    world.take()
    world.score()
    lows = select(QuestionnaireResponse.id).join(Observation).where(Observation.value < 70)
    linked = [link.response_id for link in world.links()]
    assert sorted(linked, key=str) == sorted(world.session.scalars(lows), key=str)
    assert causes(world) == [("glucose-low", "stat")]


def test_from_an_escalation_one_can_walk_back_to_the_text(world: World) -> None:
    world.patient()
    world.tell("glucose 100", "glucose 58")
    (link,) = world.links()
    assessment = world.session.get_one(RiskAssessment, link.assessment_id)
    report = world.session.get_one(QuestionnaireResponse, link.response_id)
    assert (assessment.response_id, report.communication_id) == (report.id, world.texts_in()[1].id)
    assert link.communication_id == report.communication_id
    readings = {str(one.id) for one in world.all(Observation)}
    assert set(assessment.inputs) == readings
    assert (assessment.bundle_sha256, assessment.contributions[0]["name"]) == ("b" * 64, "lowest")
    rules = world.session.scalars(select(Definition).where(Definition.kind == "RuleSet")).all()
    assert assessment.rules_sha256 in {one.sha256 for one in rules}
    (finding,) = assessment.findings
    assert (finding["rule"], finding["cause"]) == ("glucose-low", "glucose-low")


def test_the_patient_is_told_what_to_do_about_a_low(world: World) -> None:
    world.patient()
    world.tell("glucose 58")
    advice = [one for one in world.out(Purpose.REPLY) if (one.dedupe or "").startswith("advice:")]
    assert len(advice) == 1
    assert advice[0].response_id == world.all(QuestionnaireResponse)[0].id


def test_in_danger_the_patient_is_told_what_to_do_though_they_opted_out(world: World) -> None:
    world.patient()
    world.tell("STOP", "glucose 58", "glucose 45")
    world.clock.forward(seconds=1)
    outbox.deliver_due(world.session, world.rt, world.now)
    left = [one.purpose for one in world.out() if one.delivery == "sent"]
    assert sorted(left) == ["confirmation", "emergency"]


def test_a_reading_is_named_as_a_meter_shows_it(world: World) -> None:
    world.patient()
    world.tell("glucose 3.6 mmol/L")
    (row,) = world.escalations()
    assert reason("en", row.reason, row.params) == "Glucose 65 mg/dL (3.6 mmol/L), below 70"


def test_a_reading_just_beyond_the_threshold_is_not_rounded_onto_it(world: World) -> None:
    world.patient()
    world.tell("glucose 69.9 mg/dL")
    (row,) = world.escalations()
    assert reason("en", row.reason, row.params) == "Glucose 69.9 mg/dL (3.9 mmol/L), below 70"


def test_advice_for_now_is_not_given_for_last_week(world: World) -> None:
    world.patient()
    world.tell("02-23-2026 9:09 glucose 58")
    assert causes(world) == [("glucose-low", "urgent")]
    assert not [one for one in world.out() if (one.dedupe or "").startswith("advice:")]


def test_a_repeated_reading_that_is_fine_puts_off_the_page(world: World) -> None:
    world.patient()
    world.tell("glucose 60")
    world.clock.forward(minutes=15)
    world.tell("glucose 95")
    world.clock.forward(minutes=10)
    assert page_due(world.session, world.rt, world.now).claimed == 0
    (row,) = world.escalations()
    assert row.status == "requested"
    assert row.page_at is not None
    assert row.page_at > world.now + timedelta(hours=1)


def test_without_a_repeated_reading_a_nurse_is_paged_after_the_grace(world: World) -> None:
    world.patient()
    world.tell("glucose 60")
    world.clock.forward(minutes=15)
    world.tell("insulin regular 9")
    world.clock.forward(minutes=6)
    assert page_due(world.session, world.rt, world.now).done == 1
    assert len(world.out(Purpose.PAGE)) == 1


def test_a_repeated_reading_that_is_low_too_does_not_put_off_the_page(world: World) -> None:
    world.patient()
    world.tell("glucose 60")
    world.clock.forward(minutes=15)
    world.tell("glucose 62")
    world.clock.forward(minutes=6)
    assert page_due(world.session, world.rt, world.now).done == 1


def test_an_older_reading_that_comes_late_confirms_nothing(world: World) -> None:
    world.patient()
    world.tell("glucose 60")
    world.tell("03-01-2026 9:09 glucose 120")
    world.clock.forward(minutes=21)
    assert page_due(world.session, world.rt, world.now).done == 1


def test_low_and_then_fine_in_one_batch_is_confirmed_in_their_order(world: World) -> None:
    world.patient()
    first = world.incoming("glucose 60")
    world.clock.forward(minutes=16)
    inbox.receive_many(world.session, world.rt, [first, world.incoming("glucose 100")])
    world.take()
    world.score()
    world.clock.forward(minutes=25)
    assert page_due(world.session, world.rt, world.now).claimed == 0


def test_a_very_low_reading_is_not_put_off_by_a_better_one(world: World) -> None:
    world.patient()
    world.tell("glucose 45", "glucose 110")
    assert page_due(world.session, world.rt, world.now).done == 1


def test_a_model_adds_a_routine_escalation_and_never_a_page(world: World) -> None:
    world.with_model(model("high", "routine", 0.8))
    world.patient()
    world.tell("glucose 100")
    ((cause, priority),) = causes(world)
    assert "hypoglycaemia-next-day" in cause
    assert priority == "routine"
    assert page_due(world.session, world.rt, world.now + timedelta(days=3)).claimed == 0


def test_a_model_that_says_all_is_well_lowers_nothing(world: World) -> None:
    world.with_model(model("low", None, 0.0))
    world.patient()
    world.tell("glucose 45")
    assert causes(world) == [("glucose-low", "stat")]


@pytest.mark.parametrize("reason", ["too-few", "missing"])
def test_a_model_that_knows_too_little_yet_leaves_it_to_the_rules(world: World, reason: str) -> None:
    world.with_model(refuses(reason))
    world.patient()
    world.tell("glucose 100", "glucose 58")
    assert causes(world) == [("glucose-low", "urgent")]
    assert [one.reason for one in world.all(RiskAssessment)] == [reason, reason]


@pytest.mark.parametrize("reason", ["bundle-unavailable", "graph-failed", "hard-range", "no-instrument"])
def test_a_report_that_cannot_be_scored_is_a_nurses_task(world: World, reason: str) -> None:
    world.with_model(refuses(reason))
    world.patient()
    world.tell("glucose 100")
    assert causes(world) == [("unscorable", "urgent")]
    (report,) = world.all(QuestionnaireResponse)
    assert report.judged == "unscorable"
    assert world.all(RiskAssessment)[0].reason == reason


def test_a_low_is_raised_though_the_model_is_broken(world: World) -> None:
    world.with_model(refuses("graph-failed"))
    world.patient()
    world.tell("glucose 45")
    assert sorted(causes(world)) == [("glucose-low", "stat"), ("unscorable", "urgent")]


def test_a_model_that_crashes_does_not_stop_the_others(world: World) -> None:
    def crashes(bundle: str, measures: Sequence[Measure], at: datetime, zone: str, *_: object) -> Assessment:
        if any(one.value == 101 for one in measures):
            raise ZeroDivisionError
        return quiet(bundle, measures, at, zone)  # type: ignore[no-any-return]

    world.with_model(crashes)
    world.patient()
    world.patient("+12025550102")
    texts = [world.incoming("glucose 101"), world.incoming("glucose 45", "+12025550102")]
    inbox.receive_many(world.session, world.rt, texts)
    world.take()
    assert world.score().done == 2
    assert sorted(causes(world)) == [("glucose-low", "stat"), ("unscorable", "urgent")]


def test_a_protocol_without_a_model_is_judged_by_rules_alone(world: World) -> None:
    world.with_model(refuses("no-instrument"))
    patient = world.patient(protocol=HEART)
    for days, weight in ((0, 80.0), (2, 82.5)):
        world.clock.forward(days=days)
        item = [
            {"linkId": "weight", "answer": [{"valueQuantity": {"value": weight, "unit": "kg", "code": "kg"}}]},
            *heart_rest(world),
        ]
        document = {
            "resourceType": "QuestionnaireResponse",
            "questionnaire": WEIGHT,
            "status": "completed",
            "item": item,
        }
        reports.submit(world.session, world.rt, patient, document)
        world.score()
    assert [cause for cause, _ in causes(world)] == ["weight-gain"]
    assert {one.bundle_id for one in world.all(RiskAssessment)} == {""}


def heart_rest(world: World) -> list[dict[str, Any]]:
    """The other required answers of the heart failure check: the mildest of each."""
    from care.services import content

    form = content.questionnaire(world.session, WEIGHT)
    answers: list[dict[str, Any]] = []
    for item in form.questions:
        if item.link_id == "weight" or not item.required:
            continue
        if item.type == "boolean":
            answers.append({"linkId": item.link_id, "answer": [{"valueBoolean": False}]})
        elif item.type == "choice":
            mildest = min(item.options, key=lambda option: option.ordinal or 0)
            coding = {"system": mildest.system, "code": mildest.code}
            answers.append({"linkId": item.link_id, "answer": [{"valueCoding": coding}]})
    return answers


def test_a_report_of_no_plan_is_never_a_silent_green(world: World) -> None:
    world.patient()
    world.say("glucose 100")
    world.session.execute(update(QuestionnaireResponse).values(care_plan_id=None))
    world.session.commit()
    world.session.expunge_all()
    world.score()
    assert causes(world) == [("unscorable", "urgent")]


def phq9(world: World, item_9: int, care_plan_id: UUID | None) -> None:
    """A PHQ-9 with nothing but item 9 answered above 'not at all'."""
    form = content.questionnaire(world.session, PHQ9)
    answers = {}
    for number, item in enumerate(form.questions[:9], 1):
        wanted = item_9 if number == 9 else 0
        answers[item.link_id] = (next(one for one in item.options if one.ordinal == wanted).answer(),)
    patient = world.all(Patient)[0]
    reports.keep(
        world.session,
        world.now,
        patient,
        PHQ9,
        answers,
        authored_at=world.now,
        source="patient",
        care_plan_id=care_plan_id,
    )
    world.session.commit()
    world.score()


@pytest.mark.parametrize("in_plan", [True, False])
def test_a_thought_of_self_harm_reaches_a_person_at_once_whatever_the_score_and_the_plan(
    world: World, in_plan: bool
) -> None:
    world.patient()
    plan = world.all(CarePlan)[0]
    phq9(world, 1, plan.id if in_plan else None)
    assert ("crisis", "stat") in causes(world)
    totals = world.session.scalars(select(Observation.value).where(Observation.code == "44261-6")).all()
    assert list(totals) == [1.0]
    (said,) = world.words(*world.out(Purpose.EMERGENCY))
    assert "911" in said
    assert "988" in said


def test_a_phq_9_without_such_a_thought_raises_nothing(world: World) -> None:
    world.patient()
    phq9(world, 0, world.all(CarePlan)[0].id)
    assert causes(world) == []
    assert world.out(Purpose.EMERGENCY) == []


def test_scoring_again_judges_nothing_twice(world: World) -> None:
    world.patient()
    world.tell("glucose 58")
    world.session.execute(update(QuestionnaireResponse).values(score_at=world.now))
    world.session.commit()
    world.session.expunge_all()
    assert world.score().done == 1
    assert len(world.all(RiskAssessment)) == 1
    assert len(world.links()) == 1


def test_the_model_sees_thirty_days_up_to_the_report_and_nothing_later(world: World) -> None:
    seen: list[set[float | None]] = []

    def watch(bundle: str, measures: Sequence[Measure], at: datetime, zone: str, *_: object) -> Assessment:
        seen.append({one.value for one in measures})
        return quiet(bundle, measures, at, zone)  # type: ignore[no-any-return]

    world.with_model(watch)
    world.patient()
    world.tell("01-15-2026 9:00 glucose 111")
    world.tell("02-20-2026 9:00 glucose 112")
    world.tell("glucose 113")
    world.tell("02-25-2026 9:00 glucose 114")
    assert seen == [{111}, {112}, {112, 113}, {112, 114}]


def test_other_patients_readings_are_never_mixed_in(world: World) -> None:
    world.patient()
    world.patient("+12025550102")
    texts = [world.incoming(f"glucose {100 + n}", f"+1202555010{1 + n % 2}") for n in range(10)]
    inbox.receive_many(world.session, world.rt, texts)
    world.take()
    world.score()
    owners = {str(one.id): one.patient_id for one in world.all(Observation)}
    for made in world.all(RiskAssessment):
        assert {owners[one] for one in made.inputs} == {made.patient_id}


def test_statements_do_not_grow_with_the_number_of_reports(world: World, empty_database: Engine) -> None:
    world.patient()

    def statements(texts: int) -> int:
        inbox.receive_many(world.session, world.rt, [world.incoming("glucose 100") for _ in range(texts)])
        world.take()
        world.session.expunge_all()
        seen: list[str] = []

        def note(*given: object) -> None:
            seen.append(str(given[2]))

        event.listen(empty_database, "before_cursor_execute", note)
        world.score()
        event.remove(empty_database, "before_cursor_execute", note)
        return len(seen)

    statements(5)
    assert statements(100) <= statements(5)


def test_the_timeline_shows_all_of_it_in_one_order_without_a_word(world: World) -> None:
    patient = world.patient()
    world.tell("glucose 58")
    events = timeline(world.session, patient.id, 50)
    kinds = {one.kind for one in events}
    assert kinds == {
        "QuestionnaireResponse",
        "Observation",
        "Communication",
        "Escalation",
        "RiskAssessment",
        "Consent",
    }
    assert [one.at for one in events] == sorted((one.at for one in events), reverse=True)
    assert "Recorded" not in str(events)
    assert timeline(world.session, patient.id, 2) == events[:2]
    assert timeline(world.session, patient.id, 50, before=world.now - timedelta(days=1)) == []


def test_what_an_escalation_links_is_the_report_and_its_reason(world: World) -> None:
    world.patient()
    world.tell("glucose 58")
    (link,) = world.session.scalars(select(EscalationLink)).all()
    assert (link.reason, link.priority, link.params["value"]) == ("glucose-low", "urgent", "58")
