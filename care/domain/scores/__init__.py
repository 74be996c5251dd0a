"""Scores computed from values: pure functions, each with its source and its licence. None ships a question's wording.

What a form asks and how its answers are summed is data (care/library/scores); these are for scores whose inputs are
measured or known of the patient, and for checking the data's sums against.
"""

from care.domain.scores.audit_c import audit_c
from care.domain.scores.findrisc import findrisc
from care.domain.scores.hospital import hospital
from care.domain.scores.lace import lace
from care.domain.scores.mascc import mascc
from care.domain.scores.mmrc import mmrc
from care.domain.scores.news2 import news2
from care.domain.scores.pro_ctcae import composite_grade
from care.domain.scores.scored import Scored

__all__ = [
    "Scored",
    "audit_c",
    "composite_grade",
    "findrisc",
    "hospital",
    "lace",
    "mascc",
    "mmrc",
    "news2",
]
