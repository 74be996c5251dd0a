"""Reach: which of a patient's contact points a message goes to, by what their channels can do there.

The patient's order of preference (rank) decides among those that can. What wants an answer goes where one can be given:
on a channel with a way back or, as a notice, on the app's own. Where there is neither, the first one still takes a
notice, and the question waits in the app.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TypeVar

from care.domain.codes import Purpose
from care.domain.departure import WANTS_ANSWER
from care.domain.message import Capabilities

Spot = TypeVar("Spot")

ANYWHERE: frozenset[str] = frozenset()
_OWN_ACT = frozenset({Purpose.EMERGENCY, Purpose.CONFIRMATION})


def takes_answers(able: Capabilities, purpose: Purpose) -> bool:
    """Whether what wants an answer is well placed there. A notice of the app's own channel leads to where it is."""
    return able.two_way or (able.notices_only and purpose is Purpose.REMINDER)


def may_keep(able: Capabilities, purpose: Purpose, locations: Collection[str]) -> bool:
    """Whether a patient's message may be given to that provider, by where it keeps what is sent.

    `locations` are the countries allowed; none named is all. The reply to words of danger and the word that messages
    have been stopped go back to where the patient wrote from, wherever that is.
    """
    return not locations or not able.data_location or able.data_location in locations or purpose in _OWN_ACT


def carries_pages(able: Capabilities) -> bool:
    """Whether staff can be paged there: at any time, in a page's own words, whatever they have written themselves."""
    return able.reaches and able.window is None and not able.notices_only


def best(
    purpose: Purpose, spots: Sequence[tuple[Spot, Capabilities]], locations: Collection[str] = ANYWHERE
) -> Spot | None:
    """The contact point for such a message, of those given in order of preference; None when none may be used."""
    allowed = [(spot, able) for spot, able in spots if able.reaches and may_keep(able, purpose, locations)]
    if purpose in WANTS_ANSWER:
        for spot, able in allowed:
            if takes_answers(able, purpose):
                return spot
    return allowed[0][0] if allowed else None
