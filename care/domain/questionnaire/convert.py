"""A questionnaire of another FHIR version, or inside a Bundle, as FHIR R4. Pure; what is R4 already stays as it is.

The original is what is kept and exported; the converted form is only what the engine reads. Sources: the version maps
of FHIR STU3, R4 and R5 (Questionnaire, "R3 Conversions", "Difference from R4"), http://hl7.org/fhir/questionnaire.html.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from care.domain.questionnaire.convert_item import converted_form, converted_item
from care.domain.questionnaire.model import MAX_DEPTH, MAX_ITEMS
from care.errors import Invalid

_ENVELOPES = ("Bundle", "Parameters")
_MAX_PARTS = 2_000


def to_r4(document: Any) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The document as an R4 Questionnaire, and a sentence for each kind of change that was made (none: it was R4).

    The given document is not changed. Raises Invalid: not-a-questionnaire, several-questionnaires, too-deep,
    too-many-items. Whatever else is wrong with it is left for the reader to refuse at its place.
    """
    found, notes = questionnaire_in(document)
    counts: Counter[str] = Counter()
    converted = converted_form(found, counts)
    if "item" in converted:
        converted["item"] = _items(converted["item"], counts)
    return converted, (*notes, *(_told(note, times) for note, times in sorted(counts.items())))


def questionnaire_in(document: Any) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The one Questionnaire of a document, and a note when it came in an envelope (a Bundle or Parameters).

    The value sets and code systems beside it are put into its `contained`: its answerValueSet names them by url.
    """
    kind = document.get("resourceType") if isinstance(document, Mapping) else None
    if kind == "Questionnaire":
        if "group" in document and "item" not in document:
            raise Invalid("not-a-questionnaire", "this is a DSTU2 questionnaire, which is too old", place="group")
        return dict(document), ()
    if kind not in _ENVELOPES:
        raise Invalid("not-a-questionnaire", "this is not a FHIR Questionnaire", place="resourceType")
    resources = _resources(document)
    forms = [each for each in resources if each.get("resourceType") == "Questionnaire"]
    if len(forms) != 1:
        code = "several-questionnaires" if forms else "not-a-questionnaire"
        raise Invalid(code, f"this {kind} holds {len(forms)} questionnaires, not one", place="entry")
    beside = [each for each in resources if each.get("resourceType") in ("ValueSet", "CodeSystem")]
    form = dict(forms[0])
    contained = form.get("contained")
    if beside and (contained is None or isinstance(contained, list)):
        form["contained"] = [*(contained or ()), *beside]
    return form, (f"read from a {kind}",)


def _resources(envelope: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The resources of an envelope and of envelopes within it (a package is Parameters that hold Bundles)."""
    found: list[Mapping[str, Any]] = []
    waiting: list[Any] = [envelope]
    for part in waiting:  # grows while it is read
        if len(waiting) > _MAX_PARTS:
            raise Invalid("too-many-items", f"more than {_MAX_PARTS} resources in one file", place="entry")
        if isinstance(part, list):
            waiting.extend(part)
        elif isinstance(part, Mapping) and part.get("resourceType", _ENVELOPES[0]) in _ENVELOPES:
            waiting.extend(part[name] for name in ("entry", "parameter", "part", "resource") if name in part)
        elif isinstance(part, Mapping):
            found.append(part)
    return found


def _items(raw: Any, counts: Counter[str]) -> Any:
    """The items, converted, without recursion, so that depth cannot break it. None when there are none."""
    top: list[Any] = []
    waiting: list[tuple[Any, list[Any], int]] = [(raw, top, 1)]
    seen = 0
    while waiting:
        children, target, depth = waiting.pop()
        if not isinstance(children, list):
            return raw  # the reader refuses it at its place
        for child in children:
            seen += 1
            if seen > MAX_ITEMS:
                raise Invalid("too-many-items", f"more than {MAX_ITEMS} items", place="item")
            if not isinstance(child, Mapping):
                target.append(child)
                continue
            made = converted_item(child, counts)
            target.append(made)
            if "item" not in made:
                continue
            if depth >= MAX_DEPTH:
                raise _too_deep(made)
            below = made["item"] if isinstance(made["item"], list) else [made["item"]]
            made["item"] = []
            waiting.append((below, made["item"], depth + 1))
    return top


def _too_deep(item: Mapping[str, Any]) -> Invalid:
    link_id = str(item.get("linkId"))[:200]
    message = f"item {link_id!r}: items are nested deeper than {MAX_DEPTH}"
    return Invalid("too-deep", message, place=link_id, link_id=link_id)


def _told(note: str, times: int) -> str:
    return note if times == 1 else f"{note} ({times} times)"
