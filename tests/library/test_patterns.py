"""Regular expressions of forms: what they match whole, what is said otherwise for RE2, and what is refused."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from care.errors import Invalid
from care.library.patterns import found_in, pattern, replaced

EMAIL = r"^[^@\s]+@[^@\s]+\.[^@\s]+$"


@pytest.mark.parametrize(
    ("regex", "text", "matches"),
    [
        (EMAIL, "a@b.org", True),
        (EMAIL, "a b@b.org", False),
        (r"^[0-9]{5}(-[0-9]{4})?$", "02139-1234", True),
        (r"[A-Z][0-9][A-Z] [0-9][A-Z][0-9]", "K1A 0B1 ", False),
        (r"^[\x00-\x7F\xA0-\xFF]+$", "café", True),
        (r"^[\x00-\x7F\xA0-\xFF]+$", "咖啡", False),
        (r"^[æøåÆØÅa-zA-Z0-9,.!?@()+\-/* ]*$", "Blåbær (2)", True),
        (r"^((\+|00)(\d{1,3}))?\d{5,12}$", "+4712345678", True),
        (r"\p{L}+", "咳嗽", True),
        (r"[\u4e00-\u9fff]{2,4}", "咳嗽", True),
        (r"[\u4E00-\u9FFF]", "A", False),
        (r"^(?=.{8,}$)(?=.*\d)[a-z\d]*$", "abcdefg1", True),
        (r"^(?=.{8,}$)(?=.*\d)[a-z\d]*$", "abcdefgh", False),
        (r"(?!000)\d{3}", "000", False),
        (r"(?!000)\d{3}", "001", True),
        (r"(?!0{3}|666)(?:\d{3})(?:a|b)", "666a", False),
        (r"^.{0,4000}$", "x" * 4000, True),
        (r"^.{0,4000}$", "x" * 4001, False),
        (r"[\s\S]{1,1048576}", "a\nb", True),
        (r"[ \r\n\t\S]{2000,}", "a" * 1999, False),
        (r"\d{1500}", "1" * 1500, True),
        (r"(?<year>\d{4})", "2026", True),
        (r"a\_b\/c\-d", "a_b/c-d", True),
        ("a|bc", "bc", True),
        ("", "", True),
    ],
)
def test_a_whole_text_matches_or_not(regex: str, text: str, matches: bool) -> None:
    assert pattern(regex)(text) is matches


@pytest.mark.parametrize(
    "regex",
    [
        *(r"(a)\1", r"a(?=b)c", r"a(?!b)", r"(?<=a)b", r"(?<!a)b", r"(?>a+)b", r"a++b", r"[a-z-[aeiou]]", r"(?=a)b|c"),
        *(
            "(",
            "[a",
            "a{2,1}",
            "*",
            r"\q",
            "(" * 3000,
            "a" * 6000,
            r"((a{1,900}){1,900}){1,900}",
            r"\p{Nonsense}",
            "\ud800",
        ),
    ],
)
def test_what_re2_has_not_is_refused_in_plain_words(regex: str) -> None:
    with pytest.raises(Invalid) as refused:
        pattern(regex)
    assert refused.value.code == "unreadable-regex"
    assert refused.value.message.startswith("the regular expression cannot be read")


def test_an_expression_that_others_try_for_ever_is_done_at_once() -> None:
    assert not pattern(r"^(a+)+$")("a" * 100_000 + "!")
    assert not pattern(r"^(\w+\s?)*$")("word " * 20_000 + "!")


def test_a_text_that_is_no_text_does_not_match() -> None:
    assert not pattern(".*")("\ud800")


def test_flags_and_groups_of_fhirpath() -> None:
    assert found_in("one\nTWO", "two", "i")
    assert found_in("a\nb", "a.b")
    assert replaced("11/30/1972", r"\b(?<m>\d{1,2})/(?<d>\d{1,2})/(?<y>\d{2,4})\b", "${d}-${m}-${y}") == "30-11-1972"


_ATOMS = st.sampled_from(["a", "b", "[ab]", "[^a]", ".", r"\d", "(a|b)", "(?:ab)", "1"])
_TIMES = st.sampled_from(["", "", "*", "+", "?", "{1,2}", "{2}"])


@given(
    st.lists(st.tuples(_ATOMS, _TIMES), min_size=1, max_size=4),
    st.lists(st.tuples(st.sampled_from(["(?=", "(?!"]), _ATOMS, _TIMES), max_size=2),
    st.text("ab1c", max_size=6),
)
def test_conditions_at_the_start_mean_what_python_means(
    parts: list[tuple[str, str]], conditions: list[tuple[str, str, str]], text: str
) -> None:
    start = "".join(f"{sign}{atom}{times})" for sign, atom, times in conditions)
    regex = start + "".join(map("".join, parts))
    assert pattern(regex)(text) is (re.fullmatch(regex, text) is not None)
