"""Locks for the length of one transaction: who works for a patient, and who writes a patient's escalations."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

_ESCALATIONS = 0x45_5343_414C  # its own space of keys: one may raise an alarm for a patient whom another works for

# unnest in a CTE of its own: the lock is asked for once a key, in the order given.
_TRY = text(
    "WITH k AS MATERIALIZED (SELECT u.key, u.n FROM unnest(CAST(:keys AS bigint[])) WITH ORDINALITY AS u(key, n))"
    " SELECT n FROM (SELECT n, pg_try_advisory_xact_lock(key) AS got FROM k ORDER BY n) t WHERE got"
)
_WAIT = text(
    "WITH k AS MATERIALIZED (SELECT u.key, u.n FROM unnest(CAST(:keys AS bigint[])) WITH ORDINALITY AS u(key, n)"
    " ORDER BY n) SELECT pg_advisory_xact_lock(key) FROM k"
)


def key_of(entity_id: UUID, space: int = 0) -> int:
    """The advisory lock's key: the id folded to a signed 64-bit number."""
    key = (entity_id.int >> 64 ^ entity_id.int & (2**64 - 1)) ^ space
    return key - 2**64 if key >= 2**63 else key


def lock_patients(session: Session, patient_ids: Iterable[UUID]) -> set[UUID]:
    """Try to be the only one who works for these patients until the transaction ends; returns those we got."""
    ids = sorted(set(patient_ids))
    if not ids:
        return set()
    got = session.execute(_TRY, {"keys": [key_of(one) for one in ids]}).scalars()
    return {ids[n - 1] for n in got}


def wait_for_patient(session: Session, patient_id: UUID) -> None:
    """Wait until nobody else works for this patient, and keep others out until the transaction ends."""
    session.execute(_WAIT, {"keys": [key_of(patient_id)]})


def wait_to_escalate(session: Session, owners: Iterable[UUID]) -> None:
    """Wait for the escalations of these patients (of these teams, where nobody is known), always in one order."""
    keys = sorted({key_of(one, _ESCALATIONS) for one in owners})
    if keys:
        session.execute(_WAIT, {"keys": keys})
