"""Enrolling many from a file: the template, the look at every cell, the import, and what was wrong as a file."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response as Answer
from flask import flash, make_response, redirect, render_template, request, url_for
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from werkzeug.wrappers import Response

from care.access import may
from care.domain.cohort_sheet import COLUMNS, LARGEST, MOST_ROWS, REQUIRED, written_sheet
from care.errors import Conflict, Invalid
from care.services import cohort_files, content
from care.services.cohort_files import Finding, Look
from dashboard import blueprint
from dashboard.request import runtime, session, staff, told, written

SHOWN = 100  # rows of a look on the page; faults come first
COLUMN_WORDS = {
    "name": _l("Full name"),
    "birth_date": _l("Date of birth"),
    "sex": _l("Sex"),
    "record_number": _l("Record number"),
    "language": _l("Language of messages"),
    "country": _l("Country"),
    "time_zone": _l("Time zone"),
    "channel": _l("Channel"),
    "address": _l("Phone number or address"),
    "label": _l("Word for a shared phone"),
    "glucose_unit": _l("Unit of their glucose meter"),
    "consent": _l("Consent"),
    "consent_source": _l("How it was given"),
    "consent_asked_on": _l("When they were asked"),
    "protocol": _l("Protocol"),
    "starts_on": _l("First day"),
    "file": _l("The file"),
}
EXAMPLES = {
    "name": "Example Person",
    "birth_date": "1966-06-06",
    "sex": "female, male, other, unknown",
    "record_number": "T-0009",
    "language": "en, zh-Hans, zh-Hant",
    "country": "US",
    "time_zone": "America/New_York",
    "channel": "sms",
    "address": "+12025550109",
    "label": "mother",
    "glucose_unit": "mg/dL, mmol/L",
    "consent": "yes",
    "consent_source": "paper, spoken, app",
    "consent_asked_on": "2026-03-02",
    "protocol": "heart-failure-daily",
    "starts_on": "2026-03-03",
}
FINDINGS = {
    "length": _l("This is empty or too long. Write it as in the record."),
    "control-character": _l("This holds characters that cannot be read. Type it again."),
    "bad-date": _l(
        "Write the date as year-month-day, for example 1966-06-06. Other ways of writing it are not guessed."
    ),
    "impossible-date": _l("This day cannot be right. Check it."),
    "unknown-value": _l("This is not one of the words that can stand here. The template's page names them."),
    "record-number": _l("A record number has letters or digits."),
    "record-known": _l(
        "A patient with this record number is enrolled already. Take the row out, or correct the number."
    ),
    "record-twice": _l("This record number stands twice in the file. Take one row out, or correct the number."),
    "unknown-country": _l("Write the country with two letters, for example US, CN or HK."),
    "unknown-zone": _l("Write the time zone with its area and city, for example Asia/Hong_Kong."),
    "bad-phone": _l(
        "This is no phone number of that country. Write it with its country code, for example +852 5555 0100."
    ),
    "unknown-channel": _l("This channel is not used here."),
    "unreachable": _l("No message reaches anybody by this channel in that country. Choose another channel."),
    "label-names": _l("This word is shown on the phone: write no name in it, but a word like mother."),
    "no-consent": _l("Without consent nobody is enrolled. Write yes when the patient has agreed, or take the row out."),
    "unknown-protocol": _l("There is no protocol of this name. The page of protocols names them."),
    "retired": _l("This version of the protocol is not used any more. Write its name without a version."),
    "no-start": _l("A plan needs its first day, as year-month-day."),
    "address-known": _l("Another patient is reached here already. That is right if they share the phone."),
    "address-twice": _l("Two rows have the same phone number. That is right if they share the phone."),
    "label-missing": _l("Patients who share a phone are told apart by a word, for example mother."),
    "no-birth-date": _l("Without a birth date the age is not known."),
    "same-person": _l("Two rows have the same name and birth date. Is it the same person?"),
    "too-large": _l("The file is larger than a megabyte. Divide it."),
    "encoding": _l("The file is no text in UTF-8 or GB18030. Save it from the spreadsheet as CSV (UTF-8)."),
    "empty": _l("There is no patient in the file."),
    "not-a-table": _l("The first row names no column of the template. Begin with the template."),
    "unknown-column": _l("The header names a column that the template does not have."),
    "column-twice": _l("The header names a column twice."),
    "missing-columns": _l("Columns of the template are missing."),
    "ragged": _l("This row has more cells than the header. A comma in a cell needs quotation marks around the cell."),
    "quote": _l("A quotation mark in this row or the one before it is not closed, or stands inside a cell."),
    "too-many-rows": _l("The file has more than 2,000 patients. Divide it."),
    "too-long": _l("This cell is longer than 500 characters."),
}


@blueprint.get("/enrol/file")
@may("nurse")
def enrol_file() -> str:
    """The form, and what each column takes."""
    return _form(None)


@blueprint.get("/enrol/file/template.csv")
@may("nurse")
def enrol_template() -> Answer:
    """A file with the header and nothing else: an example row would be enrolled some day."""
    return _csv(written_sheet([COLUMNS]), "care-template.csv")


@blueprint.post("/enrol/file")
@may("nurse")
def enrol_file_brought() -> Response | tuple[str, int]:
    """Keep the file for a look, or say why it cannot be read."""
    upload = request.files.get("file")
    try:
        if upload is None or not upload.filename:
            raise Invalid("no-file", "choose a file", place="file")
        kept = cohort_files.upload(session(), runtime(), staff(), upload.stream.read(LARGEST + 1))
    except Invalid as wrong:
        session().rollback()
        return _form(wrong), wrong.status
    return redirect(url_for("dashboard.enrol_file_look", file_id=kept.id), 303)


@blueprint.get("/enrol/file/<uuid:file_id>")
@may("nurse")
def enrol_file_look(file_id: UUID) -> str:
    """Every cell that is wrong or doubtful, before anybody is enrolled."""
    return _page(cohort_files.look(session(), runtime(), staff(), file_id), None)


@blueprint.post("/enrol/file/<uuid:file_id>/import")
@may("nurse")
def enrol_file_import(file_id: UUID) -> Response | tuple[str, int]:
    """Enrol everybody in it, or nobody."""
    try:
        done = cohort_files.import_file(session(), runtime(), staff(), file_id, written("sha256"))
    except Conflict as wrong:
        session().rollback()
        return _page(cohort_files.look(session(), runtime(), staff(), file_id), wrong), wrong.status
    count = done.patients
    flash(ngettext("%(num)s patient was enrolled.", "%(num)s patients were enrolled.", count), "done")
    return redirect(url_for("dashboard.enrol_file_look", file_id=file_id), 303)


@blueprint.get("/enrol/file/<uuid:file_id>/errors.csv")
@may("nurse")
def enrol_file_errors(file_id: UUID) -> Answer:
    """The rows that have something wrong, as they were, with what is wrong behind them: to mend and bring again."""
    found = cohort_files.look(session(), runtime(), staff(), file_id)
    told_of: dict[int, list[str]] = {}
    for one in found.faults:
        told_of.setdefault(one.row, []).append(f"{one.column}: {said(one)}")
    rows = [
        [str(line.number), *(line.cells[name] for name in COLUMNS), " / ".join(told_of[line.number])]
        for line in found.lines
        if line.number in told_of
    ]
    return _csv(written_sheet([["row", *COLUMNS, "what_is_wrong"], *rows]), "care-errors.csv")


@blueprint.app_template_filter("finding")
def said(one: Finding) -> str:
    """What is wrong with a cell and how to mend it."""
    return str(FINDINGS.get(one.code) or told(one.message))


def _csv(content_: bytes, name: str) -> Answer:
    response = make_response(content_)
    response.content_type = "text/csv; charset=utf-8"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    response.cache_control.no_store = True
    return response


def _form(wrong: Invalid | None) -> str:
    why = ""
    if wrong is not None:
        why = str(FINDINGS.get(wrong.code) or told(wrong))
    return render_template(
        "enrol_file.html",
        wrong=wrong,
        why=why,
        columns=[(name, COLUMN_WORDS[name], name in REQUIRED, EXAMPLES[name]) for name in COLUMNS],
        most=MOST_ROWS,
        protocols=[one.url.rsplit("/", 1)[-1] for one in content.protocols(session())],
    )


def _page(found: Look, wrong: Conflict | None) -> str:
    faults, doubts = _by_cell(found.faults), _by_cell(found.warnings)
    bad = {one.row for one in found.faults}
    lines = sorted(found.lines, key=lambda line: (line.number not in bad, line.number))
    shown = lines[:SHOWN]
    used = [name for name in COLUMNS if any(line.cells[name] for line in found.lines) or name in REQUIRED]
    return render_template(
        "enrol_file_look.html",
        found=found,
        wrong=wrong,
        bad=bad,
        doubtful={one.row for one in found.warnings},
        lines=shown,
        left=len(lines) - len(shown),
        columns=[(name, COLUMN_WORDS[name]) for name in used],
        faults=faults,
        doubts=doubts,
    )


def _by_cell(findings: Any) -> dict[tuple[int, str], Finding]:
    return {(one.row, one.column): one for one in findings}
