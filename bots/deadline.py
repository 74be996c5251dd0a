"""A deadline for a whole call to a provider: connecting, sending, waiting, and every byte of the answer.

The time-outs of `requests` hold for one read each, so a provider that sends a byte now and then could keep a line for
ever. Here the clock is looked at before each of them, in the thread of the caller: nothing is started for a call. Only
the look-up of a name is not counted, which the system's resolver limits by itself.
"""

from __future__ import annotations

import io
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPResponse
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import NameResolutionError, NewConnectionError
from urllib3.util import Timeout

from care.errors import ChannelError

MOST = 1024 * 1024  # bytes of an answer: a provider's JSON is a few thousand
_TRANSLATED = IPv6Network("64:ff9b::/96")  # RFC 6052


class _Limits:
    """What the call that a thread is making may still use."""

    __slots__ = ("bytes", "public", "until")

    def __init__(self, seconds: float, most: int, public: bool) -> None:
        self.until = time.monotonic() + seconds
        self.bytes = most
        self.public = public

    def left(self) -> float:
        """Seconds until the end. Raises TimeoutError after it."""
        left = self.until - time.monotonic()
        if left <= 0:
            raise TimeoutError("the call has lasted too long")
        return left


_calls = threading.local()


def _limits() -> _Limits:
    limits: _Limits = _calls.limits
    return limits


class _Clocked(io.RawIOBase):
    """The bytes of an answer, as long as there is time and room for them."""

    def __init__(self, raw: io.RawIOBase, sock: socket.socket, limits: _Limits) -> None:
        self._raw, self._sock, self._limits = raw, sock, limits

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._sock.settimeout(self._limits.left())
        got: int | None = self._raw.readinto(buffer)
        self._limits.bytes -= got or 0
        if self._limits.bytes < 0:
            raise OSError("the answer is too large")
        return got

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Answer(HTTPResponse):
    """An answer that is read under the limits of the call that it answers, its first line and headers too."""

    def __init__(self, sock: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        raw: Any = self.fp.detach()
        self.fp = io.BufferedReader(_Clocked(raw, sock, _limits()))


class _Limited(HTTPConnection):
    """A connection that is made, written to and read under the limits of the call."""

    response_class = _Answer

    def _new_conn(self) -> socket.socket:
        limits = _limits()
        host = self.host.strip("[]")
        try:
            found = socket.getaddrinfo(host, self.port, type=socket.SOCK_STREAM)
        except (socket.gaierror, UnicodeError) as error:
            raise NameResolutionError(self.host, self, error) from error  # type: ignore[arg-type]
        last: Exception | None = None
        for number, (family, kind, protocol, _, address) in enumerate(found):
            if limits.public and self.proxy is None and not _public(str(address[0])):
                last = last or OSError("this is no public address")
                continue
            try:
                return self._connected(family, kind, protocol, address, limits.left() / (len(found) - number))
            except OSError as error:
                last = error
        raise NewConnectionError(self, "no connection could be made") from last

    def _connected(self, family: int, kind: int, protocol: int, address: Any, seconds: float) -> socket.socket:
        """A connection to one of a name's addresses, which has a share of the time: one that is silent isn't all."""
        sock = socket.socket(family, kind, protocol)
        try:
            for option in self.socket_options or ():
                sock.setsockopt(*option)
            sock.settimeout(seconds)
            sock.connect(address)
            sock.settimeout(_limits().left())
        except BaseException:
            sock.close()
            raise
        return sock

    def send(self, data: Any) -> None:
        if self.sock is not None:
            self.sock.settimeout(_limits().left())
        super().send(data)


class _LimitedTls(_Limited, HTTPSConnection):
    """The same behind TLS."""


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Limited


class _PoolTls(HTTPSConnectionPool):
    ConnectionCls = _LimitedTls


_POOLS = {"http": _Pool, "https": _PoolTls}


class Deadline(HTTPAdapter):
    """Mounted on a session of `requests`, it ends every call after `seconds`, and never repeats one.

    An answer of more than `most` bytes is broken off. With `public` no connection is made to an address that is not a
    public one, whatever name leads to it; behind a proxy of the hospital that is the proxy's to see to.
    """

    def __init__(self, seconds: float, most: int = MOST, public: bool = False) -> None:
        self._seconds, self._most, self._public = seconds, most, public
        super().__init__(max_retries=0)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = _POOLS

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> Any:
        manager = super().proxy_manager_for(*args, **kwargs)
        manager.pool_classes_by_scheme = _POOLS
        return manager

    def send(self, request: Any, stream: bool = False, timeout: Any = None, **kwargs: Any) -> requests.Response:  # type: ignore[override]
        """One call, within `timeout` where that is shorter. Raises errors of `requests`, which `answered` explains."""
        seconds = min(self._seconds, timeout) if isinstance(timeout, int | float) else self._seconds
        _calls.limits = _Limits(seconds, self._most, self._public)
        whole: Any = Timeout(total=seconds)
        return super().send(request, stream=stream, timeout=whole, **kwargs)


class Session(requests.Session):
    """A session whose calls have a deadline and go nowhere else: a redirect is an answer like any other."""

    def __init__(self, seconds: float, most: int = MOST, public: bool = False) -> None:
        super().__init__()
        self.mount("https://", Deadline(seconds, most, public))
        self.mount("http://", Deadline(seconds, most, public))

    def get_redirect_target(self, resp: requests.Response) -> None:
        """Nowhere, whatever an answer says and whoever asks for it."""


@contextmanager
def answered() -> Iterator[None]:
    """What goes wrong on the way to a provider and back, as a ChannelError that says what it means for a message.

    `retryable` where there was never a connection, so that nothing can have been taken; else `unknown`.
    """
    try:
        yield
    except requests.RequestException as error:
        if _never_connected(error):
            raise ChannelError("retryable", "connection", "no connection to the provider") from None
        raise ChannelError("unknown", "no-answer", "the provider gave no answer that can be read") from None


def _never_connected(error: requests.RequestException) -> bool:
    if isinstance(error, requests.ConnectTimeout):
        return True
    cause = error.args[0] if error.args else None
    return isinstance(getattr(cause, "reason", cause), NewConnectionError)


def _public(address: str) -> bool:
    """Whether an IP address is one of the open internet, also where version 6 carries one of version 4."""
    found = ip_address(address.partition("%")[0])
    if isinstance(found, IPv6Address):
        carried = found.ipv4_mapped or found.sixtofour
        if found in _TRANSLATED:
            carried = IPv4Address(int(found) & 0xFFFFFFFF)
        found = carried or found
    return found.is_global and not found.is_multicast
