"""Care teams: the people who share a list of patients. An administrator makes them."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from care.domain.codes import Role
from care.domain.people import Staff
from care.errors import Conflict
from care.records.organizations import CareTeam
from care.runtime import Runtime
from care.services import audits
from care.services.addresses import plain


def add_care_team(session: Session, rt: Runtime, by: Staff, name: str) -> CareTeam:
    """A new team of the administrator's organization; commits. Raises NotAllowed, Invalid, Conflict (name in use)."""
    by.must_be(Role.ADMIN)
    team = CareTeam(organization_id=by.organization_id, name=plain(name, "name", 120), default=False)
    same = select(CareTeam.id).where(CareTeam.organization_id == by.organization_id, CareTeam.name == team.name)
    if session.scalars(same).first() is not None:
        raise Conflict("care-team", "there is a team of this name", place="name")
    session.add(team)
    audits.record(session, rt.now(), "care-team.add", "care_team", team.id, staff=by)
    session.commit()
    return team
