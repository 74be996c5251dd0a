"""Docs are checked against the code."""

from __future__ import annotations

import importlib
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NAMES = sorted(
    set(
        re.findall(
            r"`((?:care|bots|scheduler|risk|dashboard|core)\.[a-z_.A-Z]+)`", (ROOT / "docs/journeys.md").read_text()
        )
    )
)


def test_the_journeys_name_code():
    assert len(NAMES) > 15


@pytest.mark.parametrize("name", NAMES)
def test_every_name_in_the_journeys_is_in_the_code(name: str):
    module, _, attribute = name.rpartition(".")
    try:
        importlib.import_module(name)
    except ModuleNotFoundError:
        assert hasattr(importlib.import_module(module), attribute), name


def test_the_readme_gives_the_two_commands_first():
    commands = re.findall(r"^make \w+", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert commands[:2] == ["make run", "make test"]


def test_every_link_in_the_docs_leads_somewhere():
    listed = subprocess.run(["git", "ls-files", "*.md"], cwd=ROOT, capture_output=True, text=True, check=True)
    broken = []
    for name in listed.stdout.split():
        page = ROOT / name
        for target in re.findall(r"\]\((?!https?:|#|mailto:)([^)#]+)", page.read_text(encoding="utf-8")):
            if not (page.parent / target).exists():
                broken.append(f"{name} -> {target}")
    assert broken == []


def test_decisions_are_numbered():
    names = sorted(path.name for path in (ROOT / "docs/decisions").glob("*.md"))
    assert [name[:4] for name in names] == [f"{number:04d}" for number in range(1, len(names) + 1)]


def test_every_setting_is_in_the_operations_page():
    from care.settings import Settings

    page = (ROOT / "docs/operations.md").read_text(encoding="utf-8")
    missing = [name.upper() for name in Settings.model_fields if f"`{name.upper()}`" not in page]
    assert missing == []
