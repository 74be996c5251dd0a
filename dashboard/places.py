"""Places in long lists, as an address may hold them: they tell of a patient, so each is sealed for its one reader."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode

from care.errors import CareError
from care.records.seal import seal, unseal
from dashboard.request import staff

LONGEST = 400


def sealed(which: str, words: str) -> str:
    """A place of the list `which`, for an address."""
    return urlsafe_b64encode(seal(which, "after", staff().id, words)).decode().rstrip("=")


def opened(which: str, written: str) -> str | None:
    """What `sealed` wrote for this reader and this list; None for anything else, which begins at the top."""
    if not written or len(written) > LONGEST:
        return None
    try:
        return unseal(which, "after", staff().id, urlsafe_b64decode(written + "=" * (-len(written) % 4)))
    except (ValueError, CareError):
        return None
