"""The checker can fail: each promise is broken on purpose in an invented history, and it says so."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.faults.checker import check

ALICE, NURSE = "+12025550100", "+12025550190"
Lines = list[dict[str, Any]]


def message(name: str, **more: Any) -> dict[str, Any]:
    """A message that left and arrived, unless it says otherwise."""
    row = {"kind": "message", "id": name, "direction": "out", "purpose": "reminder", "known": "delivered"}
    row |= {"status": "completed", "reason": None, "dedupe": name, "external": f"SM-{name}", "address": ALICE}
    row |= {"words": f"words of {name}"}
    return row | {"task": "t1", "escalation": "None", "waits": False} | more


def state(name: str, known: str, begun: float = 10.0, handed: str = "2026-03-02T14:00:00+00:00") -> dict[str, Any]:
    return {"kind": "state", "id": name, "known": known, "begun": begun, "handed": handed}


def accepted(name: str, to: str = ALICE, words: str = "") -> dict[str, Any]:
    return {"kind": "accepted", "id": name, "to": to, "sid": f"SM-{name}", "words": words or f"words of {name}"}


def receipt(name: str, word: str, status: int = 204) -> dict[str, Any]:
    return {"kind": "receipt", "id": name, "word": word, "status": status}


def good() -> Lines:
    """One task, asked for at nine; a dangerous text, answered and paged; everything closed."""
    text = message("x1", direction="in", known=None, external="SM-text", task="None", purpose="text")
    return [
        {
            "kind": "person",
            "address": ALICE,
            "others": [],
            "zone": "America/New_York",
            "consented": True,
            "tasks": ["2026-03-02T09:00:00"],
        },
        {
            "kind": "task",
            "id": "t1",
            "address": ALICE,
            "nominal": "2026-03-02T09:00:00",
            "status": "failed",
            "reason": "expired",
            "waits": False,
        },
        message("m1"),
        *(state("m1", known) for known in ("queued", "sending", "sent", "delivered")),
        {"kind": "intent", "id": "m1", "to": ALICE},
        accepted("m1"),
        receipt("m1", "delivered"),
        receipt("m1", "sent"),
        {"kind": "text", "sid": "SM-text", "sender": ALICE, "says": "danger", "status": 200},
        text,
        message("e1", purpose="emergency", task="None"),
        accepted("e1"),
        receipt("e1", "delivered"),
        {"kind": "link", "escalation": "s1", "message": "x1"},
        {"kind": "escalation", "id": "s1", "cause": "red-flag", "priority": "stat", "status": "completed"},
        message("p1", purpose="page", address=NURSE, escalation="s1", task="None"),
        accepted("p1", NURSE),
        receipt("p1", "delivered"),
    ]


def changed(lines: Lines, kind: str, name: str | None, **more: Any) -> Lines:
    """The history with the records of a kind (and an id) changed."""
    return [
        one | more if one["kind"] == kind and (name is None or one.get("id") == name or one.get("row") == name) else one
        for one in lines
    ]


def without(lines: Lines, kind: str, name: str | None = None) -> Lines:
    """The history without the records of a kind (and an id)."""
    return [one for one in lines if one["kind"] != kind or (name is not None and one.get("id") != name)]


def test_a_history_in_which_every_promise_was_kept() -> None:
    found = check(good())
    assert found.holds, found
    assert found.messages == 3


LOST: dict[str, Callable[[Lines], Lines]] = {
    "the provider never had what is said to have left": lambda lines: without(lines, "accepted", "m1"),
    "of two equal texts that are said to have left the provider had one": lambda lines: [
        *lines,
        message("e2", purpose="emergency", task="None", words="words of e1"),
    ],
    "a page is said to have left and another one to the same phone did": lambda lines: [
        *without(lines, "accepted", "p1"),
        message("p2", purpose="page", address=NURSE, escalation="s1", task="None", known="unknown"),
        {"kind": "letter", "row": "p2"},
        accepted("p2", NURSE),
    ],
    "a message is still queued at the end": lambda lines: changed(
        without(without(lines, "accepted", "m1"), "receipt", "m1"), "message", "m1", known="queued", waits=True
    ),
    "a message is being sent for ever": lambda lines: changed(
        without(lines, "receipt", "m1"), "message", "m1", known="sending"
    ),
    "a message failed and nobody can see it": lambda lines: changed(
        without(without(lines, "accepted", "m1"), "receipt", "m1"), "message", "m1", known="failed"
    ),
    "a message was stopped for no reason": lambda lines: changed(
        without(without(lines, "accepted", "m1"), "receipt", "m1"), "message", "m1", known="stopped", reason="opted-out"
    ),
    "a task was never asked for": lambda lines: [one for one in lines if one.get("id") != "m1"],
    "a task was never written": lambda lines: without(lines, "task"),
    "a text that was taken is not there": lambda lines: without(lines, "message", "x1"),
    "a text was never taken": lambda lines: changed(lines, "text", None, status=503),
    "a text was never answered": lambda lines: changed(lines, "message", "x1", status="in-progress", waits=True),
    "danger without an emergency reply": lambda lines: [one for one in lines if one.get("id") != "e1"],
    "danger without an escalation": lambda lines: without(lines, "link"),
    "danger and nobody was paged": lambda lines: [one for one in lines if one.get("id") != "p1"],
}


@pytest.mark.parametrize("name", LOST)
def test_what_was_lost_is_found(name: str) -> None:
    assert check(LOST[name](good())).lost, name


TWICE: dict[str, Callable[[Lines], Lines]] = {
    "the provider had a reminder twice": lambda lines: [*lines, accepted("m1")],
    "a reminder of which nobody knew was sent again": lambda lines: [*lines, state("m1", "unknown"), accepted("m1")],
    "a page was sent twice and nobody was in doubt": lambda lines: [*lines, accepted("p1", NURSE)],
    "a page was sent three times after one doubt": lambda lines: [
        *lines,
        state("p1", "unknown"),
        accepted("p1", NURSE),
        accepted("p1", NURSE),
    ],
    "two messages mean the same": lambda lines: [*lines, message("m2", dedupe="m1"), accepted("m2")],
    "a text was kept twice": lambda lines: [*lines, message("x2", direction="in", known=None, external="SM-text")],
    "a message came from nowhere": lambda lines: [*lines, accepted("zz")],
}


@pytest.mark.parametrize("name", TWICE)
def test_what_was_doubled_is_found(name: str) -> None:
    assert check(TWICE[name](good())).duplicates, name


def test_a_page_may_be_sent_again_after_a_doubt_and_is_counted() -> None:
    found = check([*good(), state("p1", "sending"), state("p1", "unknown"), accepted("p1", NURSE)])
    assert found.holds, found
    assert (found.unknown, found.repeated) == (1, 1)


def test_of_two_equal_texts_to_one_phone_it_does_not_matter_which_one_is_said_to_have_left() -> None:
    taken_for_the_other = [
        *changed(without(without(good(), "accepted", "e1"), "receipt", "e1"), "message", "e1", known="sent"),
        message("e2", purpose="emergency", task="None", known="unknown", words="words of e1"),
        state("e2", "unknown"),
        {"kind": "letter", "row": "e2"},
        accepted("e2", words="words of e1"),
    ]
    assert check(taken_for_the_other).holds


def test_a_doubt_that_lies_before_nobody_is_found() -> None:
    doubtful = changed(without(good(), "receipt", "m1"), "message", "m1", known="unknown")
    assert check(doubtful).unresolved
    seen = [*doubtful, {"kind": "letter", "row": "m1"}]
    assert check(seen).holds
    assert check(seen).unknown == 1


WRONG: dict[str, Callable[[Lines], Lines]] = {
    "an earlier receipt overruled a later one": lambda lines: changed(lines, "message", "m1", known="sent"),
    "a receipt of failure was heard and not believed": lambda lines: changed(
        [one for one in lines if one["kind"] != "receipt" or one["id"] != "m1"] + [receipt("m1", "undelivered")],
        "message",
        "m1",
        known="sent",
    ),
    "it is said to have failed and the provider has it": lambda lines: [
        *changed(without(lines, "receipt", "m1"), "message", "m1", known="failed"),
        {"kind": "letter", "row": "m1"},
    ],
    "somebody who never consented was written to": lambda lines: changed(lines, "person", None, consented=False),
    "somebody was written to after a STOP": lambda lines: [*lines, {"kind": "opted-out", "address": ALICE, "at": 9.0}],
    "a reminder left at night": lambda lines: changed(lines, "state", "m1", handed="2026-03-02T04:00:00+00:00"),
    "what had arrived was queued again": lambda lines: [*lines, state("m1", "queued")],
    "a task is stuck": lambda lines: changed(lines, "task", "t1", status="ready"),
    "an escalation is stuck": lambda lines: changed(lines, "escalation", "s1", status="requested"),
    "the run never settled": lambda lines: [*lines, {"kind": "unsettled", "why": "planted"}],
}


@pytest.mark.parametrize("name", WRONG)
def test_what_else_was_promised_is_looked_at(name: str) -> None:
    assert check(WRONG[name](good())).wrong, name


def closed(why: str) -> dict[str, Any]:
    return {"kind": "opted-out", "address": ALICE, "at": 9.0, "mono": 9.0, "why": why}


def wrote(mono: float) -> dict[str, Any]:
    return {"kind": "text", "sid": "SM-text", "sender": ALICE, "says": "danger", "status": 200, "mono": mono}


def test_a_dead_address_is_written_to_only_once_somebody_writes_from_it() -> None:
    lines = without(good(), "text", None)
    assert check([*lines, wrote(9.5), closed("failed")]).holds
    assert check([*lines, wrote(2.0), closed("failed")]).wrong
    assert check([*lines, wrote(9.5), closed("opted-out")]).wrong


def test_an_opt_out_after_the_claim_is_no_fault() -> None:
    assert check([*good(), {"kind": "opted-out", "address": ALICE, "at": 11.0}]).holds


def test_a_receipt_that_was_not_taken_proves_nothing() -> None:
    lines = changed(without(good(), "receipt", "m1"), "message", "m1", known="sent")
    assert check([*lines, receipt("m1", "delivered", status=503)]).holds
