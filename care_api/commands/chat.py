"""`flask chat`: talk with Care as a patient would, in the terminal, on the true path of a text."""

from __future__ import annotations

from dataclasses import replace

import click
from flask import current_app
from flask.cli import with_appcontext
from sqlalchemy import select
from sqlalchemy.orm import Session

from bots.console import ConsoleChannel
from care.domain.message import Incoming, Outgoing
from care.errors import NotFound
from care.records.ids import new_id
from care.records.patients import ContactPoint
from care.runtime import Runtime
from care.services import inbox, outbox, reports
from care_api.commands.output import told
from care_api.database import db


@click.command("chat")
@click.option("--as", "address", help="The console address to write from; the first patient's, if it is not named.")
@with_appcontext
@told
def chat(address: str | None) -> None:
    """Write texts as a patient and read the answers. An empty line or Ctrl-D ends it.

    The texts go the way of any text: kept, screened, answered, scored. Pages to staff that they cause are shown too.
    """
    session = db.session()
    sender = address or _first_address(session)
    heard: list[Outgoing] = []
    given: Runtime = current_app.extensions["care.runtime"]
    rt = replace(given, channels={**given.channels, "console": ConsoleChannel(heard.append)})
    click.echo(f"You are {sender}. Write a text, for example: glucose 62 before breakfast")
    while line := click.prompt(">", prompt_suffix=" ", default="", show_default=False).strip():
        say(session, rt, sender, line)
        for message in heard:
            click.echo(message.text if message.to == sender else f"[to {message.to}] {message.text}")
        heard.clear()


def say(session: Session, rt: Runtime, sender: str, text: str) -> None:
    """One text, all the way: kept, its turn taken, its report scored, the answers delivered."""
    incoming = Incoming("console", sender, text, f"chat-{new_id()}", rt.now())
    inbox.receive(session, rt, incoming)
    inbox.take_turns_due(session, rt, rt.now())
    reports.score_due(session, rt, rt.now())
    outbox.deliver_due(session, rt, rt.now())


def _first_address(session: Session) -> str:
    found = session.scalars(
        select(ContactPoint)
        .where(ContactPoint.channel == "console", ContactPoint.status == "active")
        .order_by(ContactPoint.created_at, ContactPoint.id)
        .limit(1)
    ).first()
    if found is None:
        raise NotFound("contact", "no patient has a console address: run `flask prepare --demo` on an empty database")
    return str(found.address)
