"""The safety screen: every text, in any state, before anything else is made of it.

Crisis and red-flag words are looked for anywhere in the text; STOP, START, HELP and the wish for a person only as the
whole text, so that "the pain will not stop" and 血止不住 opt nobody out. Words are a net, not a classifier: what is
denied or said of somebody else is still a hit, unless the lexicon names the phrase as harmless.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from care.domain.codes import Priority
from care.domain.questionnaire.text import TRAILING, normalised
from care.errors import Invalid

Kind = Literal["none", "crisis", "red_flag", "stop", "start", "help", "human"]
_ANYWHERE = ("crisis", "red_flag")
_WHOLE = ("stop", "start", "help", "human")
MAX_SCREENED = 100_000
GAP = "…"
"""Inside a phrase of the lexicon: up to three words, or six Chinese characters, may stand here."""
_HAN = "\u3400-\u9fff"
_BETWEEN_HAN = re.compile(rf"(?<=[{_HAN}])[\W_]+(?=[{_HAN}])")
_HAS_HAN = re.compile(f"[{_HAN}]")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a text is, by which entry of the lexicon, and how pressing (None unless crisis or red flag)."""

    kind: Kind
    matched: str = ""
    priority: Priority | None = None


NOTHING = Verdict("none")


@dataclass(frozen=True, slots=True)
class Net:
    """Phrases of one script as one pattern, which is tried only where a text has the beginning of a phrase."""

    pattern: re.Pattern[str]
    heads: re.Pattern[str]
    beginnings: frozenset[str]


@dataclass(frozen=True, slots=True)
class Lexicon:
    """Compiled once: `latin` and `han` find phrases anywhere, `whole` maps whole texts. `version` is for the record."""

    latin: Net
    han: Net
    verdicts: Mapping[str, Verdict]
    stems: tuple[tuple[str, Verdict], ...]
    gaps: tuple[Verdict, ...]
    unless: Mapping[str, tuple[str, ...]]
    whole: Mapping[str, Verdict]
    version: str


def read_lexicon(documents: Iterable[Mapping[str, Any]]) -> Lexicon:
    """Compile lexicon documents: {id, version, kind, priority?, entries: [{id, any: [...], unless?: [...]}]}.

    Raises Invalid for an unknown kind, a phrase twice under different kinds, or an empty entry.
    """
    verdicts: dict[str, Verdict] = {}
    whole: dict[str, Verdict] = {}
    unless: dict[str, tuple[str, ...]] = {}
    versions: list[str] = []
    for document in documents:
        versions.append(f"{document['id']}|{document['version']}")
        for entry in document["entries"]:
            verdict, phrases = _entry(document, entry)
            unless[verdict.matched] = tuple(_flat(phrase) for phrase in entry.get("unless", ()))
            target = verdicts if verdict.kind in _ANYWHERE else whole
            for phrase in phrases:
                if target.setdefault(phrase, verdict).kind != verdict.kind:
                    raise Invalid("lexicon-contradicts-itself", "a phrase has two meanings", place=verdict.matched)
    gaps = [(phrase, verdict) for phrase, verdict in verdicts.items() if GAP in phrase or "*" in phrase[:-1]]
    with_gap = {phrase for phrase, _ in gaps}
    literals = [phrase for phrase in verdicts if phrase not in with_gap]
    return Lexicon(
        latin=_latin(literals, gaps),
        han=_han(literals, gaps),
        verdicts=verdicts,
        stems=tuple((phrase[:-1], verdict) for phrase, verdict in verdicts.items() if phrase.endswith("*")),
        gaps=tuple(verdict for _, verdict in gaps),
        unless=unless,
        whole=whole,
        version=" ".join(sorted(versions)),
    )


