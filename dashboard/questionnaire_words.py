"""Words of questionnaires: what is in one, said on a page."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from care.domain.questionnaire import Questionnaire
from care.domain.questionnaire.extensions import language_of
from care.domain.questionnaire.scores import applies
from care.domain.questionnaire.summary import Summary, summary
from care.domain.questionnaire.unrun import left_undone
from care.library.scores import scores
from dashboard import blueprint
from dashboard.request import language, told
from dashboard.words import LANGUAGES

FEATURES = {
    "conditional": _l("asked only after certain answers"),
    "repeating-group": _l("group that can be answered several times"),
    "several-answers": _l("several answers to one question"),
    "own-words": _l("a choice, or an answer in one's own words"),
    "many-options": _l("more than nine options"),
    "scored-options": _l("options that carry a score"),
    "units": _l("a number with a unit"),
    "bounds": _l("a smallest or largest value"),
    "pattern": _l("a pattern that the text must fit"),
    "calculated": _l("computed from other answers"),
    "initial": _l("filled in beforehand"),
    "hidden": _l("never shown to the patient"),
    "read-only": _l("shown, but not asked"),
    "constraint": _l("a rule between answers"),
    "variable": _l("a value that other formulas use"),
    "to-a-person": _l("a picture or file, which a nurse looks at"),
}
UNDONE = {
    "population": _l("filling it in from a patient's record: it begins empty"),
    "extraction": _l("taking single results out of the report: the report is kept whole"),
    "cql": _l("expressions in CQL"),
    "x-fhir-query": _l("queries of a FHIR server"),
    "terminology-server": _l("a terminology server: its options are those in the file"),
    "time-limit": _l("a time limit"),
    "item-order": _l("another order of its questions"),
    "reference-filter": _l("a filter of what can be referred to"),
    "externally-defined": _l("items that are defined elsewhere"),
    "signature": _l("a signature"),
    "unknown-modifier": _l("an extension that might change its meaning and is not known here"),
}
REMARKS = {
    "long": _l("long for a text message"),
    "many-options": _l("more than nine options"),
    "to-a-person": _l("a picture or file: a nurse looks at it"),
}
_HAN = re.compile("[\u4e00-\u9fff]")
_OF_AN_ITEM = re.compile(r"item '(.+?)': (.*)", re.DOTALL)


def known(form: Questionnaire, document: Mapping[str, Any]) -> dict[str, Any]:
    """What a page tells of a form, by the names that its template has for it."""
    spoken = languages_of(form, document)
    found = summary(form, tuple(code for code, _ in spoken))
    return {
        "form": form,
        "summary": found,
        "languages": _shares(found, spoken[0][1]),
        "spoken": spoken,
        "features": [(FEATURES.get(code, code), count) for code, count in sorted(found.features.items())],
        "remarks": REMARKS,
        "scored_as": [in_words(one.title) or one.id for one in scores() if applies(one, form)],
        "undone": [UNDONE.get(name, name) for name in left_undone(document)],
        "notes": notes_of(form.notes),
    }


def languages_of(form: Questionnaire, document: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The languages that its texts are in, (code, name): the one it was written in first."""
    own = {code for text in (form.title, *(item.text for item in form.items)) for code in text if code}
    codes = dict.fromkeys((written_in(form, document), *sorted(map(language_of, own))))
    return [(code, LANGUAGES.get(code, code)) for code in codes]


def readers_of(form: Questionnaire, document: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The languages in which it can be walked: its own, and those of ours that it is not translated into, since there
    may be patients who read them.
    """
    own = languages_of(form, document)
    others = [
        (code, _("%(language)s (not translated)", language=name))
        for code, name in LANGUAGES.items()
        if code not in dict(own)
    ]
    return own + others


def written_in(form: Questionnaire, document: Mapping[str, Any]) -> str:
    """The language that it says it was written in, else Chinese where most of its questions have Chinese characters."""
    said = document.get("language")
    if isinstance(said, str) and said:
        return language_of(said[:20])
    texts = [item.text.get("", "") for item in form.questions]
    return "zh-Hans" if sum(map(bool, map(_HAN.search, texts))) * 2 > len(texts) else "en"


def _shares(found: Summary, first: str) -> list[tuple[str, int]]:
    """(language, per cent of the texts that it has), the one it was written in first."""
    others = [(LANGUAGES.get(code, code), round(100 * share)) for code, share in found.languages.items() if code]
    return [(first, 100), *(other for other in others if other[0] != first)]


@blueprint.app_template_filter("sentence")
def sentence(words: object) -> str:
    """Words as a sentence: a capital letter first, a full stop last. What is quoted in them stays as it is."""
    said = str(words).strip()
    return said and said[0].upper() + said[1:] + (
        "" if said.endswith((".", "!", "?", "。", "！", "？")) else "。" if _HAN.search(said[-1]) else "."
    )


@blueprint.app_template_filter("in_words")
def in_words(texts: Mapping[str, str]) -> str:
    """A text that is there in several languages, in the reader's; else in English, else as it was written."""
    return texts.get(language()) or texts.get("en") or texts.get("") or ""


@blueprint.app_template_filter("clip")
def clip(words: str, most: int) -> str:
    """Words, or their beginning where they are longer than `most`."""
    return words if len(words) <= most else f"{words[: most - 1]}…"


@blueprint.app_template_filter("refusal")
def refusal(one: Mapping[str, str]) -> str:
    """Why an item is refused, without its name, which stands beside it."""
    message = one["message"]
    return sentence(told(message.removeprefix(f"item {one['link_id']!r}: ")))


def notes_of(notes: Iterable[str]) -> list[tuple[str, list[str]]]:
    """Notes without repeating themselves: what was done, and the items that it was done to (none: the form)."""
    found: dict[str, list[str]] = {}
    for note in notes:
        named = _OF_AN_ITEM.fullmatch(note)
        items = found.setdefault(named[2] if named else note, [])
        if named:
            items.append(named[1])
    return list(found.items())
