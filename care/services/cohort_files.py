"""Cohort files: a sheet of patients is uploaded, looked at cell by cell, and imported whole or not at all.

Between the look and the import the sheet stays here, sealed, so that what is imported is what was seen. A sheet that
nobody imports in time is deleted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from care.domain.codes import Purpose
from care.domain.cohort_sheet import COLUMNS, Line, read_sheet
from care.domain.people import Staff
from care.domain.reach import best
from care.errors import Conflict, Invalid
from care.records.cohort_files import CohortFile, cohort_file_of, drop_expired
from care.records.patients import address_token
from care.runtime import Runtime
from care.services import audits, content
from care.services.enrolment import alone, known_addresses, known_records, must_enrol, write
from care.services.entries import CONSENT_SOURCES, CONSENT_VERSION, Enrolment, Entry, examined
from care.services.queue import Worked
from care.services.starting import protocol_of

KEPT = timedelta(hours=1)
YES = frozenset({"yes", "y", "1", "true", "是", "有", "同意"})
_SEXES = {"男": "male", "女": "female", "m": "male", "f": "female"}
_COLUMN_OF = {"address1": "address", "channel1": "channel", "label1": "label", "asked_on": "consent_asked_on"}
_FAR = timedelta(days=366)


@dataclass(frozen=True, slots=True)
class Finding:
    """What is said of one cell: `row` is the spreadsheet's. `message` is for a code that nobody has words for."""

    row: int
    column: str
    code: str
    message: str = ""


@dataclass(frozen=True, slots=True)
class Look:
    """A sheet as it would be imported now: `faults` keep it from that, `warnings` do not."""

    file: CohortFile
    lines: tuple[Line, ...]
    entries: tuple[Entry, ...]
    faults: tuple[Finding, ...]
    warnings: tuple[Finding, ...]

    @property
    def good(self) -> int:
        """How many rows have nothing wrong."""
        return len(self.lines) - len({one.row for one in self.faults})


def upload(session: Session, rt: Runtime, staff: Staff, source: bytes) -> CohortFile:
    """Read a file and keep it for a look; commits. Nobody is enrolled. Raises Invalid (see read_sheet), NotAllowed."""
    must_enrol(staff)
    now = rt.now()
    sheet = read_sheet(source)
    drop_expired(session, now)
    kept = CohortFile(
        organization_id=staff.organization_id,
        care_team_id=staff.care_team_id,
        practitioner_id=staff.id,
        sha256=sha256(source).hexdigest(),
        encoding=sheet.encoding,
        separator=sheet.separator,
        rows={"lines": [[line.number, *(line.cells[name] for name in COLUMNS)] for line in sheet.lines]},
        uploaded_at=now,
        expires_at=now + KEPT,
    )
    session.add(kept)
    audits.record(session, now, "cohort-file.upload", "cohort_file", kept.id, staff=staff, patients=len(sheet.lines))
    session.commit()
    return kept


def look(session: Session, rt: Runtime, staff: Staff, file_id: UUID) -> Look:
    """The sheet with what is wrong in it now. Raises NotFound, NotAllowed. An imported one has no lines any more."""
    must_enrol(staff)
    return _looked(session, rt, staff, cohort_file_of(session, staff, file_id, rt.now()))


def import_file(session: Session, rt: Runtime, staff: Staff, file_id: UUID, seen: str) -> CohortFile:
    """Enrol everybody in the sheet in one transaction; commits. A second time does nothing and says the same.

    `seen` is the hash of the file that was looked at. Raises NotFound, NotAllowed, Conflict: `another-file`, or
    `has-faults` (somebody may have been enrolled elsewhere since the look); then nobody was enrolled.
    """
    must_enrol(staff)
    now = rt.now()
    sheet = cohort_file_of(session, staff, file_id, now, lock=True)
    if sheet.sha256 != seen:
        raise Conflict("another-file", "this is not the file that was looked at")
    if sheet.imported_at is not None:
        return sheet
    alone(session, staff, whole_file=True)
    found = _looked(session, rt, staff, sheet)
    if found.faults:
        raise Conflict("has-faults", "something in the file is wrong, so nobody was enrolled")
    patients = write(session, now, staff, found.entries)
    sheet.imported_at, sheet.patients, sheet.rows_sealed = now, len(patients), None
    told = {"patients": len(patients), "sha256": sheet.sha256}
    audits.record(session, now, "cohort-file.import", "cohort_file", sheet.id, staff=staff, **told)  # type: ignore[arg-type]
    session.commit()
    return sheet


def drop_due(session: Session, now: datetime) -> Worked:
    """Delete what nobody imported in time; commits."""
    dropped = drop_expired(session, now)
    session.commit()
    return Worked(claimed=dropped, done=dropped)


def _looked(session: Session, rt: Runtime, staff: Staff, sheet: CohortFile) -> Look:
    kept = sheet.rows["lines"] if sheet.rows_sealed is not None else []
    lines = tuple(Line(row[0], dict(zip(COLUMNS, row[1:], strict=True))) for row in kept)
    now, protocols = rt.now(), _Protocols(session)
    judged = [(line, *_judged(rt, staff, line, protocols, now)) for line in lines]
    faults = [one for _, _, found in judged for one in found]
    rows = [(line, entry) for line, entry, _ in judged if entry is not None]
    faults += _taken(session, staff, rows)
    faults.sort(key=lambda one: (one.row, COLUMNS.index(one.column) if one.column in COLUMNS else -1))
    warnings = sorted(_doubtful(session, staff, rows), key=lambda one: one.row)
    return Look(sheet, lines, tuple(entry for _, entry in rows), tuple(faults), tuple(warnings))


