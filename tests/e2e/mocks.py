"""The two mocks, which others wrote: where they are installed, and how they are started on this machine's loopback.

Prism answers by the OpenAPI document that Twilio publishes, which Twilio's own npm package @twilio/cli-core carries.
emulate remembers what it was given and calls back, signed. `make e2e-channels` installs both, and a node for them.
"""

from __future__ import annotations

import base64
import hashlib
import os
import shutil
import socket
import subprocess
import tarfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.conftest import ROOT, require

INSTALLED = ROOT / "var" / "e2e"
PACKAGE = "twilio-cli-core-9.0.0.tgz"
PACKAGE_SHA512 = "FPHm5gXAUwM2oATmQi3AGYPFz4Urg5G5/vDkpUu5WqNuwueQaS93HwXjdX1OM+miuq0LMimdfbXDTLEp4Nsjfg=="
MEMBER = "package/src/services/twilio-api/twilio_api_v2010.json"
HINT = "is not installed here: make e2e-channels installs it"
SECONDS_TO_START = 60.0


def node() -> str:
    """The node that came with the mocks, else this machine's own."""
    brought = sorted((INSTALLED / "node_modules").glob("node-*-*/bin/node"))
    found = str(brought[0]) if brought else shutil.which("node")
    require(found, f"node {HINT}")
    return str(found)


def program(path: str) -> str:
    """A file of an installed package, or a skip that says it is absent."""
    found = INSTALLED / "node_modules" / path
    require(found.exists(), f"{path.rpartition('/dist')[0]} {HINT}")
    return str(found)


def published_api(folder: Path) -> Path:
    """Twilio's OpenAPI document of its 2010 API: the one that TWILIO_OPENAPI names, else out of Twilio's package."""
    named = os.environ.get("TWILIO_OPENAPI")
    if named:
        require(Path(named).exists(), "TWILIO_OPENAPI names no file")
        return Path(named)
    package = INSTALLED / PACKAGE
    require(package.exists(), f"{PACKAGE} {HINT}")
    content = package.read_bytes()
    assert base64.b64encode(hashlib.sha512(content).digest()).decode() == PACKAGE_SHA512, "not the package we know"
    with tarfile.open(package) as opened:
        inside = opened.extractfile(MEMBER)
        assert inside is not None
        (folder / "twilio.json").write_bytes(inside.read())
    return folder / "twilio.json"


def free_port() -> int:
    """A port of the loopback that nobody has now."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


@contextmanager
def started(command: list[str], port: int, log: Path) -> Iterator[str]:
    """The address of a program that was started and answers; it is ended by its own id. Raises when it ends itself."""
    url = f"http://127.0.0.1:{port}"
    quiet = {"DO_NOT_TRACK": "1", "NO_COLOR": "1", "NO_UPDATE_NOTIFIER": "1"}
    with log.open("wb") as out:
        process = subprocess.Popen(command, stdout=out, stderr=out, stdin=subprocess.DEVNULL, env=os.environ | quiet)
    try:
        _wait_for(url, process, log)
        yield url
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_for(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + SECONDS_TO_START
    while time.monotonic() < until:
        assert process.poll() is None, f"it ended by itself: {log.read_text(errors='replace')[-2000:]}"
        try:
            urllib.request.urlopen(url, timeout=2).close()
            return
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.1)
    raise AssertionError(f"nothing answers at {url}: {log.read_text(errors='replace')[-2000:]}")


def listens_on_loopback_only(port: int) -> bool:
    """Whether nobody but this machine can reach the port: no other of its addresses answers."""
    for family, address in {(one[0], one[4][0]) for one in socket.getaddrinfo(socket.gethostname(), None)}:
        if str(address).startswith("127.") or address == "::1":
            continue
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.settimeout(1)
            if probe.connect_ex((str(address), port)) == 0:
                return False
    return True
