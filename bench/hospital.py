"""Months of a hospital's life, written by the database itself: reports, values, messages, alerts and what came of them.

Every patient has the same past, whatever the size: two hundred reports and twenty alerts, of which two or three are
open. So a page of one patient, or of the hundred most pressing alerts, shows as much in a small hospital as in a large
one, and only what lies around it differs. Who is opened by a benchmark has contents that open; the others' are as long
and mean nothing.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg

from bench.ward import NOW, ZONES, copy
from care.records.ids import new_id
from care.records.patients import address_token
from care.records.seal import seal

REPORTS, ALERTS = 200, 20
TABLES = (
    *("questionnaire_response", "observation", "communication", "communication_content", "task", "risk_assessment"),
    *("flag", "escalation", "escalation_link", "audit_event", "audit_seal"),
)
_ROWS = (
    # One report a day with what the rules said of it.
    "INSERT INTO questionnaire_response (id, organization_id, patient_id, questionnaire, care_plan_id, status, source,"
    " document_sealed, authored_at, recorded_at, judged) SELECT uuidv7(at - clock_timestamp()), %(house)s, p.id,"
    " %(form)s, p.plan, 'completed', CASE WHEN p.k %% 3 = 0 THEN 'app' ELSE 'sms' END, %(filler)s, at, at,"
    " CASE WHEN n %% 10 = 0 THEN 'flagged' ELSE 'nothing' END"
    " FROM (SELECT p.*, n, %(now)s::timestamptz - make_interval(days => 200 - n, hours => 2, mins => p.k %% 600) AS at"
    " FROM person p CROSS JOIN generate_series(1, 200) AS n) p ORDER BY at, id",
    "INSERT INTO observation (id, organization_id, patient_id, response_id, code, value, unit, at, recorded_at)"
    " SELECT uuidv7(authored_at - clock_timestamp()), organization_id, patient_id, id, '29463-7',"
    " 70 + (extract(day FROM authored_at)::int %% 9) / 4.0, 'kg', authored_at, recorded_at FROM questionnaire_response"
    " ORDER BY authored_at, id",
    "INSERT INTO observation (id, organization_id, patient_id, response_id, code, value, unit, at, recorded_at)"
    " SELECT uuidv7(authored_at - clock_timestamp()), organization_id, patient_id, id, 'swelling', 0, '1', authored_at,"
    " recorded_at FROM questionnaire_response WHERE extract(day FROM authored_at)::int %% 2 = 0"
    " ORDER BY authored_at, id",
    "INSERT INTO risk_assessment (id, organization_id, patient_id, response_id, rules_sha256, vector, contributions,"
    " missing, inputs, findings, at, recorded_at) SELECT uuidv7(authored_at - clock_timestamp()), organization_id,"
    " patient_id, id, %(rules)s, '[]', '[]', '[]', '[]', '[]', authored_at, recorded_at FROM questionnaire_response"
    " WHERE extract(day FROM authored_at)::int %% 2 = 0 ORDER BY authored_at, id",
    # What was asked, and the week that is to come; a seventh was never answered.
    "INSERT INTO task (id, organization_id, patient_id, care_plan_id, action_id, nominal, questionnaire, status,"
    " due_at, expires_at, completed_at, status_reason) SELECT uuidv7(at - clock_timestamp()), %(house)s, p.id, p.plan,"
    " 'daily-check', at::timestamp, %(form)s, status, at, at + interval '12 hours',"
    " CASE WHEN status = 'completed' THEN at + interval '1 hour' END,"
    " CASE WHEN status = 'failed' THEN 'expired' END FROM (SELECT p.*, CASE WHEN n > 200 THEN 'ready'"
    " WHEN n %% 7 = 3 THEN 'failed' ELSE 'completed' END AS status FROM (SELECT p.*, n,"
    " %(now)s::timestamptz - make_interval(days => 200 - n, hours => 3) AS at"
    " FROM person p CROSS JOIN generate_series(1, 206) AS n) p) p ORDER BY p.at, p.id",
    # A reminder and an answer every second day.
    "INSERT INTO communication (id, organization_id, patient_id, care_team_id, direction, channel, purpose, status,"
    " delivery, at, recorded_at, sent_at, delivered_at, consent_id) SELECT uuidv7(at - clock_timestamp()), %(house)s,"
    " p.id, p.team, CASE WHEN n %% 2 = 0 THEN 'out' ELSE 'in' END, 'sms',"
    " CASE WHEN n %% 2 = 0 THEN 'reminder' ELSE 'reply' END, 'completed',"
    " CASE WHEN n %% 2 = 0 THEN 'delivered' END, at, at, at, at, p.consent"
    " FROM (SELECT p.*, n, %(now)s::timestamptz - make_interval(days => 200 - n, hours => 2, mins => p.k %% 600) AS at"
    " FROM person p CROSS JOIN generate_series(1, 200) AS n) p ORDER BY at, p.id",
    "INSERT INTO communication_content (id, text_sealed) SELECT c.id, %(filler)s FROM communication c"
    " WHERE c.patient_id <> ALL(%(opened)s)",
    # Twenty alerts a patient, ten days apart; the last two are open, and of two patients in five the third last.
    "CREATE TEMP TABLE raised AS SELECT uuidv7(at - clock_timestamp()) AS flag, uuidv7(at - clock_timestamp()) AS id,"
    " p.id AS patient, p.team, p.k, m, at, m > 18 OR m = 18 AND p.k %% 5 < 2 AS open,"
    " (ARRAY['routine', 'urgent', 'asap', 'stat'])[1 + (m + p.k) %% 4] AS priority, (m + p.k) %% 4 AS rank,"
    " CASE WHEN m %% 3 = 0 THEN 'weight-gain' WHEN m %% 3 = 1 THEN 'glucose-low' ELSE 'unscorable' END AS cause"
    " FROM (SELECT p.*, m, %(now)s::timestamptz - make_interval(days => 10 * (20 - m), hours => 2,"
    " mins => p.k %% 600 - 1) AS at FROM person p CROSS JOIN generate_series(1, 20) AS m) p ORDER BY at, p.id",
    "INSERT INTO flag (id, organization_id, patient_id, care_team_id, cause, status, since, ended_at)"
    " SELECT flag, %(house)s, patient, team, cause, CASE WHEN open THEN 'active' ELSE 'inactive' END, at,"
    " CASE WHEN NOT open THEN at + interval '1 hour' END FROM raised",
    "INSERT INTO escalation (id, organization_id, patient_id, care_team_id, flag_id, cause, source, reason, params,"
    " status, priority, rank, owner_id, page_at, requested_at, accepted_at, completed_at, outcome) SELECT id,"
    " %(house)s, patient, team, flag, cause, CASE cause WHEN 'unscorable' THEN 'doubt' ELSE 'rule' END, cause,"
    ' CASE cause WHEN \'weight-gain\' THEN \'{"delta": 2.6, "days": 3, "from": 70.1, "value": 72.7}\''
    ' WHEN \'glucose-low\' THEN \'{"value": 61, "mmol": 3.4, "threshold": 70}\''
    ' ELSE \'{"failure": "missing-input"}\' END::jsonb,'
    " CASE WHEN NOT open THEN 'completed' WHEN k %% 3 = 0 THEN 'accepted' ELSE 'requested' END, priority, rank,"
    " CASE WHEN NOT open OR k %% 3 = 0 THEN (SELECT nurse FROM team_nurse t WHERE t.team = raised.team) END,"
    " CASE WHEN open THEN %(now)s::timestamptz + interval '1 hour' END, at,"
    " CASE WHEN NOT open OR k %% 3 = 0 THEN at + make_interval(mins => 1 + (m * k) %% 50) END,"
    " CASE WHEN NOT open THEN at + interval '1 hour' END,"
    " CASE WHEN NOT open THEN (ARRAY['phoned', 'acted', 'adjusted', 'false-alarm', 'no-action-needed',"
    " 'could-not-reach'])[1 + (m * 7 + k) %% 6] END FROM raised",
    "INSERT INTO escalation_link (id, escalation_id, response_id, priority, reason, params, at)"
    " SELECT uuidv7(e.at - clock_timestamp()), e.id, r.id, w.priority, w.reason, w.params, e.at FROM raised e"
    " JOIN escalation w ON w.id = e.id JOIN (SELECT id, patient_id, 200 - extract(day FROM %(now)s::timestamptz"
    " - authored_at)::int AS n FROM questionnaire_response) r ON r.patient_id = e.patient AND (r.n + 1) / 10 = e.m"
    " AND r.n %% 10 IN (0, 9) ORDER BY e.at",
    "INSERT INTO audit_event (id, at, agent_kind, agent_id, action, entity, entity_id, patient_id, organization_id,"
    " detail) SELECT uuidv7(e.accepted_at - clock_timestamp()), e.accepted_at + s.after, 'staff', e.owner_id, s.action,"
    " s.entity, CASE s.entity WHEN 'patient' THEN e.patient_id ELSE e.id END, e.patient_id, e.organization_id, '{}'"
    " FROM escalation e CROSS JOIN (VALUES ('escalation.accept', 'escalation', interval '0'),"
    " ('patient.view', 'patient', interval '20 seconds'), ('patient.view', 'patient', interval '3 minutes'),"
    " ('escalation.complete', 'escalation', interval '8 minutes')) AS s (action, entity, after)"
    " WHERE e.accepted_at IS NOT NULL AND (e.completed_at IS NOT NULL OR s.action <> 'escalation.complete')"
    " ORDER BY e.accepted_at",
)


@dataclass(frozen=True)
class Hospital:
    """Whom to sign in as, and whom they open."""

    nurse: UUID
    admin: UUID
    opened: tuple[UUID, ...]


def furnish(
    connection: psycopg.Connection[Any], definition: UUID, *, patients: int, teams: int, opened: int
) -> Hospital:
    """Fill an empty, migrated database; the first team's nurse opens the first `opened` patients of that team."""
    house = new_id()
    copy(connection, "organization", ("id", "name", "country", "time_zone"), [(house, "Bench", "US", ZONES[0])])
    groups = [(new_id(), house, f"Team {number + 1}", number == 0) for number in range(teams)]
    copy(connection, "care_team", ("id", "organization_id", "name", "default"), groups)
    nurses = [new_id() for _ in groups]
    admin = new_id()
    staff = [
        (one, house, group[0], "nurse", f"nurse{i}") for i, (one, group) in enumerate(zip(nurses, groups, strict=True))
    ]
    staff.append((admin, house, None, "admin", "admin"))
    copy(
        connection,
        "practitioner",
        ("id", "organization_id", "care_team_id", "role", "username", "name", "password_hash", "created_at"),
        ((*one, f"Bench {one[4]}", "", NOW) for one in staff),
    )
    people = _people(connection, house, [group[0] for group in groups], definition, patients)
    picked = [row[0] for row in people if row[1] == groups[0][0]][:opened]
    connection.execute("CREATE TEMP TABLE team_nurse (team uuid, nurse uuid)")
    copy(
        connection,
        "team_nurse",
        ("team", "nurse"),
        [(group[0], nurse) for group, nurse in zip(groups, nurses, strict=True)],
    )
    values = {
        "house": house,
        "now": NOW,
        "form": "https://care.invalid/fhir/Questionnaire/heart-failure-daily|1.0.0",
        "filler": b"\x05bench" + bytes(90),
        "rules": "0" * 64,
        "opened": picked,
    }
    rebuild = _without_indexes(connection)
    for statement in _ROWS:
        connection.execute(statement, values)
    _seal_contents(connection, picked)
    for statement in rebuild:
        connection.execute(statement)
    return Hospital(nurses[0], admin, tuple(picked))


