"""Primary biliary cholangitis: death or transplant within two years, estimated anew at every visit.

Row: one visit of the Mayo cohort (R's survival::pbcseq). Outcome: death or transplant within 730 days of the visit;
visits whose patient was lost before that without either are left out. Features: what is known at the visit, by
`risk.features`, laboratory values carried forward for a while. Logistic regression: boosting was tried on the same
folds, with and without the course of the values, and was not better.

    flask risk train pbc-visit --data pbcseq.csv --out risk/bundles/pbc-visit/1.0.0
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from care.domain.measure import Measure
from care.errors import AssessmentError, Invalid
from risk import metrics
from risk.features import extract
from risk.manifest import Manifest
from risk.recipes.additive import Boosting
from risk.recipes.calibrating import Table, additive, logistic
from risk.recipes.course import Report, Study, carry_out
from risk.recipes.drafts import ABSTAIN, carried, draft, feature, quantity
from risk.recipes.words import card_of

OEDEMA = (0.8095, -0.1999, 0.01373)
HORIZON, START, YEAR = 730, datetime(2000, 1, 1, 12, tzinfo=UTC), 365.25
CODES = {  # column -> (source, code, unit); codes are LOINC's but for oedema, which has none with these three grades
    "bili": ("bilirubin", "1975-2", "mg/dL"),
    "albumin": ("albumin", "1751-7", "g/dL"),
    "protime": ("prothrombin_time", "5902-2", "s"),
    "platelet": ("platelets", "777-3", "10*3/uL"),
    "edema": ("oedema", "oedema-grade", "1"),
}
SOURCES = {
    "age": quantity("30525-0", "a", (18, 120), (25, 80), kind="attribute"),
    "bilirubin": quantity("1975-2", "mg/dL", (0.05, 80), (0.1, 45), {"umol/L": 0.05848}),
    "albumin": quantity("1751-7", "g/dL", (0.5, 9), (1.1, 6), {"g/L": 0.1}),
    "prothrombin_time": quantity("5902-2", "s", (5, 120), (8, 40)),
    "platelets": quantity("777-3", "10*3/uL", (1, 3000), (20, 1000), {"10*9/L": 1.0}),
    "oedema": quantity("oedema-grade", "1", (0, 1), (0, 1)),
}
_CARRIED = carried(400, ABSTAIN)
# Oedema that nobody noted is reckoned from albumin and bilirubin (least squares over the visits), never taken as none
_RECKONED = {
    "policy": "impute",
    "impute": {"intercept": OEDEMA[0], "coefficients": {"albumin": OEDEMA[1], "bilirubin": OEDEMA[2]}},
    "then": ABSTAIN,
}
_TYPICAL = {"policy": "typical", "value": 213.0}  # the geometric mean of the visits
FEATURES = [
    feature("age", "age", 1, ABSTAIN, ("Age (years)", "年龄（岁）", "年齡（歲）")),
    feature(
        "bilirubin",
        "bilirubin",
        120,
        _CARRIED,
        ("Bilirubin (mg/dL)", "胆红素（mg/dL）", "膽紅素（mg/dL）"),
        transform="log",
    ),
    feature(
        "albumin", "albumin", 120, _CARRIED, ("Albumin (g/dL)", "白蛋白（g/dL）", "白蛋白（g/dL）"), transform="log"
    ),
    feature(
        "prothrombin_time",
        "prothrombin_time",
        120,
        _CARRIED,
        ("Prothrombin time (s)", "凝血酶原时间（秒）", "凝血酶原時間（秒）"),
        transform="log",
    ),
    feature(
        "oedema",
        "oedema",
        120,
        carried(400, _RECKONED),
        (
            "Oedema (0 none, 0.5 without diuretics or gone with them, 1 in spite of them)",
            "水肿（0 无，0.5 未用利尿剂或用后消退，1 用利尿剂仍有）",
            "水腫（0 無，0.5 未用利尿劑或用後消退，1 用利尿劑仍有）",
        ),
    ),
    feature(
        "platelets",
        "platelets",
        120,
        carried(400, _TYPICAL),
        ("Platelets (10⁹/L)", "血小板（10⁹/L）", "血小板（10⁹/L）"),
        transform="log",
    ),
]
USE = (
    "Research. To help a clinician see, at each visit of a patient with primary biliary cholangitis, whose course "
    "calls for a talk about transplant soon. It never pages, never lowers what a rule raised, and never reassures a "
    "patient."
)
DRAFT = draft(
    "pbc-visit",
    "1.0.0",
    USE,
    SOURCES,
    FEATURES,
    required=("bilirubin", 400),
    outcome="death or liver transplant",
    horizon="two years (730 days) from the visit",
    edges=(0.1, 0.3),
)
# The alternative: what is known to be worse may only raise the risk, what is better only lower it
BOOSTING = Boosting(rounds=250, least=30, leaves=3, seen=0.5, directions=(1, 1, -1, 1, 1, -1))
MADE = {
    "age": (28.0, 75.0),
    "bilirubin": (0.4, 28.0),
    "albumin": (2.1, 4.4),
    "prothrombin_time": (9.1, 15.0),
    "platelets": (70.0, 420.0),
    "oedema": (0.0, 1.0),
}


def train(
    data: Path, out: Path, seed: int = 0, draws: int = 200, rows: Path | None = None, extra: Sequence[str] = ()
) -> Report:
    """Train on pbcseq.csv; the bundle is written to `out`."""
    if extra:
        raise Invalid("with", "this recipe takes no further columns")
    visits = pd.read_csv(data).sort_values(["id", "day"], kind="stable").reset_index(drop=True)
    study = Study(
        draft=DRAFT,
        table=table(visits),
        fit=logistic,
        recipe="risk/recipes/pbc_visit.py",
        data="Mayo Clinic primary biliary cholangitis, sequential visits (R package survival, pbcseq)",
        licence="LGPL (>= 2), the licence of the R package that publishes it",
        decision_range=(0.05, 0.5),
        made=MADE,
        card=lambda found: card_of("pbc_visit", found),
        alternatives={"additive_boosting": additive(BOOSTING)},
        also={"published_mayo_score_auc": round(_published(visits), 4)},
    )
    return carry_out(study, data, out, seed, draws, rows)


def table(visits: Any) -> Table:
    """Every visit whose outcome is known, read by the manifest as it is served."""
    plan = Manifest.model_validate(DRAFT)
    x, values, kept, left_out = [], [], [], {"outcome not known": 0, "not scored": 0}
    known = _known(visits)
    for _, history in visits.groupby("id"):
        measures = _measures(history)
        for place, day in zip(history.index, history["day"], strict=True):
            if not known[place]:
                left_out["outcome not known"] += 1
                continue
            try:
                row = extract(plan, measures, START + timedelta(days=int(day)), "UTC")
            except AssessmentError:
                left_out["not scored"] += 1
                continue
            x.append(row.vector)
            values.append([np.nan if value is None else value for value in row.values])
            kept.append(place)
    chosen = visits.loc[kept]
    age = chosen["age"] + chosen["day"] / YEAR
    return Table(
        x=np.array(x, dtype=np.float32),
        values=np.array(values, dtype=np.float64),
        y=_outcome(chosen).to_numpy(dtype=np.float64),
        who=chosen["id"].to_numpy().astype(str),
        by={
            "sex": chosen["sex"].map({"f": "women", "m": "men"}).to_numpy(),
            "age": np.where(age < 45, "under 45", np.where(age < 60, "45 to 59", "60 and over")),
        },
        versus={
            "first_visit": _first_visit(visits, chosen),
            "bilirubin_alone": np.log(chosen[["bili"]].to_numpy()),
        },
        also={"five_published_variables": _five(chosen, age)},
        left_out=left_out,
    )


def _outcome(visits: Any) -> Any:
    return (visits["status"] > 0) & (visits["futime"] - visits["day"] <= HORIZON)


def _known(visits: Any) -> Any:
    return _outcome(visits) | (visits["futime"] - visits["day"] > HORIZON)


def _measures(history: Any) -> list[Measure]:
    """A patient's visits as measures."""
    found = []
    for place, visit in history.iterrows():
        at = START + timedelta(days=int(visit["day"]))
        found.append(Measure(f"age-{place}", "30525-0", float(visit["age"] + visit["day"] / YEAR), "a", at))
        for column, (_, code, unit) in CODES.items():
            if not pd.isna(visit[column]):
                found.append(Measure(f"{column}-{place}", code, float(visit[column]), unit, at))
    return found


def _five(visits: Any, age: Any) -> Any:
    """The variables of the Mayo risk score (Murtaugh and others, Hepatology 1994)."""
    logs = [np.log(visits[name]) for name in ("bili", "albumin", "protime")]
    return np.column_stack([age, *logs, visits["edema"]])


def _first_visit(visits: Any, chosen: Any) -> Any:
    """What was known at the first visit, and the years since."""
    first = visits.groupby("id").first().loc[chosen["id"]]
    return np.column_stack([_five(first, first["age"]), chosen["day"] / YEAR])


def _published(visits: Any) -> float:
    """AUC of the Mayo score with its published coefficients on the same visits."""
    chosen = visits[_known(visits)]
    five = _five(chosen, chosen["age"] + chosen["day"] / YEAR)
    score = five @ np.array([0.051, 1.209, -3.304, 2.754, 0.675])
    return metrics.auc(_outcome(chosen).to_numpy(dtype=np.float64), score)
