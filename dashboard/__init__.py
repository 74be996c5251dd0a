"""The nurses' door: worklist, patient page, inbox, enrolment and plans. It also holds the look that all pages share."""

from __future__ import annotations

from flask import Blueprint

blueprint = Blueprint("dashboard", __name__, template_folder="templates")

from dashboard import (  # noqa: E402
    account,
    admin,
    assets,
    attachments,
    bindings,
    cohort,
    enrol,
    finding,
    form_face,
    handovers,
    inbox,
    languages,
    measuring,
    models,
    moments,
    on_call,
    patients,
    protocols,
    questionnaire_words,
    questionnaires,
    sign_in,
    walks,
    words,
    worklist,
)

__all__ = [
    "account",
    "admin",
    "assets",
    "attachments",
    "bindings",
    "blueprint",
    "cohort",
    "enrol",
    "finding",
    "form_face",
    "handovers",
    "inbox",
    "languages",
    "measuring",
    "models",
    "moments",
    "on_call",
    "patients",
    "protocols",
    "questionnaire_words",
    "questionnaires",
    "sign_in",
    "walks",
    "words",
    "worklist",
]
