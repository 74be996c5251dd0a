"""What Twilio's error codes mean to us, and what goes wrong in a call to it, as a ChannelError."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from care.errors import ChannelError, ChannelErrorKind

_ACCOUNT = frozenset({401, 403, 404, 407})  # said of all our messages, until somebody puts it right
CODES: Mapping[str, Mapping[str, str]] = json.loads(
    (Path(__file__).parent / "twilio_errors.json").read_text(encoding="utf-8")
)["codes"]


def kind_of(code: str, status: int = 0) -> ChannelErrorKind:
    """What an error code of Twilio means to us; without a known code, what the HTTP status says."""
    known = kind_told(code)
    if known:
        return known
    if status in _ACCOUNT or status == 429:
        return "retryable"
    return "refused" if 400 <= status < 500 else "unknown"


def kind_told(code: str) -> ChannelErrorKind | Literal[""]:
    """What a code says by itself, as a receipt brings it; "" for one that is not in the table."""
    known = CODES.get(code)
    return known["kind"] if known else ""  # type: ignore[return-value]


@contextmanager
def twilio_errors() -> Iterator[None]:
    """What goes wrong in a call by Twilio's client as a ChannelError that says what it means for the message."""
    from twilio.base.exceptions import TwilioException, TwilioRestException

    from bots.deadline import answered

    try:
        with answered():
            yield
    except TwilioRestException as error:
        code = str(error.code or error.status)
        raise ChannelError(kind_of(code, error.status), code, "the provider did not take the message") from None
    except (TwilioException, ValueError, KeyError, TypeError):
        raise ChannelError("unknown", "no-answer", "the provider gave no answer that can be read") from None
