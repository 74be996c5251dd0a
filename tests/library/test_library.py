"""The library: what ships is complete, the same in every language, and says nothing it must not say."""

from __future__ import annotations

import re
from string import Formatter

import pytest

from care.domain.codes import LANGUAGES, Priority
from care.domain.plan import read_plan
from care.domain.questionnaire import read_questionnaire
from care.domain.rules import read_rules
from care.domain.screen import screen
from care.errors import Invalid
from care.library import crisis_line, emergency_number, lexicon, provider_reason, reason, seeds, sha256_of, texts
from care.library.files import ROOT, document
from care.library.texts import Texts

KEYS = sorted(texts().params)


@pytest.mark.parametrize("seed", seeds(), ids=lambda seed: seed.canonical.rpartition("/")[2])
def test_every_seed_can_be_run(seed) -> None:  # type: ignore[no-untyped-def]
    match seed.kind:
        case "Questionnaire":
            assert read_questionnaire(seed.document).canonical == seed.canonical
        case "PlanDefinition":
            read_plan(seed.document)
        case "RuleSet":
            read_rules(seed.document, seed.sha256)
    assert seed.sha256 == sha256_of(seed.document)


def test_three_protocols_ship_and_all_that_they_name_ships_too() -> None:
    shipped = {seed.canonical for seed in seeds()}
    plans = [read_plan(seed.document) for seed in seeds() if seed.kind == "PlanDefinition"]
    assert len(plans) == 3
    named = {action.questionnaire for plan in plans for action in plan.actions} | {plan.diary for plan in plans} - {
        None
    }
    assert named <= shipped


def test_the_hash_does_not_depend_on_the_order_of_keys() -> None:
    assert sha256_of({"a": 1, "b": [2]}) == sha256_of({"b": [2], "a": 1}) != sha256_of({"a": 1, "b": [3]})


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("key", KEYS)
def test_every_text_is_said_in_every_language(language: str, key: str) -> None:
    said = texts().say(language, key, **{name: f"<{name}>" for name in texts().params[key]})
    assert said.strip() == said != ""
    assert all(f"<{name}>" in said for name in texts().params[key])
    assert len(said) < 320


def test_every_text_is_said_somewhere() -> None:
    source = "".join(
        path.read_text(encoding="utf-8")
        for path in ROOT.parent.rglob("*")
        if path.suffix in (".py", ".json") and path.parent.name != "texts"
    )

    def is_said(key: str) -> bool:
        start, _, end = key.partition("-")
        return f'"{key}"' in source or (start in ("diary", "priority") and f'"{end}"' in source)

    assert [key for key in KEYS if not is_said(key)] == []


def test_chinese_texts_are_chinese_and_the_two_scripts_differ() -> None:
    simplified, traditional = (document(ROOT / "texts" / f"{language}.json") for language in LANGUAGES[1:])
    assert all(
        re.search(r"[\u4e00-\u9fff]", text) or text == "Care：{title}。"
        for text in [*simplified.values(), *traditional.values()]
    )
    assert not any(re.search("[们请护时间发]", text) for text in traditional.values())
    assert not any(re.search("[們請護時間發]", text) for text in simplified.values())


def test_languages_that_differ_in_keys_or_params_are_refused() -> None:
    with pytest.raises(Invalid, match="keys differ"):
        Texts({"en": {"a": "x", "b": "y"}, "zh-Hans": {"a": "x"}})
    with pytest.raises(Invalid, match="params differ"):
        Texts({"en": {"a": "{x}"}, "zh-Hans": {"a": "{y}"}})
    with pytest.raises(Invalid, match="plain name"):
        Texts({"en": {"a": "{x.__class__}"}})


def test_a_missing_text_or_param_is_an_error_and_an_unknown_language_is_english() -> None:
    with pytest.raises(Invalid):
        texts().say("en", "no such key")
    with pytest.raises(Invalid):
        texts().say("en", "help")
    assert texts().say("fr", "complete") == texts().say("en", "complete")


def test_a_value_in_a_text_is_never_read_as_a_template() -> None:
    assert "{number}" in texts().say("en", "diary-out-of-range", value="{number}")


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_text_says_that_all_is_well(language: str) -> None:
    spoken = " ".join(document(ROOT / "texts" / f"{language}.json").values()).casefold()
    assert not re.search(
        r"you are fine|you're fine|don't worry|do not worry|nothing to worry|没事|沒事|别担心|別擔心", spoken
    )


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("key", ["emergency-reply", "crisis-reply", "crisis-reply-line", "low-glucose-severe"])
def test_a_reply_in_danger_names_the_number_to_call(language: str, key: str) -> None:
    params = {"number": "911", "line": "988"}
    assert "911" in texts().say(language, key, **{name: params[name] for name in texts().params[key]})


@pytest.mark.parametrize(
    ("country", "number", "line"),
    [
        *[("CN", "120", "12356"), ("HK", "999", "18111"), ("hk", "999", "18111"), ("TW", "119", None)],
        *[("US", "911", "988"), ("CA", "911", "988"), ("GB", "999", None), ("MO", "999", None), ("XX", "112", None)],
    ],
)
def test_every_country_gets_its_own_number(country: str, number: str, line: str | None) -> None:
    assert (emergency_number(country), crisis_line(country)) == (number, line)


def test_every_number_in_the_table_has_a_source() -> None:
    table = document(ROOT / "lexicons" / "emergency-numbers.json")
    assert all(entry["emergency"] in entry["source"] for entry in table["countries"].values())


def test_our_own_messages_never_trip_the_safety_screen_as_a_command() -> None:
    for language in LANGUAGES:
        for text in document(ROOT / "texts" / f"{language}.json").values():
            assert screen(text, lexicon()).kind in ("none", "red_flag", "crisis")


def test_the_commands_that_the_texts_teach_are_commands() -> None:
    wanted = {"STOP": "stop", "START": "start", "HELP": "help", "NURSE": "human"}
    wanted |= {
        "停止": "stop",
        "开始": "start",
        "開始": "start",
        "帮助": "help",
        "幫助": "help",
        "护士": "human",
        "護士": "human",
    }
    assert {words: screen(words, lexicon()).kind for words in wanted} == wanted


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_priority_has_a_word(language: str) -> None:
    assert all(texts().say(language, f"priority-{priority.value}") for priority in Priority)


REASONS = document(ROOT / "texts" / "reasons.en.json")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("key", sorted(key for key in REASONS if key.startswith("reason.")))
def test_every_reason_is_a_sentence_in_every_language(language: str, key: str) -> None:
    params = {name: 1.5 for _, name, _, _ in Formatter().parse(REASONS[key]) if name}
    assert reason(language, key, params) == reason(language, key.removeprefix("reason."), params)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_providers_code_is_put_in_words_and_one_of_tomorrow_is_named(language: str) -> None:
    known = provider_reason(language, "63016")
    assert "WhatsApp" in known
    assert known in reason(language, "undelivered-why", {"why": "63016"})
    assert "99999" in reason(language, "undelivered-why", {"why": "99999"})


def test_codes_in_a_reason_are_put_in_words() -> None:
    said = reason("zh-Hans", "symptom-severe", {"value": 3.0, "symptoms": "symptom-pain, symptom-nausea"})
    assert "疼痛、恶心" in said
    assert "3" in said and "3.0" not in said


def test_the_lexicon_names_its_versions() -> None:
    assert lexicon().version == "commands|1.1.0 crisis|1.2.0 red-flags|1.2.0"
