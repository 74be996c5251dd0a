"""Staff choose the language that they read."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from care.errors import Invalid
from care.records.audit_events import AuditEvent
from care.records.practitioners import Practitioner
from care.runtime import Runtime
from care.services.staff_languages import choose_language
from tests.conftest import Clinic


def kept(session: Session, clinic: Clinic) -> Practitioner:
    """The nurse's account as it is now."""
    session.expire_all()
    return session.get_one(Practitioner, clinic.nurse.id)


def test_a_choice_is_kept_with_the_account_and_audited_once(session: Session, rt: Runtime, clinic: Clinic):
    assert kept(session, clinic).language is None
    choose_language(session, rt, clinic.nurse, "zh-Hans")
    again = kept(session, clinic).staff()
    assert again.language == "zh-Hans"
    choose_language(session, rt, again, "zh-Hans")
    events = select(func.count()).select_from(AuditEvent).where(AuditEvent.action == "staff.language")
    assert session.scalar(events) == 1


def test_a_language_that_is_not_spoken_is_refused(session: Session, rt: Runtime, clinic: Clinic):
    with pytest.raises(Invalid, match="not spoken"):
        choose_language(session, rt, clinic.nurse, "zh-CN")
    assert kept(session, clinic).language is None


def test_the_table_takes_no_other_language(session: Session, clinic: Clinic):
    with pytest.raises(IntegrityError):
        session.execute(text("UPDATE practitioner SET language = 'de' WHERE id = :id"), {"id": clinic.nurse.id})
    session.rollback()
