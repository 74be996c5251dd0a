"""Whose rights the embedded server runs with: ours, or `nobody`'s when we are root, because PostgreSQL refuses root."""

from __future__ import annotations

import os
import pwd
import sys
from dataclasses import dataclass
from typing import Any

CANDIDATES = ("nobody", "daemon", "postgres")


class AccountError(RuntimeError):
    """No account was found that the server could run as."""


@dataclass(frozen=True)
class Account:
    """A user and group id; `borrowed` when they are not the ones we run with ourselves."""

    uid: int
    gid: int
    borrowed: bool

    def for_process(self) -> dict[str, Any]:
        """The arguments of subprocess.Popen that make a child run as this account."""
        return {"user": self.uid, "group": self.gid, "extra_groups": []} if self.borrowed else {}


def server_account() -> Account:
    """The account for initdb and postgres. Nothing is created: root borrows one that every system has.

    Errors: AccountError when root finds none, or on a system where the data directory could not be handed over.
    """
    if os.geteuid() != 0:
        return Account(os.geteuid(), os.getegid(), borrowed=False)
    if not sys.platform.startswith("linux"):
        raise AccountError("The embedded PostgreSQL can't run as root here: start it as an ordinary user.")
    for name in CANDIDATES:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        if entry.pw_uid != 0:
            return Account(entry.pw_uid, entry.pw_gid, borrowed=True)
    raise AccountError(
        f"PostgreSQL can't run as root and none of {', '.join(CANDIDATES)} exists: use an ordinary user."
    )
