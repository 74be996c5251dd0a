"""Push: a constant notice to each of a patient's apps. Nothing else ever leaves here, whatever a message says."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Protocol
from uuid import UUID

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from bots.push_provider import Notice, PushProvider, Target
from care.domain.message import Capabilities, Incoming, Outgoing, Receipt, Sent, WebhookCall
from care.errors import ChannelError, Invalid, NotAllowed
from care.library.notices import notice
from care.logs import logger
from care.services import push_registrations
from care.services.push_registrations import Reachable

TITLE = "Care"
WITHIN = 20.0  # seconds after which no further app is tried; a lease lasts a minute


class Registrations(Protocol):
    """Where a patient's apps are kept."""

    def reachable(self, patient_id: UUID) -> Sequence[Reachable]:
        """The apps to send to, the one that was there last first; few."""

    def forget(self, registration_ids: Sequence[UUID]) -> None:
        """They are gone for good."""


class KeptRegistrations:
    """Those in the database. Each call has a short session of its own, which is over when the provider is called."""

    def __init__(self, sessions: Callable[[], AbstractContextManager[Session]], clock: Callable[[], datetime]) -> None:
        self._sessions, self._clock = sessions, clock

    def reachable(self, patient_id: UUID) -> Sequence[Reachable]:
        """The apps to send to, the one that was there last first. Raises ChannelError when the database is away."""
        try:
            with self._sessions() as session:
                return push_registrations.reachable(session, self._clock(), patient_id)
        except SQLAlchemyError:
            raise ChannelError("retryable", "registrations", "the registrations cannot be read now") from None

    def forget(self, registration_ids: Sequence[UUID]) -> None:
        """They are gone; if that cannot be written now, the provider will say it again."""
        try:
            with self._sessions() as session:
                push_registrations.forget(session, self._clock(), registration_ids)
        except SQLAlchemyError as error:
            logger().error("registrations not forgotten", channel="push", error=type(error).__name__)


class PushChannel:
    """A provider and the apps it reaches; disabled without either. A patient's address is the patient's own id."""

    name = "push"

    def __init__(
        self,
        provider: PushProvider | None = None,
        registrations: Registrations | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.enabled = provider is not None and registrations is not None
        self._provider, self._registrations, self._clock = provider, registrations, clock
        self.capabilities = Capabilities(
            two_way=False,
            links=False,
            max_length=200,
            notices_only=True,
            data_location=provider.data_location if provider else "",
            by_country=provider.by_country if provider else {},
        )

    def verify(self, call: WebhookCall) -> None:
        """Nobody calls us for a notification."""
        raise NotAllowed("disabled", "this channel takes no calls")

    def read(self, call: WebhookCall, now: datetime) -> Incoming:
        """Nothing comes in this way."""
        raise Invalid("push", "this channel takes no texts")

    def read_receipt(self, call: WebhookCall) -> Receipt:
        """Nothing comes in this way."""
        raise Invalid("push", "this channel takes no receipts")

    def send(self, message: Outgoing) -> Sent:
        """Show the notice that the message names on each of the patient's apps; sent when at least one was taken.

        The words are the library's in the app's own language, never the message's. Apps that are gone are forgotten.
        Raises ChannelError: `unknown` where a provider may have taken it, else `retryable` where another try may
        help, `permanent` where the patient has no app left, `refused`.
        """
        if self._provider is None or self._registrations is None:
            raise ChannelError("refused", "disabled", "this channel is not configured")
        apps = self._registrations.reachable(_patient_id(message))
        shown = {app.id: _notice(message, app.language) for app in apps}
        if not apps:
            raise ChannelError("permanent", "no-app", "the patient has no app that can be reached")
        taken, errors = self._fan_out(self._provider, apps, shown)
        gone = [app_id for app_id, error in errors.items() if error.kind == "permanent"]
        if gone:
            self._registrations.forget(gone)
        if taken:
            return Sent(taken[0])
        raise _worst(list(errors.values()))

    def prepare(self) -> None:
        """Let the provider load what it needs, before the first message waits for it."""
        prepare = getattr(self._provider, "prepare", None)
        if prepare is not None:
            prepare()

    def _fan_out(
        self, provider: PushProvider, apps: Sequence[Reachable], shown: dict[UUID, Notice]
    ) -> tuple[list[str], dict[UUID, ChannelError]]:
        """What was taken, and what went wrong by app; one app after another, until the time is over."""
        taken: list[str] = []
        errors: dict[UUID, ChannelError] = {}
        until = self._clock() + WITHIN
        for app in apps:
            try:
                taken.append(provider.send(Target(app.kind, app.token), shown[app.id]))  # type: ignore[arg-type]
            except ChannelError as error:
                errors[app.id] = error
                if error.retry_after is not None:
                    break  # the provider wants to be left alone, not only for this app
            if self._clock() >= until:
                break
        return taken, errors


def _patient_id(message: Outgoing) -> UUID:
    try:
        return UUID(message.to)
    except ValueError:
        raise ChannelError("permanent", "address", "this is no address of this channel") from None


def _notice(message: Outgoing, language: str) -> Notice:
    try:
        words = notice(language or message.language, message.notice, two_way=False)
    except Invalid:
        raise ChannelError("refused", "no-notice", "only a notice may be shown on a locked phone") from None
    return Notice(TITLE, words, str(message.id))


def _worst(errors: Sequence[ChannelError]) -> ChannelError:
    """What is said of a message that no app was given."""
    for kind in ("unknown", "retryable", "refused", "permanent"):
        alike = [error for error in errors if error.kind == kind]
        if alike:
            pause = max((error.retry_after for error in alike if error.retry_after is not None), default=None)
            return ChannelError(alike[0].kind, alike[0].code, alike[0].message, retry_after=pause)
    return ChannelError("refused", errors[0].code, errors[0].message)
