"""Regular expressions on RE2: whatever the expression and the text are, the time is linear in the text.

A form's `regex` is written for other engines (Java's, JavaScript's, XML Schema's). What RE2 has not is refused by name,
except where it can be said otherwise without a change of meaning: conditions at the start (`(?=…)`, `(?!…)`), one
character repeated more than a thousand times, escapes of other dialects.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any, NamedTuple

import re2

from care.errors import Invalid

MAX_LENGTH = 5_000
MAX_MEMORY = 8 << 20

_GROUP = re.compile(r"\$(?:(\d+)|\{(\w+)\})")
_PART = re.compile(
    r"\\u\{?[0-9a-fA-F]{1,8}\}?|\\x[0-9a-fA-F]{2}|\\[pP]\{[^}]*\}|\\.|\[\^?\]?|\(\?(?:<?[=!]|<[a-zA-Z]|[>#:P])?|.",
    re.DOTALL,
)
_MANY = re.compile(r"\{(\d+)(?:(,)(\d*))?\}")
_LACKING = {
    "(?=": "a condition on what follows, (?=…), that is not at its start",
    "(?!": "a condition on what follows, (?!…), that is not at its start",
    "(?<=": "a condition on what comes before, (?<=…)",
    "(?<!": "a condition on what comes before, (?<!…)",
    "(?>": "a group that is not tried again, (?>…)",
    "(?#": "a comment, (?#…)",
}


class _Condition(NamedTuple):
    """A condition at the start of an expression: what must (or must not) stand there."""

    body: str
    wanted: bool


@lru_cache(maxsize=1024)
def pattern(text: str) -> Callable[[str], bool]:
    """Whether a whole text matches. Raises Invalid("unreadable-regex") saying what cannot be read."""
    if len(text) > MAX_LENGTH:
        raise _unreadable("it is too long")
    conditions, rest = _conditions(text)
    tests = [(_compiled(_as_re2(one.body)), one.wanted) for one in conditions]
    long = _long_repetition(rest)
    if long is not None:
        rest, least, most = long
    whole = _compiled(_as_re2(rest))

    def matches(given: str) -> bool:
        try:
            if long is not None and not (least <= len(given) and (most is None or len(given) <= most)):
                return False
            return whole.fullmatch(given) is not None and all(
                (one.match(given) is not None) is wanted for one, wanted in tests
            )
        except UnicodeEncodeError:  # half a character, which no text that can be stored has
            return False

    return matches


def found_in(text: str, regex: str, flags: str = "") -> bool:
    """FHIRPath's matches(): whether the expression matches somewhere in the text; the dot is any character."""
    return _compiled(_flagged(regex, flags), dot_all=True).search(text) is not None


def replaced(text: str, regex: str, by: str, flags: str = "") -> str:
    """FHIRPath's replaceMatches(): every match replaced; $1 and ${name} in `by` stand for groups."""
    template = _GROUP.sub(lambda m: rf"\g<{m[1] or m[2]}>", by.replace("\\", "\\\\"))
    return str(_compiled(_flagged(regex, flags), dot_all=True).sub(template, text)) if regex else text


def _flagged(regex: str, flags: str) -> str:
    flagged = f"(?{''.join(flag for flag in 'im' if flag in flags)})" if set(flags) & set("im") else ""
    return flagged + _as_re2(regex)


@lru_cache(maxsize=1024)
def _compiled(text: str, dot_all: bool = False) -> Any:
    options = re2.Options()
    options.log_errors = False
    options.max_mem = MAX_MEMORY
    options.dot_nl = dot_all
    try:
        return re2.compile(text, options=options)
    except re2.error as error:
        said = error.args[0] if error.args else ""
        raise _unreadable(said.decode() if isinstance(said, bytes) else str(said)) from None
    except UnicodeEncodeError:
        raise _unreadable("it has half a character in it") from None


