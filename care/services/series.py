"""Series: what is known of the patients of a batch of reports, read once for all of them."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import Text, Uuid, any_, bindparam, cast, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session

from care.domain.codes import ResponseStatus
from care.domain.measure import Measure
from care.domain.questionnaire import Answer, Answers, from_response
from care.domain.twins import maker
from care.records.observations import Observation
from care.records.questionnaire_responses import MEASUREMENTS, QuestionnaireResponse
from care.services import content

WINDOW = timedelta(days=30)
_measure = maker(Measure)  # a patient's month has hundreds

# Statements are made once: making one costs about as much as the database needs for it.
_IDS = any_(bindparam("ids", type_=ARRAY(Uuid())))
_MEASURES = select(
    cast(Observation.patient_id, Text),
    cast(Observation.response_id, Text),
    cast(Observation.id, Text),
    Observation.code,
    Observation.value,
    Observation.unit,
    Observation.at,
    Observation.comparator,
    Observation.context,
).order_by(Observation.at, Observation.id)
_WINDOW = _MEASURES.where(
    Observation.patient_id == _IDS,
    Observation.at >= bindparam("since"),
    Observation.at <= bindparam("until"),
    ~Observation.superseded,
)
_AMENDED = _MEASURES.where(Observation.response_id == _IDS, Observation.superseded)


class Series:
    """The observations that a batch needs, read once: each report's own and what came before it.

    Ids are read as text: many are compared, and a UUID's comparison is slow.
    """

    def __init__(self, session: Session, rows: Sequence[QuestionnaireResponse]) -> None:
        self._own: dict[str, list[Measure]] = {str(row.id): [] for row in rows}
        self._all: dict[str, list[Measure]] = {str(row.patient_id): [] for row in rows}
        self._times: dict[str, list[datetime]] = {}
        if not rows:
            return
        patients = list({row.patient_id for row in rows})
        since, until = rows[0].authored_at - WINDOW, rows[-1].authored_at
        for row in session.execute(_WINDOW, {"ids": patients, "since": since, "until": until}):
            measure = _measure(*row[2:])
            self._all[row[0]].append(measure)
            if row[1] in self._own:
                self._own[row[1]].append(measure)
        amended = [row.id for row in rows if row.status == ResponseStatus.AMENDED.value]
        if amended:  # what a correction took out of the series is still judged as what was reported
            for row in session.execute(_AMENDED, {"ids": amended}):
                self._own[row[1]].append(_measure(*row[2:]))
        self._times = {key: [one.at for one in found] for key, found in self._all.items()}

    def of(self, row: QuestionnaireResponse) -> tuple[tuple[Measure, ...], list[Measure]]:
        """(the report's own measures, the patient's others of the thirty days up to it)."""
        own = tuple(self._own[str(row.id)])
        series, times = self._all[str(row.patient_id)], self._times[str(row.patient_id)]
        first, last = bisect_left(times, row.authored_at - WINDOW), bisect_left(times, row.authored_at)
        mine = {one.id for one in own}  # a report's own measures are true when it is: only those need comparing
        return own, series[first:last] + [
            one for one in series[last : bisect_right(times, row.authored_at)] if one.id not in mine
        ]


class LazyAnswers(Mapping[str, tuple[Answer, ...]]):
    """The answers of a report, opened only when a rule asks for one: most rules read measures."""

    def __init__(self, session: Session, row: QuestionnaireResponse) -> None:
        self._session, self._row = session, row
        self._opened: Answers | None = None

    def _answers(self) -> Answers:
        if self._row.questionnaire == MEASUREMENTS:
            return {}
        if self._opened is None:
            form = content.questionnaire(self._session, self._row.questionnaire)
            self._opened = from_response(form, self._row.document)
        return self._opened

    def __getitem__(self, link_id: str) -> tuple[Answer, ...]:
        return self._answers()[link_id]

    def __iter__(self) -> Iterator[str]:
        return iter(self._answers())

    def __len__(self) -> int:
        return len(self._answers())
