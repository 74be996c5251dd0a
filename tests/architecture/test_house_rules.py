"""The ten rules of style, where a linter can't see them."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ["care", "care_api", "bots", "scheduler", "dashboard", "core", "simulator", "risk", "launch", "watchdog"]
SOURCES = sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py"))


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_there_is_something_to_check():
    assert len(SOURCES) > 40


@pytest.mark.parametrize("path", SOURCES, ids=named)
def test_only_services_commit(path: Path):
    if path.is_relative_to(ROOT / "care" / "services"):
        return
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "commit":
            pytest.fail(f"{named(path)}:{node.lineno} commits; only care/services may")


@pytest.mark.parametrize("path", SOURCES, ids=named)
def test_no_module_has_a_name_that_means_nothing(path: Path):
    assert path.stem not in {"utils", "util", "helpers", "helper", "common", "manager", "handler", "handlers", "misc"}


@pytest.mark.parametrize("path", SOURCES, ids=named)
def test_every_module_says_what_it_is_for(path: Path):
    assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))), f"{named(path)} has no docstring"


@pytest.mark.parametrize("path", SOURCES, ids=named)
def test_no_module_is_over_400_lines(path: Path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 400


def test_every_public_function_of_the_heart_says_what_it_does():
    silent = []
    for path in SOURCES:
        if not path.is_relative_to(ROOT / "care"):
            continue
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            named_thing = isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_")
            if named_thing and isinstance(node, ast.FunctionDef) and not ast.get_docstring(node):
                silent.append(f"{named(path)}:{node.lineno} {node.name}")
    assert silent == []


def test_the_domain_is_standard_library_only():
    allowed = set(sys.stdlib_module_names) | {"care"}
    foreign = []
    for path in (ROOT / "care" / "domain").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                names = [node.module or ""]
            foreign += [f"{named(path)}: {name}" for name in names if name.split(".")[0] not in allowed]
    assert foreign == []


def test_sql_is_never_put_together_from_values():
    """A text() takes a literal; values travel as parameters. (Names of our own tables may be formatted in.)"""
    wrong = []
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            is_text = isinstance(node, ast.Call) and getattr(node.func, "id", "") == "text"
            if is_text and node.args and not isinstance(node.args[0], ast.Constant):
                wrong.append(f"{named(path)}:{node.lineno}")
    assert wrong == []


def test_the_project_names_no_machine_and_no_registry():
    """No absolute path of anyone's machine and no package registry's address in what is committed."""
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split(
        "\n"
    )
    # Put together here so that this file does not contain what it looks for.
    banned = re.compile(
        "|".join(["/" + "work/", "/" + "root/", "/" + "home/[a-z]", "pypi" + r"\.org/simple", "--" + "index-url"])
    )
    found = []
    for name in filter(None, listed):
        path = ROOT / name
        if not path.is_file() or path.suffix in {".png", ".onnx", ".ico", ".gz", ".woff2"} or "vendor" in path.parts:
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
            if banned.search(line):
                found.append(f"{name}:{number}")
    assert found == []


def test_arrows_point_inward():
    """The import contracts hold (the same that `make check` runs)."""
    from importlinter.cli import lint_imports

    assert lint_imports(config_filename=str(ROOT / "pyproject.toml")) == 0
