"""`flask risk recompute`: an assessment that was stored, reckoned once more."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

import click
from flask.cli import with_appcontext

from care.errors import AssessmentError
from care.services.knowing import kept
from care_api.commands.models import folder
from care_api.commands.output import as_json, end, tell, told
from care_api.database import db


@click.command("recompute")
@with_appcontext
@click.argument("assessment", type=click.UUID)
@click.option("--bundles", type=folder, help="The folder of bundles, if it is not the one that came with Care.")
@as_json
@told
def recompute(assessment: UUID, bundles: Path | None, as_json: bool) -> None:
    """Reckon ASSESSMENT (its id) once more from its stored vector and from the measures that it names.

    Prints {assessment, bundle, bundle_sha256, measures, same, differing}; `measures` says whether all of them are still
    there. Exits 1 when a bit differs, or when the bundle that made it is not in the folder.
    """
    from risk import recomputing
    from risk.registry import BUNDLES, load_versions
    from risk.scoring import Scorer

    found = kept(db.session(), assessment)
    made = found.assessment
    if made is None:
        raise AssessmentError("no-score", f"no score was made: {found.row.reason or 'no model was asked'}")
    versions = load_versions(bundles or BUNDLES, lambda *_: None)
    bundle = next((one for one in versions if one.sha256 == made.bundle_sha256), None)
    if bundle is None:
        raise AssessmentError("bundle-unavailable", "the bundle that made it is not in the folder")
    again = recomputing.recompute(Scorer(bundle), made, found.measures, found.row.at, found.row.zone)
    values = {
        "assessment": str(assessment),
        "bundle": f"{bundle.manifest.id}/{bundle.manifest.version}",
        "bundle_sha256": bundle.sha256,
        "measures": found.measures is not None,
        "same": again.same,
        "differing": list(again.differing),
    }
    tell(values, as_json)
    end(again.same)
