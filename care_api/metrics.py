"""/metrics for Prometheus: what this installation's processes have counted, and how the database stands right now."""

from __future__ import annotations

import hmac
import time
from collections.abc import Iterable, Iterator
from typing import Any

from flask import Blueprint, Flask, Response, current_app, g, request
from sqlalchemy.exc import SQLAlchemyError

from care.access import may
from care.errors import NotFound, NotSignedIn
from care.logs import logger
from care.services.vitals import Vitals, vitals
from care_api.guard import bearer
from care_api.meter import Meter

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
LOOPBACK = ("127.0.0.1", "::1")

blueprint = Blueprint("metrics", __name__)


def register(app: Flask, meter: Meter) -> None:
    """Count every request of the application. Register it before whatever else looks at requests."""
    app.extensions["care.meter"] = meter

    def begin() -> None:
        g.began = time.monotonic()

    def note(response: Response) -> Response:
        route = request.url_rule.rule if request.url_rule else "none"
        meter.request(route, request.method, response.status_code, time.monotonic() - g.get("began", time.monotonic()))
        return response

    app.before_request(begin)
    app.after_request(note)


@blueprint.get("/metrics")
@may("monitor")
def metrics() -> Response:
    """Everything, as text. The counters come even when the database is away."""
    _admit()
    meter: Meter = current_app.extensions["care.meter"]
    try:
        found: Vitals | None = vitals(g.session, g.rt.now())
    except SQLAlchemyError as error:
        g.session.rollback()
        logger().error("no vitals", error=type(error).__name__)
        found = None
    return Response(meter.text() + _gauges(found), content_type=CONTENT_TYPE)


def _admit() -> None:
    """The bearer of METRICS_TOKEN; without one configured, a laptop's own processes; others are told of nothing."""
    settings = current_app.extensions["care.settings"]
    token = settings.metrics_token.get_secret_value()
    if token:
        if not hmac.compare_digest(bearer().encode(), token.encode()):
            raise NotSignedIn("token", "this is not the token of the metrics")
    elif settings.care_environment != "development" or request.remote_addr not in LOOPBACK:
        raise NotFound("metrics", "metrics are not configured")


def _gauges(found: Vitals | None) -> bytes:
    from prometheus_client import CollectorRegistry, generate_latest

    class Now:
        def collect(self) -> Iterator[Any]:
            yield from _families(found)

    registry = CollectorRegistry()
    registry.register(Now())
    return generate_latest(registry)


def _families(found: Vitals | None) -> Iterator[Any]:
    from prometheus_client.core import GaugeMetricFamily

    def gauge(name: str, what: str, label: str, values: Iterable[tuple[str, float]]) -> Any:
        family = GaugeMetricFamily(name, what, labels=[label])
        for value, number in values:
            family.add_metric([value], number)
        return family

    answers = GaugeMetricFamily("care_database_answers", "Whether the gauges could be read.", value=bool(found))
    yield answers
    if found is None:
        return
    queues = sorted(found.queues.items())
    yield gauge("care_queue_due", "Rows due (100,000 at most).", "queue", ((n, q.due) for n, q in queues))
    yield gauge("care_queue_oldest_seconds", "Age of the oldest due.", "queue", ((n, q.oldest) for n, q in queues))
    yield gauge("care_dead_letters_open", "Dead letters by queue.", "queue", found.dead_letters.items())
    yield gauge("care_messages_lost", "Messages of a day by how.", "delivery", found.lost.items())
    yield gauge("care_heartbeat_age_seconds", "Since the last sign of life.", "name", found.heartbeats.items())
    yield gauge("care_escalations_open", "Open escalations.", "priority", found.escalations.items())
    yield gauge(
        "care_escalations_without_next_moment",
        "Open escalations that will page nobody.",
        "priority",
        found.without_moment.items(),
    )
    yield GaugeMetricFamily(
        "care_audit_unsealed_seconds", "Age of the oldest audit event without a seal.", value=found.unsealed
    )
