"""What the conductor asks the database: what is due, who must not be written to, what a nurse would close."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import Select, select, text

from care.records.base import Base
from care.records.communications import Communication
from care.records.escalations import Escalation

ENDED = ("delivered", "sent", "sent-unconfirmed", "failed", "unknown", "stopped")

QUEUES = [
    (table.name, column.name)
    for table in Base.metadata.sorted_tables
    for column in table.columns
    if "lease_until" in table.columns and column.name.endswith("_at")
    for index in table.indexes
    if str(index.dialect_options["postgresql"]["where"]) == f"{column.name} IS NOT NULL"
]
JOB = {
    "care_plan.expand_at": "expand",
    "task.remind_at": "remind",
    "communication.take_at": "turns",
    "questionnaire_response.score_at": "score",
    "escalation.page_at": "page",
    "letters": "deliver",
}
LOOK = text(
    " UNION ALL ".join(
        f"SELECT '{table}.{column}' AS queue, count(*) FILTER (WHERE {column} <= :now) AS due,"
        f" count(*) FILTER (WHERE {column} <= :now AND coalesce(lease_until, 'epoch') < clock_timestamp()) AS free,"
        f" count(*) FILTER (WHERE lease_until > clock_timestamp()) AS leased, min({column}) AS earliest,"
        f" count(*) AS waiting FROM {table} WHERE {column} IS NOT NULL"
        for table, column in QUEUES
    )
    + " UNION ALL SELECT 'letters', count(*), count(*), 0, NULL, 0 FROM dead_letter"
    " WHERE queue = 'outbox' AND resolved_at IS NULL AND patient_id IS NOT NULL"
)
TABLES = sorted({table for table, _ in QUEUES})
UNWILLING = text(
    "SELECT cp.id, extract(epoch FROM clock_timestamp())::float8,"
    " CASE WHEN cp.status = 'failed' AND w.granted THEN 'failed' ELSE 'opted-out' END"
    " FROM contact_point cp CROSS JOIN LATERAL (SELECT granted FROM consent c WHERE c.patient_id = cp.patient_id"
    " AND c.purpose = 'follow-up' AND c.channel IN (cp.channel, '*') ORDER BY c.id DESC LIMIT 1) w"
    " WHERE cp.status <> 'active' OR NOT w.granted"
)
PASS = [
    text(f"UPDATE {table} SET lease_until = lease_until - interval '1 hour' WHERE lease_until > clock_timestamp()")
    for table in TABLES
]


def to_close(before: datetime) -> Select[tuple[UUID]]:
    """The escalations that a nurse closes: routine ones, and older ones whose page has come to an end."""
    paged = select(Communication.escalation_id).where(
        Communication.escalation_id == Escalation.id,
        Communication.purpose == "page",
        Communication.delivery.in_(ENDED),
    )
    routine = Escalation.priority == "routine"
    return select(Escalation.id).where(
        Escalation.status != "completed", routine | ((Escalation.requested_at <= before) & paged.exists())
    )
