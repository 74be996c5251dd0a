"""An assessment in words: the three things that raise it most, the one that lowers it most, and what was not known."""

from __future__ import annotations

from collections.abc import Mapping

from care.domain.assessment import Assessment, Contribution

UP, DOWN = 3, 1
STRONG = 0.5  # a share of the logit above this changes the odds by two thirds or more

_WORDS: Mapping[str, Mapping[str, str]] = {
    "en": {
        "up": "{what}: {value}. This raises the estimate.",
        "up-strongly": "{what}: {value}. This raises the estimate strongly.",
        "down": "{what}: {value}. This lowers the estimate.",
        "down-strongly": "{what}: {value}. This lowers the estimate strongly.",
        "missing": "Not known, taken as average: {what}.",
        "and": "; ",
    },
    "zh-Hans": {
        "up": "{what}：{value}，使估计的风险升高。",
        "up-strongly": "{what}：{value}，使估计的风险明显升高。",
        "down": "{what}：{value}，使估计的风险降低。",
        "down-strongly": "{what}：{value}，使估计的风险明显降低。",
        "missing": "未知，按平均值计算：{what}。",
        "and": "；",
    },
    "zh-Hant": {
        "up": "{what}：{value}，使估計的風險升高。",
        "up-strongly": "{what}：{value}，使估計的風險明顯升高。",
        "down": "{what}：{value}，使估計的風險降低。",
        "down-strongly": "{what}：{value}，使估計的風險明顯降低。",
        "missing": "未知，按平均值計算：{what}。",
        "and": "；",
    },
}


def explain(assessment: Assessment, language: str) -> list[str]:
    """Sentences in `language` (English where it is not known): up to three up, one down, then what was missing.

    They say what the model computed with, never that one thing causes the other.
    """
    words = _WORDS.get(language, _WORDS["en"])
    known = [share for share in assessment.contributions if share.value is not None]
    up = sorted((share for share in known if share.logit > 0), key=lambda share: -share.logit)[:UP]
    down = sorted((share for share in known if share.logit < 0), key=lambda share: share.logit)[:DOWN]
    sentences = [_sentence(share, words, language) for share in up + down]
    if gaps := [share for share in assessment.contributions if share.name in assessment.missing]:
        sentences.append(words["missing"].format(what=words["and"].join(_label(share, language) for share in gaps)))
    return sentences


def _sentence(share: Contribution, words: Mapping[str, str], language: str) -> str:
    way = "up" if share.logit > 0 else "down"
    strength = "-strongly" if abs(share.logit) >= STRONG else ""
    return words[way + strength].format(what=_label(share, language), value=_shown(share.value or 0.0))


def _label(share: Contribution, language: str) -> str:
    return share.label.get(language) or share.label.get("en") or share.name


def _shown(value: float) -> str:
    """Whole from 100 on, else one decimal where there is one."""
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.1f}".removesuffix(".0")
