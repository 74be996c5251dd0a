"""What is never edited is guarded by the database itself, not by good intentions."""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

APPEND_ONLY = ("audit_event", "audit_seal", "consent", "risk_assessment", "escalation_link")


def upgrade() -> None:
    """Refuse UPDATE, DELETE and TRUNCATE where history is kept, and edits of what was published."""
    op.execute(
        """
        CREATE FUNCTION care_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF TG_OP = 'TRUNCATE' AND current_setting('care.allow_truncate', true) = 'on' THEN
                RETURN NULL;
            END IF;
            RAISE EXCEPTION 'table % is append-only', TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation';
        END $$
        """
    )
    op.execute(
        """
        CREATE FUNCTION care_refuse_edit_of_published() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF TG_OP = 'UPDATE' AND (NEW.id, NEW.kind, NEW.url, NEW.version, NEW.sha256, NEW.document, NEW.published_at)
                IS NOT DISTINCT FROM
                (OLD.id, OLD.kind, OLD.url, OLD.version, OLD.sha256, OLD.document, OLD.published_at) THEN
                RETURN NEW;
            END IF;
            RAISE EXCEPTION 'a published definition is never edited; publish a new version'
                USING ERRCODE = 'integrity_constraint_violation';
        END $$
        """
    )
    for table in APPEND_ONLY:
        op.execute(
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION care_refuse_change()"
        )
        op.execute(
            f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION care_refuse_change()"
        )
    op.execute(
        "CREATE TRIGGER definition_published BEFORE UPDATE OR DELETE ON definition "
        "FOR EACH ROW EXECUTE FUNCTION care_refuse_edit_of_published()"
    )
    op.execute(
        "CREATE TRIGGER definition_no_truncate BEFORE TRUNCATE ON definition "
        "FOR EACH STATEMENT EXECUTE FUNCTION care_refuse_change()"
    )


def downgrade() -> None:
    """Lift the guards."""
    op.execute("DROP TRIGGER definition_no_truncate ON definition")
    op.execute("DROP TRIGGER definition_published ON definition")
    for table in APPEND_ONLY:
        op.execute(f"DROP TRIGGER {table}_append_only ON {table}")
        op.execute(f"DROP TRIGGER {table}_no_truncate ON {table}")
    op.execute("DROP FUNCTION care_refuse_edit_of_published()")
    op.execute("DROP FUNCTION care_refuse_change()")
