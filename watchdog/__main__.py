"""`python -m watchdog`: the same as `flask watchdog`, without loading anything of the application."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import threading

from pydantic import ValidationError

from watchdog.settings import WatchdogSettings
from watchdog.watch import Watch, once, run
from watchdog.ways import log, ways


def main(arguments: list[str] | None = None) -> int:
    """The exit status: of --once 0 when all is well and 1 when not; 2 when the settings are wrong or tell nobody."""
    parser = argparse.ArgumentParser(prog="python -m watchdog", description=__doc__)
    parser.add_argument("--once", action="store_true", help="look once, print what is wrong, tell nobody")
    parser.add_argument("--json", action="store_true", help="with --once: print one JSON object as the last line")
    options = parser.parse_args(arguments)
    try:
        settings = WatchdogSettings()  # type: ignore[call-arg]  # pydantic reads the environment
    except ValidationError as error:
        sys.stderr.write(wrong(error) + "\n")
        return 2
    return report(settings, options.json) if options.once else watch(settings)


def wrong(error: ValidationError) -> str:
    """What is wrong with the settings, by name and without a value."""
    flaws = [f"  {'_'.join(str(part) for part in flaw['loc']).upper()}: {flaw['msg']}" for flaw in error.errors()]
    return "\n".join(["The watchdog does not start: its environment is not complete.", *flaws])


def report(settings: WatchdogSettings, as_json: bool) -> int:
    """Look once and print; 0 when all is well, else 1."""
    found = once(settings)
    if as_json:
        alarms = [{"code": one.code, "subject": one.subject, "text": one.text} for one in found]
        sys.stdout.write(json.dumps({"ok": not found, "alarms": alarms}) + "\n")
    else:
        lines = [f"{one.code}: {one.text}" for one in found] or ["all is well"]
        sys.stdout.write("\n".join(lines) + "\n")
    return 1 if found else 0


def watch(settings: WatchdogSettings) -> int:
    """Watch until SIGTERM or Ctrl-C; 2 at once when there is nobody to tell."""
    found = ways(settings)
    if not found:
        sys.stderr.write(
            "The watchdog has nobody to tell: set WATCHDOG_TO with WATCHDOG_TWILIO_…, or WATCHDOG_COMMAND.\n"
        )
        return 2
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    log("watching", ways=[way.name for way in found])
    run(Watch(settings, found), stop)
    return 0


if __name__ == "__main__":
    status = main()
    # A look may be under way in its thread. Waiting for it could take for ever, and an interpreter that ends while a
    # thread writes aborts.
    sys.stdout.flush()
    os._exit(status)