def _people(
    connection: psycopg.Connection[Any], house: UUID, teams: Sequence[UUID], definition: UUID, patients: int
) -> list[tuple[UUID, UUID, UUID, UUID, int]]:
    """Patients with an address, a consent and a plan; also as a temporary table that the rest is joined with."""
    people = [(new_id(), teams[k % len(teams)], new_id(), new_id(), k) for k in range(patients)]
    copy(
        connection,
        "patient",
        ("id", "organization_id", "care_team_id", "identity_sealed", "language", "time_zone", "country", "created_at"),
        (
            (one, house, team, _identity(one, k), ("en", "zh-Hans", "zh-Hant")[k % 3], ZONES[k % 3], "US", NOW)
            for one, team, _, _, k in people
        ),
    )
    copy(
        connection,
        "contact_point",
        ("id", "organization_id", "patient_id", "channel", "address_sealed", "address_token", "created_at"),
        (_contact(house, one, k) for one, _, _, _, k in people),
    )
    copy(
        connection,
        "consent",
        ("id", "organization_id", "patient_id", "purpose", "channel", "granted", "version", "language", "source", "at"),
        (
            (consent, house, one, "follow-up", "*", True, "1", "en", "bench", NOW - timedelta(days=210))
            for one, _, _, consent, _ in people
        ),
    )
    copy(
        connection,
        "care_plan",
        ("id", "organization_id", "patient_id", "definition_id", "status", "starts_on", "created_at"),
        ((plan, house, one, definition, "active", date(2025, 8, 14), _began()) for one, _, plan, _, _ in people),
    )
    connection.execute("CREATE TEMP TABLE person (id uuid, team uuid, plan uuid, consent uuid, k int)")
    copy(connection, "person", ("id", "team", "plan", "consent", "k"), people)
    connection.execute("ANALYZE person")
    return people


