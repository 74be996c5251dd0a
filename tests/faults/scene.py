"""A scene for measuring: a clinic, the lanes of the product in processes, real clocks, and a provider that is ill."""

from __future__ import annotations

import asyncio
import json
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

from sqlalchemy import Engine, create_engine, select
from sqlalchemy.orm import sessionmaker

from bots.sms import TwilioSms
from care.domain.codes import Purpose
from care.records.consents import FOLLOW_UP, Consent
from care.records.organizations import CareTeam, Organization
from care.records.patients import ContactPoint, Patient, address_token
from care.runtime import Runtime, wall_clock
from care.services import outbox
from launch.postgres import Embedded
from scheduler.clock import run as run_lane
from tests.faults import processes, stage
from tests.faults.board import Board
from tests.faults.messenger import ACCOUNT, SENDER, TOKEN
from tests.faults.provider import OTHER_ACCOUNT, Provider
from tests.faults.script import Manners

WORKERS = 2
TIMEOUT = 10.0  # seconds: the product's own
NEVER = "http://127.0.0.1:9"  # the discard port: every connection is refused
Line = dict[str, Any]


class WhatsApp(TwilioSms):
    """The same adapter as a second channel with a provider of its own."""

    name = "whatsapp"
    capabilities = replace(TwilioSms.capabilities, receipts=False)


class Scene:
    """A clinic, a provider process and what it accepted, with workers to start and messages to queue."""

    def __init__(self, server: Embedded, folder: str, manners: Mapping[str, Manners], refused: bool = False) -> None:
        self.server, self.history = server, os.path.join(folder, "history.jsonl")
        self.url = server.ensure_database(stage.RUN, stage.TEMPLATE)
        self.engine: Engine = create_engine(self.url)
        self.sessions = sessionmaker(self.engine, expire_on_commit=False)
        listener = processes.listening()
        there = f"http://127.0.0.1:{listener.getsockname()[1]}"
        self.log = os.path.join(folder, "log.txt")
        self.pids = [processes.fork(lambda: self._provide(listener, manners), self.log)]
        listener.close()
        known = {"auth_token": TOKEN, "sender": SENDER, "public_url": NEVER, "timeout": TIMEOUT}
        sms = TwilioSms(account_sid=ACCOUNT, base_url=NEVER if refused else there, **known)  # type: ignore[arg-type]
        other = WhatsApp(account_sid=OTHER_ACCOUNT, base_url=there, **known)  # type: ignore[arg-type]
        self.rt = Runtime(clock=wall_clock, channels={"sms": sms, "whatsapp": other}, public_url=NEVER)

    def _provide(self, listener: Any, manners: Mapping[str, Manners]) -> None:
        board = Board()
        board.begin(wall_clock())
        made = Provider(board, self.history, ("127.0.0.1", 9), manners, {}, listener, patience=3 * TIMEOUT)
        asyncio.run(made.run(os.pipe()[0]))

    def work(self, lanes: Sequence[str] = ("worker",) * WORKERS) -> None:
        """Start the product's lanes, each in a process of its own."""
        self.engine.dispose()

        def lane(name: Any) -> None:
            engine = create_engine(self.url, pool_pre_ping=True, hide_parameters=True)
            run_lane(name, sessionmaker(engine, expire_on_commit=False), self.rt)

        self.pids += [processes.fork(lambda name=name: lane(name), self.log) for name in lanes]  # type: ignore[misc]

    def queue(self, messages: Sequence[tuple[str, str, Any, Any]]) -> None:
        """Queue (channel, address, patient, contact) in one transaction; due now."""
        with self.sessions() as session:
            team, pile, now = session.scalars(select(CareTeam)).one(), outbox.Pile(), wall_clock()
            for number, (channel, address, patient, contact) in enumerate(messages):
                outbox.enqueue(
                    session,
                    now,
                    purpose=Purpose.QUESTION if patient else Purpose.CONFIRMATION,
                    text=f"How are you today? ({number})",
                    dedupe=f"case:{number}",
                    patient=patient,
                    contact=contact,
                    channel=channel,
                    address=address,
                    care_team_id=team.id,
                    organization_id=team.organization_id,
                    check=False,
                    pile=pile,
                )
            pile.write(session)
            session.commit()

    def accepted(self) -> list[Line]:
        """What the provider has accepted so far."""
        if not os.path.exists(self.history):
            return []
        with open(self.history, encoding="utf-8") as file:
            lines = [json.loads(line) for line in file if line.endswith("\n")]
        return [line for line in lines if line["kind"] == "accepted"]

    def until(self, enough: Callable[[list[Line]], bool], seconds: float) -> list[Line]:
        """Wait until the provider has accepted enough, or so long; what it has."""
        end = time.monotonic() + seconds
        while time.monotonic() < end and not enough(self.accepted()):
            time.sleep(0.05)
        return self.accepted()

    def close(self) -> None:
        """End everything."""
        for pid in self.pids:
            processes.kill(pid)
        self.engine.dispose()
        self.server.drop_database(stage.RUN)


@contextmanager
def scene(server: Embedded, manners: Mapping[str, Manners], refused: bool = False) -> Iterator[Scene]:
    """A scene, and its end."""
    with tempfile.TemporaryDirectory() as folder:
        made = Scene(server, folder, manners, refused)
        try:
            yield made
        finally:
            made.close()


def people(here: Scene, count: int) -> list[tuple[str, str, Any, Any]]:
    """So many patients with both channels, half of them preferring each."""
    messages: list[tuple[str, str, Any, Any]] = []
    with here.sessions() as session:
        hospital, team, now = (
            session.scalars(select(Organization)).one(),
            session.scalars(select(CareTeam)).one(),
            wall_clock(),
        )
        for number in range(count):
            patient = Patient(
                organization_id=hospital.id,
                care_team_id=team.id,
                identity={"name": f"Fault Patient {number}"},
                language="en",
                time_zone="America/New_York",
                country="US",
                glucose_unit="mg/dL",
                status="active",
                created_at=now,
            )
            session.add(patient)
            session.flush()
            first = None
            for rank, channel in enumerate(("sms", "whatsapp") if number % 2 else ("whatsapp", "sms"), start=1):
                address = f"+1202{'555' if channel == 'sms' else '556'}{number:04d}"
                token = address_token(channel, address)
                contact = ContactPoint(
                    organization_id=hospital.id,
                    patient_id=patient.id,
                    channel=channel,
                    address=address,
                    address_token=token,
                    label=None,
                    rank=rank,
                    status="active",
                    created_at=now,
                )
                session.add(contact)
                first = first or contact
            session.add(
                Consent(
                    organization_id=hospital.id,
                    patient_id=patient.id,
                    purpose=FOLLOW_UP,
                    channel="*",
                    granted=True,
                    version="1",
                    language="en",
                    source="paper",
                    at=now - timedelta(days=1),
                )
            )
            assert first is not None
            messages.append((first.channel, first.address, patient, first))
        session.commit()
    return messages
