"""Talk: where a conversation stands between two texts of a patient."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from care.domain.questionnaire import Answer, Answers

Status = Literal["idle", "asking", "paused", "choosing", "handed-over", "invited"]


@dataclass(frozen=True, slots=True)
class Talk:
    """Where a conversation stands; kept between texts as JSON.

    `asked` is the place of the question that the patient saw last (None: none since an emergency). `misses` counts the
    texts since then that were no answer. In "handed-over" a person reads along and the question stays open; in "paused"
    the patient wants to go on later; in "invited" a notice asked for an OK, and no question stood in it. `told` is when
    it was last said that a person reads what was written: two machines must not thank each other for ever. `last` is
    the place of the answer given last, which "change" asks again; while one is asked again, `before` are all answers as
    they were, in case it is left as it was. `shown`: so many options of the open question were listed, where they are
    too many for one message (else 0). `held`: until then nothing is asked, since the patient wrote of a crisis.
    """

    status: Status = "idle"
    questionnaire: str | None = None
    task_id: str | None = None
    answers: Answers = field(default_factory=dict)
    skipped: frozenset[str] = frozenset()
    asked: str | None = None
    misses: int = 0
    told: datetime | None = None
    last: str | None = None
    before: Answers | None = None
    shown: int = 0
    held: datetime | None = None

    @staticmethod
    def idle() -> Talk:
        """Nothing is going on."""
        return _IDLE

    def to_json(self) -> dict[str, Any]:
        """A JSON object; from_json gives an equal talk."""
        return {
            "status": self.status,
            "questionnaire": self.questionnaire,
            "task_id": self.task_id,
            "answers": _written(self.answers),
            "skipped": sorted(self.skipped),
            "asked": self.asked,
            "misses": self.misses,
            "told": self.told.isoformat() if self.told else None,
            "last": self.last,
            "before": _written(self.before) if self.before is not None else None,
            "shown": self.shown,
        } | ({"held": self.held.isoformat()} if self.held else {})

    @staticmethod
    def from_json(document: Mapping[str, Any] | None) -> Talk:
        """The talk that to_json wrote, now or when a talk had fewer fields; None or {} is idle."""
        if not document:
            return _IDLE
        return Talk(
            status=document["status"],
            questionnaire=document["questionnaire"],
            task_id=document["task_id"],
            answers=_read(document["answers"]),
            skipped=frozenset(document["skipped"]),
            asked=document["asked"],
            misses=document["misses"],
            told=datetime.fromisoformat(document["told"]) if document.get("told") else None,
            last=document.get("last"),
            before=_read(document["before"]) if document.get("before") is not None else None,
            shown=document.get("shown", 0),
            held=datetime.fromisoformat(document["held"]) if document.get("held") else None,
        )


def _written(answers: Answers) -> dict[str, Any]:
    return {place: [answer.to_json() for answer in given] for place, given in answers.items()}


def _read(document: Mapping[str, Any]) -> Answers:
    return {place: tuple(Answer.from_json(answer) for answer in given) for place, given in document.items()}


_IDLE = Talk()
