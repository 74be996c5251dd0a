"""What `make translations` collects from Python: the words that a door marks, and what the heart says in English.

The heart raises its errors, and names its measures, in plain English and knows no catalogue. A sentence with values in
it (an f-string) becomes a template: f"at most {limit} characters" is collected as "at most %(limit)s characters".
"""

from __future__ import annotations

import ast
import io
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from babel.messages.extract import extract_python

CONTEXT = "heart"
_ERRORS = ("Invalid", "Conflict", "NotFound", "NotAllowed", "NotReady", "NotSignedIn", "TooMany")
SAYS: Mapping[str, tuple[int, ...]] = {
    **dict.fromkeys(_ERRORS, (1,)),
    "refuse": (2,),  # care/domain/questionnaire/refusal
    "Kind": (1,),  # care/domain/laboratory
    "Chart": (1, 7),  # care/domain/trend: its title, and the note below it
}
"""Which arguments of a call are read by people."""
TABLES = frozenset(("TITLES", "TOO_LARGE", "STALE"))
"""Tables and sentences whose names stand at the head of a module, and whose values are read by people."""
_OF_AN_ITEM = re.compile(r"^item %\(\w+\)s: (?!%\(message\)s$)")
"""What is said of one item is collected without its name: it is also shown beside it."""
_WORD = re.compile(r"[a-z_]\w*", re.IGNORECASE)
_Said = tuple[int, str, tuple[str, str], list[str]]


def words(
    fileobj: io.BufferedIOBase, keywords: Mapping[str, Any], comment_tags: list[str], options: Any
) -> Iterator[Any]:
    """Babel's own reading of Python, and what the heart says besides."""
    source = fileobj.read()
    yield from extract_python(io.BytesIO(source), keywords, comment_tags, options)
    for line, said in sentences(source.decode("utf-8")):
        yield line, "pgettext", (CONTEXT, said), []


def rules(
    fileobj: io.BufferedIOBase, keywords: Mapping[str, Any], comment_tags: list[str], options: Any
) -> Iterator[Any]:
    """A rule set of the library: what it is called, and what its rules are called when their ids are read out."""
    document = json.loads(fileobj.read())
    for said in (document["title"], *(one["id"].replace("-", " ").capitalize() for one in document["rules"])):
        yield 1, "pgettext", (CONTEXT, said), []


def cards(
    fileobj: io.BufferedIOBase, keywords: Mapping[str, Any], comment_tags: list[str], options: Any
) -> Iterator[Any]:
    """What a model's card calls the model."""
    about = json.loads(fileobj.read())["basic_info"]
    yield 1, "pgettext", (CONTEXT, about.get("model_name") or about["name"]), []


def sentences(source: str) -> Iterator[tuple[int, str]]:
    """What this source says in English to people: the sentence of every error that it makes, and names."""
    for scope in ast.walk(ast.parse(source)):
        if isinstance(scope, ast.Module):
            yield from _tabled(scope)
        if isinstance(scope, ast.Module | ast.FunctionDef):
            kept = _assigned(scope)
            for call in _calls(scope):
                for argument in _read(call):
                    yield from ((call.lineno, said) for said in _said(argument, kept) if said)


def _tabled(module: ast.Module) -> Iterator[tuple[int, str]]:
    for node in module.body:
        if isinstance(node, ast.ClassDef):
            yield from _titled(node)
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") in TABLES:
            yield from ((node.lineno, said) for said in _said(node.value, {}))
            for table in ast.walk(node.value):
                for value in table.values if isinstance(table, ast.Dict) else ():
                    yield from ((value.lineno, said) for said in _said(value, {}))


def _titled(error: ast.ClassDef) -> Iterator[tuple[int, str]]:
    """The title that every kind of error has (care/errors)."""
    for node in error.body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "title":
            yield from ((node.lineno, said) for said in _said(node.value, {}))


def _calls(scope: ast.Module | ast.FunctionDef) -> Iterator[ast.Call]:
    """The calls in this scope itself: those of a function within it are that function's."""
    waiting: list[ast.AST] = list(ast.iter_child_nodes(scope))
    while waiting:
        node = waiting.pop(0)
        if isinstance(node, ast.Call):
            yield node
        if not isinstance(node, ast.FunctionDef):
            waiting.extend(ast.iter_child_nodes(node))


def _read(call: ast.Call) -> list[ast.expr]:
    """The arguments of a call that people read."""
    name = getattr(call.func, "id", getattr(call.func, "attr", ""))
    places = (0,) if name == "append" and _is_notes(call.func) else SAYS.get(name, ())
    if any(isinstance(argument, ast.Starred) for argument in call.args):
        return []
    return [call.args[place] for place in places if place < len(call.args)]


def _is_notes(append: ast.expr) -> bool:
    kept = getattr(append, "value", None)
    return "notes" in (getattr(kept, "id", ""), getattr(kept, "attr", ""))


def _assigned(scope: ast.Module | ast.FunctionDef) -> dict[str, list[ast.expr]]:
    """What names of this scope are given, so that a sentence may be put in a name first."""
    found: dict[str, list[ast.expr]] = {}
    for node in ast.walk(scope):
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            found.setdefault(node.targets[0].id, []).append(node.value)
    return found


def _said(found: ast.expr, kept: Mapping[str, list[ast.expr]]) -> Iterator[str]:
    if isinstance(found, ast.Constant) and isinstance(found.value, str):
        yield found.value
    elif isinstance(found, ast.JoinedStr):
        yield template(found)
    elif isinstance(found, ast.IfExp):
        yield from _said(found.body, kept)
        yield from _said(found.orelse, kept)
    elif isinstance(found, ast.Call) and isinstance(table := getattr(found.func, "value", None), ast.Dict):
        for value in table.values:
            yield from _said(value, kept)
    elif isinstance(found, ast.Name):
        for value in kept.get(found.id, ()):
            yield from _said(value, {})


def template(joined: ast.JoinedStr) -> str:
    """An f-string with a named place for each of its values."""
    taken: list[str] = []
    parts = []
    for part in joined.values:
        if isinstance(part, ast.Constant):
            parts.append(str(part.value).replace("%", "%%"))
        elif isinstance(part, ast.FormattedValue):
            taken.append(_name(part.value, taken))
            parts.append(f"%({taken[-1]})s")
    said = "".join(parts)
    return _OF_AN_ITEM.sub("", said) or said


def _name(value: ast.expr, taken: list[str]) -> str:
    """A name for a value, from the last word of how it is written."""
    written = _WORD.findall(ast.unparse(value))
    name = str(written[-1]).lower().strip("_") if written else "value"
    return name if name not in taken else f"{name}{len(taken)}"
