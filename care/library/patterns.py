"""Regular expressions on RE2: whatever the expression and the text are, the time is linear in the text.

A form's `regex` is written for other engines (Java's, JavaScript's, XML Schema's); what RE2 has not is refused by name,
except where it can be said otherwise without a change of meaning.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import re2

from care.errors import Invalid

MAX_LENGTH = 5_000
MAX_MEMORY = 4 << 20

_GROUP = re.compile(r"\$(?:(\d+)|\{(\w+)\})")


@lru_cache(maxsize=1024)
def _compiled(text: str, dot_all: bool = False) -> Any:
    if len(text) > MAX_LENGTH:
        raise _unreadable("it is too long")
    options = re2.Options()
    options.log_errors = False
    options.max_mem = MAX_MEMORY
    options.dot_nl = dot_all
    try:
        return re2.compile(text, options=options)
    except re2.error as error:
        raise _unreadable(str(error.args[0] if error.args else "")) from None


def _unreadable(why: str) -> Invalid:
    return Invalid("unreadable-regex", f"the regular expression cannot be read: {why}", why=why)


def pattern(text: str) -> Callable[[str], bool]:
    """Whether a whole text matches. Raises Invalid("unreadable-regex") saying what cannot be read."""
    found = _compiled(text)
    return lambda given: found.fullmatch(given) is not None


def found_in(text: str, regex: str, flags: str = "") -> bool:
    """FHIRPath's matches(): whether the expression matches somewhere in the text; the dot is any character."""
    return _compiled(_flagged(regex, flags), dot_all=True).search(text) is not None


def replaced(text: str, regex: str, by: str, flags: str = "") -> str:
    """FHIRPath's replaceMatches(): every match replaced; $1 and ${name} in `by` stand for groups."""
    template = _GROUP.sub(lambda m: rf"\g<{m[1] or m[2]}>", by.replace("\\", "\\\\"))
    return str(_compiled(_flagged(regex, flags), dot_all=True).sub(template, text)) if regex else text


def _flagged(regex: str, flags: str) -> str:
    return f"(?{''.join(flag for flag in 'im' if flag in flags)}){regex}" if set(flags) & set("im") else regex
