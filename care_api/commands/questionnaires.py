"""`flask questionnaires`: a hospital's own forms, tried out before anybody is asked."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal
from uuid import UUID

import click
from flask import current_app
from flask.cli import AppGroup

from care.domain.questionnaire.ask import ask
from care.domain.questionnaire.scores import Score
from care.domain.questionnaire.summary import summary
from care.domain.questionnaire.unrun import left_undone
from care.domain.questionnaire.validate import Problem, is_valid, validate
from care.domain.questionnaire.walk import next_item
from care.errors import Invalid
from care.runtime import Runtime
from care.services import questionnaires
from care.services.questionnaire_files import LARGEST, Reading, document_of, json_of, read_file, read_to_judge
from care.services.rehearsals import rehearse
from care_api.commands.output import as_json, end, tell, told
from care_api.database import db

questionnaires_group = AppGroup("questionnaires", help="FHIR questionnaires: checked, walked, validated, imported.")

Status = Literal["runs", "refused", "invalid", "crashed"]
_file = click.Path(exists=True, dir_okay=False, path_type=Path)

NOT_RUN = frozenset(
    (
        *("cql", "x-fhir-query", "sub-questionnaire", "adaptive", "answer-expression", "value-set-not-at-hand"),
        *("too-large", "too-deep", "too-many-items", "several-questionnaires"),
    )
)
"""Refusals of what is right and can't be run here; any other refusal is a defect of the form: "invalid"."""


@dataclass(frozen=True, slots=True)
class Checked:
    """One file: whether it runs, and if not why. `unsupported`: all that it asks for and does not get."""

    file: str
    status: Status
    reason: str | None = None
    message: str | None = None
    link_id: str | None = None
    items: int = 0
    unsupported: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


