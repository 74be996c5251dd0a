"""Integrators: an administrator lets a system hand in values, and ends it. The key is shown once."""

from __future__ import annotations

import secrets
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from care.domain.codes import Role
from care.domain.people import Staff
from care.errors import NotFound, NotSignedIn
from care.records.integrators import Integrator
from care.runtime import Runtime
from care.services import audits
from care.services.addresses import plain
from care.services.staff_sessions import hash_of

PREFIX = "care_int_"


def add_integrator(session: Session, rt: Runtime, by: Staff, name: str) -> tuple[Integrator, str]:
    """A new integrator of the administrator's organization and its key, which is kept nowhere; commits."""
    by.must_be(Role.ADMIN)
    key = PREFIX + secrets.token_urlsafe(32)
    row = Integrator(
        organization_id=by.organization_id, name=plain(name, "name"), key_hash=hash_of(key), created_at=rt.now()
    )
    session.add(row)
    session.flush()
    audits.record(session, rt.now(), "integrator.add", "integrator", row.id, staff=by)
    session.commit()
    return row, key


def revoke_integrator(session: Session, rt: Runtime, by: Staff, integrator_id: UUID) -> Integrator:
    """Its key is good for nothing from now on; commits. Raises NotFound."""
    by.must_be(Role.ADMIN)
    row = session.get(Integrator, integrator_id)
    if row is None or row.organization_id != by.organization_id:
        raise NotFound("integrator", "no such integrator")
    row.revoked_at = row.revoked_at or rt.now()
    audits.record(session, rt.now(), "integrator.revoke", "integrator", row.id, staff=by)
    session.commit()
    return row


def integrator_by_key(session: Session, key: str) -> Integrator:
    """Whose key this is. Raises NotSignedIn when it is unknown or revoked."""
    found = select(Integrator).where(Integrator.key_hash == hash_of(key), Integrator.revoked_at.is_(None))
    row = session.scalars(found).first()
    if row is None:
        raise NotSignedIn("key", "this key is not known here, or it was revoked")
    return row
