"""The dialogues of tests/cases/dialogues, word for word: what patients write, and what they read.

A file holds dialogues. One begins with `# what it shows`, then `form: …` and where it differs from the usual
`language: …`, `sms: yes`, `link: …`. A line after `> ` is the patient's; the lines below are the reply, with `--`
between two messages and the acts in brackets.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from care.domain.codes import LANGUAGES
from care.domain.conversation import begin, take_turn
from care.domain.screen import screen
from care.domain.turn import Act, AskedForPerson, ChoseLanguage, Completed, Desk, OpenTask, Talk, Turn, Voice
from care.library import lexicon, texts
from tests.domain.dialogue_forms import forms

FOLDER = Path(__file__).parents[1] / "cases" / "dialogues"
NOON = datetime(2026, 3, 2, 17, 0, tzinfo=UTC)  # Monday, 12:00 in New York
SMS = {"max_length": 1600, "segments": 3}


@dataclass
class Dialogue:
    """One dialogue as it stands in its file."""

    title: str
    how: dict[str, str] = field(default_factory=dict)
    turns: list[tuple[str, str]] = field(default_factory=list)


def read(path: Path) -> Iterator[Dialogue]:
    found: Dialogue | None = None
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("# "):
            if found is not None:
                yield found
            found = Dialogue(line[2:])
        elif found is None or not line.strip():
            continue
        elif line.startswith("> "):
            found.turns.append((line[2:], ""))
        elif not found.turns:
            name, _, value = line.partition(": ")
            found.how[name] = value
        else:
            said, reply = found.turns[-1]
            found.turns[-1] = said, f"{reply}\n{line}".strip()
    if found is not None:
        yield found


DIALOGUES = [(path.stem, one) for path in sorted(FOLDER.glob("*.txt")) for one in read(path)]


def voice(language: str) -> Voice:
    return lambda key, params: texts().say(language, key, **params)


def desk(task: OpenTask, language: str = "en", **more: object) -> Desk:
    made = Desk(
        language,
        "America/New_York",
        NOON,
        lambda _: forms()[task.id],
        (task,),
        None,
        voice(language),
        "911",
        voices=voice,
    )
    return replace(made, **more)  # type: ignore[arg-type]


def task(name: str) -> OpenTask:
    form = forms()[name]
    return OpenTask(name, form.canonical, {**form.title, "en": form.title[""]}, NOON)


def written(turn: Turn) -> str:
    """A turn as a dialogue shows it."""
    said = "\n--\n".join(say.text for say in turn.says)
    acts = "\n".join(name for act in turn.acts if (name := _named(act)))
    return "\n".join(part for part in (said, acts) if part)


def _named(act: Act) -> str:
    if isinstance(act, AskedForPerson):
        return f"[a nurse reads it: {act.reason}]"
    if isinstance(act, ChoseLanguage):
        return f"[language: {act.language}]"
    if isinstance(act, Completed):
        values = [f"{place}={'+'.join(str(each.value) for each in given)}" for place, given in act.answers.items()]
        return f"[report: {' '.join(values)}]".replace("\x1f", "@")
    return ""


def held(dialogue: Dialogue) -> Iterator[tuple[str, str]]:
    """The dialogue with what is really replied. `(begin)` is the reminder."""
    named = task(dialogue.how["form"])
    how: dict[str, object] = dict(SMS) if dialogue.how.get("sms") else {}
    at = desk(named, dialogue.how.get("language", "en"), link=dialogue.how.get("link", ""), **how)
    talk = Talk.idle()
    for text, _ in dialogue.turns:
        if text == "(begin)":
            turn = begin(named, at, talk)
        else:
            turn = take_turn(talk, text, screen(text, lexicon()), at)
        talk = Talk.from_json(json.loads(json.dumps(turn.talk.to_json())))
        for act in turn.acts:
            if isinstance(act, ChoseLanguage):
                at = at.speaking(act.language)
        yield text, written(turn)


@pytest.mark.parametrize(("language", "dialogue"), DIALOGUES, ids=[f"{name}: {one.title}" for name, one in DIALOGUES])
def test_a_dialogue_goes_as_it_is_written_down(language: str, dialogue: Dialogue) -> None:
    for (said, reply), (_, expected) in zip(held(dialogue), dialogue.turns, strict=True):
        assert reply == expected, f"after {said!r}"


def test_there_are_dialogues_in_every_language() -> None:
    spoken = {dialogue.how.get("language", "en") for _, dialogue in DIALOGUES}
    assert spoken == set(LANGUAGES)


def again() -> None:
    """Write the replies anew into the files; what changed is then to be read, line by line."""
    for path in sorted(FOLDER.glob("*.txt")):
        parts = []
        for one in read(path):
            head = [f"# {one.title}", *(f"{name}: {value}" for name, value in one.how.items())]
            turns = [f"> {text}\n{reply}".rstrip() for text, reply in held(one)]
            parts.append("\n".join([*head, "", "\n\n".join(turns)]))
        path.write_text("\n\n\n".join(parts) + "\n", encoding="utf-8")


if __name__ == "__main__":
    again()