def _unreadable(why: str) -> Invalid:
    return Invalid("unreadable-regex", f"the regular expression cannot be read: {why}", why=why)


def _conditions(text: str) -> tuple[list[_Condition], str]:
    """The conditions that an expression starts with, and the rest of it. At the start they say the same as a second
    expression of which the text must (or must not) have a match at its beginning.
    """
    rest = text.removeprefix("^")
    found: list[_Condition] = []
    while rest.startswith(("(?=", "(?!")):
        end = _end_of_group(rest)
        found.append(_Condition(rest[3:end], rest[2] == "="))
        rest = rest[end + 1 :]
    if not found:
        return [], text
    if _branches(rest):  # a | would leave the conditions to its first side alone
        raise _unreadable(_LACKING["(?="])
    return found, rest


def _end_of_group(text: str) -> int:
    depth = 0
    for at, part, inside in _parts(text):
        depth += 0 if inside else {"(": 1, ")": -1}.get(part[0], 0)
        if depth == 0:
            return at
    raise _unreadable("a bracket is not closed")


def _branches(text: str) -> bool:
    depth = 0
    for _, part, inside in _parts(text):
        depth += 0 if inside else {"(": 1, ")": -1}.get(part[0], 0)
        if part == "|" and depth == 0 and not inside:
            return True
    return False


def _parts(text: str) -> Iterator[tuple[int, str, bool]]:
    """The parts of an expression: where, what, and whether inside of [ ]."""
    inside = False
    for found in _PART.finditer(text):
        part = found[0]
        if inside and part[0] in "[(":
            for at, character in enumerate(part):
                yield found.start() + at, character, character != "]"
                inside = inside and character != "]"
            continue
        yield found.start(), part, inside
        if part[0] == "[" and not inside:
            inside = True
        elif part == "]" and inside:
            inside = False


def _as_re2(text: str) -> str:
    """The same expression in RE2's words. Raises Invalid for what cannot be said in them."""
    said = []
    before = ""
    for _, part, inside in _parts(text):
        if not inside and (part in _LACKING or re.fullmatch(r"\\[1-9]|\\k", part)):
            raise _unreadable(_LACKING.get(part, "a group that is referred to again, \\1"))
        if not inside and part == "+" and before in ("*", "+", "?", "}"):
            raise _unreadable("a repetition that gives nothing back, such as a++")
        if inside and part == "[" and before == "-":
            raise _unreadable("a set of characters less another one, [a-[b]]")
        said.append(_in_re2(part))
        before = part
    return "".join(said)


def _in_re2(part: str) -> str:
    if part.startswith("\\u") and len(part) > 2:
        digits = part[2:].strip("{}")
        if not part.startswith("\\u{") and len(digits) > 4:
            return rf"\x{{{digits[:4]}}}{digits[4:]}"
        return rf"\x{{{digits}}}"
    return {"\\Z": "\\z", "\\_": "_", "\\e": "\\x1b", "\\h": "[ \\t]"}.get(part, part)


def _long_repetition(text: str) -> tuple[str, int, int | None] | None:
    """One character repeated more often than RE2 counts, when that is the whole expression: without the count, and how
    long a text it allows.
    """
    bare = text.removeprefix("^").removesuffix("$") if not text.endswith("\\$") else text.removeprefix("^")
    parts = [*_parts(bare)]
    atom = 1
    if parts and parts[0][1].startswith("["):
        atom = next((at + 1 for at, (_, part, _) in enumerate(parts) if at and part == "]"), 0)
    elif not parts or parts[0][1][0] in "()^$|{":
        return None
    end = parts[atom][0] if 0 < atom < len(parts) else len(bare)
    counted = _MANY.fullmatch(bare[end:])
    if counted is None or max(int(counted[1]), int(counted[3] or 0)) <= 1000:
        return None
    least = int(counted[1])
    return bare[:end] + "*", least, (int(counted[3]) if counted[3] else None) if counted[2] else least
