"""The nurses' door: worklist, patient page, inbox, enrolment and plans. It also holds the look that all pages share."""

from __future__ import annotations

from flask import Blueprint

blueprint = Blueprint("dashboard", __name__, template_folder="templates")

from dashboard import account, admin, assets, cohort, enrol, inbox, patients, protocols, sign_in, words, worklist  # noqa: E402

__all__ = [
    "account",
    "admin",
    "assets",
    "blueprint",
    "cohort",
    "enrol",
    "inbox",
    "patients",
    "protocols",
    "sign_in",
    "words",
    "worklist",
]
