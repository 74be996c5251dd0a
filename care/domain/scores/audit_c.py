"""AUDIT-C, three questions on alcohol.

Source: Bush K, Kivlahan DR, McDonell MB, Fihn SD, Bradley KA. The AUDIT alcohol consumption questions (AUDIT-C). Arch
Intern Med 1998;158:1789-1795, https://doi.org/10.1001/archinte.158.16.1789; cuts: Bradley KA and colleagues, Alcohol
Clin Exp Res 2007;31:1208-1217, https://doi.org/10.1111/j.1530-0277.2007.00403.x
Licence: AUDIT is the World Health Organization's; it may be reproduced without charge with its source named, and may
not be sold. The wording is not part of this function.
"""

from __future__ import annotations

from dataclasses import replace

from care.domain.scores.scored import Scored, added, one_of, whole

CUTS = {"female": 3, "male": 4}


def audit_c(frequency: int | None, amount: int | None, binges: int | None, sex: str | None = None) -> Scored:
    """0 to 12, each answer 0 to 4; bands "below" and "at-or-above" the cut (3 women, 4 men).

    Who never drinks (frequency 0) is not asked the other two, which then count 0. Without a sex there is no band where
    the two cuts differ. Raises Invalid for another answer.
    """
    never = frequency == 0
    found = added(
        {
            "frequency": whole("frequency", frequency, 0, 4),
            "amount": whole("amount", 0 if never and amount is None else amount, 0, 4),
            "binges": whole("binges", 0 if never and binges is None else binges, 0, 4),
        },
        ((0, ""),),
    )
    cut = one_of("sex", sex, CUTS)
    if found.value is None:
        return found
    if cut is None:
        low, high = min(CUTS.values()), max(CUTS.values())
        band = "below" if found.value < low else "at-or-above" if found.value >= high else ""
        return replace(found, band=band, reason="" if band else "sex-unknown")
    return replace(found, band="at-or-above" if found.value >= cut else "below")
