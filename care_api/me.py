"""The patient's own things: who I am, what is to do today, my reports, my messages. Nobody else's can be named here."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flask import g, request

from care.access import may
from care.records.care_plans import CarePlan
from care.records.communications import CommunicationContent, contents
from care.records.tasks import Task, open_tasks, tasks_between
from care.services import content, reports
from care_api import pages
from care_api.openapi import BEARER, Blueprint
from care_api.schemas import (
    DocumentSchema,
    ForTaskSchema,
    MeSchema,
    MessagesSchema,
    OnceSchema,
    PageSchema,
    ReportsSchema,
    SubmittedSchema,
    TasksSchema,
)

blueprint = Blueprint("me", __name__, url_prefix="/api/v1/me", description="The signed-in patient's own things")


@blueprint.get("")
@may("patient")
@blueprint.doc(security=BEARER)
@blueprint.response(200, MeSchema)
def me() -> Any:
    """Who is signed in"""
    return g.patient


@blueprint.get("/tasks")
@may("patient")
@blueprint.doc(security=BEARER)
@blueprint.response(200, TasksSchema)
def tasks() -> Any:
    """What is to do today, in the patient's time zone, and what is still open from before"""
    since, until = today(g.rt.now(), g.patient.time_zone)
    found = {task.id: task for task in open_tasks(g.session, g.patient.id, g.rt.now())}
    found |= {task.id: task for task in tasks_between(g.session, g.patient.id, since, until)}
    shown = sorted(found.values(), key=lambda task: (task.due_at, task.id))
    return {"tasks": [_task(task) for task in shown if task.status != "cancelled"]}


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
    return {"reports": rows, "next": after}


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


def today(now: datetime, zone: str) -> tuple[datetime, datetime]:
    """The patient's civil day around `now` as two aware moments; 23 to 25 hours where clocks change."""
    place = ZoneInfo(zone)
    start = now.astimezone(place).replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    end = (start.replace(tzinfo=None) + timedelta(days=1)).replace(tzinfo=place)
    return start, end


def _task(task: Task) -> dict[str, Any]:
    return {
        "id": task.id,
        "title": _title(task),
        "status": task.status,
        "due_at": task.due_at,
        "expires_at": task.expires_at,
        "questionnaire": task.questionnaire,
    }


def _title(task: Task) -> str:
    """The action's title in the patient's language."""
    plan = content.plan(g.session, g.session.get_one(CarePlan, task.care_plan_id).definition_id)
    titles = next((action.title for action in plan.actions if action.id == task.action_id), {})
    return str(titles.get(g.patient.language) or titles.get("en") or "")


def _text(words: dict[Any, CommunicationContent], message_id: Any) -> str:
    return str(words[message_id].text) if message_id in words else ""
