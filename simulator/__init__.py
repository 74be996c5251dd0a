"""The simulator's door, for development and demonstrations: phones in the browser, and a clock that can be moved.

It exists only where CARE_SIMULATOR is set, which production refuses.
"""

from __future__ import annotations

from flask import Blueprint

blueprint = Blueprint("simulator", __name__, url_prefix="/simulator", template_folder="templates")

from simulator import assets, page  # noqa: E402

__all__ = ["assets", "blueprint", "page"]
