"""Notices: the constant words that stand for a message where its own may not be shown.

Each comes in three forms: with a link to the patient's own page, without one, and for a way that carries no reply. None
has a param but the link, so that nothing of a patient can ever stand in one.
"""

from __future__ import annotations

from collections.abc import Mapping

from care.errors import Invalid
from care.library.texts import texts

REMINDER, AGAIN, MESSAGE = "notice-reminder", "notice-reminder-again", "notice-message"
FORMS: Mapping[str, tuple[str, str, str]] = {
    REMINDER: ("notice-reminder", "notice-reminder-no-link", "notice-reminder-one-way"),
    AGAIN: ("notice-reminder-again", "notice-reminder-again-no-link", "notice-reminder-again-one-way"),
    MESSAGE: ("notice-message", "notice-message-no-link", "notice-message-one-way"),
}
"""Of each notice: with a link, without one, and one that asks for no reply."""


def notice(language: str, key: str, *, two_way: bool = True, url: str = "") -> str:
    """The words of a notice in this language; `url` is "" where no link may be sent or none leads anywhere.

    Raises Invalid for a key that is no notice.
    """
    if key not in FORMS:
        raise Invalid("no-such-notice", "there is no notice with this key", place=key)
    linked, plain, one_way = FORMS[key]
    if not two_way:
        return texts().say(language, one_way)
    return texts().say(language, linked, url=url) if url else texts().say(language, plain)
