"""A worker process for tests: the real one, but for a channel that writes the id of each message into a file."""

from __future__ import annotations

import os
import sys
import time
from dataclasses import dataclass

from sqlalchemy import create_engine
from sqlalchemy.orm import sessionmaker

from care.domain.message import Outgoing, Sent
from care.records.seal import install
from care.runtime import Runtime
from scheduler.worker import work
from tests.conftest import KEYS, Clock, FakeChannel


@dataclass
class Paper(FakeChannel):
    """Takes its time with each message, and writes down what it took."""

    path: str = ""
    delivered: bool = True

    def send(self, message: Outgoing) -> Sent:
        time.sleep(0.005)
        with open(self.path, "ab", buffering=0) as file:
            file.write(f"{message.id} {os.getpid()}\n".encode())
        return Sent(f"paper-{message.id}", True)


def main(database: str, broker: str, prefix: str, path: str) -> None:
    install(KEYS)
    rt = Runtime(clock=Clock(), channels={"sms": Paper(path=path)})
    work(sessionmaker(create_engine(database), expire_on_commit=False), rt, broker, prefix, 4)


if __name__ == "__main__":
    main(*sys.argv[1:])
