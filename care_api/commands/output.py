"""How every command ends: words for people or one JSON object for programs; 0 holds, 1 does not, 2 called wrongly."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, NoReturn, TypeVar

import click

from care.errors import CareError, Invalid

F = TypeVar("F", bound=Callable[..., Any])

as_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON object as the last line.")


def tell(values: Mapping[str, Any], as_json: bool) -> None:
    """Print the result."""
    if as_json:
        click.echo(json.dumps(values, ensure_ascii=False, default=str))
        return
    width = max((len(name) for name in values), default=0)
    for name, value in values.items():
        click.echo(f"{name:<{width}}  {value}")


def end(holds: bool) -> NoReturn:
    """Leave with 0 when what was checked holds, with 1 when it does not."""
    sys.exit(0 if holds else 1)


def told(command: F) -> F:
    """Tell a deliberate error in one line on standard error instead of a traceback; Invalid exits 2, any other 1."""

    @wraps(command)
    def run(*arguments: Any, **options: Any) -> Any:
        try:
            return command(*arguments, **options)
        except CareError as error:
            click.echo(f"{error.title}: {error.message}", err=True)
            sys.exit(2 if isinstance(error, Invalid) else 1)

    return run  # type: ignore[return-value]
