"""Reading dates, times and moments: 11月20日, yesterday, 昨天晚上8点, 2 hours ago. What could be two is asked again."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta

from care.domain.civil import instant, zone_of
from care.domain.questionnaire.around import asked_words, plain_remark
from care.domain.questionnaire.choosing_days import Frame
from care.domain.questionnaire.date_words import ASKS_FUTURE, ASKS_PAST, DAY_WORD, FUTURE, HAN_COUNT, PAST, count
from care.domain.questionnaire.days import Named, day_in, other_days
from care.domain.questionnaire.model import Answer, Item
from care.domain.questionnaire.reading import NOT_UNDERSTOOD, Unclear
from care.domain.questionnaire.times import Clock, time_in

_REST = re.compile(
    r"早上|上午|中午|下午|晚上|夜晚|傍晚|凌晨|今早|今晚|昨晚|大约|大概|左右|的|是|在|于|於|早|晚|那天|我|就|呀|啊|嘅|"
    r"(?<![a-z])(?:at|on|in|the|this|morning|afternoon|evening|night|about|around|it|was|is|of|around|approximately|"
    r"exactly|"
    r"i think|sharp)(?![a-z])|[\s.,:;!?。,@()~-]"
)
_OTHER_PERIOD = re.compile(
    r"(?<![a-z])(?:week|weeks|weekend|month|months|year|years|early|late|later|earlier|onwards?|w/c|wc|\w+(?:morning|"
    r"afternoon|evening|day)s|mornings|afternoons|evenings|nights|early|late|mid|end|beginning|start of|through|to|"
    r"from|not sure|"
    r"about a|few|couple|several|some|before|after|day|any|timezone|time ?zone|mountain|pacific|eastern|central|utc|"
    r"gmt|est|edt|pst|"
    r"pdt|cet|bst|hkt)(?![a-z])|[周週月年底初末多]|前后|前後|左右那|以来|以來|起|至|到|几|幾"
)
_NUMBER_WORD = re.compile(rf"(?<![a-z])(?:{DAY_WORD}|two|three|four|five|six|seven|eight|nine)(?![a-z])")
_SOMEBODY = re.compile(r"(?<![a-z])(?:i|i'll|we|you|he|she|they|who)(?![a-z])")
_ASKED_BACK = re.compile(r"(?<=[一-鿿]{2})[吗嗎]")
_NOW = re.compile(r"(?:just |right )?now|at the moment|现在|現在|此刻|刚刚|剛剛|刚才|剛才|頭先|依家|而家|啱啱")
_AGO = re.compile(
    r"(?:about |around |approximately )?(?P<n>[0-9]{1,3}|an?|half an|one|two|three|four|five|six|seven|eight|nine|ten|"
    r"twenty|thirty) "
    r"(?P<unit>minutes?|mins?|hours?|hrs?) ago"
    rf"|(?:大概|大约|大約)?(?P<zh>{HAN_COUNT})(?P<more>[个個]半)?(?:[个個])?(?P<zh_unit>分钟|分鐘|小时|小時|钟头|鐘頭|"
    rf"鐘)(?:以前|之前|前)"
)


def read_date(item: Item, text: str, now: datetime, zone: str) -> Answer | Unclear:
    """A date in a normalised text, in the patient's zone; bounds of the item hold."""
    frame = _frame(item, text, now, zone)
    found = _day(_without_time(text), frame)
    if isinstance(found, Unclear):
        return found
    fits = _nothing_else(found.rest) and _of_today(found)
    return _bounded(item, "date", found.day.isoformat()) if fits else NOT_UNDERSTOOD


def read_time(item: Item, text: str) -> Answer | Unclear:
    """A time of day in a normalised text."""
    clock = time_in(text)
    if clock is None or isinstance(clock, Unclear):
        return clock or NOT_UNDERSTOOD
    if _nothing_else(clock.rest) and time_in(clock.rest) is None:
        return _bounded(item, "time", clock.at.isoformat(timespec="seconds"))
    return NOT_UNDERSTOOD


