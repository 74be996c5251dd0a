"""`flask risk`: train a bundle, put one through the gates, verify one, score measures. No table is touched."""

from __future__ import annotations

import importlib
import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import click
from flask.cli import AppGroup

from care.domain.measure import Measure
from care.domain.twins import maker
from care.errors import AssessmentError, Invalid
from care_api.commands.output import as_json, end, tell, told

risk_group = AppGroup("risk", help="Models: trained offline, verified, scored.")
folder = click.Path(exists=True, file_okay=False, path_type=Path)
existing = click.Path(exists=True, dir_okay=False, path_type=Path)
_made = maker(Measure)


@risk_group.command("train", with_appcontext=False)
@click.argument("recipe")
@click.option("--data", type=existing, required=True, help="The file that the recipe learns from.")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), required=True, help="The bundle's folder.")
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("--rows", type=click.Path(dir_okay=False, path_type=Path), help="Write the judged rows here (CSV).")
@click.option("--with", "extra", multiple=True, metavar="COLUMN", help="A further column one would like as a feature.")
@as_json
@told
def train(
    recipe: str, data: Path, out: Path, seed: int, rows: Path | None, extra: tuple[str, ...], as_json: bool
) -> None:
    """Train a bundle by RECIPE: pbc-visit, hypoglycaemia-next-day, readmission-30-day, heart-failure-mortality.

    Prints {out, sha256, metrics}. What leaks the outcome is refused before any fit, and exits 1. --rows writes what
    `flask risk validate` reads: patients' data, to be kept where they were. Needs the packages of
    requirements-train.txt, which the server does without.
    """
    more: dict[str, Any] = {"rows": rows, "extra": extra} if rows or extra else {}
    report = _recipe(recipe).train(data, out, seed, **more)
    tell({"out": str(report.out), "sha256": report.sha256, "metrics": report.metrics}, as_json)


@risk_group.command("validate", with_appcontext=False)
@click.argument("bundle", type=folder)
@click.option("--data", type=existing, required=True, help="A CSV: one row a prediction (docs/models.md).")
@click.option("--group", required=True, metavar="COL", help="Whose row it is: a person is in one fold only.")
@click.option("--time", metavar="COL", help="When the prediction was made; features measured later are refused.")
@click.option("--outcome", default="outcome", show_default=True, metavar="COL", help="What came of it, 0 or 1.")
@click.option("--draws", type=int, default=200, show_default=True, help="Draws of people behind the intervals.")
@as_json
@told
def validate(bundle: Path, data: Path, group: str, time: str | None, outcome: str, draws: int, as_json: bool) -> None:
    """Put BUNDLE through the gates on the rows of --data.

    Prints a line for each gate, {gate, value, limit, pass} with {why} where it fails, and at last {promotable, failed}.
    Exits 0 when it is promotable, 1 when it is not, 2 when the file has no such columns.
    """
    from risk import bundle as bundles
    from risk.promotion import examine

    found = examine(bundles.load(bundle), data, group, time, outcome, draws)
    for gate in found:
        if as_json:
            click.echo(json.dumps(gate.told(), ensure_ascii=False))
        else:
            click.echo(f"{'passed' if gate.passed else 'FAILED':<7} {gate.name:<28} {gate.why}".rstrip())
    failed = [gate.name for gate in found if not gate.passed]
    tell({"promotable": not failed, "failed": failed}, as_json)
    end(not failed)


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

    names = risk.recipes.NAMES
    if name not in {*names, *names.values()}:
        raise Invalid("recipe", f"no recipe of this name: {name} (there are {', '.join(names)})")
    return importlib.import_module(f"risk.recipes.{names.get(name, name)}")


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
    return _made(str(place), code, None if value is None else float(value), unit, moment, rest[0] if rest else "", "")


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
