"""Counts for the numbers of a team or a hospital: each table is asked once for a period, and answers in cells.

No row of a patient leaves the database here, only how many there were.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CTE,
    BigInteger,
    ColumnElement,
    Date,
    Integer,
    Label,
    RowMapping,
    Select,
    Text,
    Uuid,
    and_,
    case,
    cast,
    column,
    func,
    literal,
    literal_column,
    or_,
    select,
    true,
    union_all,
)
from sqlalchemy.dialects.postgresql import ARRAY, INT4MULTIRANGE, INTERVAL, JSONB
from sqlalchemy.orm import Session

from care.domain.codes import Priority, Role
from care.domain.first_look import target
from care.domain.ladder import Ladder, default_ladder, read_ladder
from care.domain.numbers import ALONE, PAUSE, RIGHT, UNCLEAR, WRONG, Period, Tally
from care.domain.people import Staff
from care.domain.week import minutes_of, stretches
from care.errors import NotFound
from care.records.audit_events import AuditEvent
from care.records.escalations import Escalation, EscalationLink
from care.records.ladders import ladders_by_id, team_of
from care.records.model_versions import ModelVersion
from care.records.patients import Patient
from care.records.practitioners import Practitioner
from care.records.questionnaire_responses import COUNTED, QuestionnaireResponse
from care.records.risk_assessments import RiskAssessment
from care.records.tasks import Task

_DEFAULT = UUID(int=0)  # the default ladder has no row
_ANY = datetime(2000, 1, 1, tzinfo=UTC)  # without working hours one moment is like another


@dataclass(frozen=True)
class Scope:
    """Whose numbers: of one team or of the whole hospital, of patients who read one language or of all."""

    organization_id: UUID
    care_team_id: UUID | None
    language: str | None


@dataclass(frozen=True)
class Cell:
    """What one week of a team's patients of one language adds up to. `language` is None for an unknown sender."""

    week: date
    care_team_id: UUID
    language: str | None
    tally: Tally


@dataclass(frozen=True)
class Severity:
    """The first look at alerts of one priority: seconds (None: nobody looked at any), and against the target."""

    priority: str
    tally: Tally
    median: float | None
    nine_in_ten: float | None
    shortest: timedelta
    longest: timedelta


@dataclass(frozen=True)
class Origin:
    """What raised or joined alerts: a rule or a version of a model, by the names they go by, and what came of them."""

    kind: str
    name: str
    version: str
    tally: Tally


@dataclass(frozen=True)
class Hour:
    """Alerts that were raised in one hour of the day, on the hospital's wall clock, and what nurses did in it."""

    hour: int
    alerts: int
    acts: int


def scope_of(staff: Staff, session: Session, care_team_id: UUID | None, language: str | None) -> Scope:
    """What this member of staff may see: their own team's; an administrator the hospital's, or one of its teams'.

    Raises NotFound for another hospital's team, and for anybody without a team.
    """
    if staff.role is not Role.ADMIN:
        if staff.care_team_id is None:
            raise NotFound("care-team", "no such care team")
        return Scope(staff.organization_id, staff.care_team_id, language)
    if care_team_id is not None:
        team_of(session, staff, care_team_id)
    return Scope(staff.organization_id, care_team_id, language)


# The rows that count as reports, as the index of them says it (questionnaire_responses.py).
_COUNTED = select(QuestionnaireResponse.patient_id, QuestionnaireResponse.authored_at).where(literal_column(COUNTED))


