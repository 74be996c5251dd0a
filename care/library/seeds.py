"""The seeds: every protocol, questionnaire and rule set that ships, with its content hash."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from care.library.files import documents

_FOLDERS = (("Questionnaire", "questionnaires"), ("RuleSet", "rules"), ("PlanDefinition", "protocols"))


@dataclass(frozen=True, slots=True)
class Seed:
    """One document to publish. `kind` is PlanDefinition, Questionnaire or RuleSet; `sha256` of its canonical JSON."""

    kind: str
    url: str
    version: str
    document: Mapping[str, Any]
    sha256: str

    @property
    def canonical(self) -> str:
        """url|version."""
        return f"{self.url}|{self.version}"


def canonical_json(document: Mapping[str, Any]) -> bytes:
    """One spelling of a document: keys sorted, no spaces, UTF-8."""
    return json.dumps(document, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode("utf-8")


def sha256_of(document: Mapping[str, Any]) -> str:
    """The content hash that a published version is pinned by, in hex."""
    return sha256(canonical_json(document)).hexdigest()


def seeds() -> list[Seed]:
    """All seeds; what others refer to comes first (questionnaires, rule sets, then protocols)."""
    return [
        Seed(kind, str(found["url"]), str(found["version"]), found, sha256_of(found))
        for kind, folder in _FOLDERS
        for _, found in documents(folder)
    ]
