"""From a bundle and a patient's measures to an Assessment, or to the reason why there is none.

One `session.run` a report. The graph gives risk, contributions and logit; what does not add up is not shown. The risk
that is told is reckoned here from the contributions, in double precision: a graph adds a row up in another order when
it stands among others, and a risk must be the same bits alone, in a batch and years later.
"""

from __future__ import annotations

import math
import os
import threading
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import partial

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from care.domain.assessment import Assessment, Before, Change, Contribution, HeadSays
from care.domain.measure import Measure
from care.domain.twins import maker
from care.errors import AssessmentError
from risk.bands import band_of
from risk.bundle import Bundle
from risk.features import Floats, Known, Row, plan_of
from risk.lanes import Heads, Lane

ADDS_UP = 1e-4  # float32 sums of a dozen terms stay well below this; a wrong graph does not
Report = tuple[Sequence[Measure], datetime, str]
Outputs = tuple[Floats, Floats, Floats]  # risk (n), contributions (n, features), logit (n)

_assessment = maker(Assessment)
_contribution = partial(tuple.__new__, Contribution)  # as Contribution._make, without a step in Python for each
_ONE = (1,)


class Scorer:
    """One bundle, ready to score; shared by threads, and safe after a fork (each process makes its own session)."""

    def __init__(self, bundle: Bundle) -> None:
        self.bundle = bundle
        manifest = bundle.manifest
        self.plan = plan_of(manifest)
        self._heads = manifest.heads
        self._main = manifest.head
        self._bases = [head.base for head in manifest.heads]
        self._bands = manifest.head.bands
        self._id, self._sha256 = manifest.id, bundle.sha256
        self._edges = [band.ge for band in manifest.head.bands]
        self._outputs = [name for head in manifest.heads for name in (head.risk, head.contributions, head.logit)]
        self._names = tuple(feature.name for feature in manifest.features)
        self._labels = tuple(feature.label for feature in manifest.features)
        self._tensors = [
            (tensor.name, [self._names.index(name) for name in tensor.features]) for tensor in manifest.tensors
        ]
        self._input = manifest.graph.input
        self._lock = threading.Lock()
        self._lanes = threading.local()
        self._session: ort.InferenceSession | None = None
        self._pid = 0

    def assess(self, measures: Sequence[Measure], at: datetime, zone: str, before: Before | None = None) -> Assessment:
        """The Assessment at the aware moment `at`, for a patient who lives in `zone`.

        `before` is the patient's last assessment by this bundle: it holds a band and says what changed. Raises
        AssessmentError with the reason where the bundle must abstain (see `features.extract`), or where the graph
        failed (graph-failed, graph-output); `bundle_sha256` of the error says which bundle it was.
        """
        try:
            known = self.plan.known(measures, at, zone)
            vector, heads = self._straight(known.numbers)
            return self._assessment(known, vector, heads, before)
        except AssessmentError as error:
            error.bundle_sha256 = self.bundle.sha256
            raise

    def score_many(self, reports: Iterable[Report]) -> list[Assessment | AssessmentError]:
        """One result a report, in order: its Assessment, or why there is none. One run of the graph for all of them."""
        found = [self._row(report) for report in reports]
        rows = [row for row in found if isinstance(row, Row)]
        if not rows:
            return [refusal for refusal in found if isinstance(refusal, AssessmentError)]
        try:
            outputs = self.run_heads(np.stack([row.vector for row in rows]))
        except AssessmentError as error:
            return [error if isinstance(row, Row) else row for row in found]
        scored = iter([self._settled(row, self._first(outputs, number)) for number, row in enumerate(rows)])
        return [next(scored) if isinstance(row, Row) else row for row in found]

    def run(self, vectors: Floats) -> Outputs:
        """The main head's risk (n), contributions (n, features) and logit (n), of float32 (n, features)."""
        return self.run_heads(vectors)[0]

    def run_heads(self, vectors: Floats) -> list[Outputs]:
        """Each head's outputs as the graph gives them, the main one's first. AssessmentError where it does not run."""
        try:
            out = self._ready().run(self._outputs, self._fed(vectors))
        except Exception as error:  # whatever the runtime raises, a nurse looks
            raise AssessmentError("graph-failed", "the model did not run") from error
        rows = (vectors.shape[0],)
        heads = []
        for place in range(0, len(out), 3):
            risk, contributions, logit = out[place : place + 3]
            if risk.shape != rows or logit.shape != rows or contributions.shape != vectors.shape:
                raise AssessmentError("graph-output", "the model's answer has the wrong shape")
            heads.append((risk, contributions, logit))
        return heads

    def assessment(self, row: Row, before: Before | None = None) -> Assessment:
        """The Assessment of a row that was extracted before; as `assess`."""
        return self._assessment(row, tuple(row.vector.tolist()), self._alone(row.vector), before)

    def _straight(self, numbers: Sequence[float | None]) -> tuple[tuple[float, ...], Heads]:
        """(the vector, each head's outputs) of one row, in this thread's own memory.

        What does not go that way (several inputs, another shape, no run) goes the slow one, which says what is wrong.
        """
        if not self._tensors:
            try:
                session = self._ready()
                lane: Lane | None = getattr(self._lanes, "own", None)
                if lane is None or lane.session is not session:
                    lane = self._lanes.own = Lane(session, self._input, self._outputs, len(self._names))
                return lane.run(numbers)
            except Exception:  # noqa: BLE001  whatever it is, it happens again below and is told there
                self._lanes.own = None  # the next one makes it anew
        vector = np.array(numbers, dtype=np.float32)
        return tuple(vector.tolist()), self._alone(vector)

    def _alone(self, vector: Floats) -> Heads:
        """Each head's outputs for one row, as plain numbers; the same as by `run_heads`, without arrays between."""
        width = len(self._names)
        try:
            out = self._ready().run(self._outputs, self._fed(vector.reshape(1, width)))
        except Exception as error:  # whatever the runtime raises, a nurse looks
            raise AssessmentError("graph-failed", "the model did not run") from error
        heads = []
        for place in range(0, len(out), 3):
            risk, shares, logit = out[place : place + 3]
            if risk.shape != _ONE or logit.shape != _ONE or shares.shape != (1, width):
                raise AssessmentError("graph-output", "the model's answer has the wrong shape")
            heads.append((risk.item(), shares.tolist()[0], logit.item()))
        return heads

    def _fed(self, vectors: Floats) -> Mapping[str, Floats]:
        if not self._tensors:
            return {self._input: vectors}
        return {name: np.ascontiguousarray(vectors[:, places]) for name, places in self._tensors}

    @staticmethod
    def _first(outputs: Sequence[Outputs], row: int) -> Heads:
        """One row of each head's outputs, as plain numbers."""
        return [(float(risk[row]), shares[row].tolist(), float(logit[row])) for risk, shares, logit in outputs]

    def _row(self, report: Report) -> Row | AssessmentError:
        try:
            return self.plan.row(*report)
        except AssessmentError as error:
            error.bundle_sha256 = self.bundle.sha256
            return error

    def _settled(self, row: Row, heads: Heads) -> Assessment | AssessmentError:
        try:
            return self._assessment(row, tuple(row.vector.tolist()), heads, None)
        except AssessmentError as error:
            error.bundle_sha256 = self.bundle.sha256
            return error

    def _ready(self) -> ort.InferenceSession:
        session = self._session
        if session is not None and self._pid == os.getpid():
            return session
        with self._lock:
            if self._session is None or self._pid != os.getpid():
                options = ort.SessionOptions()
                options.intra_op_num_threads = options.inter_op_num_threads = 1
                options.log_severity_level = 3
                self._session = ort.InferenceSession(self.bundle.model, options, providers=["CPUExecutionProvider"])
                self._pid = os.getpid()
            return self._session

    def _assessment(
        self, row: Row | Known, vector: tuple[float, ...], heads: Heads, before: Before | None
    ) -> Assessment:
        risks = []
        for base, (risk, shares, logit) in zip(self._bases, heads, strict=True):
            total = base
            for share in shares:
                total += share
            if not adds_up(risk, total, logit):
                raise AssessmentError("graph-output", "the model's answer is not a risk with its reasons")
            risks.append(expit(total))
        if before is not None and before.bundle_sha256 != self._sha256:
            before = None  # another version's bands and shares are not compared
        risk = risks[0]
        if before is None:
            previous, band = None, self._bands[bisect_right(self._edges, risk) - 1]  # as band_of, with nothing to hold
        else:
            previous = before.band
            band = band_of(self._main.bands, risk, previous, self._main.clear_factor)
        values, shares, filled = row.values, heads[0][1], row.filled
        parts = tuple(map(_contribution, zip(self._names, self._labels, values, shares, filled, strict=True)))
        return _assessment(
            self._id,
            self._sha256,
            risk,
            band.id,
            band.priority,
            parts,
            row.missing,
            vector,
            row.inputs,
            row.carried,
            changes(parts, before) if before is not None else (),
            None,
            self._others(risks) if len(risks) > 1 else (),
            previous,
        )

    def _others(self, risks: Sequence[float]) -> tuple[HeadSays, ...]:
        pairs = list(zip(self._heads, risks, strict=True))[1:]
        return tuple(HeadSays(head.name, risk, band_of(head.bands, risk).id) for head, risk in pairs)


