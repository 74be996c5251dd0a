"""Offline training: data in, a bundle out. Needs requirements-train.txt; the server never imports this package."""

NAMES = {  # what `flask risk train` calls a recipe -> its module here
    "hypoglycaemia-next-day": "hypoglycaemia",
    "pbc-visit": "pbc_visit",
    "readmission-30-day": "readmission_30_day",
    "heart-failure-mortality": "heart_failure_mortality",
}
