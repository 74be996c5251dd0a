"""First tables: the nouns of the spine."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go up."""

    op.create_table(
        "audit_event",
        sa.Column("at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("agent_kind", sa.Text(), nullable=False),
        sa.Column("agent_id", sa.Uuid(), nullable=True),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("entity", sa.Text(), nullable=False),
        sa.Column("entity_id", sa.Uuid(), nullable=True),
        sa.Column("patient_id", sa.Uuid(), nullable=True),
        sa.Column("organization_id", sa.Uuid(), nullable=True),
        sa.Column("detail", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_event")),
    )
    op.create_index("ix_audit_event_at", "audit_event", ["at", "id"], unique=False)
    op.create_index("ix_audit_event_patient", "audit_event", ["patient_id", "at"], unique=False)
    op.create_table(
        "audit_seal",
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("hash", postgresql.BYTEA(), nullable=False),
        sa.Column("sealed_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_seal")),
        sa.UniqueConstraint("seq", name=op.f("uq_audit_seal_seq")),
    )
    op.create_table(
        "dead_letter",
        sa.Column("queue", sa.Text(), nullable=False),
        sa.Column("row_id", sa.Uuid(), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=True),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("resolved_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dead_letter")),
    )
    op.create_table(
        "definition",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("document", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("published_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("retired", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("kind IN ('PlanDefinition', 'Questionnaire', 'RuleSet')", name=op.f("ck_definition_kind")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_definition")),
        sa.UniqueConstraint("url", "version", name=op.f("uq_definition_url_version")),
    )
    op.create_table(
        "heartbeat",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_heartbeat")),
        sa.UniqueConstraint("name", name=op.f("uq_heartbeat_name")),
    )
    op.create_table(
        "organization",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("country", sa.Text(), nullable=False),
        sa.Column("time_zone", sa.Text(), nullable=False),
        sa.Column("inbound_address", sa.Text(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_organization")),
    )
    op.create_table(
        "throttle",
        sa.Column("key", postgresql.BYTEA(), nullable=False),
        sa.Column("window_start", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("tries", sa.Integer(), server_default="0", nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_throttle")),
        sa.UniqueConstraint("key", name=op.f("uq_throttle_key")),
    )
    op.create_table(
        "care_team",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("default", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["organization_id"], ["organization.id"], name=op.f("fk_care_team_organization_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_care_team")),
    )
    op.create_index(op.f("ix_care_team_organization_id"), "care_team", ["organization_id"], unique=False)
    op.create_table(
        "patient",
        sa.Column("care_team_id", sa.Uuid(), nullable=False),
        sa.Column("identity_sealed", postgresql.BYTEA(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("time_zone", sa.Text(), nullable=False),
        sa.Column("country", sa.Text(), nullable=False),
        sa.Column("glucose_unit", sa.Text(), server_default="mg/dL", nullable=False),
        sa.Column("status", sa.Text(), server_default="active", nullable=False),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("status IN ('active', 'inactive')", name=op.f("ck_patient_status")),
        sa.ForeignKeyConstraint(["care_team_id"], ["care_team.id"], name=op.f("fk_patient_care_team_id")),
        sa.ForeignKeyConstraint(["organization_id"], ["organization.id"], name=op.f("fk_patient_organization_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_patient")),
    )
    op.create_index(op.f("ix_patient_care_team_id"), "patient", ["care_team_id"], unique=False)
    op.create_index(op.f("ix_patient_organization_id"), "patient", ["organization_id"], unique=False)
    op.create_table(
        "practitioner",
        sa.Column("care_team_id", sa.Uuid(), nullable=True),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("username", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("active", sa.Boolean(), server_default="true", nullable=False),
        sa.Column("page_channel", sa.Text(), server_default="console", nullable=False),
        sa.Column("page_address_sealed", postgresql.BYTEA(), nullable=True),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("role = 'admin' OR care_team_id IS NOT NULL", name=op.f("ck_practitioner_team")),
        sa.CheckConstraint("role IN ('nurse', 'clinician', 'admin')", name=op.f("ck_practitioner_role")),
        sa.ForeignKeyConstraint(["care_team_id"], ["care_team.id"], name=op.f("fk_practitioner_care_team_id")),
        sa.ForeignKeyConstraint(["organization_id"], ["organization.id"], name=op.f("fk_practitioner_organization_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_practitioner")),
        sa.UniqueConstraint("username", name=op.f("uq_practitioner_username")),
    )
    op.create_index(op.f("ix_practitioner_care_team_id"), "practitioner", ["care_team_id"], unique=False)
    op.create_index(op.f("ix_practitioner_organization_id"), "practitioner", ["organization_id"], unique=False)
    op.create_table(
        "care_plan",
        sa.Column("definition_id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("author_id", sa.Uuid(), nullable=True),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("expanded_until", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("expand_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("lease_until", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint(
            "status IN ('draft', 'active', 'on-hold', 'revoked', 'completed')", name=op.f("ck_care_plan_status")
        ),
        sa.ForeignKeyConstraint(["author_id"], ["practitioner.id"], name=op.f("fk_care_plan_author_id")),
        sa.ForeignKeyConstraint(["definition_id"], ["definition.id"], name=op.f("fk_care_plan_definition_id")),
        sa.ForeignKeyConstraint(["organization_id"], ["organization.id"], name=op.f("fk_care_plan_organization_id")),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_care_plan_patient_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_care_plan")),
    )
    op.create_index(
        "ix_care_plan_expand_at", "care_plan", ["expand_at"], unique=False, postgresql_where="expand_at IS NOT NULL"
    )
    op.create_index(op.f("ix_care_plan_organization_id"), "care_plan", ["organization_id"], unique=False)
    op.create_index("ix_care_plan_patient", "care_plan", ["patient_id"], unique=False)
    op.create_table(
        "consent",
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("granted", sa.Boolean(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["organization_id"], ["organization.id"], name=op.f("fk_consent_organization_id")),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_consent_patient_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consent")),
    )
    op.create_index("ix_consent_latest", "consent", ["patient_id", "purpose", "channel", "at"], unique=False)
    op.create_index(op.f("ix_consent_organization_id"), "consent", ["organization_id"], unique=False)
    op.create_table(
        "contact_point",
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("address_sealed", postgresql.BYTEA(), nullable=False),
        sa.Column("address_token", postgresql.BYTEA(), nullable=False),
        sa.Column("label_sealed", postgresql.BYTEA(), nullable=True),
        sa.Column("rank", sa.Integer(), server_default="1", nullable=False),
        sa.Column("status", sa.Text(), server_default="active", nullable=False),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("status IN ('active', 'opted-out', 'failed')", name=op.f("ck_contact_point_status")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_contact_point_organization_id")
        ),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_contact_point_patient_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contact_point")),
        sa.UniqueConstraint(
            "patient_id", "channel", "address_token", name=op.f("uq_contact_point_patient_id_channel_address_token")
        ),
    )
    op.create_index("ix_contact_point_lookup", "contact_point", ["channel", "address_token"], unique=False)
    op.create_index(op.f("ix_contact_point_organization_id"), "contact_point", ["organization_id"], unique=False)
    op.create_index("ix_contact_point_patient", "contact_point", ["patient_id"], unique=False)
    op.create_table(
        "conversation",
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("state_sealed", postgresql.BYTEA(), nullable=False),
        sa.Column("updated_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["organization_id"], ["organization.id"], name=op.f("fk_conversation_organization_id")),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_conversation_patient_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_conversation")),
        sa.UniqueConstraint("patient_id", name=op.f("uq_conversation_patient_id")),
    )
    op.create_index(op.f("ix_conversation_organization_id"), "conversation", ["organization_id"], unique=False)
    op.create_table(
        "flag",
        sa.Column("patient_id", sa.Uuid(), nullable=True),
        sa.Column("care_team_id", sa.Uuid(), nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("since", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("ended_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("status IN ('active', 'inactive')", name=op.f("ck_flag_status")),
        sa.ForeignKeyConstraint(["care_team_id"], ["care_team.id"], name=op.f("fk_flag_care_team_id")),
        sa.ForeignKeyConstraint(["organization_id"], ["organization.id"], name=op.f("fk_flag_organization_id")),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_flag_patient_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_flag")),
    )
    op.create_index(op.f("ix_flag_organization_id"), "flag", ["organization_id"], unique=False)
    op.create_index(
        "uq_flag_cause",
        "flag",
        ["patient_id", "cause"],
        unique=True,
        postgresql_where="status = 'active' AND patient_id IS NOT NULL",
    )
    op.create_index(
        "uq_flag_orphan_cause",
        "flag",
        ["care_team_id", "cause"],
        unique=True,
        postgresql_where="status = 'active' AND patient_id IS NULL",
    )
    op.create_table(
        "idempotency_key",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("request_sha256", sa.Text(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("answer_sealed", postgresql.BYTEA(), nullable=False),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_idempotency_key_organization_id")
        ),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_idempotency_key_patient_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_idempotency_key")),
        sa.UniqueConstraint("patient_id", "key", name=op.f("uq_idempotency_key_patient_id_key")),
    )
    op.create_index(op.f("ix_idempotency_key_organization_id"), "idempotency_key", ["organization_id"], unique=False)
    op.create_table(
        "patient_session",
        sa.Column("token_hash", postgresql.BYTEA(), nullable=False),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("expires_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("revoked_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_patient_session_organization_id")
        ),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_patient_session_patient_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_patient_session")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_patient_session_token_hash")),
    )
    op.create_index(op.f("ix_patient_session_organization_id"), "patient_session", ["organization_id"], unique=False)
    op.create_table(
        "patient_token",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("token", postgresql.BYTEA(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_patient_token_organization_id")
        ),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_patient_token_patient_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_patient_token")),
        sa.UniqueConstraint("patient_id", "kind", "token", name=op.f("uq_patient_token_patient_id_kind_token")),
    )
    op.create_index("ix_patient_token_lookup", "patient_token", ["organization_id", "kind", "token"], unique=False)
    op.create_table(
        "staff_session",
        sa.Column("practitioner_id", sa.Uuid(), nullable=False),
        sa.Column("token_hash", postgresql.BYTEA(), nullable=False),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("expires_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("revoked_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["practitioner_id"], ["practitioner.id"], name=op.f("fk_staff_session_practitioner_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff_session")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_staff_session_token_hash")),
    )
    op.create_index(op.f("ix_staff_session_practitioner_id"), "staff_session", ["practitioner_id"], unique=False)
    op.create_table(
        "escalation",
        sa.Column("patient_id", sa.Uuid(), nullable=True),
        sa.Column("care_team_id", sa.Uuid(), nullable=False),
        sa.Column("flag_id", sa.Uuid(), nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("params", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("priority", sa.Text(), nullable=False),
        sa.Column("rank", sa.SmallInteger(), nullable=False),
        sa.Column("rung", sa.Integer(), server_default="0", nullable=False),
        sa.Column("pages", sa.Integer(), server_default="0", nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=True),
        sa.Column("page_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("requested_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("accepted_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("completed_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("note_sealed", postgresql.BYTEA(), nullable=True),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("lease_until", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("status IN ('requested', 'accepted', 'completed')", name=op.f("ck_escalation_status")),
        sa.ForeignKeyConstraint(["care_team_id"], ["care_team.id"], name=op.f("fk_escalation_care_team_id")),
        sa.ForeignKeyConstraint(["flag_id"], ["flag.id"], name=op.f("fk_escalation_flag_id")),
        sa.ForeignKeyConstraint(["organization_id"], ["organization.id"], name=op.f("fk_escalation_organization_id")),
        sa.ForeignKeyConstraint(["owner_id"], ["practitioner.id"], name=op.f("fk_escalation_owner_id")),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_escalation_patient_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_escalation")),
    )
    op.create_index(
        "ix_escalation_open_list",
        "escalation",
        ["care_team_id", "rank", "requested_at"],
        unique=False,
        postgresql_where="status <> 'completed'",
    )
    op.create_index(op.f("ix_escalation_organization_id"), "escalation", ["organization_id"], unique=False)
    op.create_index(
        "ix_escalation_page_at", "escalation", ["page_at"], unique=False, postgresql_where="page_at IS NOT NULL"
    )
    op.create_index("ix_escalation_patient", "escalation", ["patient_id", "requested_at"], unique=False)
    op.create_index(
        "uq_escalation_open", "escalation", ["flag_id"], unique=True, postgresql_where="status <> 'completed'"
    )
    op.create_table(
        "one_time_code",
        sa.Column("contact_point_id", sa.Uuid(), nullable=True),
        sa.Column("code_hash", postgresql.BYTEA(), nullable=False),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("expires_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("used_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("tries", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["contact_point_id"], ["contact_point.id"], name=op.f("fk_one_time_code_contact_point_id")
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_one_time_code_organization_id")
        ),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_one_time_code_patient_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_one_time_code")),
    )
    op.create_index(op.f("ix_one_time_code_organization_id"), "one_time_code", ["organization_id"], unique=False)
    op.create_index("ix_one_time_code_patient", "one_time_code", ["patient_id", "created_at"], unique=False)
    op.create_table(
        "task",
        sa.Column("care_plan_id", sa.Uuid(), nullable=False),
        sa.Column("action_id", sa.Text(), nullable=False),
        sa.Column("nominal", postgresql.TIMESTAMP(), nullable=False),
        sa.Column("questionnaire", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("status_reason", sa.Text(), nullable=True),
        sa.Column("due_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("expires_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("remind_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("reminders_sent", sa.Integer(), server_default="0", nullable=False),
        sa.Column("completed_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("lease_until", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint(
            "status IN ('ready', 'in-progress', 'completed', 'failed', 'cancelled')", name=op.f("ck_task_status")
        ),
        sa.ForeignKeyConstraint(["care_plan_id"], ["care_plan.id"], name=op.f("fk_task_care_plan_id")),
        sa.ForeignKeyConstraint(["organization_id"], ["organization.id"], name=op.f("fk_task_organization_id")),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_task_patient_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_task")),
        sa.UniqueConstraint(
            "care_plan_id", "action_id", "nominal", name=op.f("uq_task_care_plan_id_action_id_nominal")
        ),
    )
    op.create_index(op.f("ix_task_organization_id"), "task", ["organization_id"], unique=False)
    op.create_index("ix_task_patient", "task", ["patient_id", "due_at"], unique=False)
    op.create_index("ix_task_remind_at", "task", ["remind_at"], unique=False, postgresql_where="remind_at IS NOT NULL")
    op.create_table(
        "communication",
        sa.Column("patient_id", sa.Uuid(), nullable=True),
        sa.Column("care_team_id", sa.Uuid(), nullable=True),
        sa.Column("practitioner_id", sa.Uuid(), nullable=True),
        sa.Column("contact_point_id", sa.Uuid(), nullable=True),
        sa.Column("direction", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("priority", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("delivery", sa.Text(), nullable=True),
        sa.Column("status_reason", sa.Text(), nullable=True),
        sa.Column("external_id", sa.Text(), nullable=True),
        sa.Column("dedupe", sa.Text(), nullable=True),
        sa.Column("address_token", postgresql.BYTEA(), nullable=True),
        sa.Column("at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("recorded_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("take_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("send_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("sent_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("delivered_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("waits_since", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("screened", sa.Text(), nullable=True),
        sa.Column("task_id", sa.Uuid(), nullable=True),
        sa.Column("response_id", sa.Uuid(), nullable=True),
        sa.Column("escalation_id", sa.Uuid(), nullable=True),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("lease_until", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("direction IN ('in', 'out')", name=op.f("ck_communication_direction")),
        sa.CheckConstraint(
            "status IN ('preparation', 'in-progress', 'completed', 'not-done')", name=op.f("ck_communication_status")
        ),
        sa.ForeignKeyConstraint(["care_team_id"], ["care_team.id"], name=op.f("fk_communication_care_team_id")),
        sa.ForeignKeyConstraint(
            ["contact_point_id"], ["contact_point.id"], name=op.f("fk_communication_contact_point_id")
        ),
        sa.ForeignKeyConstraint(["escalation_id"], ["escalation.id"], name=op.f("fk_communication_escalation_id")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_communication_organization_id")
        ),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_communication_patient_id")),
        sa.ForeignKeyConstraint(
            ["practitioner_id"], ["practitioner.id"], name=op.f("fk_communication_practitioner_id")
        ),
        sa.ForeignKeyConstraint(["task_id"], ["task.id"], name=op.f("fk_communication_task_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_communication")),
    )
    op.create_index(
        "ix_communication_external",
        "communication",
        ["channel", "external_id"],
        unique=False,
        postgresql_where="direction = 'out'",
    )
    op.create_index(op.f("ix_communication_organization_id"), "communication", ["organization_id"], unique=False)
    op.create_index("ix_communication_patient", "communication", ["patient_id", "recorded_at"], unique=False)
    op.create_index(
        "ix_communication_send_at", "communication", ["send_at"], unique=False, postgresql_where="send_at IS NOT NULL"
    )
    op.create_index(
        "ix_communication_take_at", "communication", ["take_at"], unique=False, postgresql_where="take_at IS NOT NULL"
    )
    op.create_index(
        "ix_communication_waiting",
        "communication",
        ["care_team_id", "waits_since"],
        unique=False,
        postgresql_where="waits_since IS NOT NULL",
    )
    op.create_index(
        "uq_communication_dedupe", "communication", ["dedupe"], unique=True, postgresql_where="dedupe IS NOT NULL"
    )
    op.create_index(
        "uq_communication_inbound",
        "communication",
        ["channel", "external_id"],
        unique=True,
        postgresql_where="direction = 'in'",
    )
    op.create_table(
        "questionnaire_response",
        sa.Column("questionnaire", sa.Text(), nullable=False),
        sa.Column("care_plan_id", sa.Uuid(), nullable=True),
        sa.Column("task_id", sa.Uuid(), nullable=True),
        sa.Column("communication_id", sa.Uuid(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("document_sealed", postgresql.BYTEA(), nullable=False),
        sa.Column("authored_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("recorded_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("supersedes_id", sa.Uuid(), nullable=True),
        sa.Column("score_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("judged", sa.Text(), nullable=True),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("lease_until", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint(
            "status IN ('in-progress', 'completed', 'amended', 'stopped', 'entered-in-error')",
            name=op.f("ck_questionnaire_response_status"),
        ),
        sa.ForeignKeyConstraint(
            ["care_plan_id"], ["care_plan.id"], name=op.f("fk_questionnaire_response_care_plan_id")
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_questionnaire_response_organization_id")
        ),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_questionnaire_response_patient_id")),
        sa.ForeignKeyConstraint(["task_id"], ["task.id"], name=op.f("fk_questionnaire_response_task_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_questionnaire_response")),
    )
    op.create_index(
        op.f("ix_questionnaire_response_organization_id"), "questionnaire_response", ["organization_id"], unique=False
    )
    op.create_index(
        "ix_questionnaire_response_patient", "questionnaire_response", ["patient_id", "authored_at"], unique=False
    )
    op.create_index(
        "ix_questionnaire_response_score_at",
        "questionnaire_response",
        ["score_at"],
        unique=False,
        postgresql_where="score_at IS NOT NULL",
    )
    op.create_index(
        "uq_questionnaire_response_task",
        "questionnaire_response",
        ["task_id"],
        unique=True,
        postgresql_where="status = 'completed'",
    )
    op.create_table(
        "communication_content",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("text_sealed", postgresql.BYTEA(), nullable=False),
        sa.Column("address_sealed", postgresql.BYTEA(), nullable=True),
        sa.ForeignKeyConstraint(["id"], ["communication.id"], name=op.f("fk_communication_content_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_communication_content")),
    )
    op.create_table(
        "observation",
        sa.Column("response_id", sa.Uuid(), nullable=True),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("value", sa.Double(), nullable=True),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("comparator", sa.Text(), server_default="", nullable=False),
        sa.Column("context", sa.Text(), server_default="", nullable=False),
        sa.Column("at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("recorded_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("superseded", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["organization_id"], ["organization.id"], name=op.f("fk_observation_organization_id")),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_observation_patient_id")),
        sa.ForeignKeyConstraint(
            ["response_id"], ["questionnaire_response.id"], name=op.f("fk_observation_response_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_observation")),
    )
    op.create_index(op.f("ix_observation_organization_id"), "observation", ["organization_id"], unique=False)
    op.create_index(op.f("ix_observation_response_id"), "observation", ["response_id"], unique=False)
    op.create_index("ix_observation_series", "observation", ["patient_id", "at"], unique=False)
    op.create_table(
        "risk_assessment",
        sa.Column("response_id", sa.Uuid(), nullable=False),
        sa.Column("bundle_id", sa.Text(), server_default="", nullable=False),
        sa.Column("bundle_sha256", sa.Text(), server_default="", nullable=False),
        sa.Column("rules_sha256", sa.Text(), server_default="", nullable=False),
        sa.Column("risk", sa.Double(), nullable=True),
        sa.Column("band", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("vector", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("contributions", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("missing", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("inputs", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("findings", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("recorded_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_risk_assessment_organization_id")
        ),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_risk_assessment_patient_id")),
        sa.ForeignKeyConstraint(
            ["response_id"], ["questionnaire_response.id"], name=op.f("fk_risk_assessment_response_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_risk_assessment")),
        sa.UniqueConstraint(
            "response_id",
            "bundle_sha256",
            "rules_sha256",
            name=op.f("uq_risk_assessment_response_id_bundle_sha256_rules_sha256"),
        ),
    )
    op.create_index(op.f("ix_risk_assessment_organization_id"), "risk_assessment", ["organization_id"], unique=False)
    op.create_index("ix_risk_assessment_patient", "risk_assessment", ["patient_id", "at"], unique=False)
    op.create_table(
        "escalation_link",
        sa.Column("escalation_id", sa.Uuid(), nullable=False),
        sa.Column("response_id", sa.Uuid(), nullable=True),
        sa.Column("communication_id", sa.Uuid(), nullable=True),
        sa.Column("assessment_id", sa.Uuid(), nullable=True),
        sa.Column("priority", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("params", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["assessment_id"], ["risk_assessment.id"], name=op.f("fk_escalation_link_assessment_id")
        ),
        sa.ForeignKeyConstraint(
            ["communication_id"], ["communication.id"], name=op.f("fk_escalation_link_communication_id")
        ),
        sa.ForeignKeyConstraint(["escalation_id"], ["escalation.id"], name=op.f("fk_escalation_link_escalation_id")),
        sa.ForeignKeyConstraint(
            ["response_id"], ["questionnaire_response.id"], name=op.f("fk_escalation_link_response_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_escalation_link")),
    )
    op.create_index(op.f("ix_escalation_link_communication_id"), "escalation_link", ["communication_id"], unique=False)
    op.create_index("ix_escalation_link_escalation", "escalation_link", ["escalation_id", "at"], unique=False)
    op.create_index(op.f("ix_escalation_link_response_id"), "escalation_link", ["response_id"], unique=False)


def downgrade() -> None:
    """Go back."""

    op.drop_index(op.f("ix_escalation_link_response_id"), table_name="escalation_link")
    op.drop_index("ix_escalation_link_escalation", table_name="escalation_link")
    op.drop_index(op.f("ix_escalation_link_communication_id"), table_name="escalation_link")
    op.drop_table("escalation_link")
    op.drop_index("ix_risk_assessment_patient", table_name="risk_assessment")
    op.drop_index(op.f("ix_risk_assessment_organization_id"), table_name="risk_assessment")
    op.drop_table("risk_assessment")
    op.drop_index("ix_observation_series", table_name="observation")
    op.drop_index(op.f("ix_observation_response_id"), table_name="observation")
    op.drop_index(op.f("ix_observation_organization_id"), table_name="observation")
    op.drop_table("observation")
    op.drop_table("communication_content")
    op.drop_index(
        "uq_questionnaire_response_task", table_name="questionnaire_response", postgresql_where="status = 'completed'"
    )
    op.drop_index(
        "ix_questionnaire_response_score_at",
        table_name="questionnaire_response",
        postgresql_where="score_at IS NOT NULL",
    )
    op.drop_index("ix_questionnaire_response_patient", table_name="questionnaire_response")
    op.drop_index(op.f("ix_questionnaire_response_organization_id"), table_name="questionnaire_response")
    op.drop_table("questionnaire_response")
    op.drop_index("uq_communication_inbound", table_name="communication", postgresql_where="direction = 'in'")
    op.drop_index("uq_communication_dedupe", table_name="communication", postgresql_where="dedupe IS NOT NULL")
    op.drop_index("ix_communication_waiting", table_name="communication", postgresql_where="waits_since IS NOT NULL")
    op.drop_index("ix_communication_take_at", table_name="communication", postgresql_where="take_at IS NOT NULL")
    op.drop_index("ix_communication_send_at", table_name="communication", postgresql_where="send_at IS NOT NULL")
    op.drop_index("ix_communication_patient", table_name="communication")
    op.drop_index(op.f("ix_communication_organization_id"), table_name="communication")
    op.drop_index("ix_communication_external", table_name="communication", postgresql_where="direction = 'out'")
    op.drop_table("communication")
    op.drop_index("ix_task_remind_at", table_name="task", postgresql_where="remind_at IS NOT NULL")
    op.drop_index("ix_task_patient", table_name="task")
    op.drop_index(op.f("ix_task_organization_id"), table_name="task")
    op.drop_table("task")
    op.drop_index("ix_one_time_code_patient", table_name="one_time_code")
    op.drop_index(op.f("ix_one_time_code_organization_id"), table_name="one_time_code")
    op.drop_table("one_time_code")
    op.drop_index("uq_escalation_open", table_name="escalation", postgresql_where="status <> 'completed'")
    op.drop_index("ix_escalation_patient", table_name="escalation")
    op.drop_index("ix_escalation_page_at", table_name="escalation", postgresql_where="page_at IS NOT NULL")
    op.drop_index(op.f("ix_escalation_organization_id"), table_name="escalation")
    op.drop_index("ix_escalation_open_list", table_name="escalation", postgresql_where="status <> 'completed'")
    op.drop_table("escalation")
    op.drop_index(op.f("ix_staff_session_practitioner_id"), table_name="staff_session")
    op.drop_table("staff_session")
    op.drop_index("ix_patient_token_lookup", table_name="patient_token")
    op.drop_table("patient_token")
    op.drop_index(op.f("ix_patient_session_organization_id"), table_name="patient_session")
    op.drop_table("patient_session")
    op.drop_index(op.f("ix_idempotency_key_organization_id"), table_name="idempotency_key")
    op.drop_table("idempotency_key")
    op.drop_index(
        "uq_flag_orphan_cause", table_name="flag", postgresql_where="status = 'active' AND patient_id IS NULL"
    )
    op.drop_index("uq_flag_cause", table_name="flag", postgresql_where="status = 'active' AND patient_id IS NOT NULL")
    op.drop_index(op.f("ix_flag_organization_id"), table_name="flag")
    op.drop_table("flag")
    op.drop_index(op.f("ix_conversation_organization_id"), table_name="conversation")
    op.drop_table("conversation")
    op.drop_index("ix_contact_point_patient", table_name="contact_point")
    op.drop_index(op.f("ix_contact_point_organization_id"), table_name="contact_point")
    op.drop_index("ix_contact_point_lookup", table_name="contact_point")
    op.drop_table("contact_point")
    op.drop_index(op.f("ix_consent_organization_id"), table_name="consent")
    op.drop_index("ix_consent_latest", table_name="consent")
    op.drop_table("consent")
    op.drop_index("ix_care_plan_patient", table_name="care_plan")
    op.drop_index(op.f("ix_care_plan_organization_id"), table_name="care_plan")
    op.drop_index("ix_care_plan_expand_at", table_name="care_plan", postgresql_where="expand_at IS NOT NULL")
    op.drop_table("care_plan")
    op.drop_index(op.f("ix_practitioner_organization_id"), table_name="practitioner")
    op.drop_index(op.f("ix_practitioner_care_team_id"), table_name="practitioner")
    op.drop_table("practitioner")
    op.drop_index(op.f("ix_patient_organization_id"), table_name="patient")
    op.drop_index(op.f("ix_patient_care_team_id"), table_name="patient")
    op.drop_table("patient")
    op.drop_index(op.f("ix_care_team_organization_id"), table_name="care_team")
    op.drop_table("care_team")
    op.drop_table("throttle")
    op.drop_table("organization")
    op.drop_table("heartbeat")
    op.drop_table("definition")
    op.drop_table("dead_letter")
    op.drop_table("audit_seal")
    op.drop_index("ix_audit_event_patient", table_name="audit_event")
    op.drop_index("ix_audit_event_at", table_name="audit_event")
    op.drop_table("audit_event")
