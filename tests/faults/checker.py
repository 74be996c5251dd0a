"""The checker: reads what was recorded and decides whether a promise was broken. It knows nothing of the code.

It imports nothing of the project. What it reads is a list of flat records, each with a `kind`:

  person      address, others (on other channels), zone, consented, tasks (nominal local times to be asked for)
  accepted    the provider took a message: id (ours, from its callback address), to, sid, words, mono
  refused     the provider certainly did not: to, code
  receipt     the provider said what became of a message: id, word, status (of our answer, 2xx is heard)
  text        somebody wrote to us: sid, sender, says (stop, danger, words), status
  intent      a worker is about to hand a message over: id, to
  opted-out   an address must not be written to, as could be seen at that moment: address, at, mono and `why`
              (opted-out, or failed, which holds until somebody writes from there)
  message     a row at the end, in or out, `words` as in accepted: equal for equal texts, no two others alike; `task`,
              `letter`, `escalation`, `link` likewise
  state       a change of what is known of a message: id, known, begun (when that transaction began), handed (by the
              clock of the worker that marked it as leaving)
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, time
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

Line = Mapping[str, Any]

TURN = 5.0  # seconds of real time from a text to its turn, when the address that it came from is seen to work
LEFT = {"sent", "delivered", "sent-unconfirmed"}
FINAL = LEFT | {"failed", "unknown", "stopped"}
EXEMPT = {"emergency", "page", "confirmation", "sign-in"}  # what needs no consent
BACK = {(one, "unknown") for one in ("delivered", "failed", "stopped")}  # a `sent` may come to be in doubt again
MAY_REPEAT = {"emergency", "page"}  # worse if it does not arrive than if it arrives twice
QUIET_FROM, QUIET_TO = time(21), time(8)
STRENGTH = {"sent": 1, "undelivered": 2, "failed": 2, "canceled": 2, "delivered": 3, "read": 3}
# What may be known of a message after the strongest receipt; what is never confirmed may come to be in doubt again.
MEANS = {1: {"sent", "delivered", "unknown"}, 2: {"failed"}, 3: {"delivered"}}


@dataclass(frozen=True)
class Findings:
    """What was found in one run's history: every entry of a list is a broken promise, in words."""

    lost: list[str] = field(default_factory=list)
    duplicates: list[str] = field(default_factory=list)
    unresolved: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    unknown: int = 0
    repeated: int = 0
    messages: int = 0

    @property
    def holds(self) -> bool:
        """Whether every promise was kept."""
        return not (self.lost or self.duplicates or self.unresolved or self.wrong)


class History:
    """The records of one run, by kind and by what joins them."""

    def __init__(self, lines: Iterable[Line]) -> None:
        self._kinds: dict[str, list[Line]] = defaultdict(list)
        for line in lines:
            self._kinds[line["kind"]].append(line)
        self.out = [one for one in self.of("message") if one["direction"] == "out"]
        self.texts = [one for one in self.of("message") if one["direction"] == "in"]
        self.message = {one["id"]: one for one in self.out}
        self.task = {one["id"]: one for one in self.of("task")}
        self.escalation = {one["id"]: one for one in self.of("escalation")}
        self.accepted = Counter(one["id"] for one in self.of("accepted"))
        self.mourned = {one["row"] for one in self.of("letter")}
        self.opted_out = {one["address"] for one in self.of("opted-out")}
        self.opted_out |= {one["to"] for one in self.of("refused") if one.get("code") == 21610}
        self.dead = {one["to"] for one in self.of("refused") if one.get("code") == 21211}
        self.person = {address: one for one in self.of("person") for address in (one["address"], *one["others"])}
        self.states: dict[str, list[str]] = defaultdict(list)
        for one in self.of("state"):
            self.states[one["id"]].append(one["known"])

    def of(self, kind: str) -> list[Line]:
        """All records of a kind, in the order in which they were written."""
        return self._kinds[kind]

    def was_unknown(self, message_id: str) -> int:
        """How often it was written down that nobody knows what became of a message."""
        return self.states[message_id].count("unknown")

    def consented(self, address: str) -> bool:
        """Whether whoever has this address consented; who is nobody's patient is not asked."""
        return address not in self.person or bool(self.person[address]["consented"])

    def ways(self, address: str) -> set[str]:
        """All addresses of whoever has this one."""
        person = self.person.get(address)
        return {person["address"], *person["others"]} if person else {address}

    def wrote(self, address: str, since: float) -> bool:
        """Whether a text from there was taken since then."""
        texts = (one for one in self.of("text") if one["sender"] == address and 200 <= one["status"] < 300)
        return any(one["mono"] >= since for one in texts)

    def unreachable(self, person: Line) -> bool:
        """Whether nothing that needs consent may be expected to reach this person."""
        gone = self.opted_out | self.dead
        return not person["consented"] or all(address in gone for address in (person["address"], *person["others"]))


