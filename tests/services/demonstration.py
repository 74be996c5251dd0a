"""A small demonstration: three invented patients in three countries, with a phone on every channel."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from sqlalchemy.orm import Session

from bots.channels import make_channels
from care.runtime import Runtime
from care.services import simulated_phones
from care.services.demo_clinic import HOSPITAL
from tests.care_api.serving import settings
from tests.conftest import Clinic, Clock
from tests.services.world import DIABETES, make_world

PEOPLE = (
    ("Demo Patient One", "en", "America/New_York", "US"),
    ("示例病人甲", "zh-Hans", "Asia/Shanghai", "CN"),
    ("示例病人丙", "zh-Hant", "Asia/Hong_Kong", "HK"),
)


def small_demonstration(
    session: Session, database_url: str, clock: Clock, clinic: Clinic, now: Callable[[], datetime] | None = None
) -> Runtime:
    """The runtime of a demonstration whose clinic is this one; `now` is its clock, if not this one."""
    chosen = settings(database_url, care_simulator="1")
    rt = Runtime(clock=now or clock, channels=make_channels(chosen, sink=lambda message: None))
    world = make_world(session, rt, clock, clinic)
    for number, (name, language, zone, country) in enumerate(PEOPLE, start=1):
        phone = (("console", f"demo-phone-{number}", None),)
        world.patient("", DIABETES, name=name, language=language, time_zone=zone, country=country, contacts=phone)
    clinic.organization.name = HOSPITAL
    session.commit()
    simulated_phones.furnish(session, rt)
    return rt