def _began() -> datetime:
    return NOW - timedelta(days=205)


def _identity(patient: UUID, number: int) -> bytes:
    known = {"name": f"Demo Patient {number}", "birth_date": "1958-04-02", "record_number": f"B-{number:05d}"}
    return seal("patient", "identity_sealed", patient, json.dumps(known))


def _contact(house: UUID, patient: UUID, number: int) -> tuple[Any, ...]:
    row, address = new_id(), f"+1202{number:08d}"
    sealed = seal("contact_point", "address_sealed", row, address)
    return row, house, patient, "sms", sealed, address_token("sms", address), NOW


def _seal_contents(connection: psycopg.Connection[Any], opened: Sequence[UUID]) -> None:
    """What the messages of those who are opened say."""
    found = connection.execute("SELECT id FROM communication WHERE patient_id = ANY(%s)", (list(opened),)).fetchall()
    words = "My weight this morning was 72.4 and my ankles look the same as yesterday."
    rows = [(one, seal("communication_content", "text_sealed", one, words)) for (one,) in found]
    copy(connection, "communication_content", ("id", "text_sealed"), rows)


def _without_indexes(connection: psycopg.Connection[Any]) -> list[str]:
    """Take away what makes every insert slow; the statements that bring it back, as it was."""
    keys = connection.execute(
        "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint"
        " WHERE contype = 'f' AND conrelid::regclass::text = ANY(%s)",
        (list(TABLES),),
    ).fetchall()
    indexes = connection.execute(
        "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = ANY(%s) AND NOT EXISTS"
        " (SELECT 1 FROM pg_constraint WHERE conname = indexname)",
        (list(TABLES),),
    ).fetchall()
    for table, name, _ in keys:
        connection.execute(f'ALTER TABLE {table} DROP CONSTRAINT "{name}"')
    for name, _ in indexes:
        connection.execute(f'DROP INDEX "{name}"')
    back = [definition for _, definition in indexes]
    return back + [f'ALTER TABLE {table} ADD CONSTRAINT "{name}" {text}' for table, name, text in keys]