@questionnaires_group.command("check")
@click.argument("paths", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@as_json
@told
def check(paths: tuple[Path, ...], as_json: bool) -> None:
    """Read questionnaire files, or all in a folder, and say which run.

    A line a file: {file, status: runs|refused|invalid, reason, message, link_id, items, unsupported, notes}; then
    {files, runs, refused, invalid, crashed, passed_over}: in a folder JSON that is no FHIR resource is passed over.
    Exits 1 only when one crashed, which is a fault of ours.
    """
    counts = dict.fromkeys(("files", "runs", "refused", "invalid", "crashed", "passed_over"), 0)
    for path in paths:
        for file in sorted(path.rglob("*.json")) if path.is_dir() else [path]:
            if path.is_dir() and not _is_resource(file):
                counts["passed_over"] += 1
                continue
            checked = checked_file(file)
            counts["files"] += 1
            counts[checked.status] += 1
            _say(checked, as_json)
    tell(counts, as_json)
    end(counts["crashed"] == 0)


def checked_file(file: Path) -> Checked:
    """What becomes of one file. Never raises: whatever goes wrong that was not foreseen is "crashed"."""
    try:
        reading = read_file(_bytes(file))
        first = next_item(reading.questionnaire, {})
        if first is not None:
            ask(first.item, "en")
        return Checked(
            file=file.name,
            status="runs",
            items=len(reading.questionnaire.items),
            unsupported=list(left_undone(reading.document)),
            notes=[*reading.notes, *reading.questionnaire.notes],
        )
    except Invalid as refused:
        return _refused(file, refused)
    except Exception as error:  # noqa: BLE001 - one bad file must not hide what the others are
        return Checked(file.name, "crashed", type(error).__name__)


def _refused(file: Path, refused: Invalid) -> Checked:
    told: Any = refused.detail.get("refusals") or ()
    codes = dict.fromkeys((refused.code, *(each["code"] for each in told)))
    return Checked(
        file=file.name,
        status="refused" if refused.code in NOT_RUN else "invalid",
        reason=refused.code,
        message=refused.message,
        link_id=str(refused.detail["link_id"]) if refused.detail.get("link_id") else None,
        items=_items(file),
        unsupported=[code for code in codes if code in NOT_RUN],
    )


def _bytes(file: Path) -> bytes:
    """The file, or one byte more than is read of any."""
    with file.open("rb") as stream:
        return stream.read(LARGEST + 1)


def _is_resource(file: Path) -> bool:
    """Whether a file of a folder is to be told of: not one that is sound JSON of another kind (a list of contents)."""
    try:
        found = json.loads(_bytes(file))
    except (ValueError, RecursionError):
        return True
    return not isinstance(found, dict) or "resourceType" in found


def _items(file: Path) -> int:
    """How many items a refused form has, as far as it can be read."""
    try:
        waiting: list[Any] = [document_of(_bytes(file))]
    except Invalid:
        return 0
    count = 0
    while waiting:
        part = waiting.pop()
        below = part.get("item") if isinstance(part, dict) else None
        children = below if isinstance(below, list) else []
        count += len(children)
        waiting.extend(children)
    return count


def _say(checked: Checked, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(asdict(checked), ensure_ascii=False))
        return
    why = f"  {checked.reason}: {checked.message}" if checked.message else f"  {checked.reason or ''}"
    click.echo(f"{checked.status:<8} {checked.file}{why}".rstrip())


@questionnaires_group.command("walk")
@click.argument("file", type=_file)
@click.option("--channel", type=click.Choice(["sms", "form"]), required=True, help="By text messages, or as a form.")
@click.option("--seed", type=int, default=0, show_default=True, help="Decides every answer; the same in both channels.")
@as_json
@told
def walk(file: Path, channel: Literal["sms", "form"], seed: int, as_json: bool) -> None:
    """Fill a questionnaire in to its end with random answers that it takes.

    Prints {asked, answered, skipped, completed, response, valid, problems, score: [{id, title, value, band}] or null,
    stuck}. Exits 1 when it did not come to its end or the response is not valid.
    """
    gone = rehearse(read_file(_bytes(file)).questionnaire, channel, seed, _runtime().now())
    tell(
        {
            "asked": gone.asked,
            "answered": gone.answered,
            "skipped": gone.skipped,
            "completed": gone.completed,
            "response": gone.response,
            "valid": gone.valid,
            "problems": [{"linkId": one.link_id, "code": one.code, "message": one.message} for one in gone.problems],
            "score": [_scored(one) for one in gone.scores] or None,
            "stuck": gone.stuck or None,
        },
        as_json,
    )
    end(gone.completed and gone.valid)


@questionnaires_group.command("validate")
@click.argument("questionnaire", type=_file)
@click.argument("response", type=_file)
@as_json
@told
def validate_response(questionnaire: Path, response: Path, as_json: bool) -> None:
    """Check a QuestionnaireResponse against its questionnaire.

    Prints {valid, errors: [{linkId, code, message, expression}], warnings: the same}. Exits 1 when it is not valid.
    A choice that nobody could be asked, because it has no options, is no reason to refuse the questionnaire here.
    """
    form, answers = document_of(_bytes(questionnaire)), json_of(_bytes(response))
    try:
        problems = validate(read_to_judge(form), answers)
    except Invalid as refused:
        at_fault = str(refused.detail.get("link_id", ""))
        problems = [Problem("Questionnaire", at_fault, refused.code, refused.message)]
    told: dict[str, list[dict[str, str]]] = {"error": [], "warning": []}
    for one in problems:
        told[one.severity].append(
            {"linkId": one.link_id, "code": one.code, "message": one.message, "expression": one.expression}
        )
    valid = is_valid(problems)
    tell({"valid": valid, "errors": told["error"], "warnings": told["warning"]}, as_json)
    end(valid)


@questionnaires_group.command("import")
@click.argument("file", type=_file)
@click.option("--organization", type=click.UUID, help="Whose it is; not needed where there is only one.")
@as_json
@told
def import_file(file: Path, organization: UUID | None, as_json: bool) -> None:
    """Keep a questionnaire as a draft, to be walked and published by an administrator (Questionnaires, in the browser).

    Prints {draft, url, version, sha256, items, questions, features, unsupported, notes, sms: {segments, hard: [{linkId,
    remarks}]}}. What cannot be run as it is written is refused: every reason on a line of its own, exit 2.
    """
    source = _bytes(file)
    try:
        reading = read_file(source)
        draft = questionnaires.import_draft(db.session(), _runtime(), None, source, organization)
    except Invalid as refused:
        for line in _reasons(refused):
            click.echo(line, err=True)
        raise
    tell(
        {"draft": str(draft.id), "url": draft.url, "version": draft.version, "sha256": draft.sha256}
        | _report(reading)
        | {"notes": draft.notes},
        as_json,
    )


def _reasons(refused: Invalid) -> Iterator[str]:
    told: Any = refused.detail.get("refusals") or ()
    yield from (f"{each['code']}: {each['message']}" for each in told[1:])


def _report(reading: Reading) -> dict[str, Any]:
    """What a hospital should know of a form before it publishes it."""
    form = reading.questionnaire
    found = summary(form, ("en",))
    hard = [{"linkId": fit.link_id, "remarks": list(fit.remarks)} for fit in found.fits if fit.remarks]
    return {
        "items": len(form.items),
        "questions": found.questions,
        "features": dict(found.features),
        "unsupported": list(left_undone(reading.document)),
        "sms": {"segments": found.segments("en"), "hard": hard},
    }


def _scored(score: Score) -> dict[str, Any]:
    band = {"id": score.band.id, "text": score.band.text.get("en", "")} if score.band else None
    return {"id": score.id, "title": score.title.get("en", ""), "value": score.value, "band": band}


def _runtime() -> Runtime:
    found: Runtime = current_app.extensions["care.runtime"]
    return found
