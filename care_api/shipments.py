"""The bundles that are in the folder, as the registry of models is told of them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from care.errors import AssessmentError
from care.logs import logger
from care.services.models import Shipment


def shipments(directory: str = "") -> list[Shipment]:
    """Every bundle whose files are whole, older versions first; one that is not is told in the logs and left out."""
    from risk.bundle import load
    from risk.registry import BUNDLES

    found = []
    folder = Path(directory) if directory else BUNDLES
    for path in sorted(folder.glob("*/*/manifest.json"), key=lambda path: (path.parts[-3], _order(path.parts[-2]))):
        try:
            bundle = load(path.parent)
        except AssessmentError as error:
            logger().error("bundle refused", bundle=f"{path.parts[-3]}/{path.parts[-2]}", code=error.code)
            continue
        found.append(Shipment(bundle.id, bundle.manifest.version, bundle.sha256, bundle.card, _blocked(bundle.metrics)))
    return found


def _blocked(metrics: Mapping[str, Any]) -> tuple[str, ...]:
    """The gates of `flask risk validate` that did not hold when the bundle was made."""
    failed = tuple(str(gate["gate"]) for gate in metrics.get("gates", ()) if not gate["pass"])
    return failed or (("not-promotable",) if metrics.get("promotable") is False else ())


def _order(version: str) -> tuple[int, ...]:
    return tuple(int(part) if part.isdecimal() else -1 for part in version.split("."))
