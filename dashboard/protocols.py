"""The protocols that patients can be put on."""

from __future__ import annotations

from flask import render_template

from care.access import may
from care.records import definitions
from care.services import content
from dashboard import blueprint
from dashboard.request import session


@blueprint.get("/protocols")
@may("nurse", "clinician", "admin")
def protocols() -> str:
    """All published versions, with what a patient is asked and how often."""
    found = definitions.published(session(), "PlanDefinition")
    return render_template("protocols.html", protocols=[(d, content.plan(session(), d.canonical)) for d in found])
