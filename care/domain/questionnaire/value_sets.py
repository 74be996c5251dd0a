"""Value sets and code systems as FHIR writes them, expanded to what can be chosen. Nothing is expanded by half: where a
part is not at hand or a filter is not known, the whole set is not at hand.

Rules of expansion: http://hl7.org/fhir/R4/valueset.html (compose, include, exclude).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from care.domain.questionnaire.tools import ValueSet

MAX_CONCEPTS = 10_000
_DEEPEST = 20  # value sets that are made of value sets

Concept = Mapping[str, Any]
Find = Callable[[str], ValueSet | None]


class _NotAtHand(Exception):
    """Something that the expansion needs is not here."""


def _nothing(_: str) -> None:
    return None


class Catalogue:
    """Value sets and code systems by url, `#id` included; what is not among them is looked for in `above`.

    A code system's own url stands for all its codes. A concept is a mapping with system, code, display, and where
    there are any designations [{language, value}] and extension (for an ordinal value).
    """

    def __init__(self, documents: Iterable[Mapping[str, Any]], above: Find = _nothing) -> None:
        self._sets: dict[str, list[Mapping[str, Any]]] = {}
        self._systems: dict[str, Mapping[str, Any]] = {}
        self._above = above
        self._known: dict[str, ValueSet | None] = {}
        for document in documents:
            names = [name for name in (document.get("url"), f"#{document.get('id')}") if isinstance(name, str)]
            for name in names:
                if document.get("resourceType") == "ValueSet":
                    self._sets.setdefault(name, []).append(document)
                elif document.get("resourceType") == "CodeSystem":
                    self._systems.setdefault(name, document)

    def value_set(self, canonical: str) -> ValueSet | None:
        """The expanded value set of this canonical (with or without |version), or None when it is not at hand.

        A version that is asked for must be the same up to its first number: 4.3.0 serves for 4.0.1, 3.0.2 does not.
        """
        return self._expanded(canonical, ())

    def _expanded(self, canonical: str, within: tuple[str, ...]) -> ValueSet | None:
        """`within`: the sets that are being expanded now, of which this one is a part. None of them is itself one."""
        if canonical in within or len(within) >= _DEEPEST:
            return None
        if canonical not in self._known:
            self._known[canonical] = self._made(canonical, (*within, canonical))
        return self._known[canonical]

    def _made(self, canonical: str, within: tuple[str, ...]) -> ValueSet | None:
        url, _, version = canonical.partition("|")
        found = _of_version(self._sets.get(url, ()), version)
        try:
            if found is not None:
                return ValueSet(url, str(found.get("version") or ""), tuple(_once(self._concepts(found, within))))
            if url in self._systems:
                return ValueSet(url, "", tuple(_once(self._all_of(url))))
        except _NotAtHand:
            return None
        return self._above(canonical)

    def _concepts(self, document: Mapping[str, Any], within: tuple[str, ...]) -> Iterator[Concept]:
        expansion = document.get("expansion")
        listed = list(_contains(expansion)) if isinstance(expansion, Mapping) else []
        total = expansion.get("total") if isinstance(expansion, Mapping) else None
        if listed and not (isinstance(total, int) and total > len(listed)):
            return iter(listed)
        compose = document.get("compose")
        included = _objects(compose, "include")
        if not included:
            raise _NotAtHand
        left_out = {_key(concept) for part in _objects(compose, "exclude") for concept in self._part(part, within)}
        return (each for part in included for each in self._part(part, within) if _key(each) not in left_out)

    def _part(self, part: Mapping[str, Any], within: tuple[str, ...]) -> Iterator[Concept]:
        """One include or exclude: the concepts of its system that are in all of its value sets too."""
        system, named = part.get("system"), _objects(part, "concept")
        sets = part.get("valueSet") or []
        concepts: list[Concept] | None = None
        if isinstance(system, str):
            listed = [_concept(system, each) for each in named if isinstance(each.get("code"), str) and each["code"]]
            concepts = [*listed] if named else [*self._filtered(part, system)]
        for url in sets if isinstance(sets, list) else [sets]:
            other = self._expanded(str(url), within)
            if other is None:
                raise _NotAtHand
            keys = {_key(each) for each in other.concepts}
            concepts = [each for each in concepts if _key(each) in keys] if concepts is not None else [*other.concepts]
        if concepts is None:
            raise _NotAtHand
        return iter(concepts)

    def _filtered(self, part: Mapping[str, Any], system: str) -> Iterator[Concept]:
        filters = _objects(part, "filter")
        wanted = list(self._all_of(_system_name(part, system, self._systems)))
        for each in filters:
            if each.get("op") not in ("is-a", "descendent-of") or each.get("property") != "concept":
                raise _NotAtHand
            top = each.get("value")
            wanted = [one for one in wanted if top in one["above"] or (each["op"] == "is-a" and one.get("code") == top)]
        return ({name: value for name, value in one.items() if name != "above"} | {"system": system} for one in wanted)

    def _all_of(self, name: str) -> Iterator[dict[str, Any]]:
        """The selectable codes of a code system, each with the codes `above` it. Raises when it is not complete."""
        system = self._systems.get(name)
        if system is None:
            found = self._above(name)
            if found is None:
                raise _NotAtHand
            yield from ({**each, "above": ()} for each in found.concepts)
            return
        if system.get("content", "complete") != "complete":
            raise _NotAtHand
        url = str(system.get("url") or "")
        waiting: list[tuple[Mapping[str, Any], tuple[Any, ...]]] = [
            (each, ()) for each in reversed(_objects(system, "concept"))
        ]
        while waiting:
            raw, above = waiting.pop()
            if not _not_selectable(raw):
                yield {**_concept(url, raw), "above": above}
            below = (*above, raw.get("code"))
            waiting.extend((each, below) for each in reversed(_objects(raw, "concept")))


def contained_value_sets(document: Mapping[str, Any], above: Find = _nothing) -> Find:
    """The value sets that a form brings in its `contained`, by '#id' or by url; the rest is looked for in `above`."""
    return Catalogue(_objects(document, "contained"), above).value_set


def _of_version(found: Iterable[Mapping[str, Any]], version: str) -> Mapping[str, Any] | None:
    """The one of this version, else of the same major version or of none; the newest where none is asked for."""
    newest = sorted(found, key=lambda each: _numbers(str(each.get("version") or "")), reverse=True)
    if not version:
        return newest[0] if newest else None
    exact = [each for each in newest if each.get("version") == version]
    near = [each for each in newest if _numbers(str(each.get("version") or version))[:1] == _numbers(version)[:1]]
    return next(iter([*exact, *near]), None)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) if part.isdecimal() else 0 for part in version.split("."))


def _contains(expansion: Mapping[str, Any]) -> Iterator[Concept]:
    """The concepts of an expansion in order, nested ones too, without the headings among them."""
    waiting = list(reversed(_objects(expansion, "contains")))
    while waiting:
        raw = waiting.pop()
        if raw.get("abstract") is not True and raw.get("code"):
            yield _concept(str(raw.get("system") or ""), raw)
        waiting.extend(reversed(_objects(raw, "contains")))


def _concept(system: str, raw: Mapping[str, Any]) -> dict[str, Any]:
    code = str(raw.get("code") or "")
    made: dict[str, Any] = {"system": system, "code": code, "display": str(raw.get("display") or code)}
    designations = [
        {"language": each["language"], "value": each["value"]}
        for each in _objects(raw, "designation")
        if isinstance(each.get("language"), str) and isinstance(each.get("value"), str)
    ]
    if designations:
        made["designations"] = designations
    if raw.get("extension"):
        made["extension"] = raw["extension"]
    return made


def _system_name(part: Mapping[str, Any], system: str, known: Mapping[str, Any]) -> str:
    """The system's url, or the contained code system that an extension on it points to."""
    if system in known:
        return system
    targets = (
        value
        for each in _objects(part.get("_system"), "extension")
        for name, value in each.items()
        if name.startswith("value")
    )
    return next((value for value in targets if isinstance(value, str) and value in known), system)


def _not_selectable(concept: Mapping[str, Any]) -> bool:
    return any(
        each.get("code") in ("notSelectable", "inactive") and each.get("valueBoolean") is True
        for each in _objects(concept, "property")
    )


def _objects(raw: Any, name: str) -> list[Mapping[str, Any]]:
    value = raw.get(name) if isinstance(raw, Mapping) else None
    return [each for each in value if isinstance(each, Mapping)] if isinstance(value, list) else []


def _key(concept: Concept) -> tuple[Any, Any]:
    return concept.get("system"), concept.get("code")


def _once(concepts: Iterable[Concept]) -> Iterator[Concept]:
    """Each concept once, and no more than can be a choice."""
    seen: set[tuple[Any, Any]] = set()
    for concept in concepts:
        if _key(concept) in seen:
            continue
        seen.add(_key(concept))
        if len(seen) > MAX_CONCEPTS:
            raise _NotAtHand
        yield {name: value for name, value in concept.items() if name != "above"}
