"""`python -m bench [NAME …] [--quick]`, which is `make bench`: a table on the screen, and var/bench.json."""

from __future__ import annotations

import argparse
import importlib
import json
import sys
import time
from pathlib import Path

NAMES = ("dispatch", "growth", "deliver", "inbound", "questionnaires", "rules", "score", "worklist", "arrival")
WHERE = Path(__file__).resolve().parent.parent / "var" / "bench.json"


def main(arguments: list[str] | None = None) -> int:
    """0 when all that were asked for ran; the figures of those not asked for stay in the file."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of {', '.join(NAMES)}; all by default")
    parser.add_argument("--quick", action="store_true", help="smaller tables and fewer rounds: to try it, not to quote")
    options = parser.parse_args(arguments)
    unknown = set(options.names) - set(NAMES)
    if unknown:
        parser.error(f"no such benchmark: {', '.join(sorted(unknown))}")
    WHERE.parent.mkdir(mode=0o700, exist_ok=True)
    figures = json.loads(WHERE.read_text(encoding="utf-8")) if WHERE.exists() else {}
    for name in options.names or NAMES:
        began = time.monotonic()
        found = importlib.import_module(f"bench.{name}").run(options.quick)
        figures[name] = {**found, "quick": options.quick, "seconds": round(time.monotonic() - began, 1)}
        WHERE.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
        sys.stdout.write(f"\n{name}\n" + "".join(f"  {key:<32}{value}\n" for key, value in figures[name].items()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
