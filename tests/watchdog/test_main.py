"""The watchdog as a process: alone, and as the `flask` command."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from care.services import heartbeats

ROOT = Path(__file__).resolve().parents[2]
ALONE = [sys.executable, "-m", "watchdog"]
FLASK = [sys.executable, "-m", "flask", "--app", "wsgi", "watchdog"]


def ask(command: list[str], **environment: str) -> tuple[int, str, str]:
    done = subprocess.run(
        command, env={**os.environ, **environment}, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60
    )
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("command", [ALONE, FLASK], ids=["alone", "flask"])
def test_looking_once_says_whether_all_is_well(session: Session, database_url: str, command: list[str]):
    for name in ("clock", "worker"):
        heartbeats.beat(session, name)
    code, out, _ = ask([*command, "--once", "--json"], DATABASE_URL=database_url)
    assert (code, json.loads(out.splitlines()[-1])) == (0, {"ok": True, "alarms": []})
    session.execute(text("UPDATE heartbeat SET at = at - interval '5 minutes' WHERE name = 'worker'"))
    session.commit()
    code, out, _ = ask([*command, "--once", "--json"], DATABASE_URL=database_url)
    assert code == 1
    assert json.loads(out.splitlines()[-1]) == {
        "ok": False,
        "alarms": [
            {"code": "heartbeat", "subject": "worker", "text": "no sign of life from the worker for 5 min"},
        ],
    }


def test_a_database_that_is_away_is_an_alarm_and_no_traceback():
    code, out, err = ask([*ALONE, "--once"], DATABASE_URL="postgresql://nobody:hunter2@127.0.0.1:1/none")
    assert (code, out.split(":")[0]) == (1, "database-away")
    assert "Traceback" not in err
    assert "hunter2" not in out + err


def test_a_watchdog_that_could_tell_nobody_does_not_start():
    nowhere = {"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none", "CARE_ENVIRONMENT": "production"}
    code, _, err = ask(ALONE, **nowhere)
    assert (code, "nobody to tell" in err) == (2, True)
    code, _, err = ask(ALONE, WATCHDOG_EVERY="0", WATCHDOG_TO="hunter2", **nowhere)
    assert (code, "EVERY" in err, "hunter2" in err) == (2, True, False)


def test_it_watches_until_it_is_told_to_stop(database_url: str):
    settings = {"DATABASE_URL": database_url, "WATCHDOG_EVERY": "0.05", "WATCHDOG_SILENT": "0.05"}
    with subprocess.Popen(
        ALONE, cwd=ROOT, env={**os.environ, **settings}, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdout is not None
        try:
            assert "[watchdog] Care watchdog. ALARM heartbeat" in process.stdout.readline()
            process.send_signal(signal.SIGTERM)
            assert process.wait(20) == 0
        finally:
            process.kill()


def test_the_watchdog_loads_nothing_of_the_application():
    code = "import sys, watchdog.__main__; print(*sys.modules)"
    _, out, _ = ask([sys.executable, "-c", code])
    loaded = {name.split(".")[0] for name in out.split()} | {name for name in out.split() if name.startswith("care.")}
    assert not loaded & {"flask", "sqlalchemy", "apscheduler", "twilio", "care.services", "care.records"}
