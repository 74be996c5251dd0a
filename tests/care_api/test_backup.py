"""Backup and restore: the round trip, and everything that must stop it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, func, select, text
from sqlalchemy.orm import Session

from care.errors import Conflict, Invalid
from care.records.patients import Patient
from care.runtime import Runtime
from care.services import audits
from care_api.backup import BackupFailed, backup, is_empty, restore
from launch.postgres import Embedded
from tests.care_api.serving import enrolled
from tests.conftest import KEYS, Clinic

KEY = KEYS.keys["test"]


@pytest.fixture
def empty(cluster: Embedded) -> Iterator[str]:
    """The address of an empty database."""
    yield cluster.ensure_database("care_restored")
    cluster.drop_database("care_restored")


@pytest.fixture
def file(session: Session, rt: Runtime, clinic: Clinic, database_url: str, tmp_path: Path) -> Path:
    """A backup of a database with one patient."""
    enrolled(session, rt, clinic.nurse)
    audits.seal_due(session, rt.now())
    made = tmp_path / "care.backup"
    assert backup(database_url, made, "test", KEY) > 10_000
    return made


def test_a_backup_is_restored_whole(file: Path, empty: str, session: Session):
    assert is_empty(empty)
    restore(empty, file, KEYS.keys)
    engine = create_engine(empty)
    with Session(engine) as other:
        assert other.scalars(select(Patient)).one().name == "Demo Patient One"
        assert audits.verify(other).ok
        assert audits.verify(other).events == audits.verify(session).events > 0
        counted = text("SELECT count(*) FROM pg_trigger WHERE NOT tgisinternal")
        assert other.scalars(counted).one() == session.scalars(counted).one() > 0
    engine.dispose()


def test_nothing_plain_is_in_the_file_and_only_its_owner_reads_it(file: Path):
    assert os.stat(file).st_mode & 0o777 == 0o600
    content = file.read_bytes()
    assert b"patient" not in content
    assert b"PGDMP" not in content


def test_a_database_that_holds_something_is_left_alone(file: Path, database_url: str, session: Session):
    with pytest.raises(Conflict, match="not empty"):
        restore(database_url, file, KEYS.keys)
    assert session.scalars(select(func.count()).select_from(Patient)).one() == 1


@pytest.mark.parametrize(("keys", "code"), [({"test": bytes(32)}, "broken-backup"), ({"other": KEY}, "unknown-key")])
def test_a_wrong_key_restores_nothing(file: Path, empty: str, keys: dict[str, bytes], code: str):
    with pytest.raises(Invalid) as caught:
        restore(empty, file, keys)
    assert caught.value.code == code
    assert is_empty(empty)


def test_a_file_without_its_end_restores_nothing(file: Path, empty: str):
    content = file.read_bytes()
    file.write_bytes(content[:-100])
    with pytest.raises(Invalid, match="end of this backup is missing"):
        restore(empty, file, KEYS.keys)
    assert is_empty(empty)


def test_an_older_key_still_opens_an_older_backup(file: Path, empty: str):
    restore(empty, file, {"new": bytes(32), "test": KEY})
    assert not is_empty(empty)


def test_a_file_that_is_there_is_not_overwritten(file: Path, database_url: str):
    before = file.read_bytes()
    with pytest.raises(Conflict, match="already"):
        backup(database_url, file, "test", KEY)
    assert file.read_bytes() == before


def test_a_backup_that_fails_leaves_no_file_and_tells_no_password(tmp_path: Path):
    with pytest.raises(BackupFailed) as caught:
        backup("postgresql+psycopg://nobody:hunter2@127.0.0.1:1/none", tmp_path / "x", "test", KEY)
    assert "hunter2" not in caught.value.message
    assert list(tmp_path.iterdir()) == []
