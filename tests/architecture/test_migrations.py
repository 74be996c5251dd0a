"""Migrations: numbered, one head, and up from nothing equals the models."""

from __future__ import annotations

import re

import pytest
from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from care.records.audit_events import AuditEvent
from launch.postgres import Embedded
from tests.conftest import NOON
from tests.migrated import MIGRATIONS, configured, migrate

VERSIONS = MIGRATIONS / "versions"


def test_migrations_are_numbered_and_have_one_head():
    names = sorted(path.name for path in VERSIONS.glob("*.py"))
    assert [name[:4] for name in names] == [f"{number:04d}" for number in range(1, len(names) + 1)]
    assert all(re.fullmatch(r"\d{4}_[a-z_]+\.py", name) for name in names)
    assert len(ScriptDirectory(str(MIGRATIONS)).get_heads()) == 1


def test_up_from_nothing_equals_the_models_and_down_leaves_nothing(cluster: Embedded):
    url = cluster.ensure_database("care_migrations")
    migrate(url)
    with configured(url) as config:
        command.check(config)
    with configured(url) as config:
        command.downgrade(config, "base")
    engine = create_engine(url)
    with engine.connect() as connection:
        left = connection.execute(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")).scalars().all()
        functions = connection.execute(text("SELECT count(*) FROM pg_proc WHERE proname LIKE 'care%'")).scalar()
    engine.dispose()
    assert left == ["alembic_version"]
    assert functions == 0


@pytest.mark.parametrize("statement", ["UPDATE audit_event SET action = 'x'", "DELETE FROM audit_event"])
def test_the_database_itself_refuses_to_change_an_audit_event(session: Session, statement: str):
    session.add(AuditEvent(at=NOON, agent_kind="system", action="test", entity="test", detail={}))
    session.commit()
    with pytest.raises(IntegrityError, match="append-only"):
        session.execute(text(statement))


@pytest.mark.parametrize("table", ["audit_event", "consent", "definition"])
def test_the_database_refuses_to_truncate_history(session: Session, table: str):
    with pytest.raises(IntegrityError, match="append-only"):
        session.execute(text("TRUNCATE " + table + " CASCADE"))
