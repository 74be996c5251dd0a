"""The patient's own things: who I am, what is to do today, my reports, my messages. Nobody else's can be named here."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from flask import g, request

from care.access import may
from care.errors import Conflict
from care.library import crisis_line, emergency_number
from care.library.page_texts import page_texts
from care.records.care_plans import CarePlan
from care.records.communications import CommunicationContent, contents
from care.records.form_drafts import tasks_begun
from care.records.tasks import Task, open_tasks, tasks_between
from care.services import app_texts, content, own_reports, reports
from care_api import pages
from care_api.openapi import BEARER, Blueprint
from care_api.schemas import (
    DocumentSchema,
    ForTaskSchema,
    LanguageSchema,
    LetterSchema,
    MeSchema,
    MessagesSchema,
    OnceSchema,
    PageSchema,
    ReadBackSchema,
    ReportsSchema,
    SubmittedSchema,
    TasksSchema,
    ThatReportSchema,
    TrendsSchema,
    WrittenSchema,
)

blueprint = Blueprint("me", __name__, url_prefix="/api/v1/me", description="The signed-in patient's own things")


@blueprint.get("")
@may("patient")
@blueprint.doc(security=BEARER)
@blueprint.response(200, MeSchema)
def me() -> Any:
    """Who is signed in, and whom to call in an emergency"""
    patient = g.patient
    known = {name: getattr(patient, name) for name in ("id", "name", "language", "time_zone", "country")}
    return known | {
        "emergency_number": emergency_number(patient.country),
        "crisis_line": crisis_line(patient.country),
    }


@blueprint.get("/tasks")
@may("patient")
@blueprint.doc(security=BEARER)
@blueprint.arguments(LanguageSchema, location="query")
@blueprint.response(200, TasksSchema)
def tasks(query: dict[str, Any]) -> Any:
    """What is to do today, in the patient's time zone, and what is still open from before"""
    since, until = today(g.rt.now(), g.patient.time_zone)
    found = {task.id: task for task in open_tasks(g.session, g.patient.id, g.rt.now())}
    found |= {task.id: task for task in tasks_between(g.session, g.patient.id, since, until)}
    shown = sorted(found.values(), key=lambda task: (task.due_at, task.id))
    begun = tasks_begun(g.session, list(found))
    language = query.get("language") or g.patient.language
    return {"tasks": [_task(task, begun, language) for task in shown if task.status != "cancelled"]}


@blueprint.post("/reports")
@may("patient")
@blueprint.doc(security=BEARER)
@blueprint.arguments(DocumentSchema, description="A FHIR R4 QuestionnaireResponse")
@blueprint.arguments(ForTaskSchema, location="query")
@blueprint.arguments(OnceSchema, location="headers")
@blueprint.response(201, SubmittedSchema)
def submit(document: dict[str, Any], query: dict[str, Any], headers: dict[str, Any]) -> Any:
    """Submit a whole report"""
    whole = request.get_json()  # as it came: the schema has looked at it and changed nothing
    status, answer = reports.submit(g.session, g.rt, g.patient, whole, query.get("task"), headers.get("key"))
    return answer, status


@blueprint.get("/reports")
@may("patient")
@blueprint.doc(security=BEARER)
@blueprint.arguments(PageSchema, location="query")
@blueprint.response(200, ReportsSchema)
def my_reports(query: dict[str, Any]) -> Any:
    """My reports, newest first"""
    rows, after = pages.reports(g.session, g.patient.id, query.get("cursor"))
    language = query.get("language") or g.patient.language
    columns = ("id", "questionnaire", "status", "authored_at", "task_id", "document")
    shown = [
        {name: getattr(row, name) for name in columns}
        | {"title": own_reports.title_of(g.session, row.questionnaire, language)}
        for row in rows
    ]
    return {"reports": shown, "next": after}


@blueprint.get("/reports/words")
@may("patient")
@blueprint.doc(security=BEARER)
@blueprint.arguments(ThatReportSchema, location="query")
@blueprint.response(200, ReadBackSchema)
def my_report(query: dict[str, Any]) -> Any:
    """One of my reports, in words"""
    return own_reports.report_in_words(g.session, g.patient, query["report"], query.get("language"))


@blueprint.get("/trends")
@may("patient")
@blueprint.doc(security=BEARER)
@blueprint.arguments(LanguageSchema, location="query")
@blueprint.response(200, TrendsSchema)
def my_trends(query: dict[str, Any]) -> Any:
    """What I measured in the last weeks, with my own usual range"""
    words = page_texts(query.get("language") or g.patient.language)
    found = own_reports.own_trends(g.session, g.patient, g.rt.now())
    fields = ("code", "unit", "low", "high", "top", "points")
    return {
        "trends": [
            {name: getattr(chart, name) for name in fields}
            | {"title": words.get(f"measure-{chart.code}", chart.title), "usual": usual}
            for chart, usual in found
        ]
    }


@blueprint.get("/messages")
@may("patient")
@blueprint.doc(security=BEARER)
@blueprint.arguments(PageSchema, location="query")
@blueprint.response(200, MessagesSchema)
def my_messages(query: dict[str, Any]) -> Any:
    """My messages, newest first; one-time codes are not among them"""
    rows, after = pages.messages(g.session, g.patient.id, query.get("cursor"))
    words = contents(g.session, [row.id for row in rows])
    shown = [
        {"id": row.id, "direction": row.direction, "channel": row.channel, "at": row.at, "text": _text(words, row.id)}
        for row in rows
    ]
    return {"messages": shown, "next": after}


@blueprint.post("/messages")
@may("patient")
@blueprint.doc(security=BEARER)
@blueprint.arguments(LetterSchema)
@blueprint.arguments(OnceSchema, location="headers")
@blueprint.response(201, WrittenSchema)
def write(letter: dict[str, Any], headers: dict[str, Any]) -> Any:
    """Write to my team; it is screened and answered like a text from my phone"""
    return app_texts.write(g.session, g.rt, g.patient, letter["text"], headers.get("key"))


def today(now: datetime, zone: str) -> tuple[datetime, datetime]:
    """The patient's civil day around `now` as two aware moments; 23 to 25 hours where clocks change."""
    place = ZoneInfo(zone)
    start = now.astimezone(place).replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    end = (start.replace(tzinfo=None) + timedelta(days=1)).replace(tzinfo=place)
    return start, end


def _task(task: Task, begun: Collection[UUID], language: str) -> dict[str, Any]:
    known = ("id", "status", "due_at", "expires_at", "questionnaire")
    return {name: getattr(task, name) for name in known} | {
        "title": _title(task, language),
        "answer_from": reports.answer_from(task),
        "answerable": _answerable(task),
        "begun": task.id in begun,
    }


def _answerable(task: Task) -> bool:
    try:
        reports.may_be_answered(task, g.rt.now())
    except Conflict:
        return False
    return True


def _title(task: Task, language: str) -> str:
    """The action's title in the patient's language."""
    plan = content.plan(g.session, g.session.get_one(CarePlan, task.care_plan_id).definition_id)
    titles = next((action.title for action in plan.actions if action.id == task.action_id), {})
    return str(titles.get(language) or titles.get("en") or "")


def _text(words: dict[Any, CommunicationContent], message_id: Any) -> str:
    return str(words[message_id].text) if message_id in words else ""
