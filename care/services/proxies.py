"""Proxies: who may answer for a patient (a RelatedPerson), with the patient's consent, until it is ended.

What comes from a proxy's address is the patient's. They are written to there only when no address of the patient's own
can be. On a phone that several patients share, its people are told apart as ever (services.speakers).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, update
from sqlalchemy.orm import Session

from care.domain.codes import CommunicationStatus, Delivery, Relation, Role
from care.domain.people import Staff
from care.errors import Conflict, Invalid
from care.records.communications import Communication
from care.records.patients import ContactPoint, Patient, address_token, contact_points, patient_of
from care.records.related_persons import RelatedPerson, proxies, proxy_of
from care.records.sign_ins import OneTimeCode, PatientSession
from care.runtime import Runtime
from care.services import audits, consents
from care.services.addresses import normal_address, plain
from care.services.labels import known_label
from care.services.locks import wait_for_patient

PURPOSE = "proxy"
SOURCES = ("in-person", "in-writing", "by-phone", "guardianship")
"""How the patient agreed that somebody answers for them, or why nobody had to ask."""


@dataclass(frozen=True)
class Proxy:
    """What is asked when a proxy is added. Without an address they answer in person or on the phone.

    `label` is what the phone calls the patient ("mother"): it tells several patients of one phone apart, with no name.
    """

    name: str
    relation: str
    consent_source: str
    channel: str = ""
    address: str = ""
    label: str = ""


def add_proxy(session: Session, rt: Runtime, staff: Staff, patient_id: UUID, form: Proxy) -> RelatedPerson:
    """Somebody may answer for the patient from now on; commits. The consent is written to the ledger.

    Raises NotFound, NotAllowed, Invalid (place), Conflict (somebody with this address may already).
    """
    staff.must_be(Role.NURSE, Role.CLINICIAN)
    patient = patient_of(session, staff, patient_id)
    if form.relation not in tuple(Relation):
        raise Invalid("relation", "choose what they are to the patient", place="relation")
    if form.consent_source not in SOURCES:
        raise Invalid("consent", "say how the patient agreed", place="consent_source")
    name = plain(form.name, "name")
    wait_for_patient(session, patient.id)
    now = rt.now()
    address = normal_address(form.channel, form.address, patient.country) if form.channel else None
    contact = _reached_at(session, now, patient, form, address) if address else None
    row = RelatedPerson(
        organization_id=patient.organization_id,
        patient_id=patient.id,
        relation=form.relation,
        name=name,
        channel=form.channel or None,
        address=address,
        contact_point_id=contact.id if contact else None,
        consent_source=form.consent_source,
        author_id=staff.id,
        created_at=now,
    )
    session.add(row)
    consents.decide(session, now, patient, granted=True, source=form.consent_source, purpose=PURPOSE)
    audits.record(
        session,
        now,
        "proxy.add",
        "related_person",
        row.id,
        staff=staff,
        patient_id=patient.id,
        relation=form.relation,
        channel=form.channel,
        source=form.consent_source,
    )
    session.commit()
    return row


def end_proxy(session: Session, rt: Runtime, staff: Staff, patient_id: UUID, proxy_id: UUID) -> RelatedPerson:
    """They no longer answer for the patient: their address is a stranger's from now on; commits.

    Whoever is signed in to the app signs in anew, since nobody knows which of them it is. Raises NotFound, NotAllowed,
    Conflict (ended already).
    """
    staff.must_be(Role.NURSE, Role.CLINICIAN)
    patient = patient_of(session, staff, patient_id)
    wait_for_patient(session, patient.id)
    now = rt.now()
    row = proxy_of(session, patient.id, proxy_id)
    if row.ended_at is not None:
        raise Conflict("ended", "this proxy was ended before")
    row.ended_at, row.ended_by_id = now, staff.id
    if row.contact_point_id is not None:
        _forget(session, patient.id, row.contact_point_id)
    living = PatientSession.patient_id == patient.id, PatientSession.revoked_at.is_(None)
    session.execute(update(PatientSession).where(*living).values(revoked_at=now))
    session.flush()
    if all(one.ended_at is not None for one in proxies(session, patient.id)):
        consents.decide(session, now, patient, granted=False, source="staff", purpose=PURPOSE)
    audits.record(session, now, "proxy.end", "related_person", row.id, staff=staff, patient_id=patient.id)
    session.commit()
    return row


def _forget(session: Session, patient_id: UUID, contact_point_id: UUID) -> None:
    """Nothing more is sent to this address as the patient's, and nothing from it is theirs."""
    waiting = update(Communication).where(
        Communication.patient_id == patient_id,
        Communication.contact_point_id == contact_point_id,
        Communication.direction == "out",
        Communication.delivery == Delivery.QUEUED.value,
    )
    stopped = {"status": CommunicationStatus.NOT_DONE.value, "delivery": Delivery.STOPPED.value, "send_at": None}
    session.execute(waiting.values(**stopped, status_reason="proxy-ended"))
    session.execute(delete(OneTimeCode).where(OneTimeCode.contact_point_id == contact_point_id))
    session.execute(delete(ContactPoint).where(ContactPoint.id == contact_point_id))


def _reached_at(session: Session, now: datetime, patient: Patient, form: Proxy, address: str) -> ContactPoint | None:
    """A contact point for the proxy, after all others; None where the address is one of the patient's own."""
    token, known = address_token(form.channel, address), contact_points(session, patient.id)
    same = next((one for one in known if one.channel == form.channel and bytes(one.address_token) == token), None)
    living = [one for one in proxies(session, patient.id) if one.ended_at is None]
    if any(one.channel == form.channel and one.address == address for one in living):
        raise Conflict("twice", "somebody with this address may answer already", place="address")
    if same is not None:
        return None
    contact = ContactPoint(
        organization_id=patient.organization_id,
        patient_id=patient.id,
        channel=form.channel,
        address=address,
        address_token=token,
        label=known_label(form.label, "label", patient.identity) if form.label else None,
        rank=max((one.rank for one in known), default=0) + 1,
        status="active",
        created_at=now,
    )
    session.add(contact)
    session.flush()
    return contact
