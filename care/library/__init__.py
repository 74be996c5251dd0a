"""Content as data, reviewed by clinicians like code: protocols, questionnaires, rules, lexicons, texts.

The files are seeds: what runs is the table (url, version, sha256) that they are published into, and a published version
is never edited.
"""

from care.library.calendars import calendars
from care.library.numbers import crisis_line, emergency_number
from care.library.seeds import Seed, canonical_json, seeds, sha256_of
from care.library.texts import Texts, code_name, explains, provider_reason, reason, texts
from care.library.tools import questionnaire_tools
from care.library.words import lexicon

__all__ = [
    "Seed",
    "Texts",
    "calendars",
    "canonical_json",
    "code_name",
    "crisis_line",
    "emergency_number",
    "explains",
    "lexicon",
    "provider_reason",
    "questionnaire_tools",
    "reason",
    "seeds",
    "sha256_of",
    "texts",
]
