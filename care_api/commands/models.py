"""`flask risk`: train a bundle, verify one, score lines of measures. No table is touched."""

from __future__ import annotations

import importlib
import json
import pkgutil
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import click
from flask.cli import AppGroup

from care.domain.measure import Measure
from care.errors import AssessmentError, Invalid
from care_api.commands.output import as_json, end, tell, told

risk_group = AppGroup("risk", help="Models: trained offline, verified, scored.")
folder = click.Path(exists=True, file_okay=False, path_type=Path)
existing = click.Path(exists=True, dir_okay=False, path_type=Path)


@risk_group.command("train", with_appcontext=False)
@click.argument("recipe")
@click.option("--data", type=existing, required=True, help="The file that the recipe learns from.")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), required=True, help="The bundle's folder.")
@click.option("--seed", type=int, default=0, show_default=True)
@as_json
@told
def train(recipe: str, data: Path, out: Path, seed: int, as_json: bool) -> None:
    """Train a bundle by RECIPE, the name of a module in risk/recipes. Prints {out, sha256, metrics}.

    Needs the packages of requirements-train.txt, which the server does without.
    """
    report = _recipe(recipe).train(data, out, seed)
    tell({"out": str(report.out), "sha256": report.sha256, "metrics": report.metrics}, as_json)


@risk_group.command("verify", with_appcontext=False)
@click.argument("bundle", type=folder)
@as_json
@told
def verify(bundle: Path, as_json: bool) -> None:
    """Check BUNDLE, a bundle's folder: its hashes, its operators, its golden rows.

    Prints {sha256, golden, max_abs_diff, ok}, with {reason} where it can't be read. Exits 1 when it does not hold.
    """
    from risk import bundle as bundles
    from risk import golden

    try:
        found = golden.verify(bundles.load(bundle))
    except AssessmentError as error:
        tell({"sha256": None, "golden": 0, "max_abs_diff": None, "ok": False, "reason": error.reason}, as_json)
        end(False)
    told_values = {"sha256": found.sha256, "golden": found.golden, "max_abs_diff": found.max_abs_diff, "ok": found.ok}
    tell(told_values, as_json)
    end(found.ok)


@risk_group.command("score", with_appcontext=False)
@click.argument("bundle", type=folder)
@click.argument("file", type=existing)
@told
def score(bundle: Path, file: Path) -> None:
    """Score each line of FILE with BUNDLE.

    A line is {"at": ISO time with zone, "zone": IANA name, "measures": [[code, value, unit, ISO time, comparator], …]};
    an "id" is given back. Prints one line for each: {risk, band, contributions, missing, status}, where status is
    scored, or the reason why the bundle abstains.
    """
    from risk import bundle as bundles
    from risk.scoring import Scorer

    scorer = Scorer(bundles.load(bundle))
    with file.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, start=1):
            if line.strip():
                click.echo(json.dumps(_scored(scorer, _read(line, number)), ensure_ascii=False))


def _recipe(name: str) -> Any:
    import risk.recipes

    known = [module.name for module in pkgutil.iter_modules(risk.recipes.__path__)]
    module = importlib.import_module(f"risk.recipes.{name}") if name in known else None
    if not hasattr(module, "train"):
        raise Invalid("recipe", f"no recipe of this name in risk/recipes: {name}")
    return module


def _read(line: str, number: int) -> Mapping[str, Any]:
    try:
        row = json.loads(line)
        at = datetime.fromisoformat(row["at"])
        measures = [_measure(place, one) for place, one in enumerate(row["measures"])]
        if at.tzinfo is None or not isinstance(row["zone"], str):
            raise ValueError
    except (ValueError, KeyError, TypeError, AttributeError):
        raise Invalid("line", f"line {number} is not a line of measures (see --help)") from None
    return {"id": row.get("id"), "at": at, "zone": row["zone"], "measures": measures}


def _measure(place: int, one: Any) -> Measure:
    code, value, unit, at, *rest = one
    moment = datetime.fromisoformat(at)
    if moment.tzinfo is None:
        raise ValueError("no zone")
    return Measure(str(place), code, None if value is None else float(value), unit, moment, rest[0] if rest else "")


def _scored(scorer: Any, row: Mapping[str, Any]) -> dict[str, Any]:
    named = {"id": row["id"]} if row["id"] is not None else {}
    try:
        found = scorer.assess(row["measures"], row["at"], row["zone"])
    except AssessmentError as error:
        empty: dict[str, Any] = {"risk": None, "band": None, "contributions": [], "missing": [], "status": error.reason}
        return named | empty
    shares = [{"name": one.name, "value": one.value, "logit": one.logit} for one in found.contributions]
    return named | {
        "risk": found.risk,
        "band": found.band,
        "contributions": shares,
        "missing": list(found.missing),
        "status": "scored",
    }
