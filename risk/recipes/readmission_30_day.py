"""Diabetes: readmission within 30 days of discharge, from the discharge report and the year before the stay.

Row: one stay of the Diabetes 130-US set (UCI 296); stays that ended in death or a hospice are left out, since nobody
comes back from them. Outcome: an admission within 30 days. Categories are numbered (docs/models.md lists them).

    flask risk train readmission-30-day --data dataset_diabetes.zip --out risk/bundles/readmission-30-day/1.0.0
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from care.errors import Invalid
from risk.recipes.additive import Boosting
from risk.recipes.calibrating import Table, additive
from risk.recipes.course import Report, Study, carry_out
from risk.recipes.drafts import ABSTAIN, NATIVE, carried, draft, feature, quantity
from risk.recipes.words import card_of

MEMBER = "dataset_diabetes/diabetic_data.csv"
GONE = {11, 13, 14, 19, 20, 21}  # expired, or discharged to a hospice
# Where to: 0 home, 1 home with care, 2 skilled nursing, 3 other hospital or institution, 4 rehabilitation,
# 5 left against advice
DESTINATION = {1: 0, 6: 1, 8: 1, 3: 2, 4: 3, 24: 3, 2: 3, 5: 3, 9: 3, 10: 3, 15: 3, 23: 3, 27: 3, 28: 3, 29: 3, 30: 3}
DESTINATION |= {12: 3, 16: 3, 17: 3, 22: 4, 7: 5}
INSULIN = {"No": 0, "Steady": 1, "Up": 2, "Down": 2}
LAST_DAYS = 30


def _discharge(name: str, top: float, label: tuple[str, str, str], required: bool = False) -> tuple[Any, Any, Any]:
    """One number of the discharge report: its name, source and feature."""
    source = quantity(f"discharge-{name.replace('_', '-')}", "1", (0, top * 4), (0, top))
    policy = ABSTAIN if required else carried(60, NATIVE)
    return name, source, feature(name, name, LAST_DAYS, policy, label)


_PARTS = [
    _discharge(
        "prior_stays", 15, ("Hospital stays in the year before", "此前一年住院次数", "此前一年住院次數"), required=True
    ),
    _discharge(
        "prior_emergencies", 20, ("Emergency visits in the year before", "此前一年急诊次数", "此前一年急診次數")
    ),
    _discharge(
        "prior_outpatient", 20, ("Outpatient visits in the year before", "此前一年门诊次数", "此前一年門診次數")
    ),
    _discharge("days_in_hospital", 14, ("Days in hospital", "住院天数", "住院天數"), required=True),
    _discharge(
        "destination",
        5,
        (
            "Discharged to (0 home, 1 home with care, 2 nursing, 3 institution, 4 rehabilitation, 5 against advice)",
            "出院去向（0 回家，1 居家护理，2 护理院，3 其他机构，4 康复，5 自行离院）",
            "出院去向（0 回家，1 居家護理，2 護理院，3 其他機構，4 復健，5 自行離院）",
        ),
        required=True,
    ),
    _discharge("diagnoses", 16, ("Diagnoses noted", "诊断数", "診斷數")),
    _discharge("medications", 60, ("Medicines given", "用药种类数", "用藥種類數")),
    _discharge("lab_tests", 120, ("Laboratory tests", "化验项目数", "化驗項目數")),
    _discharge(
        "insulin",
        2,
        ("Insulin (0 none, 1 steady, 2 changed)", "胰岛素（0 无，1 不变，2 调整）", "胰島素（0 無，1 不變，2 調整）"),
    ),
    _discharge(
        "diabetes_medicine",
        1,
        ("A medicine for diabetes (0 no, 1 yes)", "使用降糖药（0 否，1 是）", "使用降糖藥（0 否，1 是）"),
    ),
    _discharge(
        "main_diagnosis",
        9,
        (
            "Main diagnosis (0 other, 1 circulatory, 2 respiratory, 3 digestive, 4 diabetes, 5 injury, "
            "6 musculoskeletal, 7 genitourinary, 8 neoplasm)",
            "主要诊断（0 其他，1 循环，2 呼吸，3 消化，4 糖尿病，5 损伤，6 骨骼肌肉，7 泌尿生殖，8 肿瘤）",
            "主要診斷（0 其他，1 循環，2 呼吸，3 消化，4 糖尿病，5 損傷，6 骨骼肌肉，7 泌尿生殖，8 腫瘤）",
        ),
    ),
]
SOURCES = {
    "age": quantity("30525-0", "a", (0, 120), (5, 95), kind="attribute"),
    **{name: source for name, source, _ in _PARTS},
}
FEATURES = [
    feature("age", "age", 1, NATIVE, ("Age (years)", "年龄（岁）", "年齡（歲）")),
    *[part for _, _, part in _PARTS],
]
USE = (
    "Research. To help a nurse put the calls after discharge in order. It never pages, never lowers what a rule "
    "raised, and never reassures a patient."
)
DRAFT = draft(
    "readmission-30-day",
    "1.0.0",
    USE,
    SOURCES,
    FEATURES,
    required=("prior_stays", LAST_DAYS),
    outcome="an admission to hospital",
    horizon="30 days from discharge",
    edges=(0.12, 0.25),
    masked=True,
    max_missing=5,
)
MADE = {"age": (25.0, 92.0), **{name: (0.0, float(min(source["soft"][1], 10))) for name, source, _ in _PARTS}}


def train(
    data: Path, out: Path, seed: int = 0, draws: int = 50, rows: Path | None = None, extra: Sequence[str] = ()
) -> Report:
    """Train on the zip of the data set; the bundle is written to `out`."""
    if extra:
        raise Invalid("with", "this recipe takes no further columns")
    with zipfile.ZipFile(data) as archive:
        stays = pd.read_csv(io.BytesIO(archive.read(MEMBER)), dtype=str, keep_default_na=False)
    study = Study(
        draft=DRAFT,
        table=table(stays),
        fit=additive(Boosting(rounds=150, least=400, masked=0.1)),
        recipe="risk/recipes/readmission_30_day.py",
        data="Diabetes 130-US hospitals 1999-2008 (UCI Machine Learning Repository, data set 296)",
        licence="CC BY 4.0",
        decision_range=(0.08, 0.2),
        made=MADE,
        card=lambda found: card_of("readmission_30_day", found),
        repeats=1,
    )
    return carry_out(study, data, out, seed, draws, rows)


def table(stays: Any) -> Table:
    """One row a stay that a patient could come back from."""
    left = stays["discharge_disposition_id"].astype(int)
    kept = stays[~left.isin(GONE)]
    number = {name: kept[name].astype(float).to_numpy() for name in _COUNTS.values()}
    values = {name: np.minimum(number[column], SOURCES[name]["soft"][1]) for name, column in _COUNTS.items()}
    values |= {
        "age": kept["age"].str.extract(r"\[(\d+)-")[0].astype(float).to_numpy() + 5,
        "destination": kept["discharge_disposition_id"].astype(int).map(DESTINATION).to_numpy(dtype=np.float64),
        "insulin": kept["insulin"].map(INSULIN).to_numpy(dtype=np.float64),
        "diabetes_medicine": (kept["diabetesMed"] == "Yes").to_numpy(dtype=np.float64),
        "main_diagnosis": kept["diag_1"].map(_chapter).to_numpy(dtype=np.float64),
    }
    columns = np.column_stack([values[one["name"]] for one in FEATURES])
    age = values["age"]
    return Table(
        x=columns.astype(np.float32),
        values=columns,
        y=(kept["readmitted"] == "<30").to_numpy(dtype=np.float64),
        who=kept["patient_nbr"].to_numpy().astype(str),
        by={
            "sex": kept["gender"].map({"Female": "women", "Male": "men"}).fillna("").to_numpy(dtype=object),
            "race": kept["race"].to_numpy(dtype=object),
            "age": np.where(age < 50, "under 50", np.where(age < 70, "50 to 69", "70 and over")),
        },
        versus={"prior_stays_alone": values["prior_stays"].reshape(-1, 1)},
        left_out={"died or hospice": int(len(stays) - len(kept))},
    )


_COUNTS = {
    "prior_stays": "number_inpatient",
    "prior_emergencies": "number_emergency",
    "prior_outpatient": "number_outpatient",
    "days_in_hospital": "time_in_hospital",
    "diagnoses": "number_diagnoses",
    "medications": "num_medications",
    "lab_tests": "num_lab_procedures",
}


def _chapter(code: str) -> float:
    """The chapter of an ICD-9 code, grouped as in Strack 2014; NaN where there is none."""
    if code in ("?", ""):
        return float("nan")
    if not code[0].isdigit():
        return 0.0
    number = float(code)
    if 250 <= number < 251:
        return 4.0
    for chapter, (low, high, also) in _CHAPTERS.items():
        if low <= int(number) <= high or int(number) == also:
            return chapter
    return 0.0


_CHAPTERS = {
    1.0: (390, 459, 785),
    2.0: (460, 519, 786),
    3.0: (520, 579, 787),
    5.0: (800, 999, 0),
    6.0: (710, 739, 0),
    7.0: (580, 629, 788),
    8.0: (140, 239, 0),
}
