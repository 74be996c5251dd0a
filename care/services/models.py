"""Models: registered by hash, let in by two people, ended by one; and which version is asked for a report.

While nothing at all is registered (a database that was never prepared), the highest version of a bundle answers, as it
does in a test. From then on only what is registered is asked, and only by its hash: a byte changed is another model,
which nobody approved, so that nobody hears it and a nurse looks.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from care.domain import model_life
from care.domain.assessment import Assessment
from care.domain.capacity import asked_for
from care.domain.codes import Role
from care.domain.model_life import HEARD, Life, ModelState
from care.domain.people import Staff
from care.errors import Conflict, Invalid, NotFound
from care.records.model_versions import ModelEvent, ModelVersion, live_thresholds, versions
from care.records.organizations import CareTeam
from care.records.patients import Patient
from care.runtime import Runtime
from care.services import audits
from care.services.modelling import Answering, newest_serves

LONGEST_NOTE = 500


@dataclass(frozen=True, slots=True)
class Shipment:
    """A bundle as the folder has it: what the composition root tells of it. `blocked`: gates that did not hold.

    `routine_from`: the risk at which its bands ask for a routine look; None where they ask for none.
    """

    bundle_id: str
    version: str
    sha256: str
    card: Mapping[str, Any]
    blocked: tuple[str, ...] = ()
    routine_from: float | None = None


class Deployed:
    """The registry as one batch of reports needs it, read once."""

    def __init__(self, session: Session) -> None:
        self._lives: dict[str, list[tuple[str, Life]]] = {}
        routine: list[str] = []
        for row in versions(session):
            self._lives.setdefault(row.bundle_id, []).append((row.sha256, row.life))
            if row.routine_from is not None and row.life.state in HEARD:
                routine.append(row.sha256)
        self._thresholds = live_thresholds(session, routine) if routine else {}

    def serving(self, bundle: str, patient: Patient) -> Sequence[Answering]:
        """Who is asked for this patient: the team's canary or the active version, and those in the shadow.

        One that is canary elsewhere is in the shadow here; where a canary answers, the active version does not.
        """
        if not self._lives:
            return newest_serves(bundle, patient)
        modes = [(sha256, life.mode(str(patient.care_team_id))) for sha256, life in self._lives.get(bundle, ())]
        heard = [sha256 for wanted in ("canary", "active") for sha256, mode in modes if mode == wanted][:1]
        modes = [(sha256, mode) for sha256, mode in modes if sha256 in heard or mode == "shadow"]
        return [Answering(sha256, mode) for sha256, mode in modes if mode is not None]

    def waits(self, bundle: str) -> bool:
        """Whether no version of it was let in yet while one is tried: then rules alone judge, as they did before."""
        lives = [life for _, life in self._lives.get(bundle, ())]
        in_use = any(life.state in HEARD or life.ended for life in lives)
        return not in_use and any(life.state is ModelState.SHADOW for life in lives)

    def carried(self, assessment: Assessment | None, patient: Patient) -> Assessment | None:
        """The assessment with the priority that the team's live threshold leaves it; only routine ones are moved."""
        if assessment is None or not self._thresholds:
            return assessment
        live = self._thresholds.get((patient.care_team_id, assessment.bundle_sha256))
        if live is None or not math.isfinite(assessment.risk):  # what is no risk is doubted elsewhere
            return assessment
        return replace(assessment, priority=asked_for(assessment.priority, assessment.risk, live.threshold))


def register_shipped(session: Session, now: datetime, shipments: Iterable[Shipment]) -> dict[str, int]:
    """What came with the product: registered, and active where its bundle has no version in use yet; commits.

    Returns {"registered", "unchanged", "changed"}; a version whose files are not those that were registered is counted
    as changed and left as it is: it is not asked, since its hash is another one.
    """
    counts = {"registered": 0, "unchanged": 0, "changed": 0}
    for one in shipments:
        known = {row.version: row for row in versions(session, one.bundle_id)}
        if one.version in known:
            counts["unchanged" if known[one.version].sha256 == one.sha256 else "changed"] += 1
            continue
        first = not known and not one.blocked
        row = _add(session, now, one, ModelState.ACTIVE if first else ModelState.REGISTERED, shipped=True)
        _note(session, now, row, "shipped" if first else "registered")
        counts["registered"] += 1
    session.commit()
    return counts


def register(session: Session, rt: Runtime, staff: Staff, shipment: Shipment) -> ModelVersion:
    """A version that an administrator brings; commits. Raises NotAllowed, Conflict (the version is registered)."""
    staff.must_be(Role.ADMIN)
    if any(row.version == shipment.version for row in versions(session, shipment.bundle_id)):
        raise Conflict("registered", "this version of the model is registered already")
    row = _add(session, rt.now(), shipment, ModelState.REGISTERED)
    _note(session, rt.now(), row, "registered", staff)
    session.commit()
    return row


