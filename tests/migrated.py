"""Builds the tables the way a hospital gets them: by the migrations, from nothing."""

from __future__ import annotations

from alembic import command
from alembic.config import Config
from flask import Flask
from flask_migrate import Migrate
from flask_sqlalchemy import SQLAlchemy

from care.records.base import Base


def migrate(url: str, revision: str = "head") -> None:
    """Upgrade the database at `url` to `revision`."""
    app = bare_app(url)
    with app.app_context():
        command.upgrade(config(), revision)
        app.extensions["migrate"].db.engine.dispose()


def bare_app(url: str) -> Flask:
    """A Flask application that knows the database and the migrations and nothing else."""
    app = Flask("migrations")
    app.config["SQLALCHEMY_DATABASE_URI"] = url
    db = SQLAlchemy(metadata=Base.metadata)
    db.init_app(app)
    Migrate(app, db)
    return app


def config() -> Config:
    """Alembic's configuration of this project."""
    made = Config("migrations/alembic.ini")
    made.set_main_option("script_location", "migrations")
    return made
