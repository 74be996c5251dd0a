"""Making many objects of a frozen class without paying for its frost field by field.

A frozen dataclass sets each field through `object.__setattr__`, three to five times as slow as an open one does. Here
the values are put into an open twin of the same layout, which then becomes one of the class: what anyone gets to see is
frozen, equal, hashed and shown as always.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, make_dataclass
from typing import Any, TypeVar

T = TypeVar("T")


def maker(kind: type[T]) -> Callable[..., T]:
    """A function that makes a `kind` (a frozen dataclass with slots) of all of its fields, in their order."""
    twin: Any = make_dataclass(f"{kind.__name__}Twin", [one.name for one in fields(kind)], slots=True)  # type: ignore[arg-type]

    def make(*values: Any) -> T:
        made = twin(*values)
        made.__class__ = kind
        found: T = made
        return found

    return make
