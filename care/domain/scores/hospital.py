"""HOSPITAL, the risk of an avoidable return within 30 days of leaving hospital.

Source: Donze JD, Williams MV, Robinson EJ, and colleagues. International validity of the HOSPITAL score to predict
30-day potentially avoidable hospital readmissions. JAMA Intern Med 2016;176:496-502,
https://doi.org/10.1001/jamainternmed.2015.8462. Admissions of the year before count as there (0 or 1: none; 2 to 5: 2;
more than 5: 5); the first paper of 2013 drew that line elsewhere.
Licence: a published method; its points are facts and nobody asks for a licence. The wording here is our own.
"""

from __future__ import annotations

from care.domain.scores.scored import Scored, added, number, stepped, whole, yes

BANDS = ((0, "low"), (5, "intermediate"), (7, "high"))
MOST = 10_000


def hospital(
    *,
    haemoglobin: float | None,
    oncology: bool | None,
    sodium: float | None,
    procedure: bool | None,
    urgent: bool | None,
    admissions: int | None,
    days: int | None,
) -> Scored:
    """0 to 13; bands low (to 4), intermediate (5, 6), high (7 and more).

    At discharge: haemoglobin in g/dL and sodium in mmol/L. `oncology`: discharged from that service, `procedure`: any
    during the stay, `urgent`: admitted as an emergency, `admissions` in the year before. Raises Invalid.
    """
    return added(
        {
            "haemoglobin": stepped(number("haemoglobin", haemoglobin, 1, 30), (12,), (1, 0)),
            "oncology": yes("oncology", oncology, 2),
            "sodium": stepped(number("sodium", sodium, 80, 220), (135,), (1, 0)),
            "procedure": yes("procedure", procedure, 1),
            "urgent": yes("urgent", urgent, 1),
            "admissions": stepped(whole("admissions", admissions, 0, MOST), (2, 6), (0, 2, 5)),
            "days": stepped(whole("days", days, 0, MOST), (5,), (0, 2)),
        },
        BANDS,
    )