def check(lines: Iterable[Line]) -> Findings:
    """Judge one run's history."""
    history = History(lines)
    unknown = {one["id"] for one in history.out if history.was_unknown(one["id"]) or one["known"] == "unknown"}
    return Findings(
        lost=[*_unasked(history), *_unheard(history), *_stranded(history)],
        duplicates=[*_twice(history)],
        unresolved=[*_unresolved(history)],
        wrong=[*_against_receipts(history), *_against_wishes(history), *_resurrected(history), *_stuck(history)],
        unknown=len(unknown),
        repeated=sum(1 for one in unknown if history.accepted[one] > 1),
        messages=len(history.out),
    )


def _name(message: Line) -> str:
    return f"{message['purpose']} {message['id']} ({message['known']}, {message.get('reason')})"


def _unasked(history: History) -> Iterator[str]:
    """Every due task of a patient who may be written to was asked for."""
    tasks = {(one["address"], one["nominal"]): one for one in history.of("task")}
    asked = {one["task"] for one in history.out if one["purpose"] == "reminder"}
    for person in history.of("person"):
        for nominal in person["tasks"]:
            task = tasks.get((person["address"], nominal))
            if task is None:
                yield f"the task of {nominal} was never written"
            elif task["id"] not in asked and task["status"] != "completed" and not history.unreachable(person):
                yield f"task {task['id']} was never asked for ({task['status']}, {task['reason']})"


def _unheard(history: History) -> Iterator[str]:
    """Every text that we said we have was kept and answered; danger was answered and somebody was paged."""
    rows: dict[str, list[Line]] = defaultdict(list)
    for row in history.texts:
        rows[row["external"]].append(row)
    sent: dict[str, list[Line]] = defaultdict(list)
    for text in history.of("text"):
        sent[text["sid"]].append(text)
    for sid, tries in sent.items():
        found = rows[sid]
        if not any(200 <= one["status"] < 300 for one in tries):
            yield f"text {sid} was never taken, however often it was brought"
        elif not found:
            yield f"text {sid} was taken and is not there"
        elif found[0]["waits"] or found[0]["status"] != "completed":
            yield f"text {sid} was never answered"
        elif tries[0]["says"] == "danger":
            yield from _unpaged(history, found[0])


def _unpaged(history: History, text: Line) -> Iterator[str]:
    theirs = history.ways(text["address"])  # the reply may have had to go another way
    replies = [one for one in history.out if one["purpose"] == "emergency" and one["address"] in theirs]
    dangers = [one for one in history.of("text") if one["says"] == "danger" and one["sender"] in theirs]
    if len(replies) < len({one["sid"] for one in dangers}):
        yield f"no emergency reply to text {text['id']}"
    linked = {one["escalation"] for one in history.of("link") if one["message"] == text["id"]}
    if not any(history.escalation[one]["priority"] == "stat" for one in linked):
        yield f"no escalation for text {text['id']}"
    pages = [one for one in history.out if one["purpose"] == "page" and one["escalation"] in linked]
    if not any(history.accepted[one["id"]] or one["id"] in history.mourned for one in pages):
        yield f"nobody was paged for text {text['id']}"


def _stranded(history: History) -> Iterator[str]:
    """Every message left, or somebody can see that it did not.

    Two equal texts to one phone are told apart by nobody who holds it: of those, as many have left as are said to.
    """
    said = Counter((one["address"], one["words"]) for one in history.out if one["known"] in LEFT)
    came = Counter((one["to"], one["words"]) for one in history.of("accepted"))
    for one in history.out:
        alike = one["address"], one["words"]
        if one["known"] not in FINAL or one["waits"]:
            yield f"{_name(one)} never came to an end"
        elif one["known"] in LEFT and not history.accepted[one["id"]] and said[alike] > came[alike]:
            yield f"{_name(one)} is said to have left, and the provider never had it"
        elif one["known"] == "failed" and one["id"] not in history.mourned:
            yield f"{_name(one)} failed and nobody can see it"
        elif one["known"] == "stopped" and not _may_stop(history, one):
            yield f"{_name(one)} was stopped for no reason that this history has"
    for task in history.of("escalation"):
        paged = any(one["escalation"] == task["id"] for one in history.out if one["purpose"] == "page")
        if task["priority"] != "routine" and not paged:
            yield f"escalation {task['id']} ({task['cause']}) was never paged"


def _may_stop(history: History, message: Line) -> bool:
    reason = message["reason"]
    if reason in ("no-consent", "opted-out"):
        return not history.consented(message["address"]) or message["address"] in history.opted_out
    if reason == "task-closed":
        return history.task[message["task"]]["status"] in ("completed", "failed", "cancelled")
    if reason == "accepted":
        return history.escalation[message["escalation"]]["status"] != "requested"
    return False


