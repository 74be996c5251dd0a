"""What an item is known by, and what an option is worth, also where a form does not say it itself."""

from __future__ import annotations

import re
from collections.abc import Mapping

from care.domain.questionnaire.model import Item, Option

_LOINC_AT_THE_END = re.compile(r"(?:^|/)(\d{3,5}-\d)$")

# LOINC answer lists LL358-3 (PHQ-9, GAD-7: how often in two weeks) and LL359-1 (how difficult). Forms often name the
# answers by these codes and leave their weights out; an answer about harming oneself must not be lost by that.
_WEIGHTS: Mapping[str, float] = {
    "LA6568-5": 0.0,
    "LA6569-3": 1.0,
    "LA6570-1": 2.0,
    "LA6571-9": 3.0,
    "LA6572-7": 0.0,
    "LA6573-5": 1.0,
    "LA6575-0": 2.0,
    "LA6574-3": 3.0,
}


def own_code(item: Item) -> str:
    """The item's code, else the LOINC code that its linkId ends in (as form builders write it: /44249-1/44260-8)."""
    if item.code:
        return item.code
    found = _LOINC_AT_THE_END.search(item.link_id)
    return found[1] if found and _checks(found[1]) else ""


def _checks(code: str) -> bool:
    """Whether the digit after the hyphen is the one that LOINC computes (Luhn, modulus 10) from those before it."""
    digits, _, check = code.partition("-")
    doubled = [int(digit) * (2 if at % 2 == 0 else 1) for at, digit in enumerate(reversed(digits))]
    return (sum(sum(divmod(each, 10)) for each in doubled) + int(check)) % 10 == 0


def ordinal_of(option: Option) -> float | None:
    """What choosing the option is worth: as the form says, or an integer itself, else as LOINC weighs the answer."""
    if option.ordinal is not None:
        return option.ordinal
    return float(option.text[""]) if option.type == "integer" else _WEIGHTS.get(option.code)
