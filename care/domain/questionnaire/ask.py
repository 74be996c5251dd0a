"""One question as words: what comes before it, its text, its options, and how to answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from care.domain.questionnaire.hints import hints
from care.domain.questionnaire.marks import marks
from care.domain.questionnaire.model import CHOICES, MORE, Answer, Item, in_language
from care.domain.questionnaire.units import convert, label

_EXAMPLE_DATE = "2026-03-31"
_LISTED = frozenset(("string", "integer", "decimal", "quantity", "date", "dateTime", "time", "url"))
_NUMBERS = frozenset(("integer", "decimal", "quantity"))
_SHORT = 4  # numbers stand on one line as long as they are at most so long


def ask(
    item: Item,
    language: str,
    progress: tuple[int, int] | None = None,
    limit: int = 1600,
    lead: Sequence[Item] = (),
) -> str:
    """The question as one message of at most `limit` characters where that is possible at all.

    `progress` is (done, of): the question shown is number done + 1. `lead` are the displays and headings before it.
    When it is too long the lead goes first, then the question's text is cut; options are never left out.
    """
    place = f"{progress[0] + 1}/{progress[1]} " if progress and progress[1] > 1 else ""
    question = question_text(item, language)
    answer_part = "\n".join((*option_lines(item, language), how_to_answer(item, language)))
    whole = "\n".join(part for part in (*lead_texts(lead, language), place + question, answer_part) if part)
    if len(whole) <= limit:
        return whole
    room = max(limit - len(place) - len(answer_part) - 2, 20)
    cut = question if len(question) <= room else question[: room - 1] + "…"
    return "\n".join(part for part in (place + cut, answer_part) if part)


def lead_texts(lead: Sequence[Item], language: str) -> tuple[str, ...]:
    """The words of the displays and headings before a question."""
    texts = (f"{each.prefix} {in_language(each.text, language)}".strip() for each in lead)
    return tuple(text for text in texts if text)


def question_text(item: Item, language: str) -> str:
    """The question's own words, with its prefix; "another one?" of a group by the group's name."""
    if item.type == MORE:
        name, words = in_language(item.text, language), hints(language)
        key = "another" if item.min_occurs else "any"
        return words[f"{key}-of"].format(name=name) if name else words[key]
    words_ = in_language(item.text, language) or in_language(item.short_text, language)
    return f"{item.prefix} {words_}".strip()


def option_lines(item: Item, language: str) -> tuple[str, ...]:
    """The options, one a line with what to reply in front; short numbers on one line. Empty where there are none."""
    if item.type not in CHOICES or not item.options:
        return ()
    names = [in_language(option.text, language) for option in item.options]
    found = marks(item)
    if not found.told:
        bare = all(len(name) <= _SHORT for name in names)
        return (" / ".join(names),) if bare else tuple(names)
    shown = [mark.upper() if found.own else mark for mark in found.replies]
    return tuple(f"{mark}. {name}" for mark, name in zip(shown, names, strict=True))


def how_to_answer(item: Item, language: str, example: bool = False, kept: bool = False) -> str:
    """How an answer is written, and that the question may be left out; with `example` also a value like one.

    Yes and no are listed as the options 1 and 2. `kept`: there is an answer, which may be left as it is.
    """
    words = hints(language)
    lines = [_how(item, language, words, example)]
    if item.repeats and item.type in _LISTED:
        lines.append(words["list"])
    elif item.repeats and item.type == "text":
        lines.append(words["lines"])
    if kept or (not item.required and item.type != MORE):
        lines.append(words["keep" if kept else "optional"])
    return "\n".join(line for line in lines if line)


def _how(item: Item, language: str, words: Mapping[str, str], example: bool) -> str:
    if item.type == MORE:
        return words["boolean"]
    if item.type in CHOICES:
        return _how_to_choose(item, words)
    like = words["like"].format(value=example_of(item)) if example and item.type in _NUMBERS else ""
    if item.type == "quantity":
        units = [label(unit, language) for unit in item.units if unit != "jin" or language == "zh-Hans"]
        if units:
            return words["quantity"].format(units=words["or"].join(units), like=like)
        return words["decimal"].format(like=like)
    if item.entry_format and item.type in ("string", "text") and example:
        return item.entry_format
    return words.get(item.type, "").format(date=_EXAMPLE_DATE, like=like)


def _how_to_choose(item: Item, words: Mapping[str, str]) -> str:
    if not item.options:
        return ""
    found = marks(item)
    if item.repeats:
        some = list(dict.fromkeys((found.replies[0], found.replies[min(2, len(found.replies) - 1)])))
        some = [mark.upper() if found.own and found.told else mark for mark in some]
        how = words["own-several" if found.own else "several"].format(marks=", ".join(some))
        return f"{how} {words['open']}" if item.type == "open-choice" else how
    if item.type == "open-choice":
        return words["open"]
    numbers = all(mark.isdigit() for mark in found.replies)
    return words["one" if numbers else "own-one"]


def example_of(item: Item) -> str:
    """A number that the question takes: the middle of what is usual or possible."""
    low, high = _ends(item)
    if low is None or high is None:
        middle = low if low is not None else high if high is not None else 5.0
    else:
        middle = (low + high) / 2
    if item.type == "integer" or item.max_decimals == 0 or abs(middle) >= 100:
        return f"{round(middle):.10g}"
    return f"{round(middle, 1):.10g}"


def range_text(item: Item, language: str) -> str:
    """What is possible, as a person reads it: 30 to 300; "" where the form sets no end."""
    ends = bounds(item)
    if ends == (None, None):
        return ""
    low, high = (None if end is None else f"{end:.10g}" for end in ends)
    key = "at-most" if low is None else "at-least" if high is None else "range"
    unit = label(item.units[0], language) if item.type == "quantity" and item.units else ""
    return f"{hints(language)[key].format(low=low, high=high)} {unit}".strip()


def occurs_text(item: Item, language: str) -> str:
    """How many answers are taken, where the form says so of a question that repeats: 2 to 3; else ""."""
    low, high = (item.min_occurs or None, item.max_occurs) if item.repeats else (None, None)
    if low is None and high is None:
        return ""
    key = "at-most" if low is None else "at-least" if high is None else "range"
    return hints(language)[key].format(low=low, high=high)


def _ends(item: Item) -> tuple[float | None, float | None]:
    usual, unit = item.usual, item.units[0] if item.units else ""
    if usual is not None and (not usual.unit or usual.unit == unit):
        return usual.low, usual.high
    return bounds(item)


def bounds(item: Item) -> tuple[float | None, float | None]:
    """The lowest and the highest number that is taken, in the first unit."""
    low, high = (bound if isinstance(bound, float | int) else None for bound in (item.minimum, item.maximum))
    if item.limits is not None:
        unit = item.units[0] if item.units else item.limits.unit
        ends = [
            end if end is None or not item.limits.unit else convert(end, item.limits.unit, unit)
            for end in (item.limits.low, item.limits.high)
        ]
        low, high = (low if low is not None else ends[0]), (high if high is not None else ends[1])
    return low, high


def answer_text(item: Item, answer: Answer, language: str) -> str:
    """An answer as a person reads it: 38.5 °C, <20 mg/dL, yes, the option's name, 31 March 2026."""
    if answer.type == "quantity":
        return f"{answer.comparator}{answer.value:.10g} {label(answer.code, language)}".strip()
    if answer.type == "boolean":
        return hints(language)["yes" if answer.value else "no"]
    if item.type in CHOICES:
        option = item.option_of(answer)
        if option is not None:
            return in_language(option.text, language)
    if answer.type in ("date", "dateTime"):
        return _moment(str(answer.value), language)
    return f"{answer.value:.10g}" if isinstance(answer.value, float) else str(answer.value)


_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)


def _moment(iso: str, language: str) -> str:
    """2026-03-31, 2026-03, 2026 or 2026-03-31T20:15:00-05:00, without a doubt which is the month."""
    day, _, clock = iso.partition("T")
    year, month, date = (int(part) if part.isdecimal() else 0 for part in (*day.split("-"), "", "")[:3])
    if not language.startswith("zh"):
        words = f"{date or ''} {_MONTHS[month - 1] if 0 < month < 13 else ''} {year}".strip()
    else:
        words = f"{year}年" + (f"{month}月" if month else "") + (f"{date}日" if date else "")
    return " ".join(f"{words} {clock[:5]}".split())
