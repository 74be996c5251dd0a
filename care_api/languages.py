"""The language of a page: what the reader chose, else what their browser asks for, else English.

What the heart says in plain English (why an error was raised, what a measure is called) is put into the reader's
language here, where the catalogue is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path

from babel.messages.mofile import read_mo
from babel.support import NullTranslations
from flask import Flask, g, has_request_context, request
from flask_babel import Babel, Domain, pgettext
from flask_babel import lazy_pgettext as _h
from markupsafe import Markup, escape

from care.errors import CareError
from care_api.extraction import CONTEXT
from dashboard.languages import COOKIE

LOCALES = {"en": "en", "zh-Hans": "zh_Hans", "zh-Hant": "zh_Hant"}
DEEPEST = 3
"""A sentence may hold another: "item 'weight': items of type group cannot be asked"."""
_HANT = ("zh-hant", "zh-hk", "zh-tw", "zh-mo")
ALSO_SAID = (
    _h("heart", "1 hour"),
    _h("heart", "1 day"),
    _h("heart", "%(count)s minutes"),
    _h("heart", "%(count)s hours"),
    _h("heart", "%(count)s days"),
    _h("heart", "no %(role)s all week"),
    _h("heart", "no %(role)s from %(first)s to %(end)s"),
    _h("heart", "Monday %(time)s"),
    _h("heart", "Tuesday %(time)s"),
    _h("heart", "Wednesday %(time)s"),
    _h("heart", "Thursday %(time)s"),
    _h("heart", "Friday %(time)s"),
    _h("heart", "Saturday %(time)s"),
    _h("heart", "Sunday %(time)s"),
    _h("heart", "nurse"),
    _h("heart", "clinician"),
    _h("heart", "admin"),
    _h("heart", "stat"),
    _h("heart", "asap"),
    _h("heart", "urgent"),
    _h("heart", "routine"),
    _h("heart", " (and %(count)s more)"),
    _h("heart", "Hypoglycaemia next day"),
    _h("heart", "Readmission 30 day"),
    _h("heart", "Heart failure mortality"),
    _h("heart", "Pbc visit"),
    _h("heart", "Please try again in a moment."),
    _h("heart", "The error was noted."),
    _h("heart", "Bad Request"),
    _h("heart", "The body of the request is broken."),
    _h("heart", "Sign in again."),
)
"""What the heart puts together from parts (ladder.spoken, week.said, rota.Gap), and what problems.py answers to people
and machines alike: so that it is collected."""
_PLACE = re.compile(r"%\((\w+)\)s")


def register(app: Flask, catalogues: str) -> None:
    """Give templates and views their words, in the language of whoever reads."""
    app.config["BABEL_TRANSLATION_DIRECTORIES"] = catalogues
    babel = Babel(app, default_locale="en", locale_selector=lambda: LOCALES[reader_language()])
    babel.domain_instance = _Catalogues()
    app.jinja_env.globals["_"] = app.jinja_env.globals["gettext"] = sayings(babel.domain_instance)
    app.extensions["care.told"] = app.jinja_env.filters["told"] = lambda said: told(catalogues, said)


class _Catalogues(Domain):  # type: ignore[misc]  # flask_babel has no types
    """The catalogues, each found by the reader's language: to find it by its locale costs more than the word."""

    def __init__(self) -> None:
        super().__init__()
        self._found: dict[str, NullTranslations] = {}

    def get_translations(self) -> NullTranslations:
        """That of this reader."""
        if not has_request_context():
            return super().get_translations()
        known = self._found.get(language := reader_language())
        if known is None:
            known = self._found[language] = super().get_translations()
        return known


def sayings(catalogues: Domain) -> Callable[..., Markup]:
    """The `_` of templates: a page says some sentences a hundred times, and each is looked up once a language."""
    known: dict[tuple[str, str], tuple[str, Markup | None]] = {}

    def say(sentence: str, **values: object) -> Markup:
        key = (reader_language(), sentence)
        found = known.get(key)
        if found is None:
            said = catalogues.gettext(sentence)
            found = known[key] = (said, None if "%(" in said else Markup(said % {}))  # noqa: S704  our own words
        said, whole = found
        if whole is not None:
            return whole
        return Markup(said % {name: _safe(value) for name, value in values.items()})  # noqa: S704

    return say


def _safe(value: object) -> object:
    """A value as it may stand in a page; a number keeps how it is asked to be written."""
    return value if isinstance(value, int | float) else escape(value)


def reader_language() -> str:
    """en, zh-Hans or zh-Hant."""
    if not has_request_context():
        return "en"
    found = g.get("reader_language")
    if found is None:
        found = g.reader_language = _chosen()
    return str(found)


def _chosen() -> str:
    """One's own choice goes before that of the browser: a desk is shared."""
    staff = g.get("staff")
    for kept in (staff.language if staff else None, request.cookies.get(COOKIE)):
        if kept in LOCALES:
            return str(kept)
    return asked_for()


def asked_for() -> str:
    """The first language that the browser asks for and Care speaks."""
    for wanted, _ in request.accept_languages:
        spelt = wanted.lower().replace("_", "-")
        if spelt.startswith(_HANT):
            return "zh-Hant"
        if spelt.startswith("zh"):
            return "zh-Hans"
        if spelt.startswith("en"):
            return "en"
    return "en"


def told(catalogues: str, said: object) -> str:
    """What the heart said in English, an error or a name, in the reader's language; as it is where it is not known."""
    sentence = said.message if isinstance(said, CareError) else str(said)
    language = reader_language()
    return sentence if language == "en" else _translated(sentence, templates(catalogues, LOCALES[language]), DEEPEST)


def _translated(sentence: str, known: Mapping[str, re.Pattern[str]], deep: int) -> str:
    found = pgettext(CONTEXT, sentence) if sentence else ""
    if found != sentence or not deep:
        return str(found)
    for template, pattern in known.items():
        if match := pattern.fullmatch(sentence):
            values = {name: _translated(value, known, deep - 1) for name, value in match.groupdict().items()}
            return str(pgettext(CONTEXT, template) % values)
    return sentence


@cache
def templates(catalogues: str, locale: str) -> Mapping[str, re.Pattern[str]]:
    """The heart's sentences with places for values, and what each looks like when they are filled in.

    The one that says most comes first, for "item 3: the unit is missing" is also "… is missing".
    """
    file = Path(catalogues) / locale / "LC_MESSAGES" / "messages.mo"
    if not file.exists():
        return {}
    with file.open("rb") as opened:
        heart = [str(one.id) for one in read_mo(opened) if one.context in (CONTEXT, CONTEXT.encode())]
    said = [one for one in heart if _PLACE.search(one)]
    said.sort(key=lambda one: (-len(_PLACE.sub("", one)), one))
    return {one: _looks(one) for one in said}


def _looks(template: str) -> re.Pattern[str]:
    parts = _PLACE.split(template)
    made = (re.escape(part.replace("%%", "%")) if i % 2 == 0 else f"(?P<{part}>.+?)" for i, part in enumerate(parts))
    return re.compile("".join(made), re.DOTALL)
