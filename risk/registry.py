"""A folder of bundles, and the `assess` that Runtime carries: what the composition root calls.

Layout: `<directory>/<bundle id>/<version>/`. The highest version of an id answers for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from care.domain.assessment import Assessment, Before, Reads
from care.domain.measure import Measure
from care.errors import AssessmentError
from risk.bundle import Bundle, load
from risk.counterfactual import counterfactual
from risk.golden import verify
from risk.points import widest
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


Assess = Callable[[str, Sequence[Measure], datetime, str, Before | None], Assessment]


def make_assess(bundles: Mapping[str, Bundle], versions: Iterable[Bundle] = ()) -> Assess:
    """assess(bundle, measures, at, zone, before) over these bundles; AssessmentError (bundle-unavailable) for others.

    `bundle` is an id, or the hash of one of them or of `versions`. What is above the lowest band comes with the
    smallest change that would bring it down, if there is one.
    """
    scorers = {bundle.sha256: Scorer(bundle) for bundle in (*versions, *bundles.values())}
    scorers |= {name: scorers[bundle.sha256] for name, bundle in bundles.items()}

    def assess(
        name: str, measures: Sequence[Measure], at: datetime, zone: str, before: Before | None = None
    ) -> Assessment:
        scorer = scorers.get(name)
        if scorer is None:
            raise AssessmentError("bundle-unavailable", "the model that this protocol names is not available")
        found = scorer.assess(measures, at, zone, before)
        other = counterfactual(scorer, found)
        return found if other is None else replace(found, counterfactual=other)

    return assess


def make_reads(bundles: Mapping[str, Bundle], versions: Iterable[Bundle] = ()) -> Callable[[str], Reads | None]:
    """reads(bundle): the codes and days that it wants to be given; None of a bundle that is not there."""
    found = {bundle.sha256: _reads(bundle) for bundle in (*versions, *bundles.values())}
    found |= {name: found[bundle.sha256] for name, bundle in bundles.items()}
    return found.get


def _reads(bundle: Bundle) -> Reads:
    aging: set[str] = set()
    ever: set[str] = set()
    for source in bundle.manifest.sources.values():
        (ever if source.kind == "attribute" else aging).update(source.codes)
    return Reads(frozenset(aging), widest(bundle.manifest), frozenset(ever))


def load_versions(directory: Path = BUNDLES, refused: Refused | None = None) -> list[Bundle]:
    """Every verified bundle of the folder, older versions too, by id and version; `refused` as in load_bundles."""
    found: list[Bundle] = []
    for path in sorted(
        directory.glob("*/*/manifest.json"), key=lambda path: (path.parts[-3], _version(path.parts[-2]))
    ):
        try:
            found.append(_loaded(path.parent.parent.name, path.parent))
        except AssessmentError as error:
            if refused is None:
                raise
            refused(f"{path.parent.parent.name}/{path.parent.name}", error)
    return found


def _loaded(name: str, path: Path) -> Bundle:
    bundle = load(path)
    if bundle.manifest.id != name or bundle.manifest.version != path.name:
        raise AssessmentError("bundle-manifest", "the bundle is not in the folder of its id and version")
    if not verify(bundle).ok:
        raise AssessmentError("bundle-golden", "the golden rows do not come out as they should")
    return bundle


def _version(name: str) -> tuple[int, ...]:
    return tuple(int(part) if part.isdecimal() else -1 for part in name.split("."))
