"""The deadline of a call: whoever drips, stays silent or never ends is left, and what that means for a message."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from bots.deadline import Session, _public, answered
from care.errors import ChannelError
from tests.bots.stub_provider import DRIP, Answer, provider

LONG = Answer(200, raw=b" " * int(10 / DRIP))  # would take ten seconds, and then be a good answer


def asked(url: str, seconds: float = 0.3, **limits: int | bool) -> int:
    """One call, with its errors as a channel tells them."""
    session = Session(seconds, **limits)  # type: ignore[arg-type]
    session.trust_env = False
    with answered():
        return session.post(url, data={"a": "b"}).status_code


def failing(url: str, seconds: float = 0.3, **limits: int | bool) -> tuple[str, str]:
    with pytest.raises(ChannelError) as caught:
        asked(url, seconds, **limits)
    return caught.value.kind, caught.value.code


@pytest.mark.parametrize("part", ["head", "body"])
def test_an_answer_that_drips_is_not_waited_for(part: str) -> None:
    with provider(Answer(200, raw=LONG.raw, drips=part)) as stub:
        assert failing(stub.url) == ("unknown", "no-answer")
        assert len(stub.asked) == 1


@pytest.mark.parametrize("part", ["head", "body"])
def test_behind_tls_it_is_the_same(part: str, certificate: Path) -> None:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate)
    with provider(Answer(200, raw=b"{}"), Answer(200, raw=LONG.raw, drips=part), tls=tls) as stub:
        session = Session(0.5)
        session.trust_env, session.verify = False, str(certificate)
        with answered():
            assert session.post(stub.url).text == "{}"
        with pytest.raises(ChannelError) as caught, answered():
            session.post(stub.url)
        assert (caught.value.kind, caught.value.code) == ("unknown", "no-answer")
        assert len(stub.asked) == 2


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key and a certificate of this machine's own, in one file."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2120, 1, 1, tzinfo=UTC))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=True)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    plain = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    found = tmp_path_factory.mktemp("tls") / "both.pem"
    found.write_bytes(plain + made.public_bytes(Encoding.PEM))
    return found


def test_an_answer_that_drips_in_time_is_read_whole() -> None:
    with provider(Answer(200, raw=b"{}", drips="head")) as stub:
        session = Session(30.0)
        session.trust_env = False
        assert session.post(stub.url).text == "{}"


def test_a_provider_that_takes_the_call_and_is_silent_may_have_taken_the_message() -> None:
    with provider(Answer(silent_for=2.0)) as stub:
        assert failing(stub.url) == ("unknown", "no-answer")


def test_a_kept_connection_has_all_its_time_for_every_call() -> None:
    with provider(Answer(200), Answer(200, silent_for=0.2), Answer(200, silent_for=0.2), Answer(200)) as stub:
        session = Session(5.0)
        session.trust_env = False
        assert [session.post(stub.url).status_code for _ in range(4)] == [200] * 4


def test_where_nobody_listens_nothing_was_taken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as found:
        port = found.getsockname()[1]
    assert failing(f"http://127.0.0.1:{port}/") == ("retryable", "connection")
    assert failing("http://no-such-host.invalid/") == ("retryable", "connection")


def test_a_connection_that_is_never_made_took_nothing() -> None:
    with full_house() as url:
        assert failing(url) == ("retryable", "connection")


@pytest.mark.parametrize("place", ["/elsewhere", "https://[broken", "http://169.254.169.254/"])
def test_a_redirect_is_not_followed_even_where_that_is_asked_for(place: str) -> None:
    with provider(Answer(302, headers={"Location": place})) as stub:
        session = Session(5.0)
        session.trust_env = False
        assert session.get(stub.url, allow_redirects=True).status_code == 302
        assert [one["path"] for one in stub.asked] == ["/"]


def test_an_answer_without_end_is_broken_off() -> None:
    with provider(Answer(200, raw=b"x" * 200_000)) as stub:
        assert failing(stub.url, 10.0, most=100_000) == ("unknown", "no-answer")
        assert asked(stub.url, 10.0, most=300_000) == 200


def test_to_an_address_that_is_not_public_no_connection_is_made_where_that_is_asked_for() -> None:
    with provider() as stub:
        assert failing(stub.url, 5.0, public=True) == ("retryable", "connection")
        assert failing(stub.url.replace("127.0.0.1", "localhost"), 5.0, public=True) == ("retryable", "connection")
        assert stub.asked == []


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("8.8.8.8", True),
        ("2606:4700::1111", True),
        ("127.0.0.1", False),
        ("10.1.2.3", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("224.0.0.1", False),
        ("0.0.0.0", False),
        ("::1", False),
        ("fe80::1%eth0", False),
        ("fd00::1", False),
        ("::ffff:10.0.0.1", False),
        ("::ffff:8.8.8.8", True),
        ("2002:0a00:0001::", False),
        ("64:ff9b::a00:1", False),
    ],
)
def test_what_is_a_public_address(address: str, public: bool) -> None:
    assert _public(address) is public


@contextmanager
def full_house() -> Iterator[str]:
    """A place whose waiting room is full: who knocks hears nothing."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as house:
        waiting = [socket.socket() for _ in range(4)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(house.getsockname())
        threading.Event().wait(0.05)
        try:
            yield f"http://127.0.0.1:{house.getsockname()[1]}/"
        finally:
            for one in waiting:
                one.close()
