"""Push registrations: an app says that it is there, and is forgotten when it is signed out, gone or silent too long.

Whoever has an app that can be reached has one contact point on the channel "push", whose address is the patient's own
id: one address a patient, which no provider ever sees. Without an app it counts as failed, so that nothing is sent
there in vain. Nothing here decides about consent, and who has opted out stays so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, case, delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from care.errors import Conflict, NotSignedIn
from care.records.among import among
from care.records.ids import new_id
from care.records.patients import ContactPoint, Patient, address_token, contact_points
from care.records.push_registrations import PushRegistration, push_hash, push_registrations
from care.records.seal import seal
from care.records.sign_ins import PatientSession
from care.runtime import Runtime
from care.services import audits
from care.services.staff_sessions import hash_of

CHANNEL = "push"
STALE = timedelta(days=270)  # Android's tokens expire then (firebase.google.com/docs/cloud-messaging/manage-tokens)
KEPT = 10  # ours: apps of one patient; more are not a person's
REACHED = 5  # ours: of which so many are sent to


@dataclass(frozen=True, slots=True)
class App:
    """What an app says of itself: the provider's `token` for it, of a kind, and the language that it shows."""

    kind: str
    token: str = field(repr=False)
    platform: str
    language: str


@dataclass(frozen=True, slots=True)
class Reachable:
    """An app that a notification may be sent to."""

    id: UUID
    kind: str
    token: str = field(repr=False)
    language: str


def register(
    session: Session, rt: Runtime, patient: Patient, signed_in: str, app: App, preferred: bool = False
) -> PushRegistration:
    """Keep an app of the patient's session `signed_in` (its token); commits. Said again, it only says that it is there.

    An app is the newest patient's who signs in on it, and a session has one. `preferred` puts push before the
    patient's other addresses, unless its provider does not reach the patient's country; else it comes after them.
    Raises Conflict where this installation has no push, NotSignedIn.
    """
    now = rt.now()
    channel = rt.channels.get(CHANNEL)
    if channel is None or not channel.enabled:
        raise Conflict("no-push", "this installation sends no push notifications")
    session_id = _session_id(session, signed_in)
    known = select(PushRegistration).where(PushRegistration.token_hash == push_hash(app.kind, app.token))
    before = session.scalars(known.with_for_update()).first()
    owner = before.patient_id if before is not None else None
    row_id = _keep(session, now, patient, session_id, app)
    mine = PushRegistration.patient_id == patient.id
    newest = select(PushRegistration.id).where(mine).order_by(PushRegistration.last_seen_at.desc()).limit(KEPT)
    session.execute(
        delete(PushRegistration)
        .where(PushRegistration.id != row_id)
        .where((PushRegistration.session_id == session_id) | (mine & PushRegistration.id.not_in(newest)))
        .execution_options(synchronize_session=False)
    )
    reaches = channel.capabilities.in_country(patient.country).reaches
    _open_contact(session, now, patient, preferred and reaches)
    if owner != patient.id:
        _audit(session, now, "push.register", patient.id, patient.organization_id, row_id)
        if owner is not None:
            _close_contact(session, now, owner)
    session.commit()
    return session.get_one(PushRegistration, row_id, populate_existing=True)


def sign_off(session: Session, rt: Runtime, signed_in: str) -> None:
    """Forget the app of this session, whose token is given; commits."""
    forget_of_session(session, rt.now(), signed_in)
    session.commit()


def forget_of_session(session: Session, now: datetime, signed_in: str) -> None:
    """Forget the app of a session that ends, in the caller's transaction."""
    ending = select(PatientSession.id).where(PatientSession.token_hash == hash_of(signed_in))
    _delete(session, now, PushRegistration.session_id.in_(ending), "push.sign-off")


def forget(session: Session, now: datetime, registration_ids: Sequence[UUID]) -> None:
    """Forget apps of which the provider says that they are gone; commits."""
    _delete(session, now, among(PushRegistration.id, list(registration_ids)), "push.gone")
    session.commit()


def reachable(session: Session, now: datetime, patient_id: UUID) -> list[Reachable]:
    """The apps to send to, the one that was there last first, at most REACHED; commits. Silent ones are forgotten."""
    rows = push_registrations(session, patient_id)
    stale = [row.id for row in rows if row.last_seen_at <= now - STALE]
    if stale:
        _delete(session, now, among(PushRegistration.id, stale), "push.stale")
    alive = [row for row in rows if row.id not in stale][:REACHED]
    found = [Reachable(row.id, row.kind, row.token, row.language) for row in alive]
    session.commit()
    return found


