"""The next version of a protocol: written in a form, compared in words, and published."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from care import library
from care.access import may
from care.domain.codes import LANGUAGES
from care.domain.plan.calendar import WEEKDAYS
from care.domain.plan.editing import ActionForm, form_of, place_of
from care.errors import Conflict, Invalid
from care.records.definitions import Definition, published
from care.records.practitioners import names
from care.records.protocol_drafts import ProtocolDraft, protocol_draft_of
from care.services import content, protocols
from dashboard import blueprint
from dashboard.plan_preview import said_in
from dashboard.protocol_words import CATCH_UPS, COMPLETIONS, HOLIDAYS, told_changes
from dashboard.request import runtime, session, staff, told, written
from dashboard.words import DAYS, titled

MOST_ACTIONS = 40
_NEW = ActionForm("", {}, "", "08:00")


@blueprint.post("/protocols/<uuid:definition_id>/draft")
@may("clinician", "admin")
def begin_protocol(definition_id: UUID) -> Response:
    """Begin the next version, or go on with the one that is being written."""
    try:
        draft = protocols.begin_draft(session(), runtime(), staff(), definition_id)
    except Conflict as wrong:
        session().rollback()
        flash(_("Nothing was begun: %(why)s.", why=told(wrong)), "warning")
        return redirect(url_for("dashboard.protocols"), 303)
    return redirect(url_for("dashboard.protocol_draft", draft_id=draft.id), 303)


@blueprint.get("/protocols/drafts/<uuid:draft_id>")
@may("clinician", "admin")
def protocol_draft(draft_id: UUID) -> str:
    """The form over the protocol's actions."""
    draft = _draft(draft_id)
    return _form(draft, [form_of(one) for one in protocols.plan_of(draft).actions], draft.saved)


@blueprint.post("/protocols/drafts/<uuid:draft_id>")
@may("clinician", "admin")
def save_protocol(draft_id: UUID) -> Response | str | tuple[str, int]:
    """Save it and show the difference; or add an action, or take one away, with nothing typed lost."""
    draft, forms, seen = _draft(draft_id), _read(), _seen()
    act, _sep, which = request.form.get("act", "save").partition(":")
    if act == "add" and len(forms) < MOST_ACTIONS:
        return _form(draft, [*forms, replace(_NEW, titles={})], seen)
    if act == "remove" and which.isdigit():
        return _form(draft, [one for number, one in enumerate(forms) if number != int(which)], seen)
    try:
        protocols.save(session(), runtime(), staff(), draft_id, forms, seen)
    except (Invalid, Conflict) as wrong:
        session().rollback()
        return _form(_draft(draft_id), forms, seen, wrong), wrong.status
    return redirect(url_for("dashboard.review_protocol", draft_id=draft_id), 303)


@blueprint.get("/protocols/drafts/<uuid:draft_id>/review")
@may("clinician", "admin")
def review_protocol(draft_id: UUID) -> str:
    """What would change, in words."""
    return _review(_draft(draft_id), None)


@blueprint.post("/protocols/drafts/<uuid:draft_id>/publish")
@may("clinician", "admin")
def publish_protocol(draft_id: UUID) -> Response | tuple[str, int]:
    """Publish it for good, or say why that is not possible."""
    try:
        made = protocols.publish(session(), runtime(), staff(), draft_id, written("reason", 1000), _seen())
    except (Invalid, Conflict) as wrong:
        session().rollback()
        return _review(_draft(draft_id), wrong), wrong.status
    flash(_("Version %(version)s is published. Plans that run stay on theirs.", version=made.version), "done")
    if staff().care_team_id is not None and protocols.on_older(session(), staff(), made):
        return redirect(url_for("dashboard.move_plans", definition_id=made.id), 303)
    return redirect(url_for("dashboard.protocols"), 303)


@blueprint.post("/protocols/drafts/<uuid:draft_id>/rebase")
@may("clinician", "admin")
def rebase_protocol(draft_id: UUID) -> Response:
    """Compare it with the version that was published meanwhile."""
    return _done(
        draft_id, lambda: protocols.rebase(session(), runtime(), staff(), draft_id, _seen()), "review_protocol"
    )


