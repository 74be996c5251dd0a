"""A team's patients as plain rows for a file: an act of staff, so it is audited."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from care.domain.codes import Role
from care.domain.people import Staff
from care.errors import Invalid
from care.records import lists
from care.runtime import Runtime
from care.services import audits


def export(session: Session, rt: Runtime, staff: Staff, since: datetime, until: datetime) -> lists.Cohort:
    """The team's cohort with what happened in since <= t < until (both aware). Commits. Raises Invalid, NotAllowed."""
    staff.must_be(Role.NURSE, Role.CLINICIAN)
    if since >= until:
        raise Invalid("period", "the first day comes after the last", place="since")
    found = lists.cohort(session, staff, since, until)
    audits.record(
        session,
        rt.now(),
        "cohort.export",
        "care-team",
        staff.care_team_id,
        staff=staff,
        since=since.isoformat(),
        until=until.isoformat(),
        patients=len(found.patients),
    )
    session.commit()
    return found
