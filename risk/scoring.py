"""From a bundle and a patient's measures to an Assessment, or to the reason why there is none.

One `session.run` a report. The graph gives risk, contributions and logit; what does not add up is not shown.
"""

from __future__ import annotations

import math
import os
import threading
from collections.abc import Iterable, Sequence
from datetime import datetime

import numpy as np
import onnxruntime as ort

from care.domain.assessment import Assessment, Contribution
from care.domain.measure import Measure
from care.errors import AssessmentError
from risk.bundle import Bundle
from risk.features import Floats, Row, extract
from risk.manifest import Band

OUTPUTS = ("risk", "contributions", "logit")
ADDS_UP = 1e-4  # float32 sums of a dozen terms stay well below this; a wrong graph does not
Report = tuple[Sequence[Measure], datetime, str]


class Scorer:
    """One bundle, ready to score; shared by threads, and safe after a fork (each process makes its own session)."""

    def __init__(self, bundle: Bundle) -> None:
        self.bundle = bundle
        self._lock = threading.Lock()
        self._session: ort.InferenceSession | None = None
        self._pid = 0

    def assess(self, measures: Sequence[Measure], at: datetime, zone: str) -> Assessment:
        """The Assessment at the aware moment `at`, for a patient who lives in `zone`.

        Raises AssessmentError with the reason where the bundle must abstain (see `features.extract`), or where the
        graph failed (graph-failed, graph-output).
        """
        row = extract(self.bundle.manifest, measures, at, zone)
        risk, contributions, logit = self.run(row.vector.reshape(1, -1))
        return self._assessment(row, float(risk[0]), contributions[0], float(logit[0]))

    def score_many(self, reports: Iterable[Report]) -> list[Assessment | AssessmentError]:
        """One result a report, in order: its Assessment, or why there is none. One run of the graph for all of them."""
        found = [self._row(report) for report in reports]
        rows = [row for row in found if isinstance(row, Row)]
        if not rows:
            return [refusal for refusal in found if isinstance(refusal, AssessmentError)]
        try:
            risk, contributions, logit = self.run(np.stack([row.vector for row in rows]))
        except AssessmentError as error:
            return [error if isinstance(row, Row) else row for row in found]
        scored = iter([self._settled(row, *out) for row, *out in zip(rows, risk, contributions, logit, strict=True)])
        return [next(scored) if isinstance(row, Row) else row for row in found]

    def run(self, vectors: Floats) -> tuple[Floats, Floats, Floats]:
        """Risk (n), contributions (n, features) and logit (n), as the graph gives them, of float32 (n, features)."""
        try:
            risk, contributions, logit = self._ready().run(OUTPUTS, {self.bundle.manifest.graph.input: vectors})
        except Exception as error:  # whatever the runtime raises, a nurse looks
            raise AssessmentError("graph-failed", "the model did not run") from error
        expected = (vectors.shape[0],)
        if risk.shape != expected or logit.shape != expected or contributions.shape != vectors.shape:
            raise AssessmentError("graph-output", "the model's answer has the wrong shape")
        return risk, contributions, logit

    def _row(self, report: Report) -> Row | AssessmentError:
        try:
            return extract(self.bundle.manifest, *report)
        except AssessmentError as error:
            return error

    def _settled(self, row: Row, risk: float, contributions: Floats, logit: float) -> Assessment | AssessmentError:
        try:
            return self._assessment(row, float(risk), contributions, float(logit))
        except AssessmentError as error:
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

    def _assessment(self, row: Row, risk: float, contributions: Floats, logit: float) -> Assessment:
        manifest = self.bundle.manifest
        shares = contributions.tolist()
        if not _adds_up(risk, sum(shares) + manifest.head.base, logit):
            raise AssessmentError("graph-output", "the model's answer is not a risk with its reasons")
        band = band_of(manifest.head.bands, risk)
        return Assessment(
            bundle_id=manifest.id,
            bundle_sha256=self.bundle.sha256,
            risk=risk,
            band=band.id,
            priority=band.priority,
            contributions=tuple(
                Contribution(feature.name, feature.label, value, share)
                for feature, value, share in zip(manifest.features, row.values, shares, strict=True)
            ),
            missing=row.missing,
            vector=tuple(row.vector.tolist()),
            inputs=row.inputs,
        )


def _adds_up(risk: float, total: float, logit: float) -> bool:
    """Whether contributions and base (`total`) are the logit, and the logit the risk; never so for NaN or infinity."""
    if not (math.isfinite(total) and math.isfinite(logit) and 0.0 <= risk <= 1.0):
        return False
    same_logit = abs(total - logit) <= ADDS_UP * max(1.0, abs(total))
    return same_logit and abs(risk - 0.5 * (1.0 + math.tanh(logit / 2.0))) <= ADDS_UP


def band_of(bands: Sequence[Band], risk: float) -> Band:
    """The highest band that the risk reaches; bands rise from 0."""
    return next(band for band in reversed(bands) if risk >= band.ge)
