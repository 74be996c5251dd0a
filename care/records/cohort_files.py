"""CohortFiles: a sheet of patients between being looked at and being imported, sealed; gone when that is over."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, Integer, delete, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from care.domain.people import Staff
from care.errors import NotFound
from care.records.base import Base, OfOrganization
from care.records.seal import SealedJson


class CohortFile(OfOrganization, Base):
    """One uploaded sheet, as its uploader saw it: `rows` is {"lines": [[number, cells] …]}, sealed.

    `rows_sealed` is emptied when it is imported; what was not imported is deleted when it expires. `patients` is how
    many were enrolled of it.
    """

    __tablename__ = "cohort_file"
    __table_args__ = (
        CheckConstraint("(imported_at IS NULL) = (rows_sealed IS NOT NULL)", name="imported"),
        Index("ix_cohort_file_expires_at", "expires_at", postgresql_where="imported_at IS NULL"),
    )
    care_team_id: Mapped[UUID] = mapped_column(ForeignKey("care_team.id"))
    practitioner_id: Mapped[UUID] = mapped_column(ForeignKey("practitioner.id"))
    sha256: Mapped[str]
    encoding: Mapped[str]
    separator: Mapped[str]
    rows_sealed: Mapped[bytes | None]
    uploaded_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    imported_at: Mapped[datetime | None]
    patients: Mapped[int] = mapped_column(Integer, default=0, server_default="0")

    rows = SealedJson()


def cohort_file_of(session: Session, staff: Staff, file_id: UUID, now: datetime, *, lock: bool = False) -> CohortFile:
    """A sheet that this member of staff uploaded and that has not expired. Raises NotFound; nobody sees another's."""
    found = select(CohortFile).where(
        CohortFile.id == file_id,
        CohortFile.practitioner_id == staff.id,
        CohortFile.care_team_id == staff.care_team_id,
    )
    if lock:
        found = found.with_for_update().execution_options(populate_existing=True)
    sheet = session.scalars(found).first()
    if sheet is None or (sheet.imported_at is None and sheet.expires_at <= now):
        raise NotFound("cohort-file", "there is no such file any more; choose it again")
    return sheet


def drop_expired(session: Session, now: datetime) -> int:
    """Delete the sheets that nobody imported in time (no commit). Returns how many."""
    over = delete(CohortFile).where(CohortFile.imported_at.is_(None), CohortFile.expires_at <= now)
    return len(session.execute(over.returning(CohortFile.id)).all())
