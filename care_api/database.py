"""The tables bound to Flask: one engine a process, one session a request. Services see only the session."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Flask
from flask_migrate import Migrate
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy.orm import Session

import care.records  # noqa: F401  (registers every table)
from care.records.base import Base
from care.settings import Settings

db = SQLAlchemy(metadata=Base.metadata, session_options={"expire_on_commit": False})

# A web worker has four threads; what waits longer than this for a connection is told to come back.
ENGINE: dict[str, Any] = {
    "pool_pre_ping": True,
    "pool_size": 5,
    "max_overflow": 3,
    "pool_timeout": 5,
    "pool_recycle": 1800,
    "connect_args": {
        "connect_timeout": 4,  # WeChat waits five seconds for its answer
        "application_name": "care",
        # A server that vanishes without a word (its machine, a firewall that forgets) is noticed within seconds: until
        # it is, a thread waits and a provider with it. One that is merely slow answers these, and is waited for.
        "keepalives_idle": 10,
        "keepalives_interval": 3,
        "keepalives_count": 3,
        "tcp_user_timeout": 10_000,
    },
    "hide_parameters": True,  # an error's text must not quote a patient
}


def bind(app: Flask, settings: Settings, migrations: str) -> None:
    """Give the application its database and its migrations. Nothing is connected yet."""
    app.config["SQLALCHEMY_DATABASE_URI"] = settings.database_url.get_secret_value()
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = ENGINE
    db.init_app(app)
    Migrate(app, db, directory=migrations)


def sessions(app: Flask) -> Callable[[], Session]:
    """Opens sessions of the application's database outside any request, as the threads that call providers need."""

    def opened() -> Session:
        with app.app_context():
            return Session(db.engine, expire_on_commit=False)

    return opened
