"""Nobody disappears from the table of subgroups, and what differs is flagged."""

import numpy as np

from risk.metrics import expit
from risk.subgroups import subgroups


def _made(n=6000):
    chance = np.random.default_rng(4)
    z = chance.normal(-1, 1.3, n)
    y = (chance.random(n) < expit(z)).astype(float)
    return y, expit(z), chance.choice(np.array(["a", "b", ""], dtype=object), n)


def test_those_whose_group_is_not_known_are_a_group():
    y, p, labels = _made()
    labels[:5] = [None, float("nan"), "?", " ", "NA"]
    found = {row["group"]: row for row in subgroups(y, p, labels, 0.3)}
    assert set(found) == {"a", "b", "missing"}
    assert sum(row["n"] for row in found.values()) == len(y)
    assert sum(row["events"] for row in found.values()) == y.sum()
    assert all(row["auc"][1] < row["auc"][0] < row["auc"][2] for row in found.values())
    assert all(row["flags"] == [] for row in found.values())


def test_a_group_for_which_the_model_is_wrong_is_flagged():
    y, p, labels = _made()
    worse = labels == "b"
    p[worse] = expit(np.log(p[worse] / (1 - p[worse])) - 1.2)
    flagged = {row["group"]: row["flags"] for row in subgroups(y, p, labels, 0.3)}
    assert set(flagged["b"]) == {"observed/expected", "sensitivity"}


def test_a_group_without_outcomes_has_no_made_up_figures():
    y, p, labels = _made(300)
    y[labels == "b"] = 0
    row = next(row for row in subgroups(y, p, labels, 0.3) if row["group"] == "b")
    assert row["events"] == 0
    assert np.isnan(row["auc"][0])
    assert np.isnan(row["slope"][0])
    assert row["observed_expected"][0] == 0.0