def _twice(history: History) -> Iterator[str]:
    """Nothing was accepted twice, unless it was known that nobody knew, and a second one does less harm than none."""
    for message_id, count in history.accepted.items():
        message = history.message.get(message_id)
        if message is None:
            yield f"the provider has {message_id}, of which there is no row"
        elif count > 1:
            allowed = 1 + (history.was_unknown(message_id) if message["purpose"] in MAY_REPEAT else 0)
            if count > allowed:
                yield f"{_name(message)} was accepted {count} times, unknown {history.was_unknown(message_id)} times"
    meanings = Counter((one["address"], one["dedupe"]) for one in history.out if one["dedupe"])
    yield from (f"two messages mean {meaning}" for (_, meaning), count in meanings.items() if count > 1)
    kept = Counter(one["external"] for one in history.texts)
    yield from (f"text {sid} was kept {count} times" for sid, count in kept.items() if count > 1)
    names = Counter((one["address"], one["nominal"]) for one in history.of("task"))
    yield from (
        f"the task of {nominal} was written {count} times" for (_, nominal), count in names.items() if count > 1
    )


def _unresolved(history: History) -> Iterator[str]:
    """What is unknown at the end lies before a person."""
    for one in history.out:
        if one["known"] == "unknown" and one["id"] not in history.mourned:
            yield f"{_name(one)} is unknown and nobody can see it"


def _against_receipts(history: History) -> Iterator[str]:
    """Whatever their order, the strongest receipt that was heard is what is known; nothing is said to have failed
    that the provider has and never said so of."""
    heard: dict[str, int] = defaultdict(int)
    for one in history.of("receipt"):
        if 200 <= one["status"] < 300:
            heard[one["id"]] = max(heard[one["id"]], STRENGTH.get(one["word"], 0))
    for one in history.out:
        strongest = heard[one["id"]]
        if strongest and one["known"] not in MEANS[strongest]:
            yield f"{_name(one)}: the receipts say {' or '.join(sorted(MEANS[strongest]))}"
        # A second try after a doubt may fail, and a page that somebody answered meanwhile is not tried again.
        told = history.was_unknown(one["id"]) and (one["id"] in history.mourned or one["reason"] == "accepted")
        if history.accepted[one["id"]] and one["known"] in ("failed", "stopped") and strongest != 2 and not told:
            yield f"{_name(one)}: the provider has it"


def _against_wishes(history: History) -> Iterator[str]:
    """No consent, no message; not at night; not after a STOP that was known before the message was claimed."""
    since: dict[str, float] = {}
    for one in history.of("opted-out"):
        if one.get("why") == "failed" and history.wrote(one["address"], one["mono"] - TURN):
            continue  # a phone that writes is no dead one: what answers it goes there
        since[one["address"]] = min(since.get(one["address"], one["at"]), one["at"])
    for intent in history.of("intent"):
        message = history.message.get(intent["id"])
        if message and message["purpose"] not in EXEMPT and not history.consented(intent["to"]):
            yield f"{_name(message)} to somebody who never consented"
    for state in history.of("state"):
        message = history.message.get(state["id"])
        if state["known"] != "sending" or message is None:
            continue
        address = message["address"]
        if message["purpose"] not in EXEMPT and state["begun"] > since.get(address, state["begun"]):
            yield f"{_name(message)} to somebody who had opted out before it was claimed"
        if message["purpose"] == "reminder" and address in history.person:
            zone = ZoneInfo(history.person[address]["zone"])
            at = datetime.fromisoformat(state["handed"]).astimezone(zone).time()
            if at >= QUIET_FROM or at < QUIET_TO:
                yield f"{_name(message)} at {at:%H:%M} where the patient is"


def _resurrected(history: History) -> Iterator[str]:
    """A message that came to an end never goes out again."""
    for message_id, known in history.states.items():
        for before, after in pairwise(known):
            if before in FINAL - {"unknown"} and (after in ("queued", "sending") or (before, after) in BACK):
                yield f"message {message_id} went from {before} to {after}"
            if before == "delivered" and after != "delivered":
                yield f"message {message_id} had arrived and is {after}"


def _stuck(history: History) -> Iterator[str]:
    for task in history.of("task"):
        if task["status"] not in ("completed", "failed", "cancelled") or task["waits"]:
            yield f"task {task['id']} is stuck ({task['status']})"
    for one in history.of("escalation"):
        if one["status"] != "completed":
            yield f"escalation {one['id']} ({one['cause']}, {one['priority']}) is stuck"
    yield from (f"the run did not settle: {one['why']}" for one in history.of("unsettled"))
