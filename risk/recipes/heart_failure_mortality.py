"""Heart failure: death during follow-up, from four values. A small data set, and the place where `time` is refused.

Row: one patient of the UCI set 519. Outcome: death during follow-up (4 to 285 days). Cox regression ranks, since
follow-up differs between patients; the length of follow-up is part of the outcome and never a feature.

    flask risk train heart-failure-mortality --data heart_failure_clinical_records.csv --out …
    flask risk train heart-failure-mortality --with time …          (refused: leakage)
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from care.errors import Invalid
from risk import gates
from risk.recipes.calibrating import Table, cox
from risk.recipes.course import Report, Study, carry_out, refuse
from risk.recipes.drafts import ABSTAIN, carried, draft, feature, quantity
from risk.recipes.words import card_of

SOURCES = {
    "age": quantity("30525-0", "a", (18, 120), (40, 95), kind="attribute"),
    "ejection_fraction": quantity("10230-1", "%", (5, 90), (14, 80)),
    "serum_creatinine": quantity("2160-0", "mg/dL", (0.1, 30), (0.5, 9.4), {"umol/L": 0.01131}),
    "serum_sodium": quantity("2951-2", "mmol/L", (90, 190), (113, 150), {"meq/L": 1.0}),
}
FEATURES = [
    feature("age", "age", 1, ABSTAIN, ("Age (years)", "年龄（岁）", "年齡（歲）")),
    feature(
        "ejection_fraction",
        "ejection_fraction",
        180,
        carried(400, ABSTAIN),
        ("Left ventricular ejection fraction (%)", "左心室射血分数（%）", "左心室射血分數（%）"),
    ),
    feature(
        "serum_creatinine",
        "serum_creatinine",
        30,
        carried(120, ABSTAIN),
        ("Creatinine (mg/dL)", "肌酐（mg/dL）", "肌酸酐（mg/dL）"),
        transform="log",
    ),
    feature(
        "serum_sodium",
        "serum_sodium",
        30,
        carried(120, ABSTAIN),
        ("Sodium (mmol/L)", "血钠（mmol/L）", "血鈉（mmol/L）"),
    ),
]
USE = (
    "Research. To help a nurse of a heart failure clinic see whom to look at first. It never pages, never lowers what "
    "a rule raised, and never reassures a patient."
)
DRAFT = draft(
    "heart-failure-mortality",
    "1.0.0",
    USE,
    SOURCES,
    FEATURES,
    required=("ejection_fraction", 400),
    outcome="death",
    horizon="during follow-up, about four months (4 to 285 days)",
    edges=(0.3, 0.6),
)
MADE = {
    "age": (42.0, 92.0),
    "ejection_fraction": (15.0, 65.0),
    "serum_creatinine": (0.6, 5.0),
    "serum_sodium": (122.0, 146.0),
}


def train(
    data: Path, out: Path, seed: int = 0, draws: int = 200, rows: Path | None = None, extra: Sequence[str] = ()
) -> Report:
    """Train on the clinical records; the bundle is written to `out`.

    `extra` names columns that one would like as features too: they go through the gates first, and `time` does not get
    past them. Raises AssessmentError (leakage).
    """
    records = pd.read_csv(data)
    if unknown := [name for name in extra if name not in records]:
        raise Invalid("with", f"the file has no column {unknown[0]!r}")
    wished = {name: records[name].to_numpy(dtype=np.float64) for name in extra}
    refuse([gates.leakage(wished, _outcome(records))])
    if extra:
        raise Invalid("with", "this recipe's features are fixed; these columns passed the gate and are not used")
    study = Study(
        draft=DRAFT,
        table=table(records),
        fit=cox,
        recipe="risk/recipes/heart_failure_mortality.py",
        data="Heart failure clinical records (UCI Machine Learning Repository, data set 519)",
        licence="CC BY 4.0",
        decision_range=(0.2, 0.5),
        made=MADE,
        card=lambda found: card_of("heart_failure_mortality", found),
        repeats=10,
    )
    return carry_out(study, data, out, seed, draws, rows)


def table(records: Any) -> Table:
    """One row a patient."""
    values = records[["age", "ejection_fraction", "serum_creatinine", "serum_sodium"]].to_numpy(dtype=np.float64)
    x = values.copy()
    x[:, 2] = np.log(x[:, 2])
    age = values[:, 0]
    return Table(
        x=x.astype(np.float32),
        values=values,
        y=_outcome(records),
        who=np.arange(len(records)).astype(str),
        by={
            "sex": records["sex"].map({0: "women", 1: "men"}).to_numpy(),
            "age": np.where(age < 65, "under 65", "65 and over"),
        },
        versus={"age_alone": age.reshape(-1, 1)},
        time=records["time"].to_numpy(dtype=np.float64),
    )


def _outcome(records: Any) -> Any:
    return records["DEATH_EVENT"].to_numpy(dtype=np.float64)
