"""`flask bots`: what the text door understands, tried on a file of texts. No table is touched."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click
from flask.cli import AppGroup

from care.domain.questionnaire.lines import read_line
from care.domain.screen import Lexicon, screen
from care.library import lexicon
from care.runtime import wall_clock
from care_api.commands.output import told

bots_group = AppGroup("bots", help="What is understood of texts.")


@bots_group.command("parse", with_appcontext=False)
@click.option(
    "--jsonl",
    "path",
    required=True,
    type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path),
    help="The file of lines; - is the standard input.",
)
@told
def parse(path: Path) -> None:
    """Read every line of a file as an answer, one line out for each line in.

    In: {id, type: boolean|integer|decimal|quantity|date|dateTime|time|choice|open-choice|string|text|url, language,
    text, reference?, options?, units?, repeats?}. `reference` is the moment of the text (ISO); without it, now.
    Out: {id, status: value|ask|human, value, unit} with {code} of a choice or a unit, and {reason, understood} where it
    has to be asked again. A line that is no JSON object is for a human.
    """
    with click.open_file(str(path), encoding="utf-8-sig", errors="replace") as lines:
        for line in lines:
            if line.strip():
                click.echo(json.dumps(read_line(_document(line), wall_clock()), ensure_ascii=False))


@bots_group.command("screen", with_appcontext=False)
@click.option(
    "--jsonl",
    "path",
    required=True,
    type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path),
    help="The file of lines; - is the standard input.",
)
@told
def screened(path: Path) -> None:
    """Screen every line of a file as a text, one line out for each line in.

    In: {id, text, language}; the language decides nothing, since a patient may write in any. Out: {id, verdict:
    none|red_flag|crisis|stop|start|help|human, matched: the entry of the word list, or ""}. A line that is no JSON
    object with a text is for a human, and the next one is read.
    """
    words = lexicon()
    with click.open_file(str(path), encoding="utf-8-sig", errors="replace") as lines:
        for line in lines:
            if line.strip():
                click.echo(json.dumps(_verdict(_document(line), words)))


def _verdict(document: Any, words: Lexicon) -> dict[str, Any]:
    known = document if isinstance(document, dict) else {}
    if not isinstance(known.get("text"), str):
        return {"id": known.get("id"), "verdict": "human", "matched": "unreadable-line"}
    verdict = screen(known["text"], words)
    return {"id": known.get("id"), "verdict": verdict.kind, "matched": verdict.matched}


def _document(line: str) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None
