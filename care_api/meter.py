"""The meter: what one process counts, for Prometheus.

Counters are kept by every process (web, clock, workers) in files of one folder, PROMETHEUS_MULTIPROC_DIR, and added up
by whichever web process is asked; without the folder each process counts for itself. Labels are names of parts, routes'
patterns and codes: never an address as it came, and nothing of a patient. The heart knows nothing of this: its channels
are wrapped, and the scheduler is given a report.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, cast

from care.domain.delivery import read_word
from care.domain.message import Channel, Outgoing, Receipt, Sent, WebhookCall
from care.errors import ChannelError
from care.logs import logger
from care.services.queue import Worked

FOLDER = "PROMETHEUS_MULTIPROC_DIR"
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_WEB_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_JOB_SECONDS = (0.01, 0.05, 0.1, 0.5, 1, 2, 5, 10, 30, 60)


class Meter:
    """The counters of one process. One an application; with the folder, one a process."""

    def __init__(self) -> None:
        """Make the folder if one is named; where it can't be written, count in this process alone."""
        _furnish_folder()
        from prometheus_client import CollectorRegistry, Counter, Histogram

        self.registry = CollectorRegistry()
        self._known: dict[tuple[str, str, int], tuple[Any, Any]] = {}
        self._requests = Counter(
            "care_web_requests", "Requests by route and status.", ["route", "method", "status"], registry=self.registry
        )
        self._request_seconds = Histogram(
            "care_web_seconds",
            "Seconds until the answer.",
            ["route", "method"],
            buckets=_WEB_SECONDS,
            registry=self.registry,
        )
        self._rows = Counter(
            "care_job_rows", "Rows by job and what became of them.", ["job", "result"], registry=self.registry
        )
        self._ticks = Counter(
            "care_job_ticks", "Runs of a job and how they ended.", ["job", "outcome"], registry=self.registry
        )
        self._job_seconds = Histogram(
            "care_job_seconds", "Seconds of one run of a job.", ["job"], buckets=_JOB_SECONDS, registry=self.registry
        )
        self._deliveries = Counter(
            "care_deliveries",
            "Messages handed to a channel, by what it said.",
            ["channel", "outcome"],
            registry=self.registry,
        )
        self._receipts = Counter(
            "care_receipts", "What providers said later of messages.", ["channel", "delivery"], registry=self.registry
        )

    def request(self, route: str, method: str, status: int, seconds: float) -> None:
        """One answered request; `route` is the pattern."""
        key = (route, method, status)
        if key not in self._known:  # finding a counter by its labels costs more than counting
            method = method if method in _METHODS else "other"
            self._known[key] = (
                self._requests.labels(route, method, str(status)),
                self._request_seconds.labels(route, method),
            )
        answered, took = self._known[key]
        answered.inc()
        took.observe(seconds)

    def worked(self, job: str, worked: Worked | None, seconds: float) -> None:
        """One run of a job (scheduler.clock.Report); None when it failed."""
        self._ticks.labels(job, "failed" if worked is None else "done").inc()
        self._job_seconds.labels(job).observe(seconds)
        for result, rows in vars(worked).items() if worked else ():
            if rows:
                self._rows.labels(job, result).inc(rows)

    def handed(self, channel: str, outcome: str) -> None:
        """One message handed to a channel: sent, delivered, broken, or a ChannelError's kind."""
        self._deliveries.labels(channel, outcome).inc()

    def heard(self, channel: str, receipt: Receipt) -> None:
        """One receipt; a word that tells nothing new counts as `other`."""
        known = read_word(receipt.status)
        self._receipts.labels(channel, known.value if known else "other").inc()

    def text(self) -> bytes:
        """All counters: of every process that shares the folder, or of this one."""
        from prometheus_client import CollectorRegistry, generate_latest
        from prometheus_client.multiprocess import MultiProcessCollector

        if not os.environ.get(FOLDER):
            return generate_latest(self.registry)
        everybodys = CollectorRegistry()
        MultiProcessCollector(everybodys)
        return generate_latest(everybodys)


class Metered:
    """A channel whose sendings and receipts are counted; everything else is the channel's own."""

    def __init__(self, channel: Channel, meter: Meter) -> None:
        self._channel = channel
        self._meter = meter

    def __getattr__(self, name: str) -> Any:
        """What is not counted."""
        return getattr(self._channel, name)

    def send(self, message: Outgoing) -> Sent:
        """Send, and count what came of it."""
        outcome = "broken"
        try:
            sent = self._channel.send(message)
            outcome = "delivered" if sent.delivered else "sent"
            return sent
        except ChannelError as error:
            outcome = error.kind
            raise
        finally:
            self._meter.handed(self._channel.name, outcome)

    def read_receipt(self, call: WebhookCall) -> Receipt:
        """Read, and count what it says."""
        receipt = self._channel.read_receipt(call)
        self._meter.heard(self._channel.name, receipt)
        return receipt


def metered(channels: Mapping[str, Channel], meter: Meter) -> dict[str, Channel]:
    """The channels, counted."""
    return {name: cast(Channel, Metered(channel, meter)) for name, channel in channels.items()}


def _furnish_folder() -> None:
    """The library decides when it is first imported, so this comes before: without a place, each counts alone."""
    folder = os.environ.get(FOLDER)
    if not folder:
        os.environ.pop(FOLDER, None)
        return
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)
        usable = os.access(folder, os.W_OK | os.X_OK)
    except OSError:
        usable = False
    if not usable:
        logger().error("the folder of metrics can't be written", reason="counting alone")
        del os.environ[FOLDER]
