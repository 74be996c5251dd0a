"""What the system says, in every language: the same keys with the same params, or nothing starts."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from string import Formatter

from care.domain.codes import LANGUAGES
from care.errors import Invalid
from care.library.files import ROOT, document

_FALLBACK = "en"


class Texts:
    """All texts by language and key. `params` names what each key needs, the same in every language."""

    def __init__(self, by_language: Mapping[str, Mapping[str, str]], strict: bool = True) -> None:
        """Take the texts and compare the languages. Raises Invalid naming the first key or param that differs."""
        self._texts = by_language
        self.params: Mapping[str, frozenset[str]] = {
            key: _params(key, text) for key, text in by_language[_FALLBACK].items()
        }
        for language, texts_ in by_language.items():
            missing = set(texts_) ^ set(self.params)
            if missing:
                raise Invalid("texts-differ", f"{language}: keys differ", place=min(missing))
            for key, text in texts_.items():
                if strict and _params(key, text) != self.params[key]:
                    raise Invalid("texts-differ", f"{language}: params differ", place=key)

    def say(self, language: str, key: str, **params: object) -> str:
        """The text in this language (English for one that we do not speak). Raises Invalid for a key or param."""
        text = self._texts.get(language, self._texts[_FALLBACK]).get(key)
        if text is None:
            raise Invalid("no-such-text", "there is no text with this key", place=key)
        try:
            return text.format_map(params) if "{" in text else text
        except KeyError as missing:
            raise Invalid(
                "text-needs-param", "the text needs another param", place=f"{key}:{missing.args[0]}"
            ) from None

    def __contains__(self, key: object) -> bool:
        return key in self.params


def _params(key: str, text: str) -> frozenset[str]:
    names = [name for _, name, form, turn in Formatter().parse(text) if name is not None]
    if any(not name.replace("_", "").isalnum() for name in names):
        raise Invalid("malformed-text", "a param must be a plain name", place=key)
    return frozenset(names)


@cache
def texts() -> Texts:
    """The texts of the library: what patients and staff are told."""
    return Texts({language: document(ROOT / "texts" / f"{language}.json") for language in LANGUAGES})


@cache
def _reasons() -> Texts:
    return Texts({language: document(ROOT / "texts" / f"reasons.{language}.json") for language in LANGUAGES})


def reason(language: str, key: str, params: Mapping[str, object] | None = None) -> str:
    """The sentence that explains a finding to staff. `key` with or without "reason." in front.

    A param that is itself a code (or several, comma separated) is put in words where the library has them; one named
    `why` is a provider's.
    """
    reasons = _reasons()
    full = key if key.startswith("reason.") else f"reason.{key}"
    worded = {name: _worded(reasons, language, value) for name, value in (params or {}).items()}
    if "why" in worded:
        worded["why"] = provider_reason(language, str((params or {})["why"]))
    return reasons.say(language, full, **worded)


def provider_reason(language: str, code: str) -> str:
    """What a provider's error code, or ours for it, means to staff; one that we do not know is named."""
    reasons = _reasons()
    key = f"provider-code.{code}"
    return reasons.say(language, key) if key in reasons else reasons.say(language, "provider-code.other", code=code)


def code_name(language: str, code: str) -> str | None:
    """What a code is called, where the library has a word for it."""
    key = f"code.{code}"
    return _reasons().say(language, key) if key in _reasons() else None


def explains(code: str) -> bool:
    """Whether `provider_reason` has something to say: its words, or the number by which the provider explains it."""
    return f"provider-code.{code}" in _reasons() or code.removeprefix("-").isdigit()


def _worded(reasons: Texts, language: str, value: object) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    if not isinstance(value, str):
        return str(value)
    parts = [part.strip() for part in value.split(",")]
    if not any(f"code.{part}" in reasons for part in parts):
        return value
    joint = ", " if language == "en" else "、"
    return joint.join(reasons.say(language, f"code.{part}") if f"code.{part}" in reasons else part for part in parts)
