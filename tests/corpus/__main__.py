"""`python -m tests.corpus`: the long runs over ../shared: every questionnaire walked with many seeds by text and as a
form, and the reader's cases; tables, var/corpus.json, and one JSON object as the last line."""

from __future__ import annotations

import argparse
import json
import sys
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

from tests.conftest import ROOT, SHARED
from tests.corpus import questionnaires, reader_cases

VAR = ROOT / "var"


def main(arguments: list[str]) -> int:
    """0 when nothing crashed, every walk went well and nothing was read wrongly too often; 1 when not; 2 when called
    wrongly, or where there is no ../shared.
    """
    reader = argparse.ArgumentParser(prog="python -m tests.corpus", description=__doc__)
    reader.add_argument("--seeds", type=int, default=20, help="walks of each questionnaire on each face")
    reader.add_argument("--processes", type=int, default=2)
    reader.add_argument("--into", type=Path, default=VAR, help="the folder for corpus.json")
    told = reader.parse_args(arguments)
    if not (SHARED / questionnaires.FOLDER).is_dir():
        print("../shared is not on this machine", file=sys.stderr)
        return 2
    with ProcessPoolExecutor(told.processes) as pool:
        trial = partial(questionnaires.tried, seeds=range(told.seeds))
        forms = questionnaires.figures(list(pool.map(trial, questionnaires.files(SHARED), chunksize=4)))
    print(questionnaires.printed(forms))
    rows = reader_cases.table(SHARED)
    print(reader_cases.printed(rows))
    ok = forms["crashed"] == 0 and forms["walks_wrong"] == 0
    told.into.mkdir(exist_ok=True)
    written = json.dumps({"questionnaires": forms, "reader": rows}, ensure_ascii=False, indent=1)
    (told.into / "corpus.json").write_text(written + "\n", encoding="utf-8")
    print(json.dumps({name: value for name, value in forms.items() if name not in ("reasons", "wrong")} | {"ok": ok}))
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
