"""The life of a model's version: nobody hears it before two people agreed, and either of them ends it."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest

from care.domain.codes import Role
from care.domain.model_life import HEARD, Life, ModelState, alarmed, approve, kill, replaced, restored
from care.errors import CareError, Conflict, Invalid, NotAllowed

A, B = frozenset({"A"}), frozenset({"B"})


def grown(state: ModelState) -> Life:
    """A version that came to this state as it should."""
    life = approve(Life(), "c", Role.CLINICIAN)
    for wanted in (ModelState.CANARY, ModelState.ACTIVE):
        if life.state is state:
            break
        life = approve(approve(life, "c", Role.CLINICIAN, A), "a", Role.ADMIN, A)
        assert life.state is wanted
    return life


def test_into_the_shadow_one_word_is_enough_and_nobody_hears_it():
    life = approve(Life(), "a", Role.ADMIN)
    assert (life.state, life.mode("A")) == (ModelState.SHADOW, "shadow")


@pytest.mark.parametrize("state", [ModelState.SHADOW, ModelState.CANARY])
def test_to_be_heard_a_clinician_and_an_administrator_must_agree(state: ModelState):
    once = approve(grown(state), "c", Role.CLINICIAN, A)
    assert once.state is state
    for by, role in (("c", Role.ADMIN), ("other", Role.CLINICIAN), ("c", Role.CLINICIAN)):
        with pytest.raises(Conflict, match="another person"):
            approve(once, by, role, A)
    with pytest.raises(NotAllowed):
        approve(once, "n", Role.NURSE, A)
    assert approve(once, "a", Role.ADMIN, A).state is not state


def test_a_canary_is_heard_by_its_teams_alone():
    life = grown(ModelState.CANARY)
    assert (life.mode("A"), life.mode("B")) == ("canary", "shadow")
    with pytest.raises(Invalid):
        approve(grown(ModelState.SHADOW), "c", Role.CLINICIAN)
    with pytest.raises(Conflict, match="other teams"):
        approve(approve(grown(ModelState.SHADOW), "c", Role.CLINICIAN, A), "a", Role.ADMIN, B)


def test_what_did_not_pass_its_gates_stays_in_the_shadow():
    life = approve(Life(blocked=("slope",)), "c", Role.CLINICIAN)
    assert life.state is ModelState.SHADOW
    with pytest.raises(Conflict, match="gates"):
        approve(life, "c", Role.CLINICIAN, A)


@pytest.mark.parametrize("role", [Role.CLINICIAN, Role.ADMIN])
@pytest.mark.parametrize("state", [ModelState.SHADOW, ModelState.CANARY, ModelState.ACTIVE])
def test_either_of_the_two_ends_it_at_once_and_for_good(role: Role, state: ModelState):
    life = kill(grown(state), role)
    assert (life.state, life.mode("A")) == (ModelState.RETIRED, None)
    for again in (lambda: approve(life, "c", Role.CLINICIAN, A), lambda: restored(life), lambda: kill(life, role)):
        with pytest.raises(Conflict):
            again()
    with pytest.raises(NotAllowed):
        kill(grown(state), Role.NURSE)


def test_only_what_was_replaced_comes_back():
    assert restored(replaced(grown(ModelState.ACTIVE))).state is ModelState.ACTIVE
    with pytest.raises(Conflict):
        restored(alarmed(grown(ModelState.ACTIVE)))


def test_whatever_is_done_in_whatever_order_nothing_is_heard_that_two_did_not_agree_on():
    """Random histories: to be heard needs two words of two people since the last state; the shadow stays silent."""
    chance = random.Random(20)
    heard = 0
    for _ in range(3_000):
        history = [(Life(blocked=("gate",) if chance.random() < 0.2 else ()), "", "")]
        for _ in range(chance.randrange(1, 14)):
            life = history[-1][0]
            by, role = chance.choice(["p", "q", "r"]), chance.choice(list(Role))
            teams = chance.choice([A, B, A | B, frozenset()])
            act = chance.choices(["approve", "kill", "replaced", "alarmed", "restored"], [12, 1, 1, 1, 2])[0]
            acts = {
                "approve": lambda: approve(life, by, role, teams),  # noqa: B023
                "kill": lambda: kill(life, role),  # noqa: B023
                "replaced": lambda: replaced(life),  # noqa: B023
                "alarmed": lambda: alarmed(life),  # noqa: B023
                "restored": lambda: restored(life),  # noqa: B023
            }
            try:
                history.append((acts[act](), act, by))
            except CareError:
                continue
        for (before, _, _), (after, act, by) in pairwise(history):
            for team in ("A", "B"):
                mode = after.mode(team)
                assert (mode in ("canary", "active")) <= (after.state in HEARD)
                assert mode != "canary" or team in after.teams
            if after.state in HEARD and before.state is not after.state and act == "approve":
                heard += 1
                assert not after.blocked
                assert {one.role for one in before.approvals} < {Role.CLINICIAN, Role.ADMIN}
                assert {one.by for one in before.approvals} == {before.approvals[0].by} != {by}
        agreed = [one.state is ModelState.ACTIVE and act == "approve" for one, act, _ in history]
        for place, (life, act, _) in enumerate(history):
            if act == "restored":
                assert any(agreed[:place])
                assert history[place - 1][0].ended == "replaced"
            assert (life.state is not ModelState.ACTIVE) or any(agreed[: place + 1])
    assert heard > 50
