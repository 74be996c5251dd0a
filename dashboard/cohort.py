"""The cohort file: one line a patient, computed with pandas. No name, number to call or text is in it."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flask import Response, make_response

from care.access import may
from care.domain.trend import GLUCOSE, WEIGHT
from care.records.lists import Cohort
from care.services.cohort import export
from dashboard import blueprint
from dashboard.request import day, reader_zone, runtime, session, staff


@blueprint.post("/cohort.csv")
@may("nurse", "clinician")
def cohort() -> Response:
    """The team's cohort over the asked days (both included), as CSV."""
    since, until = day("since"), day("until")
    start, end = _midnight(since), _midnight(until + timedelta(days=1))
    response = make_response(to_csv(export(session(), runtime(), staff(), start, end)))
    response.content_type = "text/csv; charset=utf-8"
    response.headers["Content-Disposition"] = f'attachment; filename="cohort-{since}-{until}.csv"'
    response.cache_control.no_store = True
    return response


def _midnight(of: date) -> datetime:
    zone: ZoneInfo = reader_zone()
    return datetime.combine(of, time(), zone)


def to_csv(rows: Cohort) -> str:
    """One line a patient: who they are in codes, what they were asked and did, what was measured, what was raised."""
    import pandas as pd  # takes half a second to import: only the file needs it

    people = pd.DataFrame(rows.patients, columns=["patient_id", "language", "time_zone", "status", "enrolled_at"])
    table = people.set_index("patient_id")
    table["enrolled_at"] = [at.date().isoformat() for at in table["enrolled_at"]]
    for part in (_plans(pd, rows), _tasks(pd, rows), _measures(pd, rows), _alerts(pd, rows)):
        table = table.join(part)
    whole = [
        "tasks_due",
        "tasks_done",
        "glucose_n",
        "glucose_below_70",
        "glucose_below_54",
        "weight_n",
        "alerts",
        "alerts_stat",
    ]
    table[whole] = table[whole].fillna(0).astype(int)
    return str(table.to_csv(float_format="%.2f", lineterminator="\r\n"))


def _plans(pd: Any, rows: Cohort) -> Any:
    frame = pd.DataFrame(rows.plans, columns=["patient_id", "protocol", "version", "plan_status", "at"])
    frame["protocol"] = frame["protocol"].str.rsplit("/", n=1).str[-1]
    return frame.groupby("patient_id")[["protocol", "version", "plan_status"]].last()


def _tasks(pd: Any, rows: Cohort) -> Any:
    frame = pd.DataFrame(rows.tasks, columns=["patient_id", "status", "due_at"])
    frame["done"] = frame["status"] == "completed"
    found = frame.groupby("patient_id")["done"].agg(tasks_due="size", tasks_done="sum")
    found["response_rate"] = found["tasks_done"] / found["tasks_due"]
    return found


def _measures(pd: Any, rows: Cohort) -> Any:
    frame = pd.DataFrame(rows.measures, columns=["patient_id", "code", "value", "at"])
    sugar, weight = frame[frame["code"] == GLUCOSE], frame[frame["code"] == WEIGHT]
    lows = sugar.assign(below_70=sugar["value"] < 70, below_54=sugar["value"] < 54).groupby("patient_id")
    found = lows.agg(
        glucose_n=("value", "size"),
        glucose_mean_mg_dl=("value", "mean"),
        glucose_below_70=("below_70", "sum"),
        glucose_below_54=("below_54", "sum"),
    )
    return found.join(
        weight.groupby("patient_id").agg(
            weight_n=("value", "size"), weight_first_kg=("value", "first"), weight_last_kg=("value", "last")
        ),
        how="outer",
    )


def _alerts(pd: Any, rows: Cohort) -> Any:
    frame = pd.DataFrame(rows.escalations, columns=["patient_id", "priority", "cause", "outcome", "at"])
    frame["stat"] = frame["priority"] == "stat"
    return frame.groupby("patient_id")["stat"].agg(alerts="size", alerts_stat="sum")
