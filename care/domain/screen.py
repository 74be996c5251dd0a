"""The safety screen: every text, in any state, before anything else is made of it.

Crisis and red-flag words are looked for anywhere in the text; STOP, START, HELP and the wish for a person only as the
whole text, so that "the pain will not stop" and 血止不住 opt nobody out. Words are a net, not a classifier: what is
denied or said of somebody else is still a hit, unless the lexicon names the phrase as harmless.

A phrase is found in either Chinese script, whatever stands between its words or characters, and with its letters
s p e l l e d out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from care.domain.codes import Priority
from care.domain.compounds import Compounds, read_compounds
from care.domain.questionnaire.text import TRAILING, normalised
from care.errors import Invalid

Kind = Literal["none", "crisis", "red_flag", "stop", "start", "help", "human"]
_ANYWHERE = ("crisis", "red_flag")
_WHOLE = ("stop", "start", "help", "human")
MAX_SCREENED = 100_000
MAX_SPELT = 400  # letters of one spelled run that are looked at
STEM = 4  # so many letters of a word that may run on are compared first
GAP = "…"
"""Inside a phrase of the lexicon: up to three words, or six Chinese characters, may stand here."""
DENIALS = frozenset({"no", "not", "none", "without", "isnt", "arent", "never"})
_DENIED_HAN = re.compile("没有|没|冇|无|不|唔|未")
_HAN = "\u3400-\u9fff"
_NO_WORD = re.compile("[^a-z0-9]+")
_SPELT = re.compile("(?<![a-z0-9])(?:[a-z] ){2,}[a-z](?![a-z0-9])")
_SPELT_LEAST = 6  # letters of a phrase that is looked for among spelled letters: a shorter one stands in other words
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
    """Phrases of one script as one pattern, which is tried only where a text has the beginning of a phrase.

    `heads` finds where one may begin: a word, or two characters. It is tried when that is among `beginnings`, or its
    first `stem` letters among `stems`.
    """

    pattern: re.Pattern[str]
    heads: re.Pattern[str]
    beginnings: frozenset[str]
    stems: frozenset[str]
    stem: int


@dataclass(frozen=True, slots=True)
class Lexicon:
    """Compiled once: `latin` and `han` find phrases anywhere, `whole` maps whole texts. `version` is for the record.

    `gaps` are the phrases with a gap, each with what stands after its last gap. `spelt` are Latin phrases without their
    spaces; `simplified` maps traditional characters to simplified ones.
    """

    latin: Net
    han: Net
    verdicts: Mapping[str, Verdict]
    stems: tuple[tuple[str, Verdict], ...]
    gaps: tuple[tuple[Verdict, str], ...]
    compounds: Compounds
    unless: Mapping[str, tuple[str, ...]]
    whole: Mapping[str, Verdict]
    spelt: Mapping[str, Verdict]
    simplified: Mapping[int, int]
    version: str


def read_lexicon(documents: Iterable[Mapping[str, Any]], simplified: Mapping[str, str] | None = None) -> Lexicon:
    """Compile lexicon documents: {id, version, kind, priority?, compounds?, entries: [{id, any, unless?}]}.

    In `compounds` the part in brackets is not looked for ("[blood] pressure", 验[血]). `simplified` is the simplified
    form of traditional characters; entries may also have `positives` and `negatives` (texts that tests try). Raises
    Invalid for an unknown kind, a phrase twice under different kinds, or an empty entry.
    """
    verdicts: dict[str, Verdict] = {}
    written: dict[str, Verdict] = {}
    whole: dict[str, Verdict] = {}
    table = {ord(one): ord(other) for one, other in (simplified or {}).items()}
    unless: dict[str, tuple[str, ...]] = {}
    versions: list[str] = []
    documents = list(documents)
    compounds = read_compounds(one for document in documents for one in document.get("compounds", ()))
    for document in documents:
        versions.append(f"{document['id']}|{document['version']}")
        for entry in document["entries"]:
            verdict, phrases = _entry(document, entry, table)
            unless[verdict.matched] = tuple(
                compounds.masked(_flat(phrase, table)) for phrase in entry.get("unless", ())
            )
            target = verdicts if verdict.kind in _ANYWHERE else whole
            for phrase in phrases:
                if verdict.kind in _ANYWHERE and GAP not in phrase:
                    written[phrase] = verdict
                sought = compounds.masked(phrase) if verdict.kind in _ANYWHERE else phrase
                if target.setdefault(sought, verdict).kind != verdict.kind:
                    raise Invalid("lexicon-contradicts-itself", "a phrase has two meanings", place=verdict.matched)
    gaps = [phrase for phrase in verdicts if GAP in phrase or "*" in phrase[:-1]]
    return Lexicon(
        latin=_latin([phrase for phrase in verdicts if not _is_han(phrase)], gaps),
        han=_han([phrase for phrase in verdicts if _is_han(phrase)], gaps),
        verdicts=verdicts,
        stems=tuple((phrase[:-1], verdict) for phrase, verdict in verdicts.items() if phrase.endswith("*")),
        gaps=tuple((verdicts[phrase], _tail(phrase)) for phrase in gaps),
        compounds=compounds,
        unless=unless,
        whole=whole,
        spelt=_spelt(one for one in written.items() if "*" not in one[0][:-1]),
        simplified=table,
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
    chinese = not plain.isascii() and _HAS_HAN.search(plain) is not None
    if chinese:
        plain = plain.translate(lexicon.simplified)
    command = lexicon.whole.get(plain.strip(TRAILING))
    flat = lexicon.compounds.masked(_NO_WORD.sub(" ", plain.replace("'", "")).strip())
    best = _worst(_hits(lexicon.latin, flat, lexicon), command)
    if _SPELT.search(flat):
        best = _worst(_spelled_out(flat, lexicon), best)
    if chinese:
        han = lexicon.compounds.masked(_BETWEEN_HAN.sub("", plain))
        best = _worst(_hits(lexicon.han, han, lexicon), best)
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
        at, first = head.start(), head[1]
        if first not in net.beginnings and first[: net.stem] not in net.stems:
            continue
        match = net.pattern.match(text, at)
        if match is None:
            continue
        group, found = match.lastgroup, match[0]
        verdict, tail = lexicon.gaps[int(group[1:])] if group else (lexicon.verdicts.get(found), "")
        if tail and verdict is not None and verdict.kind == "red_flag" and _denied(found, tail):
            continue
        if verdict is None:  # a stem (suicid*) that ran on
            verdict = next(each for stem, each in lexicon.stems if found.startswith(stem))
        if not _excused(match, text, lexicon.unless[verdict.matched]):
            yield verdict


def _spelled_out(flat: str, lexicon: Lexicon) -> Iterator[Verdict]:
    """What stands in a text whose letters are spelled out: "k i l l myself", "c h e s t p a i n"."""
    runs = [run[0].replace(" ", "") for run in _SPELT.finditer(flat)]
    joined = _SPELT.sub(lambda run: run[0].replace(" ", ""), flat)
    yield from _hits(lexicon.latin, lexicon.compounds.masked(joined), lexicon)
    after_i = _SPELT.sub(lambda run: re.sub("^(i|a) ", r"\1|", run[0]).replace(" ", "").replace("|", " "), flat)
    if after_i != joined:
        yield from _hits(lexicon.latin, lexicon.compounds.masked(after_i), lexicon)
    for run in runs:
        if len(run) >= _SPELT_LEAST:
            yield from (verdict for phrase, verdict in lexicon.spelt.items() if phrase in run[:MAX_SPELT])


def _denied(found: str, tail: str) -> bool:
    """Whether the words after a gap are denied right before them, once: "the pain is not severe", 胸口不痛."""
    before = found[: found.rfind(tail)]
    if _HAS_HAN.search(before):
        denials = list(_DENIED_HAN.finditer(before))
        return len(denials) == 1 and denials[0].end() == len(before)
    words = before.split()
    return bool(words) and words[-1] in DENIALS and sum(word in DENIALS for word in words) == 1


def _tail(phrase: str) -> str:
    """What stands after the last gap of a phrase, as far as it is written out; "" where there is no gap."""
    return phrase.rpartition(GAP)[2].partition("*")[0] if GAP in phrase else ""


def _excused(match: re.Match[str], text: str, unless: tuple[str, ...]) -> bool:
    """Whether the hit lies inside a phrase that the lexicon names as harmless."""
    start, end = match.span()
    for phrase in unless:
        at = text.find(phrase, max(0, end - len(phrase)), start + len(phrase))
        if at != -1 and at <= start:
            return True
    return False


def _spelt(phrases: Iterable[tuple[str, Verdict]]) -> dict[str, Verdict]:
    """Latin phrases of some length without their spaces."""
    joined = ((phrase.replace(" ", ""), verdict) for phrase, verdict in phrases if not _is_han(phrase))
    return {phrase.rstrip("*"): verdict for phrase, verdict in joined if len(phrase.rstrip("*")) >= _SPELT_LEAST}


def _entry(
    document: Mapping[str, Any], entry: Mapping[str, Any], table: Mapping[int, int]
) -> tuple[Verdict, list[str]]:
    kind = entry.get("kind", document.get("kind"))
    if kind not in (*_ANYWHERE, *_WHOLE):
        raise Invalid("unknown-kind", "a lexicon entry has an unknown kind", place=str(entry.get("id")))
    anywhere = kind in _ANYWHERE
    phrases = [
        _flat(phrase, table) if anywhere else normalised(phrase).translate(table).strip(TRAILING)
        for phrase in entry["any"]
    ]
    if not phrases or not all(phrases):
        raise Invalid("empty-entry", "a lexicon entry has no words", place=str(entry.get("id")))
    named = entry.get("priority", document.get("priority"))
    return Verdict(kind, str(entry["id"]), Priority(named) if kind in _ANYWHERE else None), phrases


def _flat(phrase: str, table: Mapping[int, int]) -> str:
    """A phrase as the text that it is looked for in: Latin words with one space between them, Chinese without any."""
    plain = normalised(phrase).replace("...", GAP).translate(table)
    if _is_han(plain):
        return _BETWEEN_HAN.sub(lambda between: GAP if GAP in between[0] else "", plain)
    parts = [re.sub("[^a-z0-9*]+", " ", part.replace("'", "")).strip() for part in plain.split(GAP)]
    return GAP.join(parts)


def _is_han(phrase: str) -> bool:
    return _HAS_HAN.search(phrase) is not None


def _latin(phrases: list[str], gaps: list[str]) -> Net:
    """All Latin phrases, as whole words; a word that ends in * may run on."""
    firsts = {re.split("[ …]", phrase)[0] for phrase in phrases}
    stems = {first[:-1] for first in firsts if first.endswith("*")}
    if any(len(stem) < STEM for stem in stems):
        raise Invalid("short-stem", f"a word that may run on begins with {STEM} letters or more", place=min(stems))
    pattern = re.compile(f"{_trie(phrases, gaps, ' (?:[a-z0-9]+ ){0,3}?')}(?![a-z0-9])")
    return Net(pattern, re.compile("([a-z0-9]+)"), frozenset(firsts), frozenset(stem[:STEM] for stem in stems), STEM)


def _han(phrases: list[str], gaps: list[str]) -> Net:
    """All phrases with Chinese characters, wherever they stand."""
    first = "".join(sorted({re.escape(phrase[0]) for phrase in phrases}))
    heads = re.compile(f"(?=([{first}].?))" if first else "(?!)")
    pattern = re.compile(_trie(phrases, gaps, ".{0,6}?"))
    alone = frozenset(phrase[0] for phrase in phrases if len(phrase) == 1 or phrase[1] == GAP)
    return Net(pattern, heads, frozenset(phrase[:2] for phrase in phrases), alone, 1)


def _trie(phrases: list[str], gaps: list[str], gap: str) -> str:
    """One pattern for many phrases that shares their beginnings, so that a text is read once and not once a phrase.

    Where a phrase with a gap ends stands an empty group g<its place among `gaps`>: what matched does not tell it.
    """
    places = {phrase: place for place, phrase in enumerate(gaps)}
    root: dict[str, Any] = {}
    for phrase in phrases:
        node = root
        for char in phrase:
            node = node.setdefault(char, {})
        node[""] = {}
        if phrase in places:
            node[f"(?P<g{places[phrase]}>)"] = {"": {}}
    return _branch(root, gap) if root else "(?!)"


def _branch(node: dict[str, Any], gap: str) -> str:
    named = [char for char in node if len(char) > 1]
    ends = "" in node and not named
    ways = []
    for char, below in node.items():
        if char == "" or char in named:
            continue
        head = "[a-z]*" if char == "*" else gap if char == GAP else re.escape(char)
        ways.append(head + (_branch(below, gap) if set(below) != {""} else ""))
    ways += named
    if not ways:
        return ""
    body = "|".join(ways)
    return f"(?:{body})?" if ends else f"(?:{body})"