def _judged(
    rt: Runtime, staff: Staff, line: Line, protocols: _Protocols, now: datetime
) -> tuple[Entry | None, list[Finding]]:
    """One row as an entry, or what is wrong in its cells: one finding a cell."""
    cells = line.cells
    form = Enrolment(
        name=cells["name"],
        birth_date=cells["birth_date"],
        record_number=cells["record_number"],
        language=cells["language"],
        time_zone=cells["time_zone"],
        country=cells["country"],
        contacts=((cells["channel"].casefold(), cells["address"], cells["label"] or None),),
        consent_source=cells["consent_source"].casefold(),
        consent_version=CONSENT_VERSION,
        glucose_unit=cells["glucose_unit"],
        sex=_SEXES.get(cells["sex"].casefold(), cells["sex"].casefold()),
        asked_by=staff.id,
        asked_on=cells["consent_asked_on"],
        protocol=protocols.named(cells["protocol"]) or None,
        starts_on=cells["starts_on"],
    )
    entry, wrong = examined(form, now)
    found: dict[str, Finding] = {}
    for one in (*wrong, *_beyond(rt, form, cells, entry, now), *protocols.wrong(form.protocol)):
        column = _COLUMN_OF.get(str(one.detail.get("place")), str(one.detail.get("place")))
        found.setdefault(column, Finding(line.number, column, one.code, one.message))
    return (None if found else entry), list(found.values())


def _beyond(
    rt: Runtime, form: Enrolment, cells: Mapping[str, str], entry: Entry | None, now: datetime
) -> list[Invalid]:
    """What a file can have wrong beyond a form, which offers only what there is."""
    found = []
    if cells["consent"].casefold() not in YES:
        found.append(Invalid("no-consent", "without consent nobody is enrolled", place="consent"))
    if form.consent_source not in CONSENT_SOURCES:
        found.append(Invalid("unknown-value", f"one of {', '.join(CONSENT_SOURCES)}", place="consent_source"))
    name = form.contacts[0][0]
    channel = rt.channels.get(name)
    if channel is None or not channel.enabled or channel.capabilities.notices_only:
        found.append(Invalid("unknown-channel", "no such channel is used here", place="channel"))
    elif entry is not None:
        spot = [(name, channel.capabilities.in_country(entry.country))]
        if best(Purpose.REMINDER, spot, rt.data_locations) is None:
            found.append(Invalid("unreachable", "this channel reaches nobody in this country", place="channel"))
    if entry is not None and entry.starts_on is not None and abs(entry.starts_on - now.date()) >= _FAR:
        found.append(Invalid("impossible-date", "a plan starts within a year of today", place="starts_on"))
    return found


def _taken(session: Session, staff: Staff, rows: Sequence[tuple[Line, Entry]]) -> list[Finding]:
    """Record numbers that stand twice in the file, or that a patient has already."""
    times = Counter(entry.record for _, entry in rows)
    known = known_records(session, staff, times)
    return [
        Finding(line.number, "record_number", "record-known" if entry.record[1] in known else "record-twice")
        for line, entry in rows
        if entry.record[1] in known or times[entry.record] > 1
    ]


def _doubtful(session: Session, staff: Staff, rows: Sequence[tuple[Line, Entry]]) -> list[Finding]:
    """What may be meant: shared phones, the same person twice, a birth date that nobody knows."""
    places = {line.number: (one[0], address_token(*one[:2])) for line, entry in rows for one in entry.contacts}
    known = known_addresses(session, staff, [one for _, entry in rows for one in entry.contacts])
    shared, people = Counter(places.values()), Counter(map(_person, (entry for _, entry in rows)))
    found = []
    for line, entry in rows:
        here, row = places[line.number], line.number
        if here in known:
            found.append(Finding(row, "address", "address-known"))
        elif shared[here] > 1:
            found.append(Finding(row, "address", "address-twice"))
        if (here in known or shared[here] > 1) and not entry.contacts[0][2]:
            found.append(Finding(row, "label", "label-missing"))
        if entry.identity["birth_date"] is None:
            found.append(Finding(row, "birth_date", "no-birth-date"))
        elif people[_person(entry)] > 1:
            found.append(Finding(row, "name", "same-person"))
    return found


def _person(entry: Entry) -> Any:
    return entry.identity["name"].casefold(), entry.identity["birth_date"]


class _Protocols:
    """The protocols that a file's rows name, each looked up once."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self._newest = {one.url.rsplit("/", 1)[-1].casefold(): one.canonical for one in content.protocols(session)}
        self._wrong: dict[str, list[Invalid]] = {}

    def named(self, cell: str) -> str:
        """The newest version of the protocol with this short name, else what was written."""
        return self._newest.get(cell.casefold(), cell)

    def wrong(self, canonical: str | None) -> list[Invalid]:
        """Why nobody can be put on it."""
        if canonical is None:
            return []
        if canonical not in self._wrong:
            try:
                protocol_of(self.session, canonical)
                self._wrong[canonical] = []
            except Invalid as unknown:
                self._wrong[canonical] = [unknown]
        return self._wrong[canonical]
