"""What the patient's own part of the API takes and gives."""

from __future__ import annotations

import marshmallow as ma

from care.domain.codes import LANGUAGES
from care.services.app_texts import LONGEST
from care_api.fields import FhirDateTime, Text


class MeSchema(ma.Schema):
    """The signed-in patient."""

    id = ma.fields.UUID(required=True)
    name = ma.fields.String(required=True)
    language = ma.fields.String(required=True)
    time_zone = ma.fields.String(required=True)
    country = ma.fields.String(required=True)
    emergency_number = ma.fields.String(required=True)
    crisis_line = ma.fields.String(required=True, allow_none=True)


class TaskSchema(ma.Schema):
    """One thing to do. `questionnaire` is a canonical, url|version. `answerable`: it may be answered now.

    `begun`: something of it is filled in already. `answer_from` is when it can be answered first.
    """

    id = ma.fields.UUID(required=True)
    title = ma.fields.String(required=True)
    status = ma.fields.String(required=True)
    due_at = ma.fields.AwareDateTime(required=True)
    expires_at = ma.fields.AwareDateTime(required=True)
    questionnaire = ma.fields.String(required=True)
    answer_from = ma.fields.AwareDateTime(required=True)
    answerable = ma.fields.Boolean(required=True)
    begun = ma.fields.Boolean(required=True)


class TasksSchema(ma.Schema):
    tasks = ma.fields.List(ma.fields.Nested(TaskSchema), required=True)


class PageSchema(ma.Schema):
    """`cursor` is the `next` of the page before; without it, the newest page."""

    cursor = Text(validate=ma.validate.Length(max=200))
    language = Text(validate=ma.validate.OneOf(LANGUAGES))


class ReportSchema(ma.Schema):
    """One report, whole."""

    id = ma.fields.UUID(required=True)
    title = ma.fields.String(required=True)
    questionnaire = ma.fields.String(required=True)
    status = ma.fields.String(required=True)
    authored_at = ma.fields.AwareDateTime(required=True)
    task_id = ma.fields.UUID(required=True, allow_none=True)
    document = ma.fields.Dict(required=True, metadata={"description": "FHIR R4 QuestionnaireResponse"})


class ReportsSchema(ma.Schema):
    reports = ma.fields.List(ma.fields.Nested(ReportSchema), required=True)
    next = ma.fields.String(required=True, allow_none=True)


class ThatReportSchema(ma.Schema):
    """One of the patient's own reports, and the language to read it in."""

    report = ma.fields.UUID(required=True)
    language = Text(validate=ma.validate.OneOf(LANGUAGES))


class LanguageSchema(ma.Schema):
    """The language to answer in; the patient's own when none is named."""

    language = Text(validate=ma.validate.OneOf(LANGUAGES))


class LineSchema(ma.Schema):
    """A question with its answers in words; a heading has none."""

    text = ma.fields.String(required=True)
    answers = ma.fields.List(ma.fields.String(), required=True)
    depth = ma.fields.Integer(required=True)


class ReadBackSchema(ma.Schema):
    """A report in words, in the patient's language."""

    id = ma.fields.UUID(required=True)
    title = ma.fields.String(required=True)
    authored_at = ma.fields.AwareDateTime(required=True)
    lines = ma.fields.List(ma.fields.Nested(LineSchema), required=True)


class PointSchema(ma.Schema):
    """One value. `out`: the side of the thresholds it lies on. `comparator`: a meter showed only Lo or Hi."""

    at = ma.fields.AwareDateTime(required=True)
    value = ma.fields.Float(required=True)
    comparator = ma.fields.String(required=True)
    out = ma.fields.String(required=True)


class TrendSchema(ma.Schema):
    """What was measured under one code, oldest first. `usual` is the patient's own range, which is no target."""

    code = ma.fields.String(required=True)
    title = ma.fields.String(required=True)
    unit = ma.fields.String(required=True)
    low = ma.fields.Float(required=True, allow_none=True)
    high = ma.fields.Float(required=True, allow_none=True)
    top = ma.fields.Float(required=True, allow_none=True)
    usual = ma.fields.List(ma.fields.Float(), required=True, allow_none=True)
    points = ma.fields.List(ma.fields.Nested(PointSchema), required=True)


class TrendsSchema(ma.Schema):
    trends = ma.fields.List(ma.fields.Nested(TrendSchema), required=True)


class LetterSchema(ma.Schema):
    """What a patient writes to the team."""

    text = Text(required=True, validate=ma.validate.Length(min=1, max=LONGEST))


class WrittenSchema(ma.Schema):
    """A message that was taken. `advice` is to be shown at once: it tells the patient what to do now."""

    id = ma.fields.UUID(required=True)
    advice = ma.fields.String(required=True)


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