@blueprint.post("/protocols/drafts/<uuid:draft_id>/discard")
@may("clinician", "admin")
def discard_protocol(draft_id: UUID) -> Response:
    """Put it away."""
    return _done(draft_id, lambda: protocols.discard(session(), runtime(), staff(), draft_id), "protocols")


def _done(draft_id: UUID, act: object, then: str) -> Response:
    assert callable(act)
    try:
        act()
    except Conflict as wrong:
        session().rollback()
        flash(_("Nothing was changed: %(why)s.", why=told(wrong)), "warning")
        return redirect(url_for("dashboard.review_protocol", draft_id=draft_id), 303)
    if then == "protocols":
        flash(_("The draft was discarded."), "done")
        return redirect(url_for("dashboard.protocols"), 303)
    return redirect(url_for(f"dashboard.{then}", draft_id=draft_id), 303)


def _draft(draft_id: UUID) -> ProtocolDraft:
    return protocol_draft_of(session(), staff(), draft_id)


def _seen() -> int:
    words = request.form.get("saved", "")
    return int(words) if words.isascii() and words.isdigit() and len(words) < 9 else -1


def _read() -> list[ActionForm]:
    """The actions as they were typed, in the order of the page."""
    many = request.form.get("actions", "0")
    count = min(int(many) if many.isascii() and many.isdigit() and len(many) < 4 else 0, MOST_ACTIONS)
    return [_action(number) for number in range(count)]


def _action(number: int) -> ActionForm:
    def typed(name: str) -> str:
        return request.form.get(f"{number}-{name}", "").replace("\x00", "").strip()[:300]

    return ActionForm(
        id=typed("id"),
        titles={code: typed(f"title-{code}") for code in LANGUAGES if typed(f"title-{code}")},
        questionnaire=typed("questionnaire"),
        times=typed("times"),
        every=typed("every"),
        weekdays=tuple(day for day in WEEKDAYS if request.form.get(f"{number}-on-{day}") == "yes"),
        first_day=typed("first_day"),
        last_day=typed("last_day"),
        nudges=typed("nudges"),
        expires=typed("expires"),
        completion=typed("completion"),
        catch_up=typed("catch_up"),
        spread=typed("spread"),
        holiday=typed("holiday"),
    )


def _form(draft: ProtocolDraft, forms: Sequence[ActionForm], seen: int, wrong: Invalid | Conflict | None = None) -> str:
    place = str((wrong.detail.get("place") if wrong else "") or "")
    return render_template(
        "protocol_draft.html",
        draft=draft,
        forms=forms,
        seen=seen,
        wrong=wrong,
        place=place_of(place) or place,
        questionnaires=_questionnaires(),
        weekdays=list(zip(WEEKDAYS, DAYS, strict=True)),
        completions=COMPLETIONS.items(),
        catch_ups=CATCH_UPS.items(),
        holidays=_holidays(),
        writer=names(session(), {draft.saved_by}).get(draft.saved_by, ""),
    )


def _questionnaires() -> list[tuple[str, str]]:
    """What can be asked, by title; the newest version of each first."""
    known: list[Definition] = sorted(published(session(), content.QUESTIONNAIRE), key=titled)
    return [
        (one.canonical, _("%(title)s, version %(version)s", title=titled(one), version=one.version)) for one in known
    ]


def _holidays() -> list[tuple[str, str]]:
    """Each calendar with what is done on its days."""
    return [
        (f"{one.id}:{code}", _("%(calendar)s: %(what)s", calendar=said_in(one.title), what=words))
        for one in library.calendars().values()
        for code, words in HOLIDAYS.items()
    ]


def _review(draft: ProtocolDraft, wrong: Invalid | Conflict | None) -> str:
    base = session().get_one(Definition, draft.base_id)
    before, after = content.plan(session(), base.id), protocols.plan_of(draft)
    newest = protocols.newest(session(), draft.url)
    return render_template(
        "protocol_review.html",
        draft=draft,
        base=base,
        newest=newest,
        version=protocols.next_version(newest.version),
        changes=told_changes(session(), before, after, protocols.changes(session(), draft)),
        wrong=wrong,
        values=request.form,
        writer=names(session(), {draft.saved_by}).get(draft.saved_by, ""),
    )
