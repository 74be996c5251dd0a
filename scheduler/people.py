"""Simulated patients: plainly invented, driven by a seed, answering what they are asked on an invented phone.

They are made up to exercise the machinery, not to resemble a population: no clinical figure may be read off them.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import datetime, timedelta

LANGUAGES = ("en", "zh-Hans", "en", "zh-Hant")
ZONES = {"en": ("America/New_York", "US"), "zh-Hans": ("Asia/Shanghai", "CN"), "zh-Hant": ("Asia/Hong_Kong", "HK")}
PROTOCOLS = ("diabetes-diary", "heart-failure-daily", "cancer-treatment-symptoms")
RED_FLAGS = {"en": "I have chest pain", "zh-Hans": "我胸口很痛", "zh-Hant": "我胸口好痛"}
CHATTER = {"en": "thank you, feeling ok today", "zh-Hans": "谢谢，今天还可以", "zh-Hant": "多謝，今日都幾好"}


@dataclass
class Person:
    """One simulated patient and how they behave; `chance` is their own, so that adding one changes no other."""

    number: int
    chance: random.Random
    language: str
    protocol: str
    diligence: float
    weight: float
    glucose_mean: float
    unwell_from: int
    gone_from: int | None
    writing: bool = False
    texts: int = 0

    @property
    def address(self) -> str:
        """The number of their invented phone."""
        return f"phone-{self.number}"

    @property
    def name(self) -> str:
        """A name that nobody has."""
        return f"Demo Patient {self.number:03d}" if self.language == "en" else f"示例病人{self.number:03d}"

    @property
    def west(self) -> bool:
        """Whether they live in the western half of the simulated world."""
        return self.language == "en"

    def recovered(self) -> str:
        """The second reading of somebody who has treated a low one: usually fine."""
        value = max(50.0, self.chance.gauss(105, 15))
        return f"{value:.0f}" if self.language == "en" else f"{value / 18.0182:.1f}"

    def next_id(self) -> str:
        """The provider's id of their next text."""
        self.texts += 1
        return f"{self.address}-{self.texts}"

    def will_answer(self, day: int) -> bool:
        """Whether they answer what was asked on this day of their plan."""
        if self.gone_from is not None and day >= self.gone_from:
            return False
        return self.chance.random() < self.diligence

    def answer_after(self) -> timedelta:
        """How long they take to answer."""
        return timedelta(seconds=round(self.chance.expovariate(1 / 900)) + 20)

    def stray_text(self) -> str | None:
        """Now and then a text that nobody asked for; rarely one with a red flag."""
        draw = self.chance.random()
        if draw < 0.0008:
            return RED_FLAGS[self.language]
        return CHATTER[self.language] if draw < 0.01 else None

    def answer(self, link_id: str, kind: str, options: int, day: int) -> str:
        """What they write when asked this question on this day."""
        chance = self.chance
        unwell = self.unwell_from <= day < self.unwell_from + 5
        if "weight" in link_id:
            self.weight += chance.gauss(0, 0.2) + (0.9 if unwell else (self._usual - self.weight) * 0.3)
            return f"{self.weight:.1f}"
        if "glucose" in link_id:
            value = max(45.0, chance.gauss(self.glucose_mean, 32 if not unwell else 48))
            return f"{value:.0f}" if self.language == "en" else f"{value / 18.0182:.1f}"
        if "temperature" in link_id:
            celsius = chance.gauss(36.7, 0.25) + (1.6 if unwell and chance.random() < 0.4 else 0)
            return f"{celsius:.1f}" if chance.random() < 0.9 else f"{celsius:.1f}".translate(_FULL_WIDTH)
        if kind == "boolean":
            yes = chance.random() < (0.35 if unwell else 0.03)
            return {"en": ("yes", "no"), "zh-Hans": ("是", "没有"), "zh-Hant": ("有", "冇")}[self.language][not yes]
        if options:
            worst = min(options, 4 if unwell else 2)
            weights = [8, 3, 1.2, 0.4][:worst]
            return str(chance.choices(range(1, worst + 1), weights=weights)[0])
        return "skip" if self.language == "en" else "跳过"

    def __post_init__(self) -> None:
        self._usual = self.weight


_FULL_WIDTH = str.maketrans("0123456789.", "０１２３４５６７８９．")


def invent(count: int, days: int, seed: int) -> list[Person]:
    """`count` people for `days` days; the same seed gives the same people."""
    people = []
    for number in range(1, count + 1):
        chance = random.Random(f"{seed}-{number}")
        people.append(
            Person(
                number=number,
                chance=chance,
                language=LANGUAGES[number % 4],
                protocol=PROTOCOLS[number % 3],
                diligence=chance.choice((0.6, 0.8, 0.9, 0.97)),
                weight=chance.uniform(55, 95),
                glucose_mean=chance.uniform(125, 175),
                unwell_from=chance.randrange(days * 3),
                gone_from=chance.randrange(days) if chance.random() < 0.06 else None,
            )
        )
    return people


@dataclass(order=True, frozen=True)
class Due:
    """Something that a person of the simulation will do at a moment."""

    at: datetime
    order: int
    who: str = field(compare=False)
    text: str = field(compare=False)
    external_id: str = field(compare=False)
