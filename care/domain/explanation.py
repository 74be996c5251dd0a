"""An assessment in words: what raises it most and what lowers it most, what was not known, what changed, what would
change it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from operator import itemgetter

from care.domain.assessment import Assessment, Change, Contribution

UP, DOWN, CHANGED = 3, 1, 2
STRONG = 0.5  # a share of the logit above this changes the odds by two thirds or more
MOVED = 0.1  # a change of the logit below this changes the odds by less than a tenth, and is not worth a sentence

_WORDS: Mapping[str, Mapping[str, str]] = {
    "en": {
        "up": "{what}: {value}. This raises the estimate.",
        "up-strongly": "{what}: {value}. This raises the estimate strongly.",
        "down": "{what}: {value}. This lowers the estimate.",
        "down-strongly": "{what}: {value}. This lowers the estimate strongly.",
        "typical": "Not known, taken as average: {what}.",
        "impute": "Not known, reckoned from the other values: {what}.",
        "model_native": "Not known, and left out: {what}.",
        "carried": "{what}: not measured lately; the value of {day} is used.",
        "changed-up": "Since the last assessment {what} went from {before} to {value}; this raises the estimate.",
        "changed-down": "Since the last assessment {what} went from {before} to {value}; this lowers the estimate.",
        "counterfactual": "{what}: with {value} instead of {before}, all else the same, the band would be lower.",
        "unknown": "unknown",
        "and": "; ",
    },
    "zh-Hans": {
        "up": "{what}：{value}，使估计的风险升高。",
        "up-strongly": "{what}：{value}，使估计的风险明显升高。",
        "down": "{what}：{value}，使估计的风险降低。",
        "down-strongly": "{what}：{value}，使估计的风险明显降低。",
        "typical": "未知，按平均值计算：{what}。",
        "impute": "未知，由其他数值推算：{what}。",
        "model_native": "未知，未计入：{what}。",
        "carried": "{what}：近期未测，采用{day}的数值。",
        "changed-up": "与上次评估相比，{what}由 {before} 变为 {value}，使估计的风险升高。",
        "changed-down": "与上次评估相比，{what}由 {before} 变为 {value}，使估计的风险降低。",
        "counterfactual": "若{what}为 {value} 而不是 {before}，其他不变，风险等级会更低。",
        "unknown": "未知",
        "and": "；",
    },
    "zh-Hant": {
        "up": "{what}：{value}，使估計的風險升高。",
        "up-strongly": "{what}：{value}，使估計的風險明顯升高。",
        "down": "{what}：{value}，使估計的風險降低。",
        "down-strongly": "{what}：{value}，使估計的風險明顯降低。",
        "typical": "未知，按平均值計算：{what}。",
        "impute": "未知，由其他數值推算：{what}。",
        "model_native": "未知，未計入：{what}。",
        "carried": "{what}：近期未測，採用{day}的數值。",
        "changed-up": "與上次評估相比，{what}由 {before} 變為 {value}，使估計的風險升高。",
        "changed-down": "與上次評估相比，{what}由 {before} 變為 {value}，使估計的風險降低。",
        "counterfactual": "若{what}為 {value} 而不是 {before}，其他不變，風險等級會更低。",
        "unknown": "未知",
        "and": "；",
    },
}
_logit = itemgetter(3)  # Contribution.logit
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def explain(assessment: Assessment, language: str) -> list[str]:
    """Sentences in `language` (English where it is not known): the reasons, then the remarks.

    They say what the model computed with, never that one thing causes the other.
    """
    return reasons(assessment, language) + remarks(assessment, language)


def strongest(assessment: Assessment) -> tuple[list[Contribution], list[Contribution]]:
    """(up to three that raise the estimate most, the one that lowers it most), of what is known of the patient."""
    ranked = sorted(assessment.contributions, key=_logit)
    up = [share for share in reversed(ranked) if share.value is not None and share.logit > 0][:UP]
    down = [share for share in ranked if share.value is not None and share.logit < 0][:DOWN]
    return up, down


def reasons(assessment: Assessment, language: str) -> list[str]:
    """Up to three that raise the estimate, and the one that lowers it most."""
    words = _WORDS.get(language, _WORDS["en"])
    up, down = strongest(assessment)
    return [_sentence(share, words, language) for share in up + down]


def remarks(assessment: Assessment, language: str) -> list[str]:
    """What was carried forward, what was not known and how that was made good, what changed, what would change it."""
    words = _WORDS.get(language, _WORDS["en"])
    said: list[str] = []
    labels = {share.name: _label(share.label, share.name, language) for share in assessment.contributions}
    for carried in assessment.carried:
        said.append(words["carried"].format(what=labels[carried.name], day=_day(carried.day, language)))
    if assessment.missing:
        how = {share.name: share.filled for share in assessment.contributions}
        for policy in ("typical", "impute", "model_native"):
            gaps = [labels[name] for name in assessment.missing if (how[name] or "typical") == policy]
            if gaps:
                said.append(words[policy].format(what=words["and"].join(gaps)))
    moved = [change for change in assessment.changes if abs(change.logit) >= MOVED]
    said += [_changed(change, words, language) for change in moved[:CHANGED]]
    other = assessment.counterfactual
    if other is not None:
        what = _label(other.label, other.name, language)
        said.append(words["counterfactual"].format(what=what, value=shown(other.value), before=shown(other.now)))
    return said


def _sentence(share: Contribution, words: Mapping[str, str], language: str) -> str:
    way = "up" if share.logit > 0 else "down"
    strength = "-strongly" if abs(share.logit) >= STRONG else ""
    what = _label(share.label, share.name, language)
    return words[way + strength].format(what=what, value=shown(share.value or 0.0))


def _changed(change: Change, words: Mapping[str, str], language: str) -> str:
    before, now = (words["unknown"] if value is None else shown(value) for value in (change.before, change.now))
    way = "changed-up" if change.logit > 0 else "changed-down"
    return words[way].format(what=_label(change.label, change.name, language), before=before, value=now)


def _label(label: Mapping[str, str], name: str, language: str) -> str:
    return label.get(language) or label.get("en") or name


def _day(day: date, language: str) -> str:
    return f"{day.month}月{day.day}日" if language.startswith("zh") else f"{day.day} {_MONTHS[day.month - 1]}"


def shown(value: float) -> str:
    """Whole from 100 on, one decimal where there is one, and two figures of what is smaller than one."""
    size = abs(value)
    if 0 < size < 1:
        return f"{value:.2g}"
    return f"{value:.0f}" if size >= 100 else f"{value:.1f}".removesuffix(".0")
