"""Staff: who is acting, as services see it."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from care.domain.codes import Role
from care.errors import NotAllowed


@dataclass(frozen=True, slots=True)
class Staff:
    """A signed-in member of staff. An administrator has no care team and sees no patient.

    `language` is the one they chose to read; None while they have chosen none.
    """

    id: UUID
    organization_id: UUID
    care_team_id: UUID | None
    role: Role
    name: str = ""
    language: str | None = None

    def must_be(self, *roles: Role) -> None:
        """Raise NotAllowed unless the role is one of `roles`."""
        if self.role not in roles:
            raise NotAllowed("role", f"this needs the role {' or '.join(roles)}")