def read_datetime(item: Item, text: str, now: datetime, zone: str) -> Answer | Unclear:
    """A day and a time, or now, or so many hours ago; a time without a day is today's unless that is yet to come."""
    moment = _moment(text, now)
    if moment is not None:
        return _bounded(item, "dateTime", moment.astimezone(zone_of(zone)).isoformat(timespec="seconds"))
    frame = _frame(item, text, now, zone)
    clock = time_in(text)
    found = _day(_without_time(text), frame)
    if clock is None or isinstance(clock, Unclear):
        return clock or NOT_UNDERSTOOD
    if isinstance(found, Unclear):
        if found.reason != "not-understood":
            return found
        found = Named(frame.today, clock.rest, "")
        if frame.tense == "past" and frame.local < clock.at:
            return Unclear("ambiguous", clock.at.isoformat(timespec="minutes"))
    if not (_nothing_else(found.rest) and _of_today(found)):
        return NOT_UNDERSTOOD
    at = instant(datetime.combine(found.day, clock.at), zone_of(zone))
    if at is None:
        return NOT_UNDERSTOOD
    return _bounded(item, "dateTime", at.astimezone(zone_of(zone)).isoformat(timespec="seconds"))


def _moment(text: str, now: datetime) -> datetime | None:
    if _NOW.fullmatch(text):
        return now.replace(microsecond=0)
    match = _AGO.fullmatch(text)
    if match is None:
        return None
    number = match["n"] or match["zh"]
    minutes = 30.0 if number in ("half an", "半") else 60.0 * count(number)
    if (match["unit"] or match["zh_unit"])[0] in "m分":
        minutes = minutes / 60 if number != "半" else 0.5
    if match["more"]:
        minutes += 30
    return (now - timedelta(minutes=minutes)).replace(microsecond=0) if minutes > 0 else None


def _frame(item: Item, text: str, now: datetime, zone: str) -> Frame:
    """Past or future: by the text's own words, by the item's bounds, by the question's words."""
    today = now.astimezone(zone_of(zone)).date()
    asked = asked_words(item)
    tense = _tense(text, PAST, FUTURE) or _bounds(item, today) or _tense(asked, ASKS_PAST, ASKS_FUTURE)
    return Frame(today, tense, alone=not asked.strip(), local=now.astimezone(zone_of(zone)).time())


def _tense(text: str, past: re.Pattern[str], future: re.Pattern[str]) -> str:
    was, will = past.search(text) is not None, future.search(text) is not None
    return "" if was == will else "past" if was else "future"


def _bounds(item: Item, today: date) -> str:
    if isinstance(item.maximum, str) and item.maximum[:10] <= today.isoformat():
        return "past"
    return "future" if isinstance(item.minimum, str) and item.minimum[:10] >= today.isoformat() else ""


def _day(text: str, frame: Frame) -> Named | Unclear:
    """The one day of the text; NOT_UNDERSTOOD when it names none."""
    found = day_in(text, frame)
    if found is None:
        return NOT_UNDERSTOOD
    if not isinstance(found, Unclear) and next(other_days(found.rest), None) is not None:
        return Unclear("several")
    return found


def _without_time(text: str) -> str:
    clock = time_in(text)
    return clock.rest if isinstance(clock, Clock) else text


def _nothing_else(rest: str) -> bool:
    """Whether what is left says nothing of a day: filler, or a sentence without numbers, negation or another period."""
    return not _REST.sub("", rest) or (
        plain_remark(_ASKED_BACK.sub("", rest)) and not (_OTHER_PERIOD.search(rest) or _NUMBER_WORD.search(rest))
    )


def _of_today(found: Named) -> bool:
    """Whether a day that is counted is counted from today: alone, or in a sentence with somebody in it."""
    if not found.counted or not _REST.sub("", found.rest):
        return True
    before = _REST.sub("", found.before)
    return _SOMEBODY.search(found.rest) is not None if found.rest.isascii() else not before


def _bounded(item: Item, kind: str, value: str) -> Answer | Unclear:
    low, high = item.minimum, item.maximum
    if kind == "dateTime":
        return _bounded_moment(item, value)
    if (isinstance(low, str) and value < low) or (isinstance(high, str) and value > high):
        return Unclear("out-of-range", value)
    return Answer(kind, value)


def _bounded_moment(item: Item, value: str) -> Answer | Unclear:
    """Bounds with a zone are compared as instants, others with the local time as it is written."""
    at = datetime.fromisoformat(value)
    for bound, below in ((item.minimum, True), (item.maximum, False)):
        if not isinstance(bound, str):
            continue
        limit = datetime.fromisoformat(bound) if len(bound) > 10 else None
        said, edge = (
            (at.astimezone(UTC).isoformat(), limit.astimezone(UTC).isoformat())
            if limit and limit.tzinfo
            else (value, bound)
        )
        if (said < edge) if below else (said[: len(edge)] > edge):
            return Unclear("out-of-range", value)
    return Answer("dateTime", value)