class Numbers:
    """One reader's question about one period; each method is one statement, or one a table."""

    def __init__(self, session: Session, scope: Scope, over: Period, zone: str) -> None:
        self._session, self._scope, self._over, self._zone = session, scope, over, zone
        self._people = self._of_scope(Patient.organization_id, Patient.care_team_id)
        if scope.language is not None:
            self._people = and_(self._people, Patient.language == scope.language)

    def cells(self) -> list[Cell]:
        """Everything that adds up, by week, team and language."""
        statements = (self._asked(), self._reports(), self._judged(), self._minutes())
        return [_cell(row) for statement in statements for row in self._session.execute(statement).mappings()]

    def severities(self) -> list[Severity]:
        """The first look by priority, the most pressing first; a priority that was not raised is not there."""
        t = self._timed()
        seconds = func.extract("epoch", t.took)
        parts = {"median": 0.5, "nine_in_ten": 0.9}
        middles = [func.percentile_cont(at).within_group(seconds).label(name) for name, at in parts.items()]
        ends = [func.min(t.allowed).label("shortest"), func.max(t.allowed).label("longest")]
        wanted = select(t.alert.c.priority, *_outcomes(t.alert), *self._looks(t), *middles, *ends)
        rows = self._session.execute(wanted.select_from(t.joined).group_by(t.alert.c.priority)).mappings()
        names = ("median", "nine_in_ten", "shortest", "longest")
        found = [Severity(row["priority"], _tally(row), *(row[name] for name in names)) for row in rows]
        return sorted(found, key=lambda one: -Priority(one.priority).rank)

    def origins(self) -> list[Origin]:
        """What raised or joined alerts, whatever did so most often first.

        An alert counts once for each rule and each version of a model. A rule's own name is in what the assessment
        found; where there is none (a text, a doubt), the reason is the name.
        """
        each = self._origins().subquery("origin")
        kind = (each.c.kind, each.c.name, each.c.version)
        wanted = select(*kind, *_outcomes(each)).group_by(*kind).order_by(func.count().desc(), *kind)
        rows = self._session.execute(wanted).mappings()
        return [Origin(row["kind"], row["name"], row["version"], _tally(row)) for row in rows]

    def hours(self) -> list[Hour]:
        """The day by the hour, all twenty-four."""
        alert, acts = self._alert(), self._acts()
        raised = select(alert.c.requested_at.label("at"), literal(1).label("alert"))
        done = select(acts.c.at, literal(0)).select_from(acts.outerjoin(Patient, Patient.id == acts.c.patient_id))
        came = union_all(raised, done.where(self._reads())).subquery("came")
        hour = cast(func.extract("hour", func.timezone(self._zone, came.c.at)), Integer).label("hour")
        counts = func.sum(came.c.alert).label("alerts"), func.sum(1 - came.c.alert).label("acts")
        rows = self._session.execute(select(hour, *counts).group_by(hour)).all()
        found = {row.hour: (row.alerts, row.acts) for row in rows}
        return [Hour(one, *found.get(one, (0, 0))) for one in range(24)]

    def _asked(self) -> Select[Any]:
        failed, expired = Task.status == "failed", func.coalesce(Task.status_reason, "expired") == "expired"
        counts = {
            "answered": Task.status == "completed",
            "unanswered": and_(failed, expired),
            "not_asked": or_(Task.status == "cancelled", and_(failed, ~expired)),
            "not_over": Task.status.in_(("ready", "in-progress")),
        }
        place = self._place(Task.due_at, Patient.care_team_id)
        wanted = select(*place, *_counts(counts)).join(Patient, Patient.id == Task.patient_id)
        return wanted.where(self._people, self._within(Task.due_at)).group_by(*place)

    def _reports(self) -> Select[Any]:
        report = _COUNTED.where(self._within(QuestionnaireResponse.authored_at)).subquery("report")
        place = self._place(report.c.authored_at, Patient.care_team_id)
        wanted = select(*place, func.count().label("reports")).join(report, report.c.patient_id == Patient.id)
        return wanted.where(self._people).group_by(*place)

    def _judged(self) -> Select[Any]:
        t = self._timed()
        alert = t.alert.c
        place = self._week(alert.requested_at), alert.care_team_id, alert.language
        wanted = select(*place, *_outcomes(t.alert), *self._looks(t)).select_from(t.joined)
        return wanted.group_by(*place)

    def _minutes(self) -> Select[Any]:
        acts = self._acts()
        place = self._week(acts.c.at), acts.c.care_team_id, Patient.language
        counted = case((acts.c.until_next <= PAUSE, acts.c.until_next), else_=ALONE)
        seconds = cast(func.sum(func.extract("epoch", counted)), BigInteger).label("seconds")
        found = select(*place, func.count().label("acts"), seconds)
        joined = found.select_from(acts.outerjoin(Patient, Patient.id == acts.c.patient_id))
        return joined.where(self._reads()).group_by(*place)

    def _alert(self) -> CTE:
        """Every alert of the period with its first look; who closed one has looked at it."""
        since = func.coalesce(Escalation.priority_since, Escalation.requested_at)
        looked = func.coalesce(case((Escalation.looked_at >= since, Escalation.looked_at)), Escalation.completed_at)
        e = Escalation
        wanted = select(
            *(e.id, e.requested_at, e.care_team_id, Patient.language, e.priority, e.cause, e.source, e.outcome),
            func.coalesce(e.ladder_id, _DEFAULT).label("ladder_id"),
            since.label("since"),
            looked.label("looked"),
        )
        joined = wanted.outerjoin(Patient, Patient.id == Escalation.patient_id)
        mine = self._of_scope(Escalation.organization_id, Escalation.care_team_id)
        return joined.where(mine, self._reads(), self._within(Escalation.requested_at)).cte("alert")

    def _timed(self) -> _Timed:
        """Alerts beside the target that their own ladder set at the hour at which they were raised."""
        alert = self._alert()
        ids = set(self._session.scalars(select(alert.c.ladder_id).distinct())) - {_DEFAULT}
        ladders = {one: read_ladder(row.document) for one, row in ladders_by_id(self._session, ids).items()}
        target = _targets([(_DEFAULT, default_ladder()), *ladders.items()])
        same = and_(target.c.ladder_id == alert.c.ladder_id, target.c.priority == alert.c.priority)
        wall = func.timezone(target.c.zone, alert.c.since)
        day, hour, minute = (func.extract(part, wall) for part in ("isodow", "hour", "minute"))
        of_week = cast((day - 1) * 24 * 60 + hour * 60 + minute, Integer)
        at_work = or_(target.c.hours.is_(None), cast(target.c.hours, INT4MULTIRANGE).op("@>")(of_week))
        allowed = case((at_work, target.c.inside), else_=target.c.outside)
        return _Timed(alert, alert.join(target, same), alert.c.looked - alert.c.since, allowed)

    def _looks(self, t: _Timed) -> list[Label[int]]:
        never, waited = t.alert.c.looked.is_(None), self._over.until - t.alert.c.since
        counts = {
            "in_time": t.took <= t.allowed,
            "late": or_(t.took > t.allowed, and_(never, waited > t.allowed)),
            "waiting": and_(never, waited <= t.allowed),
        }
        return _counts(counts)

    def _origins(self) -> Select[Any]:
        alert, by_model = self._alert(), EscalationLink.reason.startswith("model.")
        one = func.jsonb_array_elements(RiskAssessment.findings).table_valued("value", name="x")
        said = cast(one.c.value, JSONB)
        here = and_(said["reason"].astext == EscalationLink.reason, said["cause"].astext == alert.c.cause)
        rule = select(said["rule"].astext.label("rule"), said["version"].astext.label("version"))
        found = rule.select_from(one).where(here).lateral("f")
        short = func.coalesce(ModelVersion.version, func.left(RiskAssessment.bundle_sha256, 12), "")
        model = func.substr(EscalationLink.reason, len("model.") + 1)
        wanted = select(
            alert.c.id,
            alert.c.outcome,
            case((by_model, "model"), (found.c.rule.is_not(None), "rule"), else_=alert.c.source).label("kind"),
            case((by_model, model), else_=func.coalesce(found.c.rule, EscalationLink.reason)).label("name"),
            case((by_model, short), else_=func.coalesce(found.c.version, "")).label("version"),
        )
        joined = (
            wanted.select_from(alert)
            .join(EscalationLink, EscalationLink.escalation_id == alert.c.id)
            .outerjoin(RiskAssessment, RiskAssessment.id == EscalationLink.assessment_id)
            .outerjoin(ModelVersion, ModelVersion.sha256 == func.nullif(RiskAssessment.bundle_sha256, ""))
            .outerjoin(found, true())
        )
        return joined.distinct()

    def _acts(self) -> CTE:
        """What nurses did, each with how long it was until the same person's next act."""
        a = AuditEvent
        order = func.lead(a.at).over(partition_by=a.agent_id, order_by=(a.at, a.id))
        wanted = select(a.at, a.patient_id, Practitioner.care_team_id, (order - a.at).label("until_next"))
        mine = self._of_scope(Practitioner.organization_id, Practitioner.care_team_id)
        nurses = wanted.join(Practitioner, Practitioner.id == a.agent_id).where(Practitioner.role == Role.NURSE.value)
        return nurses.where(literal_column("audit_event.agent_kind = 'staff'"), mine, self._within(a.at)).cte("acts")

    def _of_scope(self, house: Any, team: Any) -> ColumnElement[bool]:
        mine: ColumnElement[bool] = house == self._scope.organization_id
        return mine if self._scope.care_team_id is None else and_(mine, team == self._scope.care_team_id)

    def _reads(self) -> ColumnElement[bool]:
        return true() if self._scope.language is None else Patient.language == self._scope.language

    def _within(self, at: Any) -> ColumnElement[bool]:
        return and_(at >= self._over.since, at < self._over.until)

    def _week(self, at: Any) -> Label[date]:
        return cast(func.date_trunc("week", func.timezone(self._zone, at)), Date).label("week")

    def _place(self, at: Any, team: Any) -> tuple[Any, ...]:
        return self._week(at), team, Patient.language


