"""One text in, one turn out: replies, kept answers, a finished report, a withdrawal, a call for a person. Pure.

The order is fixed: a crisis or red-flag word first (nothing is said here: the emergency reply left when the text came
in), then STOP, START, HELP and the wish for a person, then the open question, then a diary entry, then a person.
"""

from care.domain.conversation.opening import awaiting, begin, invite, remind
from care.domain.conversation.taking import take_turn

__all__ = ["awaiting", "begin", "invite", "remind", "take_turn"]
