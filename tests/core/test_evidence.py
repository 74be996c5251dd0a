from __future__ import annotations

from core.evidence import HALF, bars


def _share(name: str, logit: float) -> dict[str, object]:
    return {"name": name, "label": {"en": name.upper(), "zh-Hans": "名"}, "value": 1.0, "logit": logit}


def test_three_shares_that_raise_and_one_that_lowers_are_drawn_on_one_scale():
    found = bars([_share(n, v) for n, v in (("a", 0.2), ("b", 0.8), ("c", 0.1), ("d", 0.4), ("e", -0.6), ("f", -0.1))])
    assert [bar.label for bar in found] == ["B", "D", "A", "E"]
    assert [bar.raises for bar in found] == [True, True, True, False]
    assert found[0].width == HALF
    assert found[-1].x + found[-1].width == HALF


def test_each_bar_also_says_it_in_words():
    found = bars([_share("a", 1.0), _share("b", 0.1), _share("c", -0.5)])
    assert [bar.words for bar in found] == [
        "raises the risk much",
        "raises the risk a little",
        "lowers the risk somewhat",
    ]


def test_no_contributions_are_no_bars():
    assert bars([]) == []
