"""A run's script, drawn from its seed: who there is, what they write, how the provider behaves, what breaks and when.

Real processes race, so the same seed gives the same troubles and not the same interleaving.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

from tests.faults.fuse import BOUNDARIES, ONE_COMMIT

BEGIN = datetime(2026, 3, 2, 13, 40, tzinfo=UTC)  # Monday 08:40 in New York, 21:40 in Shanghai
HORIZON_DAYS = 6
WORKERS = 4
TIMEOUT = 0.35  # seconds that the client waits for the provider
STAFF = ("+12025550190", "+12025550191")
DUE = {False: "09:00:00", True: "20:40:00"}  # in the morning, in the evening
ZONES = (
    "America/New_York",
    "America/New_York",
    "America/New_York",
    "America/Chicago",
    "Asia/Shanghai",
    "Europe/London",
)
WORDS = ("3", "yes", "no", "2", "71.5", "what?", "call me please", "0")
DANGER = ("my chest pain is getting worse", "I want to kill myself")

MISBEHAVIOUR = (
    "500-before",
    "500-after",
    "503-before",
    "hang-before",
    "hang-after",
    "slow",
    "429-hour",
    "429-hour",  # twice as likely: what waits an hour meets the night
    "429-soon",
    "garbage-before",
    "garbage-after",
    "half-after",
    "no-sid-after",
    "reset-before",
    "reset-after",
    "bad-number",
    "opted-out",
    "early-receipt",
)
"""What the provider may do with a message, `-after` having taken it and `-before` not."""

BLOWS = ("kill", "kill", "kill-web", "database-restart", "database-crash", "database-cut", "provider-down", "step")
Job = str


@dataclass(frozen=True)
class Person:
    """A patient: where, since when, what they will answer to what reaches them, and whether they consented."""

    address: str
    zone: str
    starts: str
    consented: bool
    replies: tuple[str, ...] = ()
    evening: bool = False  # asked shortly before the quiet hours begin
    second: str = ""  # an address on another channel, with another provider


@dataclass(frozen=True)
class Text:
    """Somebody writes, so long after a move of the clock (counted from the start); `twice` it is brought twice."""

    move: int
    delay: float
    sender: str
    words: str
    says: str
    twice: bool


@dataclass(frozen=True)
class Death:
    """The fuse that a seat's n-th worker is born with: it dies there, or is frozen for longer than its leases."""

    seat: int
    life: int
    job: Job
    boundary: str
    count: int
    freeze: bool


@dataclass(frozen=True)
class Blow:
    """What happens to a process from outside, so long after a move of the clock. `size` is hours for a step."""

    move: int
    delay: float
    what: str
    size: float = 0.0


@dataclass(frozen=True)
class Manners:
    """How the provider behaves: odds of each answer to a message, of trouble with receipts and with look-ups."""

    odds: Mapping[str, float]
    lookup_trouble: float
    twice: float
    late: float
    never: float
    shuffled: float
    undelivered: float
    seed: int
    special: Mapping[str, str] = field(default_factory=dict)  # an answer by address, whatever the odds


@dataclass(frozen=True)
class Script:
    """Everything that is decided beforehand about one run."""

    seed: int
    people: tuple[Person, ...]
    texts: tuple[Text, ...]
    manners: Manners
    deaths: tuple[Death, ...]
    blows: tuple[Blow, ...]
    patience: float  # minutes until the nurse acts
    leap: float  # minutes: how far past the next due moment the clock may be moved
    second: Manners  # of the other channel's provider
    carried: bool  # ids come by a carrier that loses, doubles and brings stale ones

    @property
    def faults(self) -> list[str]:
        """What is wrong in this run, for the table."""
        found = {f"{'freeze' if one.freeze else 'die'} {one.boundary}" for one in self.deaths} | {
            one.what for one in self.blows
        }
        found |= {"carrier loses and doubles"} if self.carried else set()
        found |= {"another way to go"} if any(one.second for one in self.people) else set()
        return sorted(found | {f"provider {name}" for name in self.manners.odds if name != "ok"})


