"""`python -m tests.faults`: so many randomised runs, a table, var/faults.json, and one JSON object as the last line."""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path

from tests.faults import cases
from tests.faults.matrix import Matrix
from tests.faults.worker import Tapped

VAR = Path(__file__).resolve().parent.parent.parent / "var"


def main(arguments: list[str]) -> int:
    """0 when every promise was kept in every run, 1 when not, 2 when called wrongly."""
    reader = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    reader.add_argument("--runs", type=int, default=int(os.environ.get("FAULTS", "1000")), help="how many runs")
    reader.add_argument("--seed", type=int, default=1, help="the first run's seed; the others follow it")
    reader.add_argument("--lanes", type=int, default=4, help="runs side by side, each lane with a cluster of its own")
    reader.add_argument("--keep", action="store_true", help="keep every history, not only those with a finding")
    reader.add_argument("--into", type=Path, default=VAR, help="the folder for faults.json and for histories")
    reader.add_argument("--sabotage", choices=("send-twice", "swallow"), help="break the channel, to see this fail")
    reader.add_argument("--cases", action="store_true", help="measure the promises in seconds instead of the runs")
    told = reader.parse_args(arguments)
    if told.cases:
        return _cases(told.into)
    Tapped.sabotage = told.sabotage or ""
    matrix = Matrix(told.into / "faults", keep=told.keep)
    matrix.run(range(told.seed, told.seed + told.runs), told.lanes)
    figures = matrix.figures()
    print(matrix.table())
    (told.into / "faults.json").write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(figures["totals"]))
    return 0 if figures["totals"]["ok"] else 1


def _cases(folder: Path) -> int:
    """Measure, and add what was measured to what the runs have left in faults.json."""
    found = cases.measure()
    path = folder / "faults.json"
    figures = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    path.write_text(json.dumps(figures | {"seconds": found}, indent=1) + "\n", encoding="utf-8")
    ok = all(one["holds"] for one in found)
    print(json.dumps({"cases": len(found), "ok": ok, "seconds": {one["name"]: one["seconds"] for one in found}}))
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
