"""Every `flask` command in one list."""

from __future__ import annotations

from flask import Flask

from care_api.commands.accounts import staff_group
from care_api.commands.bots import bots_group
from care_api.commands.chat import chat
from care_api.commands.integrators import integrators_group
from care_api.commands.keeping import audit_group, backup, keys_group, restore
from care_api.commands.models import risk_group
from care_api.commands.prepare import prepare, seed
from care_api.commands.protocols import protocols_group
from care_api.commands.questionnaires import questionnaires_group
from care_api.commands.recomputing import recompute
from care_api.commands.watchdog import watchdog
from scheduler.commands import demo_command, replay_group

COMMANDS = (
    prepare,
    seed,
    staff_group,
    audit_group,
    keys_group,
    integrators_group,
    backup,
    restore,
    risk_group,
    protocols_group,
    questionnaires_group,
    bots_group,
    chat,
    demo_command,
    replay_group,
    watchdog,
)


def register(app: Flask) -> None:
    """Give the application its commands."""
    risk_group.add_command(recompute)
    for command in COMMANDS:
        app.cli.add_command(command)
