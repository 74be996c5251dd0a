"""What a provider of push notifications is to us, and how one of the hospital's own is found.

Google's does not reach most phones in mainland China, where each maker has a service of its own; so the provider is
named in the settings, and may be a module that is not ours.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, Literal, Protocol, cast

from care.errors import CareError


@dataclass(frozen=True, slots=True)
class Target:
    """One app, as its provider knows it: a registration token, or a Firebase installation id (`fid`)."""

    kind: Literal["token", "fid"]
    value: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Notice:
    """What is shown: constant words. `ref` is our id of the message, by which the app asks for it once signed in."""

    title: str
    body: str
    ref: str


class PushProvider(Protocol):
    """Who carries a notification to a phone.

    `data_location` and `by_country` are for the channel's Capabilities: where it keeps what is sent, and what differs
    by country ({"CN": {"reaches": False}}).
    """

    data_location: str
    by_country: Mapping[str, Mapping[str, Any]]

    def send(self, target: Target, notice: Notice) -> str:
        """Hand a notice over, once, within ten seconds; the provider's id of it.

        Raises ChannelError: `permanent` when the app is gone for good, which forgets it.
        """


def load_provider(name: str) -> PushProvider:
    """The provider that `package.module:factory` makes; the factory takes nothing and reads its own environment.

    Raises CareError, naming PUSH_PROVIDER, when it is not there or what it makes is none.
    """
    module, _, factory = name.partition(":")
    try:
        made = getattr(import_module(module), factory)()
    except (ImportError, AttributeError, TypeError, ValueError) as error:
        raise CareError("push-provider", f"PUSH_PROVIDER: {name} cannot be loaded ({type(error).__name__})") from None
    lacking = [part for part in ("send", "data_location", "by_country") if not hasattr(made, part)]
    if lacking:
        raise CareError("push-provider", f"PUSH_PROVIDER: what {name} makes has no {', '.join(lacking)}")
    return cast(PushProvider, made)
