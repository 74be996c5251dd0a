"""The matrix: many runs in several lanes, and what was found in all of them, by fault."""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.faults import processes
from tests.faults.checker import Findings, check
from tests.faults.lane import Lane, lane
from tests.faults.play import Play
from tests.faults.script import draw

COUNTS = ("lost", "duplicates", "unresolved", "wrong")


def play(where: Lane, seed: int, folder: Path) -> tuple[Findings, dict[str, Any]]:
    """One run: its findings, and its line for the table."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    script, began = draw(seed), time.monotonic()
    played = Play(where, script, folder)
    played.run()
    lines = [json.loads(line) for line in (folder / "history.jsonl").read_text(encoding="utf-8").splitlines()]
    found = check(lines)
    line: dict[str, Any] = {"seed": seed, "faults": script.faults, "seconds": round(time.monotonic() - began, 2)}
    line |= {name: len(getattr(found, name)) for name in COUNTS}
    line |= {"unknown": found.unknown, "repeated": found.repeated, "messages": found.messages}
    line |= {"deaths": played.deaths, "holds": found.holds}
    line["said"] = [*found.lost, *found.duplicates, *found.unresolved, *found.wrong]
    return found, line


class Matrix:
    """Runs in lanes; each lane writes a line a run, which is all that is kept of a run that held."""

    def __init__(self, folder: Path, keep: bool = False) -> None:
        self.folder, self.keep = folder, keep
        self.lines: list[dict[str, Any]] = []
        self.wanted = 0
        self.seconds = 0.0

    def run(self, seeds: Sequence[int], lanes: int) -> None:
        """Play the runs of all seeds, `lanes` at a time. A lane that breaks leaves runs unplayed, which shows."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        self.wanted, began = len(seeds), time.monotonic()
        children = []
        for number in range(min(lanes, len(seeds))):
            pid = os.fork()
            if pid == 0:
                os._exit(self._lane(number, seeds[number::lanes]))
            children.append(pid)
        for pid in children:
            os.waitpid(pid, 0)
        for path in sorted(self.folder.glob("lane-*.jsonl")):
            self.lines += [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        self.seconds = time.monotonic() - began

    def _lane(self, number: int, seeds: Sequence[int]) -> int:
        processes.end_with_parent()
        try:
            with lane() as where, open(self.folder / f"lane-{number}.jsonl", "a", encoding="utf-8") as file:
                for seed in seeds:
                    folder = self.folder / f"run-{seed}"
                    _, line = play(where, seed, folder)
                    file.write(json.dumps(line) + "\n")
                    file.flush()
                    if line["holds"] and not self.keep:
                        shutil.rmtree(folder)
                    elif not line["holds"]:
                        print(f"run {seed}: " + "; ".join(line["said"][:5]), file=sys.stderr, flush=True)
        except BaseException:
            traceback.print_exc()
            return 1
        return 0

    def figures(self) -> dict[str, Any]:
        """{totals, cases}: a case is a fault, and a run counts for each of its faults."""
        totals: dict[str, Any] = {"runs": len(self.lines)}
        for name in (*COUNTS, "unknown", "repeated", "messages", "deaths"):
            totals[name] = sum(line[name] for line in self.lines)
        whole = len(self.lines) == self.wanted
        totals |= {"seconds": round(self.seconds, 1), "ok": whole and all(line["holds"] for line in self.lines)}
        names = sorted({fault for line in self.lines for fault in line["faults"]})
        return {"totals": totals, "cases": [self._case(name) for name in names]}

    def _case(self, name: str) -> dict[str, Any]:
        mine = [line for line in self.lines if name in line["faults"]]
        return {"name": name, "runs": len(mine)} | {
            count: sum(line[count] for line in mine) for count in (*COUNTS, "unknown")
        }

    def table(self) -> str:
        """The cases for a person."""
        figures = self.figures()
        rows = [f"{'fault':28}{'runs':>7}{'lost':>7}{'twice':>7}{'unres.':>7}{'wrong':>7}{'unknown':>9}"]
        for case in [*figures["cases"], {"name": "all", **figures["totals"]}]:
            numbers = "".join(f"{case[name]:>7}" for name in ("runs", *COUNTS))
            rows.append(f"{case['name']:28}{numbers}{case['unknown']:>9}")
        return "\n".join(rows)
