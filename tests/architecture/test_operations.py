"""docs/operations.md against the code: every command, alarm, setting, metric and statement in it is real."""

from __future__ import annotations

import re

import click
import pytest
from flask.testing import FlaskClient
from sqlalchemy import text
from sqlalchemy.orm import Session

from care.domain.message import Receipt
from care.records.patients import Patient
from care.services.queue import Worked
from care_api import cli
from care_api.meter import Meter
from tests.care_api.conftest import app, client, patient  # noqa: F401  (fixtures)
from tests.conftest import ROOT
from watchdog import checks
from watchdog.settings import WatchdogSettings

PAGE = (ROOT / "docs/operations.md").read_text(encoding="utf-8")
COMMANDS = sorted(set(re.findall(r"flask --app wsgi ([^`]+)`", PAGE)))
STATEMENTS = [one.strip() for one in re.findall(r"```sql\n(.*?)```", PAGE, re.DOTALL)]
WATCHDOG = "\n".join(path.read_text(encoding="utf-8") for path in sorted((ROOT / "watchdog").glob("*.py")))


def test_there_is_something_to_check():
    assert len(COMMANDS) >= 8
    assert len(STATEMENTS) >= 5


@pytest.mark.parametrize("line", COMMANDS)
def test_every_command_is_one_and_takes_its_options(line: str):
    words = line.split()
    known = {command.name: command for command in cli.COMMANDS}
    command: click.Command = known[words.pop(0)]
    if isinstance(command, click.Group):
        command = command.commands[words.pop(0)]
    options = {name for option in command.params for name in option.opts}
    assert {word for word in words if word.startswith("--")} <= options
    arguments = [one for one in command.params if isinstance(one, click.Argument)]
    values = {"--role", "--by"}
    plain = [word for at, word in enumerate(words) if not word.startswith("-") and words[at - 1] not in values]
    assert len(plain) <= len(arguments)


def test_every_alarm_is_explained_and_no_other():
    raised = set(re.findall(r'Alarm\(\s*"([a-z-]+)"', WATCHDOG))
    assert len(raised) > 6
    assert raised == set(re.findall(r"^\| `([a-z-]+)` \|.*\|.*\|$", PAGE, re.MULTILINE))


def test_every_address_for_a_provider_is_one_and_asks_twilio_to_call_again(client: FlaskClient):  # noqa: F811
    told = re.findall(r"`(/webhooks/[a-z/]+)(#[a-z0-9=&]+)?`", PAGE)
    twilio = {"/webhooks/twilio/sms", "/webhooks/twilio/whatsapp"}
    assert {address for address, _ in told} == twilio | {"/webhooks/wechat"}
    posts = {str(rule) for rule in client.application.url_map.iter_rules() if "POST" in (rule.methods or ())}
    assert {address for address, _ in told} <= posts
    assert {asked for address, asked in told if address in twilio} == {"#rc=5&rp=all"}


def test_every_setting_of_the_watchdog_is_explained():
    settings = {f"WATCHDOG_{name.upper()}" for name in WatchdogSettings.model_fields}
    assert settings == set(re.findall(r"`(WATCHDOG_[A-Z_]+)`", PAGE))


def test_what_the_watchdogs_role_may_read_is_what_it_reads():
    source = (ROOT / "watchdog" / "checks.py").read_text(encoding="utf-8")
    read = set(re.findall(r"FROM ([a-z_]+)\b", source)) - {"clock_timestamp"}
    granted = re.search(r"GRANT SELECT ON ([a-z_, ]+) TO care_watchdog", PAGE)
    assert granted is not None
    assert set(granted[1].split(", ")) == read
    assert set(checks._OLDEST) == {"reminders", "turns", "reports", "outbox", "pages", "expand"}


@pytest.mark.parametrize("statement", [one for one in STATEMENTS if not one.startswith("CREATE ROLE")])
def test_every_statement_runs(session: Session, statement: str):
    session.execute(text(statement))
    session.rollback()


def test_every_metric_is_explained_and_no_other(client: FlaskClient, patient: Patient):  # noqa: F811
    client.get("/healthz")
    meter: Meter = client.application.extensions["care.meter"]
    meter.worked("x", Worked(1, 1, 1, 1), 0.1)
    meter.handed("sms", "sent")
    meter.heard("sms", Receipt("sms", "SM1", "sent"))
    types = re.findall(r"^# TYPE (\S+) (\S+)", client.get("/metrics").text, re.MULTILINE)
    told = {name for name, kind in types if not name.endswith("_created")}
    assert told == set(re.findall(r"^\| `(care_[a-z_]+)` \|", PAGE, re.MULTILINE))


def test_every_unit_and_file_is_here():
    units = set(re.findall(r"`(care-[a-z]+@?\.service)`", PAGE))
    assert units == {path.name for path in (ROOT / "deploy" / "systemd").glob("*.service")}
    for name in re.findall(r"`(deploy/[a-z./]+)`", PAGE):
        assert (ROOT / name).exists(), name
    for module in re.findall(r"`python -m ([a-z]+)", PAGE):
        assert (ROOT / module / "__main__.py").exists(), module
