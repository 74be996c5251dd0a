"""Every error that Care raises on purpose.

An error is raised where the rule is and translated only at a door. Its text may be shown to the person who caused it,
so it never holds a name, a number to call or the words of a patient.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal


class CareError(Exception):
    """Base of all deliberate errors. `code` is stable and machine-readable; `message` is for a person."""

    status = 500
    title = "Something went wrong"

    def __init__(self, code: str, message: str = "", **detail: object) -> None:
        super().__init__(message or code)
        self.code = code
        self.message = message or code
        self.detail: Mapping[str, object] = detail


class NotFound(CareError):
    """There is no such thing, or it is not yours to know (the two are told apart by nobody)."""

    status = 404
    title = "Not found"


class NotAllowed(CareError):
    """You are known, but your role may not do this."""

    status = 403
    title = "Not allowed"


class NotSignedIn(NotAllowed):
    """Nobody is signed in, or the token is wrong, expired or revoked."""

    status = 401
    title = "Not signed in"


class Invalid(CareError):
    """The input cannot be understood or breaks a rule; `detail` names the place."""

    status = 422
    title = "Invalid input"


class Conflict(CareError):
    """Somebody was faster, or the thing is no longer in a state in which this can be done."""

    status = 409
    title = "Conflict"


class TooMany(CareError):
    """Too many tries in too short a time."""

    status = 429
    title = "Too many requests"


class NotReady(CareError):
    """Not yet: what was sent is good, and whoever sent it should send it again later."""

    status = 503
    title = "Temporarily unavailable"


ChannelErrorKind = Literal["retryable", "refused", "permanent", "opted_out", "unknown"]


class ChannelError(CareError):
    """A provider did not take a message.

    `kind` decides what happens next: retryable (try again later), refused (this message never, which says nothing of
    the address), permanent (never again to this address), opted_out (record it and stop), unknown (the provider may
    have taken it: reconcile before any second try).
    """

    status = 502
    title = "Channel error"

    def __init__(self, kind: ChannelErrorKind, code: str, message: str = "", retry_after: float | None = None) -> None:
        super().__init__(code, message)
        self.kind = kind
        self.retry_after = retry_after


class AssessmentError(CareError):
    """A model must not or cannot speak about this report; a nurse looks instead. `reason` equals `code`.

    `bundle_sha256` is the bundle that did not speak, where it is known.
    """

    status = 500
    title = "Not assessed"
    bundle_sha256: str = ""

    @property
    def reason(self) -> str:
        """The stable reason code, for the nurse's task and the metrics."""
        return self.code
