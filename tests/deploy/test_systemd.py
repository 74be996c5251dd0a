"""The systemd units: they start what is here, as somebody without rights, and never give up."""

from __future__ import annotations

import configparser
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from care.settings import Settings
from scheduler.jobs import JOBS
from tests.conftest import ROOT, require
from watchdog.settings import WatchdogSettings

UNITS = ROOT / "deploy" / "systemd"
SERVICES = sorted(UNITS.glob("*.service"))
INSTALLED = "/opt/care"
HARDENING = {
    "User": "care",
    "NoNewPrivileges": "yes",
    "ProtectSystem": "strict",
    "ProtectHome": "yes",
    "PrivateTmp": "yes",
    "CapabilityBoundingSet": "",
    "RestrictAddressFamilies": "AF_UNIX AF_INET AF_INET6",
    "SystemCallFilter": "@system-service",
    "Restart": "always",
}


def read(path: Path) -> configparser.RawConfigParser:
    parser = configparser.RawConfigParser(strict=True)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string(path.read_text(encoding="utf-8"))
    return parser


def named(path: Path) -> str:
    return path.name


def test_there_is_a_unit_for_every_process():
    assert [path.name for path in SERVICES] == [
        "care-clock.service",
        "care-watchdog.service",
        "care-web.service",
        "care-worker@.service",
    ]


@pytest.mark.parametrize("path", SERVICES, ids=named)
def test_what_a_unit_starts_is_here(path: Path):
    service = read(path)["Service"]
    assert service["WorkingDirectory"] == INSTALLED
    program, *arguments = shlex.split(service["ExecStart"])
    assert program.startswith(f"{INSTALLED}/.venv/bin/")
    assert (Path(sys.executable).parent / Path(program).name).exists()
    if Path(program).name == "gunicorn":
        assert arguments[0] == "--config"
        assert (ROOT / arguments[1]).exists()
        module, _, name = arguments[2].partition(":")
        assert f"{name} = " in (ROOT / f"{module}.py").read_text(encoding="utf-8")
    else:
        flag, module, *lanes = arguments
        assert flag == "-m"
        assert (ROOT / module / "__main__.py").exists()
        assert module == "watchdog" or (len(lanes) == 1 and lanes[0] in {job.lane for job in JOBS})


@pytest.mark.parametrize("path", SERVICES, ids=named)
def test_a_unit_runs_without_rights_and_is_started_again_for_ever(path: Path):
    unit = read(path)
    assert {name: unit["Service"].get(name) for name in HARDENING} == HARDENING
    assert unit["Unit"]["StartLimitIntervalSec"] == "0"


def test_the_target_wants_units_that_are_here():
    wanted = read(UNITS / "care.target")["Unit"]["Wants"].split()
    assert [name for name in wanted if not (UNITS / name.replace("@1.", "@.")).exists()] == []
    parts = {path.name for path in SERVICES if read(path)["Unit"].get("PartOf") == "care.target"}
    assert parts == {name.replace("@1.", "@.") for name in wanted}


def names(path: Path) -> set[str]:
    lines = path.read_text(encoding="utf-8").splitlines()
    return {line.partition("=")[0] for line in lines if line and not line.startswith("#")}


def test_the_settings_to_fill_in_are_ones_that_are_read():
    ours = {name.upper() for name in Settings.model_fields} | {"BIND", "PORT", "WEB_CONCURRENCY"}
    assert names(UNITS / "care.env.example") <= ours
    assert {name.upper() for name, field in Settings.model_fields.items() if field.is_required()} <= names(
        UNITS / "care.env.example"
    )
    theirs = {f"WATCHDOG_{name.upper()}" for name in WatchdogSettings.model_fields}
    assert names(UNITS / "watchdog.env.example") <= theirs


def test_the_watchdog_is_given_none_of_the_others_settings():
    assert read(UNITS / "care-watchdog.service")["Service"]["EnvironmentFile"] == "/etc/care/watchdog.env"


def test_systemd_itself_finds_no_fault(tmp_path: Path):
    require(shutil.which("systemd-analyze"), "systemd-analyze is not on this machine")
    for path in UNITS.glob("care*"):
        text = path.read_text(encoding="utf-8").replace(f"{INSTALLED}/.venv/bin", str(Path(sys.executable).parent))
        (tmp_path / path.name).write_text(text.replace(INSTALLED, str(ROOT)), encoding="utf-8")
    files = [str(path) for path in sorted(tmp_path.glob("care*")) if path.suffix in (".service", ".target")]
    found = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", *files],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (found.returncode, found.stderr) == (0, "")
