"""Observations: one measured value with code, unit and time; plain, because rules and queries need them."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from uuid import UUID

from sqlalchemy import Double, ForeignKey, Index, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from care.domain.measure import Measure
from care.records.base import Base, OfPatient


class Observation(OfPatient, Base):
    """`at` is when it was true, `recorded_at` when we knew. A superseded one keeps its row and stops counting.

    `source`: report, integrator or staff, and `source_id` which of the last two. `identifier` is an HMAC of the
    sender's own name of the value: the same name twice is one value, and of those with one name at most one counts.
    """

    __tablename__ = "observation"
    __table_args__ = (
        Index("ix_observation_series", "patient_id", "at"),
        Index("ix_observation_alone", "patient_id", "at", postgresql_where="response_id IS NULL"),
        Index("ix_observation_identifier", "identifier", postgresql_where="identifier IS NOT NULL"),
        Index(
            "uq_observation_identifier",
            "identifier",
            unique=True,
            postgresql_where="identifier IS NOT NULL AND NOT superseded",
        ),
    )
    response_id: Mapped[UUID | None] = mapped_column(ForeignKey("questionnaire_response.id"), index=True)
    code: Mapped[str]
    value: Mapped[float | None] = mapped_column(Double())
    unit: Mapped[str]
    comparator: Mapped[str] = mapped_column(default="", server_default="")
    context: Mapped[str] = mapped_column(default="", server_default="")
    at: Mapped[datetime]
    recorded_at: Mapped[datetime]
    superseded: Mapped[bool] = mapped_column(default=False, server_default="false")
    source: Mapped[str] = mapped_column(default="report", server_default="report")
    source_id: Mapped[UUID | None]
    status: Mapped[str] = mapped_column(default="final", server_default="final")
    identifier: Mapped[bytes | None]
    supersedes_id: Mapped[UUID | None]

    def measure(self) -> Measure:
        """This observation as rules and models read it."""
        return Measure(str(self.id), self.code, self.value, self.unit, self.at, self.comparator, self.context)


def series(
    session: Session, patient_id: UUID, since: datetime, until: datetime, codes: Iterable[str] = ()
) -> list[Observation]:
    """A patient's observations with since <= at <= until, oldest first; of `codes` only, if any are named."""
    found = select(Observation).where(
        Observation.patient_id == patient_id, Observation.at >= since, Observation.at <= until, ~Observation.superseded
    )
    wanted = tuple(codes)
    if wanted:
        found = found.where(Observation.code.in_(wanted))
    return list(session.scalars(found.order_by(Observation.at, Observation.id)))


def stop_counting(session: Session, response_ids: Collection[UUID]) -> None:
    """What these reports say stands in another one by now; no row is lost (no commit)."""
    if response_ids:
        change = update(Observation).where(Observation.response_id.in_(response_ids)).values(superseded=True)
        session.execute(change.execution_options(synchronize_session="fetch"))


def of_identifier(session: Session, identifier: bytes) -> list[Observation]:
    """Every observation that was sent under this name, the newest first; those that stopped counting too."""
    found = select(Observation).where(Observation.identifier == identifier)
    return list(session.scalars(found.order_by(Observation.recorded_at.desc(), Observation.id.desc())))
