"""The ways by which an alarm reaches a person: a text by an account of the watchdog's own, a command, the screen."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
import uuid
from collections.abc import Sequence
from typing import Protocol

from bots.sms import TwilioSms
from care.domain.message import Outgoing
from care.errors import ChannelError
from watchdog.settings import WatchdogSettings

LONGEST = 1_000  # characters of a text; one that long says enough
PATIENCE = 30  # seconds for the command


class Way(Protocol):
    """One way to tell somebody. False, or any exception, is: nobody was told."""

    name: str

    def tell(self, text: str) -> bool:
        """Say it."""


class Screen:
    """A terminal in development."""

    name = "screen"

    def tell(self, text: str) -> bool:
        """Print it."""
        sys.stdout.write(f"[watchdog] {text}\n")
        sys.stdout.flush()
        return True


class Text:
    """A text to every number; told when at least one was taken."""

    name = "sms"

    def __init__(self, settings: WatchdogSettings) -> None:
        self._numbers = settings.numbers
        self._sms = TwilioSms(
            account_sid=settings.twilio_account_sid,
            auth_token=settings.twilio_auth_token.get_secret_value(),
            sender=settings.twilio_sender,
            base_url=settings.twilio_base_url,
        )

    def tell(self, text: str) -> bool:
        """Hand it to the provider for each number."""
        taken = 0
        for number in self._numbers:
            try:
                self._sms.send(Outgoing(uuid.uuid4(), "sms", number, text[:LONGEST]))
                taken += 1
            except ChannelError as error:
                log("text not taken", code=error.code)
        return taken > 0


class Command:
    """A program of the hospital's, with the text on its standard input; told when it ends with 0."""

    name = "command"

    def __init__(self, line: str) -> None:
        self._arguments = shlex.split(line)

    def tell(self, text: str) -> bool:
        """Run it."""
        done = subprocess.run(
            self._arguments, input=text + "\n", text=True, timeout=PATIENCE, check=False, stdout=subprocess.DEVNULL
        )
        return done.returncode == 0


def ways(settings: WatchdogSettings) -> list[Way]:
    """The ways that are configured; in development the screen if there is no other. In production it may be empty."""
    found: list[Way] = []
    if settings.numbers:
        found.append(Text(settings))
    if settings.command:
        found.append(Command(settings.command))
    if not found and settings.environment == "development":
        found.append(Screen())
    return found


def tell(all_ways: Sequence[Way], text: str) -> bool:
    """Use every way; True when one of them worked. A way that breaks stops no other."""
    told = False
    for way in all_ways:
        try:
            worked = way.tell(text)
        except Exception as error:  # noqa: BLE001  (whatever breaks one way, the next one is tried)
            log("way failed", way=way.name, error=type(error).__name__)
            continue
        told = told or worked
        if not worked:
            log("way failed", way=way.name)
    return told


def log(event: str, **values: object) -> None:
    """One JSON object on standard error."""
    sys.stderr.write(json.dumps({"event": event, **values}) + "\n")
    sys.stderr.flush()
