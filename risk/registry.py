"""A folder of bundles, and the `assess` that Runtime carries: what the composition root calls.

Layout: `<directory>/<bundle id>/<version>/`. The highest version of an id answers for it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path

from care.domain.assessment import Assessment
from care.domain.measure import Measure
from care.errors import AssessmentError
from risk.bundle import Bundle, load
from risk.golden import verify
from risk.scoring import Scorer

BUNDLES = Path(__file__).parent / "bundles"
Refused = Callable[[str, AssessmentError], None]


def load_bundles(directory: Path = BUNDLES, refused: Refused | None = None) -> Mapping[str, Bundle]:
    """The verified bundles by id, golden rows included.

    One that fails raises its AssessmentError; or, given `refused`, is told there as ('id/version', error) and left out,
    older versions too: the rest of the system runs, and its reports go to a nurse, never in silence to an older model.
    """
    newest: dict[str, tuple[tuple[int, ...], Path]] = {}
    for path in sorted(directory.glob("*/*/manifest.json")):
        version = _version(path.parent.name)
        if version >= newest.get(path.parent.parent.name, ((), path))[0]:
            newest[path.parent.parent.name] = (version, path.parent)
    bundles: dict[str, Bundle] = {}
    for name, (_, path) in newest.items():
        try:
            bundles[name] = _loaded(name, path)
        except AssessmentError as error:
            if refused is None:
                raise
            refused(f"{name}/{path.name}", error)
    return bundles


def make_assess(bundles: Mapping[str, Bundle]) -> Callable[[str, Sequence[Measure], datetime, str], Assessment]:
    """assess(bundle id, measures, at, zone) over these bundles; AssessmentError (bundle-unavailable) for others."""
    scorers = {name: Scorer(bundle) for name, bundle in bundles.items()}

    def assess(bundle_id: str, measures: Sequence[Measure], at: datetime, zone: str) -> Assessment:
        scorer = scorers.get(bundle_id)
        if scorer is None:
            raise AssessmentError("bundle-unavailable", "the model that this protocol names is not available")
        return scorer.assess(measures, at, zone)

    return assess


def _loaded(name: str, path: Path) -> Bundle:
    bundle = load(path)
    if bundle.manifest.id != name or bundle.manifest.version != path.name:
        raise AssessmentError("bundle-manifest", "the bundle is not in the folder of its id and version")
    if not verify(bundle).ok:
        raise AssessmentError("bundle-golden", "the golden rows do not come out as they should")
    return bundle


def _version(name: str) -> tuple[int, ...]:
    return tuple(int(part) if part.isdecimal() else -1 for part in name.split("."))
