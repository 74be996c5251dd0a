"""The flask commands: what they print, what they do, and how they end."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from flask import Flask
from flask.testing import FlaskCliRunner
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from care.records.definitions import published
from care.records.escalations import Escalation
from care.records.patients import Patient
from care.records.practitioners import Practitioner
from care.records.seal import key_of
from care.records.second_factors import second_factor
from care.runtime import Runtime
from care.services import audits, content, enrolment, heartbeats, second_factors, signin
from launch.postgres import Embedded
from tests.care_api.serving import GLUCOSE, enrolled, serving
from tests.conftest import KEYS, Clinic

BUNDLE = "risk/bundles/hypoglycaemia-next-day/1.0.0"
PIPED = ["--password-stdin"]


@pytest.fixture
def run(app: Flask) -> FlaskCliRunner:
    return app.test_cli_runner()


def last(result: Result) -> dict[str, Any]:
    """The last line of --json."""
    found: dict[str, Any] = json.loads(result.stdout.splitlines()[-1])
    return found


def test_seeds_are_published_once(session: Session, run: FlaskCliRunner):
    first, second = (run.invoke(args=["seed", "--json"]) for _ in range(2))
    assert (first.exit_code, second.exit_code) == (0, 0), first.output
    assert last(first)["published"]["published"] == last(second)["published"]["unchanged"] > 0
    listed = last(run.invoke(args=["protocols", "list", "--json"]))["protocols"]
    assert len(listed) == len(published(session, "PlanDefinition")) == 3
    assert all(one["title"] and len(one["sha256"]) == 64 for one in listed)


@pytest.fixture
def fresh(cluster: Embedded, rt: Runtime) -> Iterator[Flask]:
    """An application on a database in which there is nothing."""
    url = cluster.ensure_database("care_prepared")
    try:
        with serving(url, rt) as app:
            yield app
    finally:
        cluster.drop_database("care_prepared")


def test_an_empty_database_is_prepared_and_preparing_again_changes_nothing(fresh: Flask, tmp_path: Path):
    assert fresh.test_client().get("/readyz").status_code == 503
    run = fresh.test_cli_runner()
    made = run.invoke(args=["prepare", "--no-demo", "--var", str(tmp_path), "--json"])
    assert made.exit_code == 0, made.output
    assert fresh.test_client().get("/readyz").status_code == 200
    again = run.invoke(args=["prepare", "--no-demo", "--var", str(tmp_path), "--json"])
    assert again.exit_code == 0, again.output
    assert last(again)["published"]["published"] == 0
    assert list(tmp_path.iterdir()) == []


def test_a_system_that_was_off_is_ready_once_it_is_prepared_again(session: Session, run: FlaskCliRunner, app: Flask):
    heartbeats.beat(session, "clock")
    session.execute(text("UPDATE heartbeat SET at = clock_timestamp() - interval '1 day'"))
    session.commit()
    assert app.test_client().get("/readyz").status_code == 503
    assert run.invoke(args=["prepare", "--no-demo"]).exit_code == 0
    assert app.test_client().get("/readyz").status_code == 200


def test_a_demo_clinic_is_made_once_and_its_log_ins_are_for_the_owners_eyes(fresh: Flask, tmp_path: Path, rt: Runtime):
    run = fresh.test_cli_runner()
    made = run.invoke(args=["prepare", "--demo", "--var", str(tmp_path), "--json"])
    assert made.exit_code == 0, made.output
    assert last(made)["demo"] is True
    logins = tmp_path / "demo-logins.json"
    assert logins.stat().st_mode & 0o777 == 0o600
    written = logins.read_text()
    assert "password" in written
    again = run.invoke(args=["prepare", "--demo", "--var", str(tmp_path), "--json"])
    assert last(again)["demo"] is False
    assert logins.read_text() == written
    logins.unlink()  # as after an interrupted first start
    mended = run.invoke(args=["prepare", "--var", str(tmp_path), "--json"])
    assert mended.exit_code == 0, mended.output
    assert last(mended)["demo"] is True
    assert "password" in logins.read_text() != written


def test_the_first_administrator_is_made_on_the_machine(session: Session, run: FlaskCliRunner, rt: Runtime):
    words = "staff add boss --name Boss --role admin --organization Demo --country HK --time-zone Asia/Hong_Kong --json"
    made = run.invoke(args=words.split())
    assert made.exit_code == 0, made.output
    password = last(made)["password"]
    assert signin.staff_sign_in(session, rt, "boss", password)
    team = run.invoke(args=["staff", "team", "Ward 7", "--by", "boss", "--json"])
    assert team.exit_code == 0, team.output
    again = run.invoke(args=["staff", "team", "Ward 7", "--by", "boss"])
    assert again.exit_code == 1
    nurse = run.invoke(
        args=[
            *[
                "staff",
                "add",
                "nina",
                "--name",
                "Nina",
                "--role",
                "nurse",
                "--by",
                "boss",
                "--password-stdin",
                "--team",
            ],
            "Ward 7",
        ],
        input="a long enough sentence\n",
    )
    assert nurse.exit_code == 0, nurse.output
    assert "a long enough sentence" not in nurse.output
    assert session.scalars(select(Practitioner.role).where(Practitioner.username == "nina")).one() == "nurse"


def test_who_forgot_a_password_gets_a_new_one_by_an_administrator(
    session: Session, run: FlaskCliRunner, rt: Runtime, clinic: Clinic
):
    refused = run.invoke(args=["staff", "password", "nurse", "--by", "clinician"])
    assert refused.exit_code == 1
    made = run.invoke(args=["staff", "password", "nurse", "--by", "admin", "--json"])
    assert made.exit_code == 0, made.output
    assert signin.staff_sign_in(session, rt, "nurse", last(made)["password"])


def test_later_accounts_need_an_administrator(run: FlaskCliRunner, clinic: Clinic):
    alone = run.invoke(args=["staff", "add", "eve", "--name", "Eve", "--role", "admin"])
    assert alone.exit_code == 1
    by_nurse = run.invoke(args=["staff", "add", "eve", "--name", "Eve", "--role", "admin", "--by", "nurse"])
    assert by_nurse.exit_code == 1
    wrong = run.invoke(args=["staff", "add", "eve", "--name", "Eve", "--role", "queen"])
    assert wrong.exit_code == 2


def test_the_audit_is_verified_and_a_change_is_found(
    session: Session, run: FlaskCliRunner, rt: Runtime, clinic: Clinic
):
    enrolled(session, rt, clinic.nurse)
    audits.seal_due(session, rt.now())
    good = run.invoke(args=["audit", "verify", "--json"])
    assert good.exit_code == 0, good.output
    assert last(good)["ok"] is True
    assert last(good)["events"] > 0
    session.execute(text("ALTER TABLE audit_event DISABLE TRIGGER USER"))
    session.execute(text("UPDATE audit_event SET action = 'nothing'"))
    session.execute(text("ALTER TABLE audit_event ENABLE TRIGGER USER"))
    session.commit()
    broken = run.invoke(args=["audit", "verify", "--json"])
    assert broken.exit_code == 1
    assert last(broken)["ok"] is False
    assert last(broken)["first_broken"]


def test_keys_are_rotated(session: Session, database_url: str, rt: Runtime, clinic: Clinic):
    made = enrolled(session, rt, clinic.nurse)
    keys = [("new", bytes(32)), *KEYS.keys.items()]
    spelt = ",".join(f"{name}:{base64.b64encode(key).decode()}" for name, key in keys)
    with serving(database_url, rt, care_keys=spelt) as app:
        rotated = app.test_cli_runner().invoke(args=["keys", "rotate", "--json"])
        assert rotated.exit_code == 0, rotated.output
        assert last(rotated)["key"] == "new"
        assert last(rotated)["resealed"]["patient"] == 1
        session.expire_all()
        found = session.scalars(select(Patient).where(Patient.id == made.id)).one()
        assert key_of(bytes(found.identity_sealed)) == "new"
        assert found.name == "Demo Patient One"


def test_a_backup_made_by_one_command_is_restored_by_another(
    session: Session, run: FlaskCliRunner, rt: Runtime, clinic: Clinic, cluster: Embedded, tmp_path: Path
):
    enrolled(session, rt, clinic.nurse)
    file = tmp_path / "care.backup"
    made = run.invoke(args=["backup", str(file), "--json"])
    assert made.exit_code == 0, made.output
    assert last(made)["bytes"] > 0
    refused = run.invoke(args=["restore", str(file)])
    assert refused.exit_code == 1
    assert "not empty" in refused.stderr
    url = cluster.ensure_database("care_restored_too")
    try:
        with serving(url, rt) as other:
            restored = other.test_cli_runner().invoke(args=["restore", str(file), "--json"])
            assert restored.exit_code == 0, restored.output
            assert other.test_client().get("/readyz").status_code == 200
    finally:
        cluster.drop_database("care_restored_too")
    assert run.invoke(args=["restore", str(tmp_path / "none")]).exit_code == 2


def test_a_bundle_is_verified_and_scores_lines(run: FlaskCliRunner, tmp_path: Path):
    good = run.invoke(args=["risk", "verify", BUNDLE, "--json"])
    assert good.exit_code == 0, good.output
    assert last(good)["ok"] is True
    assert last(good)["golden"] > 0
    golden = [json.loads(line) for line in Path(BUNDLE, "golden.jsonl").read_text().splitlines()]
    scored = next(row for row in golden if "risk" in row["expect"])
    lines = tmp_path / "lines.jsonl"
    short = {"id": "short", "at": scored["at"], "zone": scored["zone"], "measures": []}
    lines.write_text(json.dumps(scored) + "\n" + json.dumps(short) + "\n")
    found = run.invoke(args=["risk", "score", BUNDLE, str(lines)])
    assert found.exit_code == 0, found.output
    first, second = (json.loads(line) for line in found.stdout.splitlines())
    assert first["status"] == "scored"
    assert first["risk"] == pytest.approx(scored["expect"]["risk"], abs=1e-5)
    assert (second["id"], second["risk"]) == ("short", None)
    assert second["status"] != "scored"


def test_a_bundle_that_was_changed_does_not_verify(run: FlaskCliRunner, tmp_path: Path):
    import shutil

    copy = tmp_path / "bundle"
    shutil.copytree(BUNDLE, copy)
    (copy / "card.json").write_text("{}")
    found = run.invoke(args=["risk", "verify", str(copy), "--json"])
    assert found.exit_code == 1
    assert last(found) == {
        "sha256": None,
        "golden": 0,
        "max_abs_diff": None,
        "ok": False,
        "reason": "bundle-hash",
    }


@pytest.mark.parametrize("line", ["nonsense", "{}", '{"at": "2026-01-01", "zone": "UTC", "measures": []}', "[]"])
def test_a_line_that_cannot_be_scored_is_named(run: FlaskCliRunner, tmp_path: Path, line: str):
    lines = tmp_path / "lines.jsonl"
    lines.write_text(line)
    found = run.invoke(args=["risk", "score", BUNDLE, str(lines)])
    assert found.exit_code == 2
    assert "line 1" in found.stderr


def test_an_unknown_recipe_is_named(run: FlaskCliRunner, tmp_path: Path):
    data = tmp_path / "data"
    data.write_text("")
    found = run.invoke(args=["risk", "train", "os", "--data", str(data), "--out", str(tmp_path / "out")])
    assert found.exit_code == 2
    assert "no recipe" in found.stderr


def test_every_command_says_what_it_does(app: Flask, run: FlaskCliRunner):
    for name in app.cli.list_commands(None):  # type: ignore[arg-type]
        found = run.invoke(args=[name, "--help"])
        assert found.exit_code == 0
        assert len(found.output.split()) > 8, name


def test_chat_is_the_true_path_of_a_text(session: Session, run: FlaskCliRunner, rt: Runtime, clinic: Clinic):
    content.publish_seeds(session, rt.now())
    made = enrolled(session, rt, clinic.nurse, contacts=(("console", "demo-1", None),))
    enrolment.start_plan(session, rt, clinic.nurse, made.id, GLUCOSE, rt.now().date())
    found = run.invoke(args=["chat"], input="glucose 58 before breakfast\n\n")
    assert found.exit_code == 0, found.output
    assert "You are demo-1" in found.output
    assert "58" in found.output.split(">", 1)[1].replace("glucose 58 before breakfast", "")
    assert session.scalars(select(Escalation.cause)).all()


def test_chat_without_anybody_to_be_says_what_to_do(run: FlaskCliRunner, clinic: Clinic):
    found = run.invoke(args=["chat"])
    assert found.exit_code == 1
    assert "flask prepare" in found.stderr


def test_an_only_administrator_resets_the_second_step_on_the_machine(
    session: Session, run: FlaskCliRunner, rt: Runtime
):
    words = "staff add boss --name Boss --role admin --organization Demo --country HK --time-zone Asia/Hong_Kong --json"
    password = last(run.invoke(args=words.split()))["password"]
    boss = session.scalars(select(Practitioner).where(Practitioner.username == "boss")).one()
    second_factors.begin(session, rt, boss.staff(), password)
    assert second_factor(session, boss.id) is not None
    done = run.invoke(args=["staff", "second-factor", "boss", "--by", "boss", "--json"])
    assert (done.exit_code, last(done)["username"]) == (0, "boss")
    assert second_factor(session, boss.id) is None
    assert run.invoke(args=["staff", "second-factor", "nobody", "--by", "boss"]).exit_code != 0