def expit(logit: float) -> float:
    """The risk of a logit; by the same routine as for an array of them, which is the same to the last bit."""
    return float(0.5 * (1.0 + np.tanh(logit / 2.0)))


def totals_of(base: float, contributions: Floats) -> NDArray[np.float64]:
    """The logits (n) that contributions (n, features) add up to, feature by feature as for one row alone."""
    totals = np.full(contributions.shape[0], base, dtype=np.float64)
    for place in range(contributions.shape[1]):
        totals += contributions[:, place]
    return totals


def changes(now: Sequence[Contribution], before: Before) -> tuple[Change, ...]:
    """What differs from the last assessment, what moved the logit most first."""
    found = [
        Change(share.name, share.label, before.values[share.name], share.value, share.logit - before.shares[share.name])
        for share in now
        if share.name in before.values and share.name in before.shares and share.value != before.values[share.name]
    ]
    return tuple(sorted(found, key=lambda change: -abs(change.logit)))


def adds_up(risk: float, total: float, logit: float) -> bool:
    """Whether contributions and base (`total`) are the logit, and the logit the risk; never so for NaN or infinity."""
    if not (math.isfinite(total) and math.isfinite(logit) and 0.0 <= risk <= 1.0):
        return False
    same_logit = abs(total - logit) <= ADDS_UP * max(1.0, abs(total))
    return same_logit and abs(risk - 0.5 * (1.0 + math.tanh(logit / 2.0))) <= ADDS_UP


def add_up(risks: Floats, totals: NDArray[np.float64], logits: Floats) -> NDArray[np.bool_]:
    """The same of many rows."""
    with np.errstate(invalid="ignore", over="ignore"):
        same = np.abs(totals - logits) <= ADDS_UP * np.maximum(1.0, np.abs(totals))
        risky = np.abs(risks - 0.5 * (1.0 + np.tanh(logits.astype(np.float64) / 2.0))) <= ADDS_UP
        found: NDArray[np.bool_] = np.isfinite(totals) & np.isfinite(logits) & same & risky
        return found & (risks >= 0) & (risks <= 1)
