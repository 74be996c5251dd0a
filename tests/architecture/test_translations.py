"""The speech of the house: nothing that staff read is said in one language only."""

from __future__ import annotations

import ast
import io
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.frontend import parse_keywords, parse_mapping_cfg
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from care_api.extraction import sentences

ROOT = Path(__file__).resolve().parents[2]
CATALOGUES = {
    locale: ROOT / "translations" / locale / "LC_MESSAGES" / "messages.po" for locale in ("zh_Hans", "zh_Hant")
}
DOORS = ("dashboard", "core", "simulator", "care_api")
TEMPLATES = sorted(path for door in DOORS for path in (ROOT / door).rglob("templates/**/*.html"))
VIEWS = sorted(path for door in ("dashboard", "core", "simulator") for path in (ROOT / door).glob("*.py"))
PLACE = re.compile(r"%\((\w+)\)[a-z]|\{(\w+)\}")

# A piece of a template: a comment, a statement, an expression, a tag; what lies between is text.
PIECE = re.compile(r"(\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}|<[^<>]*?(?:\{[{%].*?[%}]\}[^<>]*?)*>)", re.DOTALL)
READ = re.compile(r"""\b(?:aria-label|title|placeholder|alt)=(["'])((?:(?!\1|\{).)*[A-Za-z]{2}(?:(?!\1|\{).)*)\1""")
WORD = re.compile(r"[A-Za-z]{2,}")
NAMES = frozenset(
    (
        "Care",
        "CSV",
        "FHIR",
        "JSON",
        "LOINC",
        "PDF",
        "QuestionnaireResponse",
        "SHA",
        "SMS",
        "UCUM",
        "kB",
        "OK",
        "Esc",
        "Enter",
    )
)
"""Names and units: they are the same in every language."""
OTHERWISE = frozenset(("me.html",))
"""The patient's own page has its words from care/library/texts."""
Key = tuple[str, str | tuple[str, ...]]


def key_of(one: Message) -> Key:
    """What a message is found by."""
    return one.context or "", tuple(one.id) if isinstance(one.id, list | tuple) else str(one.id)


@cache
def catalogue(path: Path) -> Catalog:
    """A catalogue as it is committed."""
    with path.open("rb") as opened:
        return read_po(opened)


def messages(path: Path) -> list[Message]:
    """Its messages, without the header."""
    return [one for one in catalogue(path) if one.id]


@cache
def collected() -> frozenset[Key]:
    """What `make translations` would collect now."""
    with (ROOT / "babel.cfg").open() as opened:
        methods, options = parse_mapping_cfg(opened)
    keywords = parse_keywords(["_l", "_h:1c,2"]) | _usual()
    found = extract_from_dir(ROOT, methods, options, keywords=keywords)
    return frozenset((context or "", words) for _, _, words, _, context in found)


def _usual() -> dict[str, object]:
    from babel.messages.extract import DEFAULT_KEYWORDS

    return dict(DEFAULT_KEYWORDS)


def test_every_word_of_the_pages_is_collected():
    kept = {key_of(one) for one in messages(ROOT / "translations" / "messages.pot")}
    assert kept == collected(), "run `make translations` and translate what is new"


@pytest.mark.parametrize("locale", CATALOGUES)
def test_nothing_is_left_untranslated_or_in_doubt(locale: str):
    kept = {key_of(one): one for one in messages(CATALOGUES[locale])}
    assert set(kept) == {key_of(one) for one in messages(ROOT / "translations" / "messages.pot")}
    silent = [key for key, one in kept.items() if not (one.string if isinstance(one.string, str) else all(one.string))]
    assert silent == []
    assert [key for key, one in kept.items() if one.fuzzy] == []


@pytest.mark.parametrize("locale", CATALOGUES)
def test_a_translation_has_the_places_of_its_sentence(locale: str):
    wrong = []
    for one in messages(CATALOGUES[locale]):
        said = one.id[1] if isinstance(one.id, list | tuple) else one.id
        for translated in (one.string,) if isinstance(one.string, str) else one.string:
            if translated and set(PLACE.findall(str(said))) != set(PLACE.findall(str(translated))):
                wrong.append((said, translated))
        wrong += [(said, str(error)) for error in one.check(catalogue(CATALOGUES[locale]))]
    assert wrong == []


@pytest.mark.parametrize("locale", CATALOGUES)
def test_what_is_compiled_is_what_is_written(locale: str):
    made = io.BytesIO()
    write_mo(made, catalogue(CATALOGUES[locale]))
    assert made.getvalue() == CATALOGUES[locale].with_suffix(".mo").read_bytes(), "run `make translations`"


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_template_says_anything_by_itself(path: Path):
    if path.name in OTHERWISE:
        return
    assert list(_plain(path.read_text(encoding="utf-8"))) == []


def _plain(source: str) -> Iterator[str]:
    """Text and readable attributes that no translator would see."""
    pieces = PIECE.split(re.sub(r"<(script|style)\b.*?</\1>", "", source, flags=re.DOTALL))
    for number, piece in enumerate(pieces):
        if number % 2 == 0:
            text = re.sub(r"&\w+;", " ", piece)
            if set(WORD.findall(text)) - NAMES and not re.fullmatch(r"(\s*[\w-]+=\"[^\"]*\"?)*\s*", text):
                yield " ".join(text.split())
        elif piece.startswith("<"):
            yield from (" ".join(said.split()) for _, said in READ.findall(piece) if set(WORD.findall(said)) - NAMES)


def test_the_linter_sees_what_it_should():
    assert list(_plain("<p>Plain words</p>")) == ["Plain words"]
    assert list(_plain('<p>{{ _("Marked") }}</p><a title="Not marked">{# not seen #}1</a>')) == ["Not marked"]
    assert list(_plain("<dt>SHA-256</dt>")) == []


@pytest.mark.parametrize("path", VIEWS, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_notice_is_put_together_in_english(path: Path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "flash":
            plain = [part for part in ast.walk(node.args[0]) if isinstance(part, ast.JoinedStr)]
            assert not plain and not isinstance(node.args[0], ast.Constant), f"line {node.lineno}: mark it with _()"


@pytest.mark.parametrize("path", [*TEMPLATES, *VIEWS], ids=lambda path: str(path.relative_to(ROOT)))
def test_an_error_is_shown_as_it_is_told(path: Path):
    """`wrong|told` in a template, `told(wrong)` in a notice: its own message is English."""
    source = path.read_text(encoding="utf-8")
    shown = source if path.suffix == ".html" else " ".join(re.findall(r"flash\(.*", source))
    errors = "wrong|error|refused|refusal|conflict|broken|fault|problem"
    assert re.findall(rf"(?<!told\()\b(?:{errors})\.message\b(?!\|told)", shown) == []


def test_an_f_string_becomes_a_template():
    source = 'def f(limit, most):\n    raise Invalid("x", f"at most {limit} of {most.name}")\n'
    assert [said for _, said in sentences(source)] == ["at most %(limit)s of %(name)s"]
    assert [said for _, said in sentences('why = f"item {link_id!r}: too {long}"\nraise refuse("x", "y", why)')] == [
        "too %(long)s"
    ]
