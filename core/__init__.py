"""The clinicians' door, Core: flagged cases, and for each: is this real, what would I do?"""

from __future__ import annotations

from flask import Blueprint

blueprint = Blueprint("core", __name__, url_prefix="/core", template_folder="templates")

from core import assets, cases, messages, sign_offs, summaries, visits  # noqa: E402

__all__ = ["assets", "blueprint", "cases", "messages", "sign_offs", "summaries", "visits"]
