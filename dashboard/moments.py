"""Moments: how long ago, with the exact moment behind it; the patient's clock beside the reader's."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from functools import cache, lru_cache
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import get_day_names
from flask_babel import get_locale
from flask_babel import gettext as _
from markupsafe import Markup, escape

from dashboard import blueprint
from dashboard.request import language, reader_zone, runtime

FORMS = {
    "moment": ("EEE d MMM, HH:mm", "M月d日 EEE HH:mm"),
    "exact": ("EEE d MMM y, HH:mm", "y年M月d日 EEE HH:mm"),
    "day": ("d MMM y", "y年M月d日"),
    "weekday": ("EEE d MMM", "M月d日 EEE"),
    "clock": ("EEE HH:mm", "EEE HH:mm"),
    "time": ("HH:mm", "HH:mm"),
}
"""How a moment is written in English and in Chinese, by what is asked for."""
_PARTS = {
    "EEE": "{weekday}",
    "MMM": "{month}",
    "HH": "{at.hour:02}",
    "mm": "{at.minute:02}",
    "d": "{at.day}",
    "M": "{at.month}",
    "y": "{at.year}",
}
_PART = re.compile("|".join(_PARTS))


@blueprint.app_template_filter("written")
def written(at: datetime | date, form: str = "day") -> str:
    """A day, or a moment on the clock that it carries, in the reader's language."""
    whole = at if isinstance(at, datetime) else datetime(at.year, at.month, at.day, tzinfo=UTC)
    return _put(whole, form, language())


def _put(at: datetime, form: str, said: str) -> str:
    days, months = _names(said)
    return _plain(form, said.startswith("zh")).format(at=at, weekday=days[at.weekday()], month=months[at.month])


@lru_cache(maxsize=16_384)
def _on_clock(at: datetime, zone: ZoneInfo, form: str, said: str) -> tuple[str, str]:
    """A moment on the clock of a zone, and what that clock is called: an open list asks for the same ones again."""
    here = at.astimezone(zone)
    return _put(here, form, said), str(here.tzname())


@cache
def _plain(form: str, chinese: bool) -> str:
    """A form as Python fills it in: a page has hundreds of moments, and the tables of a locale are slow to ask."""
    return _PART.sub(lambda part: _PARTS[part[0]], FORMS[form][chinese])


@cache
def _names(said: str) -> tuple[Mapping[int, str], Mapping[int, str]]:
    """The short names of days and months."""
    locale = Locale.parse(said, sep="-")
    return locale.days["format"]["abbreviated"], locale.months["format"]["abbreviated"]


@blueprint.app_template_global()
def short_days() -> list[str]:
    """The days of a week, Monday first, as the reader's language shortens them."""
    names = get_day_names("abbreviated", locale=get_locale())
    return [names[day] for day in range(7)]


def span(delta: timedelta) -> str:
    """A length of time in one unit: 'just now', '12 min', '3 h', '2 days'."""
    seconds = abs(delta.total_seconds())
    if seconds < 60:
        return _("just now")
    if seconds < 3600:
        return _("%(minutes)s min", minutes=int(seconds // 60))
    if seconds < 48 * 3600:
        return _("%(hours)s h", hours=int(seconds // 3600))
    return _("%(days)s days", days=int(seconds // 86400))


@blueprint.app_template_global()
def time_words() -> str:
    """The same words for the script that keeps times true while a page stays open (care.js)."""
    return json.dumps(
        {
            "now": _("just now"),
            "minutes": _("%(minutes)s min", minutes="#"),
            "hours": _("%(hours)s h", hours="#"),
            "days": _("%(days)s days", days="#"),
            "past": _("%(span)s ago", span="#"),
            "future": _("in %(span)s", span="#"),
        },
        ensure_ascii=False,
    )


def exact(at: datetime, zone: ZoneInfo) -> str:
    """The exact moment on the wall of a zone: 'Mon 2 Mar 2026, 07:00 EST'."""
    return " ".join(_on_clock(at, zone, "exact", language()))


def both(at: datetime, patient_zone: str) -> str:
    """The exact moment in the reader's zone, and in the patient's where that is another."""
    here = exact(at, reader_zone())
    if not patient_zone or patient_zone == reader_zone().key:
        return here
    there = exact(at, ZoneInfo(patient_zone))
    return _("%(here)s · %(there)s where the patient is", here=here, there=there)


@blueprint.app_template_filter("ago")
def ago(at: datetime | None, patient_zone: str = "") -> str | Markup:
    """How long ago, with the exact moment in the reader's zone (and the patient's, when given) as its title."""
    if at is None:
        return _("unknown")
    now = runtime().now()
    words = span(now - at)
    if abs(now - at) >= timedelta(minutes=1):
        words = _("in %(span)s", span=words) if at > now else _("%(span)s ago", span=words)
    return _marked(at, both(at, patient_zone), words, Markup(" data-ago"))


@blueprint.app_template_filter("waited")
def waited(at: datetime) -> Markup:
    """How long something has waited, without 'ago'."""
    return _marked(at, exact(at, reader_zone()), span(runtime().now() - at), Markup(' data-ago="bare"'))


@blueprint.app_template_filter("local")
def local(at: datetime, zone: str, form: str = "moment") -> Markup:
    """A moment on the patient's wall clock, with the reader's as its title."""
    title = _here(language()).replace("#", exact(at, reader_zone()))
    return _marked(at, title, _on_wall(at, zone, form))


@cache
def _here(said: str) -> str:
    """How a moment on the reader's clock is told beside the patient's, with # in its place."""
    return _("%(moment)s here", moment="#")


@blueprint.app_template_filter("here")
def here(at: datetime, form: str = "moment") -> Markup:
    """A moment on the reader's own wall clock."""
    return _marked(at, exact(at, reader_zone()), _on_wall(at, reader_zone().key, form))


_FORMS_OF_OLD = {"%a %d %b, %H:%M": "moment", "%a %H:%M": "clock", "%H:%M": "time"}


def _on_wall(at: datetime, zone: str, form: str) -> str:
    return _on_clock(at, ZoneInfo(zone), _FORMS_OF_OLD.get(form, form), language())[0]


def _marked(at: datetime, title: str, words: str, mark: Markup = Markup("")) -> Markup:
    return Markup(f'<time datetime="{at.isoformat()}" title="{escape(title)}"{mark}>{escape(words)}</time>')  # noqa: S704