def _session_id(session: Session, signed_in: str) -> UUID:
    found = select(PatientSession.id).where(
        PatientSession.token_hash == hash_of(signed_in), PatientSession.revoked_at.is_(None)
    )
    session_id = session.scalars(found.with_for_update()).first()  # it must not end meanwhile
    if session_id is None:
        raise NotSignedIn("token", "sign in again")
    return session_id


def _keep(session: Session, now: datetime, patient: Patient, session_id: UUID, app: App) -> UUID:
    """Insert or refresh, in one statement: what the row's seal is bound to, its id and its token, stays as it is."""
    row_id = new_id()
    told = {
        "patient_id": patient.id,
        "organization_id": patient.organization_id,
        "session_id": session_id,
        "platform": app.platform,
        "language": app.language,
        "last_seen_at": now,
    }
    kept = insert(PushRegistration).values(
        id=row_id,
        kind=app.kind,
        token_sealed=seal(PushRegistration.__tablename__, "token_sealed", row_id, app.token),
        token_hash=push_hash(app.kind, app.token),
        created_at=now,
        **told,
    )
    moved = PushRegistration.patient_id != patient.id
    since = case((moved, now), else_=PushRegistration.created_at)
    again = kept.on_conflict_do_update(index_elements=[PushRegistration.token_hash], set_={**told, "created_at": since})
    found: UUID = session.execute(again.returning(PushRegistration.id)).scalar_one()
    return found


def _open_contact(session: Session, now: datetime, patient: Patient, preferred: bool) -> None:
    """The patient's contact point on this channel, there and active unless it was opted out of."""
    address = str(patient.id)
    row_id = new_id()
    others = [one.rank for one in contact_points(session, patient.id) if one.channel != CHANNEL]
    first = min(others, default=1) - 1
    made = insert(ContactPoint).values(
        id=row_id,
        organization_id=patient.organization_id,
        patient_id=patient.id,
        channel=CHANNEL,
        address_sealed=seal(ContactPoint.__tablename__, "address_sealed", row_id, address),
        address_token=address_token(CHANNEL, address),
        rank=first if preferred else max(others, default=0) + 1,
        status="active",
        created_at=now,
    )
    again = made.on_conflict_do_update(
        index_elements=[ContactPoint.patient_id, ContactPoint.channel, ContactPoint.address_token],
        set_={
            "status": case((ContactPoint.status == "failed", "active"), else_=ContactPoint.status),
            "rank": first if preferred else ContactPoint.rank,
        },
    )
    session.execute(again)


def _close_contact(session: Session, now: datetime, patient_id: UUID) -> None:
    """Without an app there is nowhere to send to: what is sent next goes another way."""
    session.flush()
    found = select(ContactPoint).where(
        ContactPoint.patient_id == patient_id, ContactPoint.channel == CHANNEL, ContactPoint.status == "active"
    )
    contacts = session.scalars(found.with_for_update().execution_options(populate_existing=True)).all()
    # Counted with the contact point held: an app that registers at this moment has either been seen or opens it again.
    left = select(func.count()).select_from(PushRegistration).where(PushRegistration.patient_id == patient_id)
    if session.scalars(left).one():
        return
    for contact in contacts:
        contact.status = "failed"
        _audit(session, now, "contact.failed", patient_id, contact.organization_id, contact.id, "contact_point")


def _delete(session: Session, now: datetime, which: ColumnElement[bool], action: str) -> None:
    row = PushRegistration
    gone = delete(row).where(which).returning(row.id, row.patient_id, row.organization_id)
    patients = set()
    for row_id, patient_id, organization_id in session.execute(gone.execution_options(synchronize_session=False)):
        _audit(session, now, action, patient_id, organization_id, row_id)
        patients.add(patient_id)
    for patient_id in sorted(patients):
        _close_contact(session, now, patient_id)


def _audit(
    session: Session,
    now: datetime,
    action: str,
    patient_id: UUID,
    organization_id: UUID,
    entity_id: UUID,
    entity: str = "push_registration",
) -> None:
    by_patient = action in ("push.register", "push.sign-off")
    audits.record(
        session,
        now,
        action,
        entity,
        entity_id,
        agent_kind="patient" if by_patient else "system",
        agent_id=patient_id if by_patient else None,
        patient_id=patient_id,
        organization_id=organization_id,
        channel=CHANNEL,
    )
