"""Consents: decisions written to the ledger, and whether a patient may be written to on a channel."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session

from care.records.among import among
from care.records.consents import EVERY_CHANNEL, FOLLOW_UP, Consent
from care.records.patients import Patient

UNVERSIONED = "unversioned"
_TICK = timedelta(microseconds=1)


class Ledger:
    """What some patients have decided. Of the rows of a channel and of all channels ('*'), the newest one counts."""

    def __init__(self, latest: dict[tuple[UUID, str], tuple[datetime, UUID, bool]]) -> None:
        self._latest = latest

    def allows(self, patient_id: UUID, channel: str) -> bool:
        """Whether the patient wants to hear from us on this channel. Nothing decided is a no."""
        return self.granting(patient_id, channel) is not None

    def granting(self, patient_id: UUID, channel: str) -> UUID | None:
        """The decision by which the patient may be written to on this channel; None when they may not be."""
        decisions = [self._latest.get((patient_id, name)) for name in (channel, EVERY_CHANNEL)]
        newest = max((one for one in decisions if one is not None), default=None)
        return newest[1] if newest is not None and newest[2] else None


def ledger_of(session: Session, patient_ids: Collection[UUID], purpose: str = FOLLOW_UP) -> Ledger:
    """The decisions of these patients, in one query."""
    if not patient_ids:
        return Ledger({})
    newest = (
        select(Consent.patient_id, Consent.channel, Consent.at, Consent.id, Consent.granted)
        .where(among(Consent.patient_id, set(patient_ids)), Consent.purpose == purpose)
        .ext(distinct_on(Consent.patient_id, Consent.channel))
        .order_by(Consent.patient_id, Consent.channel, Consent.at.desc(), Consent.id.desc())
    )
    return Ledger({(row.patient_id, row.channel): (row.at, row.id, row.granted) for row in session.execute(newest)})


def decide(
    session: Session,
    now: datetime,
    patient: Patient,
    *,
    granted: bool,
    source: str,
    channel: str = EVERY_CHANNEL,
    version: str = UNVERSIONED,
    purpose: str = FOLLOW_UP,
) -> Consent:
    """Write one decision in the caller's transaction. `source` says where it was made: a form, a text, a provider.

    It is dated after every earlier one of the patient, even if the clock was put back since: the last word counts.
    """
    mine = select(func.max(Consent.at)).where(Consent.patient_id == patient.id, Consent.purpose == purpose)
    before = session.scalars(mine).one()
    decision = Consent(
        organization_id=patient.organization_id,
        patient_id=patient.id,
        purpose=purpose,
        channel=channel,
        granted=granted,
        version=version,
        language=patient.language,
        source=source,
        at=now if before is None else max(now, before + _TICK),
    )
    session.add(decision)
    return decision
