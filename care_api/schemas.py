"""What the patient's own part of the API takes and gives."""

from __future__ import annotations

import marshmallow as ma

from care_api.fields import FhirDateTime, Text


class MeSchema(ma.Schema):
    """The signed-in patient."""

    id = ma.fields.UUID(required=True)
    name = ma.fields.String(required=True)
    language = ma.fields.String(required=True)
    time_zone = ma.fields.String(required=True)
    country = ma.fields.String(required=True)


class TaskSchema(ma.Schema):
    """One thing to do. `questionnaire` is a canonical, url|version."""

    id = ma.fields.UUID(required=True)
    title = ma.fields.String(required=True)
    status = ma.fields.String(required=True)
    due_at = ma.fields.AwareDateTime(required=True)
    expires_at = ma.fields.AwareDateTime(required=True)
    questionnaire = ma.fields.String(required=True)


class TasksSchema(ma.Schema):
    tasks = ma.fields.List(ma.fields.Nested(TaskSchema), required=True)


class PageSchema(ma.Schema):
    """`cursor` is the `next` of the page before; without it, the newest page."""

    cursor = Text(validate=ma.validate.Length(max=200))


class ReportSchema(ma.Schema):
    """One report, whole."""

    id = ma.fields.UUID(required=True)
    questionnaire = ma.fields.String(required=True)
    status = ma.fields.String(required=True)
    authored_at = ma.fields.AwareDateTime(required=True)
    task_id = ma.fields.UUID(required=True, allow_none=True)
    document = ma.fields.Dict(required=True, metadata={"description": "FHIR R4 QuestionnaireResponse"})


class ReportsSchema(ma.Schema):
    reports = ma.fields.List(ma.fields.Nested(ReportSchema), required=True)
    next = ma.fields.String(required=True, allow_none=True)


class MessageSchema(ma.Schema):
    """One message. `direction` is from the clinic's side: out is to the patient."""

    id = ma.fields.UUID(required=True)
    direction = ma.fields.String(required=True, validate=ma.validate.OneOf(["in", "out"]))
    channel = ma.fields.String(required=True)
    at = ma.fields.AwareDateTime(required=True)
    text = ma.fields.String(required=True)


class MessagesSchema(ma.Schema):
    messages = ma.fields.List(ma.fields.Nested(MessageSchema), required=True)
    next = ma.fields.String(required=True, allow_none=True)


class DocumentSchema(ma.Schema):
    """A FHIR R4 QuestionnaireResponse; the questionnaire itself decides what else is valid."""

    class Meta:
        unknown = ma.INCLUDE

    resourceType = Text(required=True, validate=ma.validate.Equal("QuestionnaireResponse"))
    questionnaire = Text(required=True, validate=ma.validate.Length(min=1, max=500))
    status = Text(required=True, validate=ma.validate.OneOf(["completed", "amended"]))
    authored = FhirDateTime()
    item = ma.fields.List(ma.fields.Dict(keys=ma.fields.String()))


class ForTaskSchema(ma.Schema):
    """The task that the report answers; without it, a report nobody asked for."""

    task = ma.fields.UUID()


class OnceSchema(ma.Schema):
    """A key of the caller's choice: the same request with it twice has one effect and one answer."""

    key = Text(data_key="Idempotency-Key", validate=ma.validate.Regexp(r"[!-~]{1,200}\Z"))


class SubmittedSchema(ma.Schema):
    """What became of a report. `advice` is to be shown at once: it tells the patient what to do now."""

    id = ma.fields.String(required=True, metadata={"format": "uuid"})
    status = ma.fields.String(required=True)
    questionnaire = ma.fields.String(required=True)
    task_id = ma.fields.String(required=True, allow_none=True, metadata={"format": "uuid"})
    supersedes = ma.fields.String(required=True, allow_none=True, metadata={"format": "uuid"})
    authored = ma.fields.String(required=True, metadata={"format": "date-time"})
    recorded = ma.fields.String(required=True, metadata={"format": "date-time"})
    advice = ma.fields.String()
