"""The questionnaires of public repositories, each read, and walked to its end by text and as a form with the same
answers."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from care.services.questionnaire_files import read_file
from care.services.rehearsals import Rehearsal, rehearse
from care_api.commands.questionnaires import checked_file

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
FOLDER = "questionnaires/dev"


@dataclass(frozen=True, slots=True)
class Outcome:
    """One file: what became of it, how many walks it was taken on, and what went wrong on them, in words."""

    name: str
    status: str
    reason: str | None
    items: int
    walks: int = 0
    asked: int = 0
    skipped: int = 0
    wrong: tuple[str, ...] = ()
    seconds: float = field(default=0.0, compare=False)


def files(shared: Path) -> list[Path]:
    """All forms of the corpus."""
    return sorted(path for path in (shared / FOLDER).glob("*.json") if path.name != "index.json")


def tried(path: Path, seeds: Sequence[int]) -> Outcome:
    """Read one file and walk it with each seed on both faces."""
    begun = time.perf_counter()
    checked = checked_file(path)
    if checked.status != "runs":
        return Outcome(path.name, checked.status, checked.reason, checked.items)
    form = read_file(path.read_bytes()).questionnaire
    wrong: list[str] = []
    asked = skipped = 0
    for seed in seeds:
        by_text, by_form = (rehearse(form, face, seed, NOW) for face in ("sms", "form"))
        asked, skipped = asked + by_text.asked, skipped + by_text.skipped
        wrong += [f"seed {seed}: {what}" for what in _amiss(by_text, by_form)]
    took = time.perf_counter() - begun
    return Outcome(path.name, "runs", None, checked.items, 2 * len(seeds), asked, skipped, tuple(wrong), took)


def _amiss(by_text: Rehearsal, by_form: Rehearsal) -> Iterable[str]:
    for face, one in (("sms", by_text), ("form", by_form)):
        if one.stuck:
            yield f"{face}: {one.stuck}"
        elif not one.completed:
            yield f"{face}: it came to no end"
        if not one.valid:
            first = next(problem for problem in one.problems if problem.severity == "error")
            yield f"{face}: not valid: {first.link_id} {first.code}"
    if _written(by_text) != _written(by_form):
        yield "the two responses differ"


def _written(one: Rehearsal) -> bytes:
    return json.dumps([one.response, one.asked, one.answered, one.skipped], sort_keys=True).encode()


def figures(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """The totals: how many run, of all and of those whose value sets are at hand, and how the walks went."""
    statuses = Counter(one.status for one in outcomes)
    reasons = Counter(one.reason for one in outcomes if one.reason)
    at_hand = len(outcomes) - reasons["value-set-not-at-hand"]
    return {
        "files": len(outcomes),
        **{status: statuses[status] for status in ("runs", "refused", "invalid", "crashed")},
        "share_that_runs": round(statuses["runs"] / max(len(outcomes), 1), 4),
        "share_with_value_sets_at_hand": round(statuses["runs"] / max(at_hand, 1), 4),
        "reasons": dict(reasons.most_common()),
        "walks": sum(one.walks for one in outcomes),
        "questions_asked": sum(one.asked for one in outcomes),
        "walks_wrong": sum(len(one.wrong) for one in outcomes),
        "wrong": {one.name: list(one.wrong) for one in outcomes if one.wrong},
    }


def printed(found: dict[str, Any]) -> str:
    """The figures as a table to read."""
    lines = [f"{found['files']} questionnaires"]
    lines += [f"  {found[status]:>5} {status}" for status in ("runs", "refused", "invalid", "crashed")]
    lines += [f"        {count:>4} {reason}" for reason, count in found["reasons"].items()]
    lines.append(f"  {found['share_that_runs']:.1%} run, {found['share_with_value_sets_at_hand']:.1%} of those whose ")
    lines[-1] += "value sets are at hand"
    lines.append(f"{found['walks']} walks, {found['questions_asked']} questions, {found['walks_wrong']} faults")
    lines += [f"  {name}: {'; '.join(wrong[:3])}" for name, wrong in found["wrong"].items()]
    return "\n".join(lines)
