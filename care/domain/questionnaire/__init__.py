"""Questionnaires: read from FHIR, asked question by question, checked, and written back as FHIR. Pure.

One engine for two faces: a form in the app and a conversation by text give the same answers.
"""

from care.domain.questionnaire.answer import read_answer, read_answers
from care.domain.questionnaire.ask import answer_text, ask
from care.domain.questionnaire.check import Issue, check, problem_of
from care.domain.questionnaire.measures import measures
from care.domain.questionnaire.model import Answer, Answers, Condition, Item, Option, Questionnaire, Text, in_language
from care.domain.questionnaire.read import read_questionnaire
from care.domain.questionnaire.reading import Unclear
from care.domain.questionnaire.response import from_response, to_response
from care.domain.questionnaire.walk import enabled, lead, next_item, previous_item, progress

__all__ = [
    "Answer",
    "Answers",
    "Condition",
    "Issue",
    "Item",
    "Option",
    "Questionnaire",
    "Text",
    "Unclear",
    "answer_text",
    "ask",
    "check",
    "enabled",
    "from_response",
    "in_language",
    "lead",
    "measures",
    "next_item",
    "previous_item",
    "problem_of",
    "progress",
    "read_answer",
    "read_answers",
    "read_questionnaire",
    "to_response",
]
