"""The form of a task: drawn as it stands, kept while it is filled in, handed in. The task is named in the query."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from flask import g

from care.access import may
from care.domain.codes import LANGUAGES
from care.services import forms
from care.services.forms import Removal
from care_api.fields import JsonInt, Text
from care_api.openapi import BEARER, Blueprint
from care_api.schemas import OnceSchema, SubmittedSchema

blueprint = Blueprint(
    "forms", __name__, url_prefix="/api/v1/me/form", description="The form of a task, as an app fills it in"
)


class JsonSchema(ma.Schema):
    """Of a JSON object: a name is always a key in it, also `items` and `values`, which a dict has of its own."""

    def get_attribute(self, obj: Any, attr: str, default: Any) -> Any:
        """The part of this name."""
        return obj.get(attr, default)


class OptionSchema(JsonSchema):
    """One thing that can be chosen; `key` is what an app posts for it."""

    key = ma.fields.String(required=True)
    text = ma.fields.String(required=True)
    prefix = ma.fields.String()
    exclusive = ma.fields.Boolean(metadata={"description": "It can only be chosen alone"})
    selected = ma.fields.Boolean(required=True)


class UnitSchema(JsonSchema):
    """A unit that a quantity may have; the first one is meant where none is said."""

    code = ma.fields.String(required=True)
    text = ma.fields.String(required=True)


class ProblemAtSchema(JsonSchema):
    """What is wrong with an answer: a stable code, and a sentence without the answer."""

    code = ma.fields.String(required=True)
    message = ma.fields.String(required=True)


class InstanceSchema(JsonSchema):
    """One time of what repeats."""

    items = ma.fields.List(ma.fields.Nested(lambda: NodeSchema()), required=True)
    removable = ma.fields.Boolean(required=True)


class NodeSchema(JsonSchema):
    """One enabled item. `place` is what its answers are posted under; what does not apply is left out."""

    place = ma.fields.String(required=True)
    linkId = ma.fields.String(required=True)
    type = ma.fields.String(required=True)
    text = ma.fields.String(required=True)
    control = ma.fields.String(required=True, metadata={"description": "What to draw: yes-no, slider, date …"})
    prefix = ma.fields.String()
    help = ma.fields.String()
    unitText = ma.fields.String()
    lower = ma.fields.String()
    upper = ma.fields.String()
    hint = ma.fields.String()
    required = ma.fields.Boolean()
    readOnly = ma.fields.Boolean()
    repeats = ma.fields.Boolean()
    open = ma.fields.Boolean(metadata={"description": "A text of one's own is taken besides the options"})
    options = ma.fields.List(ma.fields.Nested(OptionSchema))
    units = ma.fields.List(ma.fields.Nested(UnitSchema))
    values = ma.fields.List(ma.fields.Dict(), metadata={"description": "FHIR's value[x]; a file without its data"})
    min = ma.fields.Raw()
    max = ma.fields.Raw()
    minLength = ma.fields.Integer()
    maxLength = ma.fields.Integer()
    minOccurs = ma.fields.Integer()
    maxOccurs = ma.fields.Integer()
    pattern = ma.fields.String()
    decimals = ma.fields.Integer()
    step = ma.fields.Float()
    problems = ma.fields.List(ma.fields.Nested(ProblemAtSchema))
    items = ma.fields.List(ma.fields.Nested(lambda: NodeSchema()))
    instances = ma.fields.List(ma.fields.Nested(InstanceSchema))
    addable = ma.fields.Boolean()


class ProgressSchema(JsonSchema):
    """Questions done, of those that are asked now."""

    done = ma.fields.Integer(required=True)
    of = ma.fields.Integer(required=True)


class FormSchema(JsonSchema):
    """A questionnaire as it stands with the answers so far."""

    questionnaire = ma.fields.String(required=True)
    title = ma.fields.String(required=True)
    language = ma.fields.String(required=True)
    items = ma.fields.List(ma.fields.Nested(NodeSchema), required=True)
    progress = ma.fields.Nested(ProgressSchema, required=True)
    can_complete = ma.fields.Boolean(required=True)


class OpenedSchema(ma.Schema):
    """The form of a task, and when what is filled in was kept last (null: nothing is kept).

    `advice` is to be shown at once: there are words of danger in an answer, and it tells the patient what to do now.
    """

    task_id = ma.fields.UUID(required=True)
    form = ma.fields.Nested(FormSchema, required=True)
    saved_at = ma.fields.AwareDateTime(required=True, allow_none=True)
    advice = ma.fields.String(required=True)
    unread = ma.fields.Dict(
        required=True, metadata={"description": "What was filled in and cannot be read, as it was posted, by place"}
    )


class WhichSchema(ma.Schema):
    """The task whose form it is, and the language to draw it in (the patient's own when none is named)."""

    task = ma.fields.UUID(required=True)
    language = Text(validate=ma.validate.OneOf(LANGUAGES))


class RemovalSchema(ma.Schema):
    """An instance (from 0) of what repeats at a place, which is to be taken away."""

    place = Text(required=True, validate=ma.validate.Length(max=500))
    instance = JsonInt(required=True, validate=ma.validate.Range(min=0, max=10_000))


class FilledSchema(ma.Schema):
    """What is filled in, by place: each value FHIR's value[x] or the plain value; for a repeating group its number."""

    answers = ma.fields.Dict(
        keys=Text(validate=ma.validate.Length(max=500)), values=ma.fields.List(ma.fields.Raw()), required=True
    )
    remove = ma.fields.Nested(RemovalSchema)


class AnsweredSchema(ma.Schema):
    """The whole form, to be handed in."""

    answers = ma.fields.Dict(
        keys=Text(validate=ma.validate.Length(max=500)), values=ma.fields.List(ma.fields.Raw()), required=True
    )


@blueprint.get("")
@may("patient")
@blueprint.doc(security=BEARER)
@blueprint.arguments(WhichSchema, location="query")
@blueprint.response(200, OpenedSchema)
def form(which: dict[str, Any]) -> Any:
    """The form of a task, with what is filled in already"""
    return forms.open_form(g.session, g.rt, g.patient, which["task"], which.get("language"))


@blueprint.put("")
@may("patient")
@blueprint.doc(security=BEARER)
@blueprint.arguments(FilledSchema)
@blueprint.arguments(WhichSchema, location="query")
@blueprint.response(200, OpenedSchema)
def fill_in(filled: dict[str, Any], which: dict[str, Any]) -> Any:
    """Keep what is filled in so far, and see the form as it stands with it"""
    removal = Removal(**filled["remove"]) if "remove" in filled else None
    return forms.keep_draft(
        g.session, g.rt, g.patient, which["task"], filled["answers"], removal, which.get("language")
    )


@blueprint.post("")
@may("patient")
@blueprint.doc(security=BEARER)
@blueprint.arguments(AnsweredSchema)
@blueprint.arguments(WhichSchema, location="query")
@blueprint.arguments(OnceSchema, location="headers")
@blueprint.response(201, SubmittedSchema)
def hand_in(answered: dict[str, Any], which: dict[str, Any], headers: dict[str, Any]) -> Any:
    """Hand the filled form in"""
    status, answer = forms.hand_in(g.session, g.rt, g.patient, which["task"], answered["answers"], headers.get("key"))
    return answer, status
