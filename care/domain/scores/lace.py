"""LACE, the risk of death or an unplanned return within 30 days of leaving hospital.

Source: van Walraven C, Dhalla IA, Bell C, and colleagues. Derivation and validation of an index to predict early death
or unplanned readmission after discharge from hospital to the community. CMAJ 2010;182:551-557,
https://doi.org/10.1503/cmaj.091117. The cut at 10 is the usual one of later studies.
Licence: a published method; its points are facts and nobody asks for a licence. The wording here is our own.
"""

from __future__ import annotations

from care.domain.scores.scored import Scored, added, stepped, whole, yes

BANDS = ((0, "low"), (10, "high"))
MOST = 10_000


def lace(*, days: int | None, acute: bool | None, charlson: int | None, visits: int | None) -> Scored:
    """0 to 19; bands low and high (10 and more).

    `days` in hospital (0: less than one), `acute`: admitted as an emergency, `charlson`: the comorbidity index as LACE
    counts it, `visits` to an emergency department in the six months before, this one left out. Raises Invalid.
    """
    return added(
        {
            "days": stepped(whole("days", days, 0, MOST), (1, 2, 3, 4, 7, 14), (0, 1, 2, 3, 4, 5, 7)),
            "acute": yes("acute", acute, 3),
            "charlson": stepped(whole("charlson", charlson, 0, 40), (1, 2, 3, 4), (0, 1, 2, 3, 5)),
            "visits": stepped(whole("visits", visits, 0, MOST), (1, 2, 3, 4), (0, 1, 2, 3, 4)),
        },
        BANDS,
    )
