"""may(): who may come in by a door. Deny by default: an endpoint without it answers nobody.

The roles are those of staff (nurse, clinician, admin), `patient` (the signed-in app), `provider` (a webhook, which
proves itself by its signature), `integrator` (a system of the hospital, by its own key), `monitor` (the metrics, which
ask for a token of their own), `developer` (whoever sits at a demonstration: only where the simulator is on) and
`anyone`. This says who may knock; what they may see is decided by `visible_to` on every row.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

STAFF = frozenset({"nurse", "clinician", "admin"})
ROLES = STAFF | {"patient", "provider", "integrator", "monitor", "developer", "anyone"}

F = TypeVar("F", bound=Callable[..., Any])


def may(*roles: str) -> Callable[[F], F]:
    """Let these roles call an endpoint; works on functions, MethodView classes and their methods. Outermost decorator.

    Raises ValueError for an unknown role, or for none, so that a slip of the pen is found at import.
    """
    allowed = frozenset(roles)
    if not allowed or not allowed <= ROLES:
        raise ValueError(f"unknown roles: {sorted(allowed - ROLES) or 'none given'}")

    def mark(view: F) -> F:
        view.access = allowed  # type: ignore[attr-defined]
        return view

    return mark


def allowed_roles(view: Any, method: str = "GET") -> frozenset[str]:
    """The roles that may call this view function with this HTTP method; none if nobody said so."""
    view_class = getattr(view, "view_class", None)
    if view_class is not None:
        handler = getattr(view_class, method.lower(), None)
        if handler is None and method == "HEAD":
            handler = getattr(view_class, "get", None)
        found = getattr(handler, "access", None) or getattr(view_class, "access", None)
    else:
        found = getattr(view, "access", None)
    return found or frozenset()
