"""A ward for the tests of pages: a clinic with patients who have reported for two weeks, and what came of it today."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from flask.testing import FlaskClient

from care.domain.people import Staff
from care.domain.questionnaire import Answer, Answers
from care.domain.trend import MGDL_PER_MMOLL
from care.records.care_plans import active_plans
from care.records.escalations import Escalation
from care.records.patients import Patient
from care.services import drafts, reports
from tests.care_api.serving import staff_token
from tests.services.world import BASE, DIABETES, HEART, WEIGHT, World

CANCER = f"{BASE}PlanDefinition/cancer-treatment-symptoms|1.0.0"
LEVEL = "https://care.invalid/fhir/CodeSystem/level"
SUGARS = (
    118,
    142,
    97,
    133,
    88,
    156,
    124,
    171,
    92,
    139,
    110,
    187,
    101,
    128,
    84,
    149,
    95,
    160,
    113,
    134,
    79,
    122,
    104,
    145,
)
WEIGHTS = (71.4, 71.2, 71.5, 71.3, 71.6, 71.4, 71.2, 71.3, 71.5, 71.9, 72.8, 73.7)


@dataclass
class Ward:
    """The world with its patients, and the way staff sign in."""

    world: World
    one: Patient
    two: Patient
    three: Patient

    def alert(self, patient: Patient | None, cause: str | None = None) -> Escalation:
        """The most pressing escalation of a patient, or of nobody known."""
        found = [e for e in self.world.escalations() if e.patient_id == (patient.id if patient else None)]
        found = [e for e in found if cause in (None, e.cause)]
        return max(found, key=lambda e: e.rank)


def furnish(world: World) -> Ward:
    """Three invented patients with two weeks of readings; today one is very low, one gains weight, one bleeds."""
    noon = world.clock.now
    world.clock.set(noon - timedelta(days=14))
    american = {"name": "Demo Patient One", "birth_date": "1958-04-02", "time_zone": "America/New_York"}
    one = world.patient("+12025550101", DIABETES, **american)
    hong_kong = {"language": "zh-Hant", "time_zone": "Asia/Hong_Kong", "country": "HK", "glucose_unit": "mmol/L"}
    two = world.patient("+85255550102", HEART, name="示範病人乙", birth_date="1949-11-20", **hong_kong)
    shanghai = {"language": "zh-Hans", "time_zone": "Asia/Shanghai", "country": "CN", "glucose_unit": "mmol/L"}
    three = world.patient("+8613055550103", DIABETES, name="示例病人丙", birth_date="1971-07-09", **shanghai)
    _sugars(world, one, noon, SUGARS)
    _sugars(world, three, noon, [value * 0.94 for value in SUGARS])
    _weights(world, two, noon)
    world.clock.set(noon)
    return Ward(world, one, two, three)


def today(ward: Ward) -> None:
    """What comes in on the day itself: two low readings, words of danger, and texts that a person should answer."""
    world, noon = ward.world, ward.world.clock.now
    world.clock.set(noon - timedelta(minutes=95))
    world.tell("Could I move my evening reminder to 9 pm? I work late this week.", sender="+12025550101")
    world.clock.set(noon - timedelta(minutes=52))
    world.tell("血糖 3.6 早餐前", sender="+8613055550103")
    world.clock.set(noon - timedelta(minutes=34))
    world.receive("Is this the number of the clinic? My father was there on Friday.", sender="+12025550177")
    world.clock.set(noon - timedelta(minutes=11))
    world.tell("glucose 49 before breakfast", sender="+12025550101")
    world.clock.set(noon - timedelta(minutes=6))
    world.tell("今日覺得胸口痛，透唔到氣", sender="+85255550102")
    world.clock.set(noon)


def _sugars(world: World, patient: Patient, noon: datetime, values: list[float] | tuple[float, ...]) -> None:
    """A reading before breakfast and one before supper, as the diary has them."""
    place = "https://care.invalid/fhir/CodeSystem/"
    diary = f"{BASE}Questionnaire/glucose-diary-entry|1.0.0"
    molar = patient.glucose_unit == "mmol/L"
    plan = active_plans(world.session, patient.id)[0].id
    for number, value in enumerate(values):
        at = noon - timedelta(days=13) + timedelta(hours=12 * number, minutes=(number * 7) % 40)
        shown = round(value / MGDL_PER_MMOLL, 1) if molar else round(value)
        unit, code = (patient.glucose_unit, "mmol/L" if molar else "mg/dL")
        meal = "before-breakfast" if number % 2 == 0 else "before-supper"
        answers: Answers = {
            "kind": (Answer("coding", "Glucose", code="glucose", system=f"{place}diary-entry"),),
            "glucose": (Answer("quantity", shown, unit, code=code),),
            "context": (Answer("coding", meal, code=meal, system=f"{place}reading-context"),),
        }
        world.clock.set(at + timedelta(minutes=2))
        drafts.keep(
            world.session, world.clock.now, patient, diary, answers, authored_at=at, source="sms", care_plan_id=plan
        )
    world.session.commit()
    while reports.score_due(world.session, world.rt, world.clock.now).claimed:
        pass


def _weights(world: World, patient: Patient, noon: datetime) -> None:
    """A weight each morning; the last days climb."""
    plan = active_plans(world.session, patient.id)[0].id
    for number, weight in enumerate(WEIGHTS):
        at = noon - timedelta(days=len(WEIGHTS) - 1 - number, hours=3)
        grade, code = (1, "brisk") if number > len(WEIGHTS) - 3 else (0, "none")
        answers: Answers = {
            "weight": (Answer("quantity", weight, "kg", code="kg"),),
            "breathlessness": (Answer("coding", str(grade), code=code, system=LEVEL),),
            "swelling": (Answer("boolean", False),),
        }
        world.clock.set(at + timedelta(minutes=1))
        drafts.keep(
            world.session, world.clock.now, patient, WEIGHT, answers, authored_at=at, source="app", care_plan_id=plan
        )
    world.session.commit()
    while reports.score_due(world.session, world.rt, world.clock.now).claimed:
        pass


def sign_in(client: FlaskClient, world: World, who: Staff) -> None:
    """A browser of this member of staff; a test of its own goes through the page."""
    client.set_cookie("care_staff", staff_token(world.session, world.rt, who))
