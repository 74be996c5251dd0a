"""Finding a patient by name, pinyin, record number or the last digits of a phone."""

from __future__ import annotations

from flask import render_template

from care.access import may
from care.services import patients
from dashboard import blueprint
from dashboard.request import runtime, session, staff, written


@blueprint.get("/find")
@may("nurse", "clinician")
def find() -> str:
    """The form. A name is never part of an address, so the question is posted."""
    return render_template("find.html", query="", found=None)


@blueprint.post("/find")
@may("nurse", "clinician")
def found() -> str:
    """Patients by name, pinyin, record number or the last digits of a phone."""
    query = written("q", 100)
    hits = patients.find(session(), runtime(), staff(), query) if query else []
    return render_template("find.html", query=query, found=hits, most=patients.MOST)
