"""Questionnaires: read from FHIR, asked question by question, checked, and written back as FHIR. Pure.

One engine for two faces: a form in the app and a conversation by text give the same answers.
"""

from care.domain.questionnaire.answer import read_answer, read_answers
from care.domain.questionnaire.ask import answer_text, ask
from care.domain.questionnaire.check import Issue, check, problem_of
from care.domain.questionnaire.measures import measures
from care.domain.questionnaire.model import (
    Answer,
    Answers,
    Condition,
    Item,
    Option,
    Questionnaire,
    Spot,
    Text,
    in_language,
)
from care.domain.questionnaire.places import instance_of, link_id_of, place
from care.domain.questionnaire.read import read_questionnaire
from care.domain.questionnaire.reading import Unclear
from care.domain.questionnaire.response import from_response, to_response
from care.domain.questionnaire.tools import NO_TOOLS, Expression, ExpressionFailed, Tools, ValueSet
from care.domain.questionnaire.walk import (
    answered,
    enabled,
    filled,
    lead,
    next_item,
    previous_item,
    progress,
    spot_at,
    suggestion,
    taken_back,
)

__all__ = [
    "NO_TOOLS",
    "Answer",
    "Answers",
    "Condition",
    "Expression",
    "ExpressionFailed",
    "Issue",
    "Item",
    "Option",
    "Questionnaire",
    "Spot",
    "Text",
    "Tools",
    "Unclear",
    "ValueSet",
    "answer_text",
    "answered",
    "ask",
    "check",
    "enabled",
    "filled",
    "from_response",
    "in_language",
    "instance_of",
    "lead",
    "link_id_of",
    "measures",
    "next_item",
    "place",
    "previous_item",
    "problem_of",
    "progress",
    "read_answer",
    "read_answers",
    "read_questionnaire",
    "spot_at",
    "suggestion",
    "taken_back",
    "to_response",
]