def draw(seed: int) -> Script:
    """The script of a seed."""
    dice = random.Random(seed)
    detours = dice.random() < 0.4
    people = tuple(_person(dice, number, detours) for number in range(dice.randint(3, 7)))
    return Script(
        seed=seed,
        people=people,
        texts=tuple(_text(dice, people) for _ in range(dice.randint(0, 4))),
        manners=_manners(dice),
        deaths=tuple(_death(dice) for _ in range(dice.choice((1, 2, 3, 4, 6)))),
        blows=tuple(_blow(dice) for _ in range(dice.choice((0, 1, 1, 2, 3)))),
        patience=dice.choice((0, 2, 12)),
        leap=dice.choice((2, 10, 30, 60)),
        second=_manners(dice),
        carried=dice.random() < 0.3,
    )


def _person(dice: random.Random, number: int, detours: bool) -> Person:
    zone = dice.choice(ZONES)
    replies = tuple(dice.choice(WORDS) for _ in range(dice.choice((0, 0, 1, 3))))
    if dice.random() < 0.15:
        replies = (*replies[:1], "STOP")
    elif dice.random() < 0.1:
        replies = (*replies, dice.choice(DANGER))
    # Where nine has passed already on the first day, the plan begins on the next.
    early = zone in ("America/New_York", "America/Chicago")
    starts = date(2026, 3, 2 if early else 3).isoformat()
    second = f"+1202556{100 + number:04d}" if detours and dice.random() < 0.8 else ""
    return Person(
        f"+1202555{100 + number:04d}", zone, starts, dice.random() > 0.12, replies, dice.random() < 0.35, second
    )


def _text(dice: random.Random, people: tuple[Person, ...]) -> Text:
    says = dice.choice(("words", "words", "danger", "stop"))
    words = {"words": WORDS, "danger": DANGER, "stop": ("STOP", "stop")}[says]
    sender = dice.choice(people).address if dice.random() > 0.1 else "+12025550180"
    return Text(dice.randint(0, 8), dice.random() * 0.1, sender, dice.choice(words), says, dice.random() < 0.3)


def _manners(dice: random.Random) -> Manners:
    kinds = dice.sample(MISBEHAVIOUR, dice.choice((0, 1, 1, 2, 3, 5)))
    trouble = dice.choice((0.1, 0.3, 0.6, 0.9))
    odds = {kind: trouble * kinds.count(kind) / len(kinds) for kind in kinds}
    return Manners(
        odds={"ok": 1.0 - sum(odds.values()), **odds},
        lookup_trouble=dice.choice((0.0, 0.0, 0.3, 0.8)),
        twice=dice.choice((0.0, 0.3)),
        late=dice.choice((0.0, 0.5, 1.0)),
        never=dice.choice((0.0, 0.0, 0.2, 0.6)),
        shuffled=dice.choice((0.0, 0.5)),
        undelivered=dice.choice((0.0, 0.1)),
        seed=dice.randrange(2**32),
    )


def _death(dice: random.Random) -> Death:
    job = dice.choice(("deliver", "deliver", "deliver", "remind", "remind", "turns", "page", "any", "web"))
    if job == "web":
        return Death(WORKERS, 0, job, dice.choice(("before-commit", "after-commit")), dice.choice((1, 2, 5)), False)
    boundary = dice.choice(
        [one for one in BOUNDARIES if job == "deliver" or ("-send" not in one and "-accept" not in one)]
    )
    if boundary in ("amid-claim", "after-claim") and job in ONE_COMMIT:
        boundary = boundary.replace("amid", "before").replace("claim", "commit")
    count = dice.randint(1, 40) if boundary == "anywhere" else dice.choice((1, 1, 2, 3))
    if boundary == "before-claim":
        count = dice.randint(2, 30)
    freeze = dice.random() < 0.2
    return Death(dice.randrange(WORKERS), dice.choice((0, 0, 1, 2)), job, boundary, count, freeze)


def _blow(dice: random.Random) -> Blow:
    what = dice.choice(BLOWS)
    size = dice.choice((-3.0, -1.0, 1.0, 2.0)) if what == "step" else float(dice.randrange(WORKERS))
    return Blow(dice.randint(0, 12), dice.random() * 0.06, what, size)
