"""The square code that a telephone reads when a second factor is set up: a picture of our own, within the page."""

from __future__ import annotations

import segno

from care.services.second_factors import SetUp


def square(found: SetUp | None) -> str:
    """The picture as the address of an <img>: no other request carries the secret, and no other server draws it."""
    if found is None:
        return ""
    return str(segno.make(found.uri, error="m", micro=False).svg_data_uri(scale=4, border=2))
