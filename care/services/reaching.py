"""Reaching: which of a patient's contact points comes first; what it cannot carry goes to the next one that can."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from care.domain.codes import Purpose, Role
from care.domain.people import Staff
from care.domain.reach import best, may_keep, takes_answers
from care.errors import Invalid
from care.records.among import among
from care.records.patients import ContactPoint, contact_points, patient_of
from care.records.related_persons import proxies
from care.records.tasks import DueTask
from care.runtime import Runtime
from care.services import audits
from care.services.consents import Ledger, ledger_of
from care.services.locks import wait_for_patient

_WHY = Purpose.REMINDER


def placed(session: Session, rt: Runtime, tasks: Sequence[DueTask]) -> Sequence[DueTask]:
    """These tasks, each with the contact point that its reminder goes to.

    The preferred one (by rank, active, with consent) stands in the task already, and nearly always it is right. Where
    its channel takes no answer there, does not reach the country or may not be used for where it keeps what is sent,
    the next that can is taken; where none can, the reminder goes to the first as a notice, or fails visibly.
    """

    @cache
    def suits(channel: str, country: str) -> bool:
        known = rt.channels.get(channel)
        if known is None:
            return True  # that it is missing is seen when the message leaves
        able = known.capabilities.in_country(country)
        return able.reaches and takes_answers(able, _WHY) and may_keep(able, _WHY, rt.data_locations)

    poor = {task.person.id for task in tasks if task.channel and not suits(task.channel, task.person.country)}
    if not poor:
        return tasks
    known: dict[UUID, list[ContactPoint]] = {}
    found = select(ContactPoint).where(among(ContactPoint.patient_id, poor), ContactPoint.status == "active")
    for contact in session.scalars(found.order_by(ContactPoint.rank, ContactPoint.id)):
        known.setdefault(contact.patient_id, []).append(contact)
    ledger = ledger_of(session, poor)
    return [_placed(rt, task, known[task.person.id], ledger) if task.person.id in known else task for task in tasks]


def _placed(rt: Runtime, task: DueTask, contacts: Sequence[ContactPoint], ledger: Ledger) -> DueTask:
    country = task.person.country
    spots = [
        (contact, rt.channels[contact.channel].capabilities.in_country(country))
        for contact in contacts
        if contact.channel in rt.channels and ledger.allows(contact.patient_id, contact.channel)
    ]
    goes = best(_WHY, spots, rt.data_locations)
    if goes is None or goes.id == task.contact_id:
        return task
    return task._replace(contact_id=goes.id, channel=goes.channel, address_token=bytes(goes.address_token))


def prefer(session: Session, rt: Runtime, staff: Staff, patient_id: UUID, order: Sequence[UUID]) -> list[ContactPoint]:
    """The patient's own addresses in this order from now on, those of proxies after them; commits.

    Raises NotFound, NotAllowed, Invalid (not each of them, once).
    """
    staff.must_be(Role.NURSE, Role.CLINICIAN)
    patient = patient_of(session, staff, patient_id)
    wait_for_patient(session, patient.id)
    own, theirs = own_contacts(session, patient.id)
    known = {contact.id: contact for contact in own}
    if sorted(order) != sorted(known):
        raise Invalid("order", "give each address a place of its own", place="order")
    for rank, contact in enumerate([*(known[one] for one in order), *theirs], start=1):
        contact.rank = rank
    channels = [known[one].channel for one in order]
    audits.record(
        session, rt.now(), "patient.channels", "patient", patient.id, staff=staff, patient_id=patient.id, order=channels
    )
    session.commit()
    return [known[one] for one in order]


def own_contacts(session: Session, patient_id: UUID) -> tuple[list[ContactPoint], list[ContactPoint]]:
    """(the patient's own contact points, those that were made for their proxies), preferred first."""
    made = {one.contact_point_id for one in proxies(session, patient_id)}
    every = contact_points(session, patient_id)
    return [one for one in every if one.id not in made], [one for one in every if one.id in made]
