"""Duty: who is on call at a moment, read once for a batch of pages."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from care.domain.codes import Role
from care.domain.ladder import Whom
from care.domain.rota import on_duty, read_shifts, rostered
from care.records.among import among
from care.records.escalations import Escalation
from care.records.ladders import newest_rotas
from care.records.organizations import CareTeam, Organization
from care.records.practitioners import Practitioner
from care.services.ladders import tell_of_gap

UP = {Role.NURSE: (Role.CLINICIAN,), Role.CLINICIAN: (Role.NURSE,)}


@dataclass(frozen=True)
class Recipient:
    """Somebody who is paged: a member of staff, or an address of the last resort. `key` tells them apart."""

    key: str
    person: Practitioner | None = None
    channel: str | None = None
    address: str | None = None


class Duty:
    """Who of some teams is on call at `now`."""

    def __init__(self, session: Session, teams: Collection[UUID], now: datetime) -> None:
        self.now = now
        self._session = session
        self._houses = self._read_houses(teams)
        self._rotas = newest_rotas(session, teams)
        self._people: dict[UUID, list[Practitioner]] = {}
        found = select(Practitioner).where(among(Practitioner.care_team_id, teams), Practitioner.active)
        for person in session.scalars(found.order_by(Practitioner.created_at, Practitioner.id)):
            if person.care_team_id is not None:
                self._people.setdefault(person.care_team_id, []).append(person)
        self._on_call = {team: self._called(team) for team in self._rotas}

    def country(self, organization_id: UUID) -> str:
        """The country of a hospital of these teams; it decides the language that staff are written to in."""
        return next((house.country for house in self._houses.values() if house.id == organization_id), "")

    def people(self, row: Escalation, whom: Whom) -> list[Recipient]:
        """Whom to page for this escalation; empty only when there is nobody at all.

        A hole in the rota is told of, and everybody of the role is paged instead.
        """
        team = self._people.get(row.care_team_id, [])
        if whom.role is not None:
            return _each(self._of_role(row.care_team_id, team, whom.role))
        if whom in (Whom.COLLEAGUE, Whom.OWNER):
            one = row.offered_to_id if whom is Whom.COLLEAGUE else row.owner_id
            return _each([person for person in team if person.id == one] or team)
        last = self._rotas.get(row.care_team_id)
        if whom is Whom.FALL_BACK and last is not None and last.fall_back_channel:
            return [Recipient("fall-back", None, last.fall_back_channel, last.fall_back)]
        return _each(team)

    def _of_role(self, team_id: UUID, team: list[Practitioner], role: Role) -> list[Practitioner]:
        roles, called = self._on_call.get(team_id, (frozenset(), frozenset()))
        everyone = [person for person in team if person.role == role]
        if role in roles:
            mine = [person for person in everyone if str(person.id) in called]
            if mine:
                return mine
            tell_of_gap(self._session, team_id, self.now)
        others = [person for other in UP[role] for person in team if person.role == other]
        return everyone or others

    def _called(self, team_id: UUID) -> tuple[frozenset[Role], frozenset[str]]:
        """The roles that the team's rota speaks of, and who is on call by it."""
        shifts = read_shifts(self._rotas[team_id].shifts)
        named = {UUID(shift.person) for shift in shifts}
        rows = self._session.execute(select(Practitioner.id, Practitioner.role).where(among(Practitioner.id, named)))
        roles = rostered(shifts, {str(row.id): Role(row.role) for row in rows})
        return roles, on_duty(shifts, self.now, self._houses[team_id].time_zone)

    def _read_houses(self, teams: Collection[UUID]) -> dict[UUID, Organization]:
        found = select(CareTeam.id, Organization).join(Organization, Organization.id == CareTeam.organization_id)
        return {row[0]: row[1] for row in self._session.execute(found.where(among(CareTeam.id, teams)))}


def _each(people: list[Practitioner]) -> list[Recipient]:
    return [Recipient(str(person.id), person) for person in people]
