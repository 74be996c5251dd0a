"""What an expression can look at, told from its tree: the linkIds that it names, and its %variables."""

from __future__ import annotations

import re

from care.domain.questionnaire.tools import PART, PREFIX, SUFFIX
from care.library.fhirpath.parsing import Tree

_MARKS = {"startsWith": PREFIX, "endsWith": SUFFIX, "contains": PART, "matches": PART}
_PLAIN = re.compile(r"(?:(?:[A-Za-z0-9_\- ]|\\[./\-])(?![*+?{]))+")
_GROUPED = re.compile(r"\\.|\[[^\]]*\]|\([^()]*\)")
_DOWN = frozenset(("children", "descendants", "repeat", "repeatAll"))
_FORM = ("questionnaire", "qitem")


def names(tree: Tree) -> frozenset[str]:
    """The %variables in it that it does not define itself."""
    used = {part.value for part in tree.all() if part.kind == "variable"}
    return frozenset(used - {name for part in tree.all() if (name := _defined(part))})


def _defined(part: Tree) -> str:
    named = part.parts[0] if part.kind == "call" and part.value == "defineVariable" and part.parts else None
    return str(named.value) if named is not None and named.kind == "literal" else ""


def timed(tree: Tree) -> bool:
    """Whether it asks for the time."""
    return any(part.kind == "call" and part.value in ("now", "today", "timeOfDay") for part in tree.all())


def link_ids(tree: Tree) -> frozenset[str] | None:
    """The linkIds whose answers its value can depend on, with whatever lies below them; None when that may be any.

    A linkId that is only described (`linkId.startsWith('a.')`) is in it as PREFIX, SUFFIX or PART and the text: a mark
    that no linkId can begin with.

    It is known when every way down to items (item, descendants(), repeat(item) …) comes to a where() that names the
    linkIds. A step from the form itself does not count. What begins at the context (`answer.value`) depends on the item
    that it is evaluated on besides.
    """
    found: set[str] = set()
    waiting = [tree]
    while waiting:
        part = waiting.pop()
        if part.kind == "path":
            named = _named_in(part.parts)
            if named is None:
                return None
            found |= named
        if not (part.kind == "call" and part.value in _DOWN):
            waiting.extend(part.parts)
    return frozenset(found)


def _named_in(parts: tuple[Tree, ...]) -> set[str] | None:
    if parts[0].kind == "variable" and parts[0].value in _FORM:
        return set()
    found: set[str] = set()
    open_ended = parts[0].kind == "variable" and parts[0].value in ("resource", "rootResource") and len(parts) == 1
    for part in parts:
        if (part.kind, part.value) == ("member", "item") or (part.kind == "call" and part.value in _DOWN):
            open_ended = not found  # below what was named nothing else is reached
        elif part.kind == "call" and part.value == "where" and open_ended:
            named = _wanted(part.parts[0])
            if named is not None:
                found |= named
                open_ended = False
        elif part.kind == "call" and part.value == "exists" and part.parts and open_ended:
            named = _wanted(part.parts[0])
            if named is None:
                return None
            found |= named
            open_ended = False
    return None if open_ended else found


def _wanted(condition: Tree) -> set[str] | None:
    """The linkIds that a condition lets through; None when it may be any."""
    if condition.kind == "path":
        return _described(condition)
    if condition.kind != "chain":
        return None
    operators = set(condition.value)
    if operators == {"="} and len(condition.parts) == 2:
        left, right = condition.parts
        return _texts(right) if _is_link_id(left) else _texts(left) if _is_link_id(right) else None
    if operators == {"in"} and len(condition.parts) == 2:
        return _texts(condition.parts[1]) if _is_link_id(condition.parts[0]) else None
    sides = [_wanted(part) for part in condition.parts]
    if operators == {"or"}:
        return None if None in sides else {each for side in sides if side for each in side}
    if operators == {"and"}:
        return next((side for side in sides if side is not None), None)
    return None


def _described(tree: Tree) -> set[str] | None:
    """The linkIds in linkId.startsWith('a'), and in matches('a…') those that have its plain beginning in them."""
    if len(tree.parts) not in (2, 3) or not _is_link_id(Tree("path", None, tree.parts[:-1])):
        return None
    call = tree.parts[-1]
    given = call.parts[0].value if call.kind == "call" and len(call.parts) == 1 else None
    if call.kind != "call" or call.value not in _MARKS or not isinstance(given, str) or call.parts[0].kind != "literal":
        return None
    if call.value != "matches":
        return {_MARKS[call.value] + given}
    start = given.removeprefix("^")
    plain = _PLAIN.match(start)
    head = plain[0].replace("\\", "") if plain else ""
    if "|" in _GROUPED.sub("", given) or not head:
        return None
    return {(PREFIX if start != given else PART) + head}


def _is_link_id(tree: Tree) -> bool:
    if tree.kind != "path" or tree.parts[-1].kind != "member" or tree.parts[-1].value != "linkId":
        return False
    return len(tree.parts) == 1 or (len(tree.parts) == 2 and tree.parts[0].kind == "this")


def _texts(tree: Tree) -> set[str] | None:
    if tree.kind == "literal" and isinstance(tree.value, str):
        return {tree.value}
    if tree.kind == "chain" and set(tree.value) == {"|"}:
        sides = [_texts(part) for part in tree.parts]
        return None if None in sides else {each for side in sides if side for each in side}
    return None