def approve(
    session: Session, rt: Runtime, staff: Staff, model_id: UUID, state: str, teams: Iterable[UUID] = (), note: str = ""
) -> ModelVersion:
    """One person's approval of the version's next `state`; with the second one it enters that state; commits.

    An active version replaces the one that was. Raises NotFound, NotAllowed, Conflict (also: it is no longer where the
    approver saw it), Invalid.
    """
    row = _locked(session, model_id)
    wanted = model_life.NEXT.get(row.life.state)
    if wanted is None or wanted.value != state:
        raise Conflict("moved-on", "this version is in another state by now")
    chosen = frozenset(str(one) for one in teams)
    if chosen - {str(one) for one in session.scalars(select(CareTeam.id))}:
        raise Invalid("teams", "there is no such team", place="teams")
    before, row.life = row.state, model_life.approve(row.life, str(staff.id), staff.role, chosen)
    if row.state == ModelState.ACTIVE.value and before != row.state:
        _replace(session, rt.now(), row)
    row.changed_at = rt.now()
    _note(session, rt.now(), row, "approved", staff, note)
    session.commit()
    return row


def kill(session: Session, rt: Runtime, staff: Staff, model_id: UUID, note: str) -> ModelVersion:
    """Heard no more from the next report on; commits. Raises NotFound, NotAllowed, Conflict, Invalid."""
    if not note.strip():
        raise Invalid("note", "say why", place="note")
    row = _locked(session, model_id)
    row.life, row.changed_at = model_life.kill(row.life, staff.role), rt.now()
    _note(session, rt.now(), row, "killed", staff, note)
    session.commit()
    return row


def roll_back(session: Session, now: datetime, model_id: UUID, why: str) -> ModelVersion | None:
    """The monitor's alarm: the version ends, the one that it replaced is active again (no commit).

    Returns the version that answers now; None when there was none before: then rules alone judge, and a nurse looks.
    """
    row = _locked(session, model_id)
    was_active = row.state == ModelState.ACTIVE.value
    row.life, row.changed_at = model_life.alarmed(row.life), now
    session.flush()  # one active version a bundle: this one leaves first
    _note(session, now, row, "alarm", note=why)
    before = session.get(ModelVersion, row.replaces_id) if was_active and row.replaces_id else None
    if before is None or before.ended != "replaced":
        return None
    before.life, before.changed_at = model_life.restored(before.life), now
    _note(session, now, before, "restored", note=why)
    return before


def _replace(session: Session, now: datetime, new: ModelVersion) -> None:
    found = select(ModelVersion).where(
        ModelVersion.bundle_id == new.bundle_id, ModelVersion.state == "active", ModelVersion.id != new.id
    )
    with session.no_autoflush:
        old = session.scalars(found.with_for_update()).first()
    if old is None:
        return
    state, new.state = new.state, ModelState.CANARY.value  # one active version a bundle: the old one leaves first
    old.life, old.changed_at, new.replaces_id = model_life.replaced(old.life), now, old.id
    session.flush()
    new.state = state
    _note(session, now, old, "replaced")


def _add(session: Session, now: datetime, one: Shipment, state: ModelState, shipped: bool = False) -> ModelVersion:
    row = ModelVersion(
        bundle_id=one.bundle_id,
        version=one.version,
        sha256=one.sha256,
        state=state.value,
        shipped=shipped,
        teams=[],
        approvals=[],
        blocked=list(one.blocked),
        card=dict(one.card),
        routine_from=one.routine_from,
        registered_at=now,
        changed_at=now,
    )
    session.add(row)
    session.flush()
    return row


def _locked(session: Session, model_id: UUID) -> ModelVersion:
    found = select(ModelVersion).where(ModelVersion.id == model_id).with_for_update()
    row = session.scalars(found.execution_options(populate_existing=True)).first()
    if row is None:
        raise NotFound("model", "no such version of a model")
    return row


def _note(
    session: Session, now: datetime, row: ModelVersion, kind: str, staff: Staff | None = None, note: str = ""
) -> None:
    if len(note) > LONGEST_NOTE:
        raise Invalid("note", f"at most {LONGEST_NOTE} characters", place="note")
    session.add(
        ModelEvent(
            model_id=row.id,
            at=now,
            kind=kind,
            by_id=staff.id if staff else None,
            role=staff.role.value if staff else "",
            state=row.state,
            note=note.strip(),
        )
    )
    audits.record(session, now, f"model.{kind}", "model_version", row.id, staff=staff, state=row.state)
