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
_BANDS: Mapping[str, Mapping[str, str]] = {
    "en": {"low": "low", "raised": "raised", "high": "high"},
    "zh-Hans": {"low": "低", "raised": "升高", "high": "高"},
    "zh-Hant": {"low": "低", "raised": "升高", "high": "高"},
}
_WOULD: Mapping[str, Mapping[str, str]] = {
    "en": {
        "lower": "Would be “{band}” if {what} were {value} instead of {before}, all else the same.",
        "same": "The band is “{band}”, as it was last time.",
        "moved": "The band went from “{before}” to “{band}” since last time.",
        "alone": "The band is “{band}”.",
    },
    "zh-Hans": {
        "lower": "若{what}为 {value} 而不是 {before}，其他不变，风险等级会是“{band}”。",
        "same": "风险等级为“{band}”，与上次相同。",
        "moved": "与上次相比，风险等级由“{before}”变为“{band}”。",
        "alone": "风险等级为“{band}”。",
    },
    "zh-Hant": {
        "lower": "若{what}為 {value} 而不是 {before}，其他不變，風險等級會是「{band}」。",
        "same": "風險等級為「{band}」，與上次相同。",
        "moved": "與上次相比，風險等級由「{before}」變為「{band}」。",
        "alone": "風險等級為「{band}」。",
    },
}
_SILENT: Mapping[str, Mapping[str, str]] = {
    "en": {
        "too-few": "The model made no estimate: it has too few measurements of this patient yet. The rules decided.",
        "missing": "The model made no estimate: something that it cannot do without is not known of this patient.",
        "stale": "The model made no estimate: everything it knows of this patient is too old.",
        "model-off": "No estimate: no version of the model is in use.",
        "model-waits": "No estimate: the model is only being tried.",
        "no-plan": "No estimate: the report belongs to no plan.",
        "unit": "The model made no estimate: a value came in a unit that it does not know.",
        "hard-range": "The model made no estimate: a value is outside of what is possible.",
        "crashed": "No estimate: a program error. A person has to judge this report.",
        "fault": "No estimate: the model could not be used. A person has to judge this report.",
    },
    "zh-Hans": {
        "too-few": "模型未作估计：该患者的测量值还太少，由规则判断。",
        "missing": "模型未作估计：缺少该患者不可或缺的资料。",
        "stale": "模型未作估计：已知的该患者资料都已过旧。",
        "model-off": "未作估计：该模型目前没有启用的版本。",
        "model-waits": "未作估计：该模型仅在试用中。",
        "no-plan": "未作估计：该报告不属于任何随访计划。",
        "unit": "模型未作估计：有一个数值的单位无法识别。",
        "hard-range": "模型未作估计：有一个数值超出可能的范围。",
        "crashed": "未作估计：程序出错，须由人来判断这份报告。",
        "fault": "未作估计：模型无法使用，须由人来判断这份报告。",
    },
    "zh-Hant": {
        "too-few": "模型未作估計：該病人的測量值還太少，由規則判斷。",
        "missing": "模型未作估計：缺少該病人不可或缺的資料。",
        "stale": "模型未作估計：已知的該病人資料都已過舊。",
        "model-off": "未作估計：該模型目前沒有啟用的版本。",
        "model-waits": "未作估計：該模型僅在試用中。",
        "no-plan": "未作估計：該報告不屬於任何隨訪計劃。",
        "unit": "模型未作估計：有一個數值的單位無法識別。",
        "hard-range": "模型未作估計：有一個數值超出可能的範圍。",
        "crashed": "未作估計：程式出錯，須由人來判斷這份報告。",
        "fault": "未作估計：模型無法使用，須由人來判斷這份報告。",
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
    said = gaps(assessment, language) + news(assessment, language)
    other = assessment.counterfactual
    if other is not None:
        what = _label(other.label, other.name, language)
        said.append(words["counterfactual"].format(what=what, value=shown(other.value), before=shown(other.now)))
    return said


def band_word(band: str, language: str) -> str:
    """What a band is called; the band itself, where nobody has named it."""
    return _BANDS.get(language, _BANDS["en"]).get(band, band)


def instead(assessment: Assessment, language: str) -> str | None:
    """The smallest change that the model itself says would leave the band, and where to; None where there is none."""
    other = assessment.counterfactual
    if other is None:
        return None
    return _would(language)["lower"].format(
        band=band_word(other.band, language),
        what=_label(other.label, other.name, language),
        value=shown(other.value),
        before=shown(other.now),
    )


def band_change(assessment: Assessment, language: str) -> str:
    """The band, and what it was at the last assessment by the same model, where that one counts."""
    before, words = assessment.previous_band, _would(language)
    band = band_word(assessment.band, language)
    if before is None:
        return words["alone"].format(band=band)
    if before == assessment.band:
        return words["same"].format(band=band)
    return words["moved"].format(before=band_word(before, language), band=band)


def silence(reason: str, language: str) -> str:
    """Why a model made no estimate; a reason that is a fault of ours is told as one."""
    words = _SILENT.get(language, _SILENT["en"])
    return words.get(reason, words["fault"])


def gaps(assessment: Assessment, language: str) -> list[str]:
    """What an older value stands for, and what was not known and how that was made good."""
    words = _WORDS.get(language, _WORDS["en"])
    labels = {share.name: _label(share.label, share.name, language) for share in assessment.contributions}
    said = [
        words["carried"].format(what=labels.get(one.name, one.name), day=_day(one.day, language))
        for one in assessment.carried
    ]
    how = {share.name: share.filled for share in assessment.contributions}
    for policy in ("typical", "impute", "model_native"):
        found = [labels.get(name, name) for name in assessment.missing if (how.get(name) or "typical") == policy]
        if found:
            said.append(words[policy].format(what=words["and"].join(found)))
    return said


def news(assessment: Assessment, language: str) -> list[str]:
    """What differs from the last assessment by the same model, as far as it moved the estimate."""
    words = _WORDS.get(language, _WORDS["en"])
    moved = [change for change in assessment.changes if abs(change.logit) >= MOVED]
    return [_changed(change, words, language) for change in moved[:CHANGED]]


def _would(language: str) -> Mapping[str, str]:
    return _WOULD.get(language, _WOULD["en"])


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