def screen(text: str, lexicon: Lexicon) -> Verdict:
    """The verdict on one text of any length: crisis, then the most pressing red flag, then a whole-text command.

    Of a text longer than MAX_SCREENED characters only the beginning and the end are read: nobody types that on a phone,
    and a person gets every text over the length of an answer anyway.
    """
    if len(text) > MAX_SCREENED:
        text = text[: MAX_SCREENED // 2] + " " + text[-MAX_SCREENED // 2 :]
    plain = normalised(text)
    command = lexicon.whole.get(plain.strip(TRAILING))
    flat = plain.replace("'", "").replace("-", " ")
    best = _worst(_hits(lexicon.latin, flat, lexicon), command)
    if not flat.isascii() and _HAS_HAN.search(flat):
        best = _worst(_hits(lexicon.han, _BETWEEN_HAN.sub("", flat), lexicon), best)
    return best or NOTHING


def _worst(hits: Iterator[Verdict], best: Verdict | None) -> Verdict | None:
    for verdict in hits:
        if best is None or _rank(verdict) > _rank(best):
            best = verdict
        if best.kind == "crisis":
            break
    return best


def _rank(verdict: Verdict) -> int:
    if verdict.kind == "crisis":
        return 10
    return verdict.priority.rank if verdict.priority is not None else -1


def _hits(net: Net, text: str, lexicon: Lexicon) -> Iterator[Verdict]:
    for head in net.heads.finditer(text):
        at = head.start()
        if text[at : at + 2] not in net.beginnings and text[at] not in net.beginnings:
            continue
        match = net.pattern.match(text, at)
        if match is None:
            continue
        group, found = match.lastgroup, match[0]
        verdict = lexicon.gaps[int(group[1:])] if group else lexicon.verdicts.get(found)
        if verdict is None:  # a stem (suicid*) that ran on
            verdict = next(each for stem, each in lexicon.stems if found.startswith(stem))
        if not _excused(match, text, lexicon.unless[verdict.matched]):
            yield verdict


def _excused(match: re.Match[str], text: str, unless: tuple[str, ...]) -> bool:
    """Whether the hit lies inside a phrase that the lexicon names as harmless."""
    start, end = match.span()
    for phrase in unless:
        at = text.find(phrase, max(0, end - len(phrase)), start + len(phrase))
        if at != -1 and at <= start:
            return True
    return False


def _entry(document: Mapping[str, Any], entry: Mapping[str, Any]) -> tuple[Verdict, list[str]]:
    kind = entry.get("kind", document.get("kind"))
    if kind not in (*_ANYWHERE, *_WHOLE):
        raise Invalid("unknown-kind", "a lexicon entry has an unknown kind", place=str(entry.get("id")))
    phrases = [_flat(phrase) if kind in _ANYWHERE else normalised(phrase).strip(TRAILING) for phrase in entry["any"]]
    if not phrases or not all(phrases):
        raise Invalid("empty-entry", "a lexicon entry has no words", place=str(entry.get("id")))
    named = entry.get("priority", document.get("priority"))
    return Verdict(kind, str(entry["id"]), Priority(named) if kind in _ANYWHERE else None), phrases


def _flat(phrase: str) -> str:
    return normalised(phrase).replace("'", "").replace("-", " ").replace("...", GAP)


def _is_han(phrase: str) -> bool:
    return _HAS_HAN.search(phrase) is not None


def _latin(literals: list[str], gaps: list[tuple[str, Verdict]]) -> Net:
    """All Latin phrases, as whole words; a word that ends in * may run on."""
    phrases = [phrase for phrase in literals if not _is_han(phrase)]
    parts = [_trie(phrases)] if phrases else []
    for number, (phrase, _) in enumerate(gaps):
        if not _is_han(phrase):
            words = (re.escape(part.strip()).replace(r"\*", "[a-z]*") for part in phrase.split(GAP))
            parts.append(f"(?P<g{number}>" + r"[^a-z0-9]{1,3}(?:[a-z0-9]+[^a-z0-9]{1,3}){0,3}?".join(words) + ")")
            phrases.append(phrase)
    pattern = re.compile(rf"(?:{'|'.join(parts) or '(?!)'})(?![a-z0-9])")
    return Net(pattern, re.compile("[a-z0-9]+"), frozenset(phrase[:2] for phrase in phrases))


def _han(literals: list[str], gaps: list[tuple[str, Verdict]]) -> Net:
    """All phrases with Chinese characters, wherever they stand."""
    phrases = [phrase for phrase in literals if _is_han(phrase)]
    parts = [_trie(phrases)] if phrases else []
    for number, (phrase, _) in enumerate(gaps):
        if _is_han(phrase):
            parts.append(f"(?P<g{number}>" + ".{0,6}?".join(re.escape(part) for part in phrase.split(GAP)) + ")")
            phrases.append(phrase)
    first = "".join(sorted({re.escape(phrase[0]) for phrase in phrases}))
    beginnings = frozenset(phrase[0] if phrase[1] == GAP else phrase[:2] for phrase in phrases)
    return Net(re.compile("|".join(parts) or "(?!)"), re.compile(f"[{first}]" if first else "(?!)"), beginnings)


def _trie(phrases: list[str]) -> str:
    """One pattern for many phrases that shares their beginnings, so that a text is read once and not once a phrase."""
    root: dict[str, Any] = {}
    for phrase in phrases:
        node = root
        for char in phrase:
            node = node.setdefault(char, {})
        node[""] = {}
    return _branch(root) if root else ""


def _branch(node: dict[str, Any]) -> str:
    ends = "" in node
    ways = []
    for char, below in node.items():
        if char == "":
            continue
        head = "[a-z]*" if char == "*" else re.escape(char)
        ways.append(head + (_branch(below) if set(below) != {""} else ""))
    if not ways:
        return ""
    body = "|".join(ways)
    return f"(?:{body})?" if ends else f"(?:{body})"
