"""Structured logs: ids and counts, never a name, a number to call or a text."""

from __future__ import annotations

import logging
from collections.abc import MutableMapping
from typing import Any

import structlog

# What may appear in a log line. Everything else is dropped, so that a careless call cannot leak a patient.
ALLOWED = frozenset(
    [
        "event",
        "level",
        "timestamp",
        "logger",
        "job",
        "count",
        "seconds",
        "status",
        "channel",
        "code",
        "kind",
        "reason",
        "priority",
        "rung",
        "attempt",
        "attempts",
        "id",
        "communication_id",
        "task_id",
        "escalation_id",
        "response_id",
        "bundle",
        "bundle_sha256",
        "error",
        "method",
        "route",
        "request_id",
        "port",
        "pid",
        "queue",
        "claimed",
        "done",
        "failed",
        "retried",
        "dead",
        "url",
        "version",
        "lag",
    ]
)


def only_allowed(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Keep the allowed keys; name (not show) the dropped ones. An exception is shown by type alone."""
    error = event.pop("exc_info", None)
    if error:
        import sys

        caught = sys.exc_info()[0] if error is True else (error[0] if isinstance(error, tuple) else type(error))
        event["error"] = getattr(caught, "__name__", str(caught))
    dropped = sorted(set(event) - ALLOWED)
    kept = {key: value for key, value in event.items() if key in ALLOWED}
    if dropped:
        kept["reason"] = kept.get("reason") or "dropped:" + ",".join(dropped)
    return kept


def configure(level: int = logging.INFO) -> None:
    """Set up structured logging for this process: one JSON object a line on standard error."""
    import sys

    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            only_allowed,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),  # the stream of the moment, whoever exchanged it
        cache_logger_on_first_use=False,
    )


# Until a process configures itself, and in one that forgets to, the same rules hold: structlog's own default prints
# every key, and tracebacks with the values of local variables.
if not structlog.is_configured():
    configure()


def logger() -> structlog.stdlib.BoundLogger:
    """The logger everything uses."""
    return structlog.get_logger()  # type: ignore[no-any-return]
