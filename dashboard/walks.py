"""Walking a questionnaire: what does the patient see? A chat on the left, the form on the right, the same answers.

The walk travels with the page, signed; nothing of it is kept here. Every step is a form of its own, so that it works
without a script; with one, only the two faces are replaced.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from flask import current_app, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from itsdangerous import BadData, URLSafeSerializer

from care.access import may
from care.domain.questionnaire import Answers, Issue, Questionnaire
from care.domain.questionnaire.form import form as drawn
from care.domain.segments import folded, size
from care.errors import Invalid
from care.records.organizations import Organization
from care.records.questionnaire_drafts import draft_of
from care.services import content, questionnaires, walks
from care.services.walks import Walk
from dashboard import blueprint
from dashboard.form_face import filled_in
from dashboard.questionnaire_words import in_words, readers_of
from dashboard.questionnaires import definition_of
from dashboard.request import runtime, session, staff

LONGEST = 4_000
NOTES = {
    "alarm": _l("A red-flag word: in a real conversation an alert is raised at once, whatever was asked."),
    "person": _l("A nurse would read this."),
    "done": _l("The report is complete: it would be judged now."),
    "sent": _l("Sent from the form: the report would be judged now."),
    "stopped": _l("What was answered until here is kept and judged."),
    "withdrew": _l("No more messages would be sent."),
    "refused": _l("This was not taken."),
}


@blueprint.get("/questionnaires/drafts/<uuid:draft_id>/walk")
@may("admin")
def walk_draft(draft_id: UUID) -> str:
    """A draft from its beginning."""
    return _begin(*_of_draft(draft_id))


@blueprint.post("/questionnaires/drafts/<uuid:draft_id>/walk")
@may("admin")
def step_draft(draft_id: UUID) -> str:
    """One step through a draft."""
    return _step(*_of_draft(draft_id))


@blueprint.get("/questionnaires/<uuid:definition_id>/walk")
@may("nurse", "clinician", "admin")
def walk_questionnaire(definition_id: UUID) -> str:
    """A published version from its beginning."""
    return _begin(*_of_definition(definition_id))


@blueprint.post("/questionnaires/<uuid:definition_id>/walk")
@may("nurse", "clinician", "admin")
def step_questionnaire(definition_id: UUID) -> str:
    """One step through a published version."""
    return _step(*_of_definition(definition_id))


@blueprint.app_template_filter("parts")
def parts(text: str) -> str:
    """How many SMS parts a text is."""
    count = size(folded(text)).segments
    return _("1 SMS") if count == 1 else _("%(count)s SMS parts", count=count)


def _of_draft(draft_id: UUID) -> tuple[Questionnaire, Mapping[str, Any], str, str]:
    draft = draft_of(session(), staff().organization_id, draft_id)
    back = url_for("dashboard.questionnaire_draft", draft_id=draft_id)
    return questionnaires.form_of(draft), draft.document, draft.sha256, back


def _of_definition(definition_id: UUID) -> tuple[Questionnaire, Mapping[str, Any], str, str]:
    found = definition_of(definition_id)
    back = url_for("dashboard.questionnaire", definition_id=definition_id)
    return content.questionnaire(session(), found.id), found.document, found.sha256, back


def _begin(form: Questionnaire, document: Mapping[str, Any], sha256: str, back: str) -> str:
    spoken = readers_of(form, document)
    wanted = request.args.get("language", "")
    language = wanted if wanted in dict(spoken) else spoken[0][0]
    house = session().get_one(Organization, staff().organization_id)
    walk = walks.start(form, language, house.country, walks.here(runtime()))
    return _page(walk, form, walk.answers, (), spoken, sha256, back)


def _step(form: Questionnaire, document: Mapping[str, Any], sha256: str, back: str) -> str:
    walk = _carried(sha256)
    spoken, here = readers_of(form, document), walks.here(runtime())
    act, _, rest = request.form.get("act", "").partition(":")
    issues: tuple[Issue, ...] = ()
    shown: Answers | None = None
    if act == "tell":
        text = request.form.get("text", "")[:LONGEST]
        walk = walks.tell(walk, form, text, here) if text.strip() else walk
    elif act == "speak":
        wanted = request.form.get("language", "")
        walk = walks.speak(walk, form, wanted, here) if wanted in dict(spoken) else walk
    else:
        answers, unread = filled_in(form, walk.answers, request.form, act, rest, walks.ZONE)
        walk, wrong = walks.fill(walk, form, answers, here)
        issues = (*unread, *wrong)
        shown = {**walk.answers, **{one.link_id: answers[one.link_id] for one in wrong if one.link_id in answers}}
        if act == "send" and not issues:
            walk, issues = walks.finish(walk, form)
            shown = walk.answers
    return _page(walk, form, walk.answers if shown is None else shown, issues, spoken, sha256, back)


def _signer(sha256: str) -> URLSafeSerializer:
    return URLSafeSerializer(str(current_app.secret_key), salt=f"questionnaire-walk:{sha256}:{staff().id}")


def _carried(sha256: str) -> Walk:
    """The walk that the page brought back. Raises Invalid for one that we did not write."""
    try:
        return Walk.from_json(_signer(sha256).loads(request.form.get("walk", "")))
    except (BadData, KeyError, TypeError, ValueError):
        raise Invalid("walk", "this walk is not of this questionnaire; begin again", place="walk") from None


def _page(
    walk: Walk,
    form: Questionnaire,
    answers: Answers,
    issues: tuple[Issue, ...],
    spoken: list[tuple[str, str]],
    sha256: str,
    back: str,
) -> str:
    """The whole page, or for the script only its two faces."""
    part = request.headers.get("X-Part") == "walk"
    made = walks.response(walk, form, runtime().now()) if walk.answers else None
    return render_template(
        "parts/walk.html" if part else "questionnaire_walk.html",
        walk=walk,
        face=drawn(form, answers, walk.language, issues),
        state=_signer(sha256).dumps(walk.to_json()),
        spoken=spoken,
        back=back,
        title=in_words(form.title),
        notes=NOTES,
        response=json.dumps(made, ensure_ascii=False, indent=2) if made else "",
        faults=walks.faults(made, form) if made else [],
        scores=walks.scored(walk, form) if made else (),
        issues=issues,
    )
