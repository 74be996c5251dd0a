"""Escalations: a Task whose focus is a Flag, and the reports and texts that are linked to it."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Double, ForeignKey, Index, Integer, SmallInteger, func, select, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, Session, mapped_column

from care.domain.codes import EscalationStatus, Priority
from care.domain.escalation import State
from care.domain.people import Staff
from care.errors import NotFound
from care.records.base import Base, OfOrganization, Queued
from care.records.patients import visible_to
from care.records.seal import Sealed

# Ascending throughout, so that one comparison of rows finds the next page: severity, then risk (what has none comes
# after what has), then who has waited longest.
PLACE = ("(- rank)", "(- COALESCE(risk, '-1'::double precision))", "requested_at", "id")


class Escalation(OfOrganization, Queued, Base):
    """requested -> accepted -> completed; one open per Flag. `page_at` is the queue of pages to staff.

    `risk` is the highest of the reports that joined it (None: no model spoke), `priority_since` when it came to have
    its priority (None: it always had it), `looked_at` when somebody of staff looked first. `last_act` is what undoing
    the last act needs.
    """

    __tablename__ = "escalation"
    __table_args__ = (
        CheckConstraint("status IN ('requested', 'accepted', 'completed')", name="status"),
        Index("uq_escalation_open", "flag_id", unique=True, postgresql_where="status <> 'completed'"),
        Index("ix_escalation_page_at", "page_at", postgresql_where="page_at IS NOT NULL"),
        Index("ix_escalation_open_list", "care_team_id", *map(text, PLACE), postgresql_where="status <> 'completed'"),
        Index("ix_escalation_unclaimed", "care_team_id", *map(text, PLACE), postgresql_where="status = 'requested'"),
        Index("ix_escalation_owner", "owner_id", postgresql_where="status = 'accepted'"),
        Index("ix_escalation_patient", "patient_id", "requested_at"),
        Index(
            "ix_escalation_unsigned",
            "care_team_id",
            "completed_at",
            postgresql_where="status = 'completed' AND signed_off_at IS NULL",
        ),
    )
    patient_id: Mapped[UUID | None] = mapped_column(ForeignKey("patient.id"))
    care_team_id: Mapped[UUID] = mapped_column(ForeignKey("care_team.id"))
    flag_id: Mapped[UUID] = mapped_column(ForeignKey("flag.id"))
    cause: Mapped[str]
    source: Mapped[str]
    reason: Mapped[str]
    params: Mapped[dict[str, Any]]
    status: Mapped[str]
    priority: Mapped[str]
    rank: Mapped[int] = mapped_column(SmallInteger)
    rung: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    pages: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    owner_id: Mapped[UUID | None] = mapped_column(ForeignKey("practitioner.id"))
    page_at: Mapped[datetime | None]
    requested_at: Mapped[datetime]
    accepted_at: Mapped[datetime | None]
    completed_at: Mapped[datetime | None]
    outcome: Mapped[str | None]
    note_sealed: Mapped[bytes | None]
    ladder_id: Mapped[UUID | None] = mapped_column(ForeignKey("ladder.id"))  # None: the default ladder
    offered_to_id: Mapped[UUID | None] = mapped_column(ForeignKey("practitioner.id"))
    snoozed_until: Mapped[datetime | None]
    snoozes: Mapped[int] = mapped_column(SmallInteger, default=0, server_default="0")
    snooze_reason_sealed: Mapped[bytes | None]
    signed_off_at: Mapped[datetime | None]
    signed_off_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("practitioner.id"))
    sign_off_note_sealed: Mapped[bytes | None]
    risk: Mapped[float | None] = mapped_column(Double())
    priority_since: Mapped[datetime | None]
    looked_at: Mapped[datetime | None]
    last_act: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))

    note = Sealed()
    snooze_reason = Sealed()
    sign_off_note = Sealed()

    @property
    def since(self) -> datetime:
        """When it came to have its priority: the clock of the first look starts here."""
        return self.priority_since or self.requested_at

    @property
    def state(self) -> State:
        """The row as the state machine sees it."""
        owner = str(self.owner_id) if self.owner_id else None
        asked = str(self.offered_to_id) if self.offered_to_id else None
        return State(
            EscalationStatus(self.status),
            Priority(self.priority),
            self.rung,
            self.pages,
            owner,
            self.page_at,
            asked,
            self.snoozed_until,
            self.snoozes or 0,
        )

    @state.setter
    def state(self, state: State) -> None:
        self.status, self.priority, self.rank = state.status.value, state.priority.value, state.priority.rank
        self.rung, self.pages, self.page_at = state.rung, state.pages, state.page_at
        self.owner_id = UUID(state.owner) if state.owner else None
        self.offered_to_id = UUID(state.offered_to) if state.offered_to else None
        self.snoozed_until, self.snoozes = state.snoozed_until, state.snoozes


class EscalationLink(Base):
    """One report or text that raised or joined an escalation, with the reason it did. No report is ever dropped."""

    __tablename__ = "escalation_link"
    __table_args__ = (Index("ix_escalation_link_escalation", "escalation_id", "at"),)
    escalation_id: Mapped[UUID] = mapped_column(ForeignKey("escalation.id"))
    response_id: Mapped[UUID | None] = mapped_column(ForeignKey("questionnaire_response.id"), index=True)
    communication_id: Mapped[UUID | None] = mapped_column(ForeignKey("communication.id"), index=True)
    assessment_id: Mapped[UUID | None] = mapped_column(ForeignKey("risk_assessment.id"))
    priority: Mapped[str]
    reason: Mapped[str]
    params: Mapped[dict[str, Any]]
    at: Mapped[datetime]


def escalation_of(session: Session, staff: Staff, escalation_id: UUID, lock: bool = False) -> Escalation:
    """The escalation, if `staff` may see it. Raises NotFound otherwise."""
    found = select(Escalation).where(Escalation.id == escalation_id, visible_to(staff, Escalation))
    row = session.scalars(found.with_for_update() if lock else found).first()
    if row is None:
        raise NotFound("escalation", "no such escalation")
    return row


def links_of(session: Session, escalation_id: UUID) -> int:
    """How many reports and texts an escalation holds."""
    found = select(func.count()).select_from(EscalationLink).where(EscalationLink.escalation_id == escalation_id)
    return session.scalars(found).one()


def links(session: Session, escalation_id: UUID) -> list[EscalationLink]:
    """Everything linked to an escalation, oldest first."""
    found = select(EscalationLink).where(EscalationLink.escalation_id == escalation_id)
    return list(session.scalars(found.order_by(EscalationLink.at, EscalationLink.id)))
