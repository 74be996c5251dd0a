"""Questionnaires: which can patients be asked, and may this one join them? Drafts are an administrator's."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response

from care.access import may
from care.domain.codes import Role
from care.errors import Conflict, Invalid, NotFound
from care.records.definitions import Definition, versions
from care.records.questionnaire_drafts import QuestionnaireDraft, draft_of, open_drafts
from care.services import content, questionnaires
from care.services.questionnaire_files import LARGEST
from dashboard import blueprint
from dashboard.questionnaire_words import known, notes_of
from dashboard.request import runtime, session, staff, told, written

WHY_RETIRED = {
    "replaced": _l("A newer version replaces it"),
    "faulty": _l("Something is wrong with it"),
    "unused": _l("It is not used any more"),
}


@blueprint.get("/questionnaires")
@may("nurse", "clinician", "admin")
def questionnaire_list() -> str:
    """Every published version, and an administrator's drafts."""
    drafts = open_drafts(session(), staff()) if staff().role == Role.ADMIN else []
    return render_template("questionnaires.html", published=versions(session(), content.QUESTIONNAIRE), drafts=drafts)


@blueprint.get("/questionnaires/import")
@may("admin")
def import_questionnaire() -> str:
    """The form to bring one."""
    return _import_page(None)


@blueprint.post("/questionnaires/import")
@may("admin")
def imported_questionnaire() -> Response | tuple[str, int]:
    """Read what was brought: a draft with its report, or why it is refused, item by item."""
    try:
        draft = questionnaires.import_draft(session(), runtime(), staff(), _source())
    except Invalid as wrong:
        session().rollback()
        return _import_page(wrong), wrong.status
    return redirect(url_for("dashboard.questionnaire_draft", draft_id=draft.id), 303)


@blueprint.get("/questionnaires/drafts/<uuid:draft_id>")
@may("admin")
def questionnaire_draft(draft_id: UUID) -> str:
    """What is in a draft, how it fits into text messages, and the way to publish it."""
    return _draft_page(_draft(draft_id), None)


@blueprint.post("/questionnaires/drafts/<uuid:draft_id>/publish")
@may("admin")
def publish_questionnaire(draft_id: UUID) -> Response | tuple[str, int]:
    """Publish it for good, or say why that is not possible."""
    try:
        reason, version = written("reason", 1000), written("version")
        made = questionnaires.publish(session(), runtime(), staff(), draft_id, reason, version)
    except (Invalid, Conflict) as wrong:
        session().rollback()
        return _draft_page(_draft(draft_id), wrong), wrong.status
    flash(_("It is published. A protocol can name it by its address and version."), "done")
    return redirect(url_for("dashboard.questionnaire", definition_id=made.id), 303)


@blueprint.post("/questionnaires/drafts/<uuid:draft_id>/discard")
@may("admin")
def discard_questionnaire(draft_id: UUID) -> Response:
    """Put a draft away."""
    try:
        questionnaires.discard(session(), runtime(), staff(), draft_id)
        flash(_("The draft was discarded."), "done")
    except Conflict as conflict:
        flash(_("Nothing was changed: %(why)s.", why=told(conflict)), "warning")
    return redirect(url_for("dashboard.questionnaire_list"), 303)


@blueprint.get("/questionnaires/<uuid:definition_id>")
@may("nurse", "clinician", "admin")
def questionnaire(definition_id: UUID) -> str:
    """What is in a published version, and which protocols ask it."""
    return _published_page(definition_of(definition_id), None)


@blueprint.post("/questionnaires/<uuid:definition_id>/retire")
@may("admin")
def retire_questionnaire(definition_id: UUID) -> Response | tuple[str, int]:
    """Take a published version out of use."""
    try:
        questionnaires.retire(session(), runtime(), staff(), definition_id, written("reason"))
    except (Invalid, Conflict) as wrong:
        session().rollback()
        return _published_page(definition_of(definition_id), wrong), wrong.status
    flash(_("This version is retired. Reports on it stay readable."), "done")
    return redirect(url_for("dashboard.questionnaire", definition_id=definition_id), 303)


def definition_of(definition_id: UUID) -> Definition:
    """A published questionnaire, retired or not. Raises NotFound."""
    found = session().get(Definition, definition_id)
    if found is None or found.kind != content.QUESTIONNAIRE:
        raise NotFound("definition", "no such published questionnaire")
    return found


def _draft(draft_id: UUID) -> QuestionnaireDraft:
    return draft_of(session(), staff().organization_id, draft_id)


def _source() -> bytes:
    """What was uploaded, else what was pasted. Raises Invalid when there is neither."""
    upload = request.files.get("file")
    if upload is not None and upload.filename:
        return upload.stream.read(LARGEST + 1)
    pasted = request.form.get("text", "")
    if not pasted.strip():
        raise Invalid("empty", "choose a file, or paste its text", place="file")
    return pasted.encode("utf-8", "surrogatepass")


def _import_page(wrong: Invalid | None) -> str:
    refusals = wrong.detail.get("refusals") if wrong else None
    return render_template(
        "questionnaire_import.html",
        wrong=wrong,
        refusals=refusals if isinstance(refusals, list) else [],
        text=request.form.get("text", "") if wrong and len(request.form.get("text", "")) <= LARGEST else "",
    )


def _draft_page(draft: QuestionnaireDraft, wrong: Invalid | Conflict | None) -> str:
    broken: Invalid | None = None
    about: dict[str, Any] = {}
    try:
        about = known(questionnaires.form_of(draft), draft.document)
    except Invalid as refused:  # it could be run when it was imported, and cannot any more
        broken = refused
    taken = any(
        (one.url, one.version) == (draft.url, draft.version) for one in versions(session(), content.QUESTIONNAIRE)
    )
    return render_template(
        "questionnaire_draft.html",
        draft=draft,
        changed=notes_of(draft.notes),
        wrong=wrong,
        broken=broken,
        taken=taken,
        values=request.form,
        **about,
    )


def _published_page(definition: Definition, wrong: Invalid | Conflict | None) -> str:
    form = content.questionnaire(session(), definition.id)
    return render_template(
        "questionnaire.html",
        definition=definition,
        wrong=wrong,
        asking=questionnaires.asked_by(session(), definition),
        why=WHY_RETIRED,
        **known(form, definition.document),
    )
