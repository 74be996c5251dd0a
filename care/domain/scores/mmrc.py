"""mMRC, the modified dyspnoea scale of the Medical Research Council.

Source: Mahler DA, Wells CK. Evaluation of clinical methods for rating dyspnea. Chest 1988;93:580-586,
https://doi.org/10.1378/chest.93.3.580; grade 2 and more is "more symptoms" (GOLD report).
Licence: the Medical Research Council lets the scale be used without charge with its source named.
"""

from __future__ import annotations

from care.domain.scores.scored import Scored, added, whole

BANDS = ((0, "less"), (2, "more"))


def mmrc(grade: int | None) -> Scored:
    """0 to 4; bands "less" and "more" symptoms. Raises Invalid for another grade."""
    return added({"grade": whole("grade", grade, 0, 4)}, BANDS)