@dataclass(frozen=True)
class _Timed:
    """Alerts joined with targets; how long the first look took, and how long it might."""

    alert: CTE
    joined: Any
    took: ColumnElement[timedelta]
    allowed: ColumnElement[timedelta]


def _counts(counts: Mapping[str, ColumnElement[bool]]) -> list[Label[int]]:
    return [func.count().filter(which).label(name) for name, which in counts.items()]


def _outcomes(alert: Any) -> list[Label[int]]:
    groups = (("right", RIGHT), ("wrong", WRONG), ("unclear", UNCLEAR))
    counts = {name: alert.c.outcome.in_([one.value for one in group]) for name, group in groups}
    return [func.count().label("alerts"), *_counts({**counts, "undecided": alert.c.outcome.is_(None)})]


def _targets(ladders: Iterable[tuple[UUID, Ladder]]) -> Any:
    """The targets of ladders as rows: by priority, within working hours and outside them."""
    rows = [
        (
            one,
            str(priority),
            ladder.zone,
            _open(ladder),
            _allowed(ladder, priority, True),
            _allowed(ladder, priority, False),
        )
        for one, ladder in ladders
        for priority in Priority
    ]
    kinds: tuple[Any, ...] = (Uuid(), Text(), Text(), Text(), INTERVAL(), INTERVAL())
    names = ("ladder_id", "priority", "zone", "hours", "inside", "outside")
    arrays: list[Any] = [
        literal(list(values), ARRAY(kind)) for values, kind in zip(zip(*rows, strict=True), kinds, strict=True)
    ]
    columns: list[Any] = [column(name, kind) for name, kind in zip(names, kinds, strict=True)]
    return func.unnest(*arrays).table_valued(*columns).render_derived(name="target")


def _allowed(ladder: Ladder, priority: Priority, within: bool) -> timedelta:
    """The target of an alert that is raised within, or outside, working hours."""
    rungs = ladder.inside if within else ladder.outside
    return target(priority, replace(ladder, inside=rungs, hours=()), _ANY)


def _open(ladder: Ladder) -> str | None:
    """The minutes of the week at which it is at work, as PostgreSQL writes several ranges; None: always."""
    if not ladder.hours:
        return None
    return "{" + ",".join(f"[{first},{end})" for first, end in stretches(minutes_of(ladder.hours))) + "}"


_COUNTS = tuple(one.name for one in fields(Tally))


def _tally(row: RowMapping) -> Tally:
    return Tally(**{name: int(row[name] or 0) for name in _COUNTS if name in row})


def _cell(row: RowMapping) -> Cell:
    return Cell(row["week"], row["care_team_id"], row["language"], _tally(row))
