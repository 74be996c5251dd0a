"""The language that a member of staff chose to read."""

from __future__ import annotations

from sqlalchemy import update
from sqlalchemy.orm import Session

from care.domain.codes import LANGUAGES
from care.domain.people import Staff
from care.errors import Invalid
from care.records.practitioners import Practitioner
from care.runtime import Runtime
from care.services import audits


def choose_language(session: Session, rt: Runtime, by: Staff, language: str) -> None:
    """Keep the choice with the account; commits. Raises Invalid for a language that Care does not speak."""
    if language not in LANGUAGES:
        raise Invalid("unknown-value", "this language is not spoken here", place="language")
    if language == by.language:
        return
    session.execute(update(Practitioner).where(Practitioner.id == by.id).values(language=language))
    audits.record(session, rt.now(), "staff.language", "practitioner", by.id, staff=by, language=language)
    session.commit()
