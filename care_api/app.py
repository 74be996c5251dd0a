"""The composition root: the only module that knows everyone. It puts an application together, and that is all."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from flask import Flask, Request, Response
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface, SessionMixin
from flask_wtf.csrf import CSRFProtect
from pydantic import ValidationError

import bots.webhooks
import bots.wechat_webhooks
import core
import dashboard
import simulator
from bots.channels import Sessions, make_channels
from bots.pacing import RedisPacer
from care import logs
from care.domain.assessment import Assessment, Before, Reads
from care.domain.measure import Measure
from care.errors import AssessmentError
from care.library import value_sets
from care.records import seal
from care.runtime import Assess, Runtime, wall_clock
from care.services.simulated_time import moved_clock
from care.settings import Settings
from care_api import (
    cli,
    database,
    forms,
    guard,
    headers,
    health,
    languages,
    me,
    metrics,
    observations,
    openapi,
    patient_page,
    problems,
    push,
    questionnaires,
    sign_in,
)
from care_api.meter import Meter, metered

ROOT = Path(__file__).resolve().parent.parent
API = (
    sign_in.blueprint,
    me.blueprint,
    push.blueprint,
    forms.blueprint,
    questionnaires.blueprint,
    observations.blueprint,
)


class NotConfigured(SystemExit):
    """The environment lacks something, or it is wrong: a start that says what, without showing a value."""


class OnlyIfBrought(SecureCookieSessionInterface):
    """Flask's session of a form, opened only where its cookie came."""

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        """The session in the cookie; a new one without a cookie."""
        brought = app.config["SESSION_COOKIE_NAME"] in request.environ.get("HTTP_COOKIE", "")
        return super().open_session(app, request) if brought else self.session_class()

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        """Set the cookie; where nobody looked into the session there is nothing to do."""
        if session or session.accessed or session.modified:
            super().save_session(app, session, response)


class Care(Flask):
    """Flask that keeps quiet about what an exception says: its text and its traceback may quote a patient.

    All its functions are plain ones, which it need not look into at every call; and who brings no cookie of a form
    needs nothing that reads or signs one, which is every call of a provider.
    """

    session_interface = OnlyIfBrought()

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """The function itself."""
        return func

    def log_exception(self, exc_info: Any) -> None:
        """Log the type of an exception that nobody translated."""
        logs.logger().error("unhandled exception", error=getattr(exc_info[0], "__name__", "unknown"))


def create_app(settings: Settings | None = None, runtime: Runtime | None = None) -> Flask:
    """An application. Without arguments the environment is read and the real outside is used.

    Installs the keys for this process. Raises NotConfigured (a SystemExit with a message) when the environment is not
    enough, CareError when a key is no key.
    """
    logs.configure()
    settings = settings or read_settings()
    seal.install(seal.Keyring.read(settings.care_keys.get_secret_value(), settings.care_token_key.get_secret_value()))
    value_sets.bring(settings.care_value_sets)
    meter = Meter()
    app = Care("care", static_folder=None, root_path=str(ROOT))
    rt = runtime or make_runtime(settings, database.sessions(app))
    rt = replace(rt, channels=metered(rt.channels, meter))
    app.config["SECRET_KEY"] = settings.secret_key.get_secret_value()
    app.config["WTF_CSRF_TIME_LIMIT"] = None  # as long as the session: a nurse's page stays open for a shift
    app.config["WTF_CSRF_SSL_STRICT"] = False  # Referrer-Policy is no-referrer, so there is no Referer to compare
    app.config.update(
        SESSION_COOKIE_NAME="care_form",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=settings.secure_cookies,
    )
    app.extensions["care.runtime"] = rt
    app.extensions["care.settings"] = settings
    database.bind(app, settings, str(ROOT / "migrations"))
    metrics.register(app, meter)
    _open_doors(app, rt, settings)
    cli.register(app)
    return app


def _open_doors(app: Flask, rt: Runtime, settings: Settings) -> None:
    """The doors, and what stands before all of them: the guard, the limits, the headers, the translation of errors."""
    framed = (dashboard.blueprint.name, core.blueprint.name) if settings.care_simulator else ()
    headers.register(app, settings.secure_cookies, framed)
    api = openapi.install(app, settings.public_url)
    problems.register(app)
    languages.register(app, str(ROOT / "translations"))
    guard.register(app, rt)
    csrf = CSRFProtect(app)
    for blueprint in API:
        api.register_blueprint(blueprint)
        csrf.exempt(blueprint)  # a bearer token is not sent by a browser on its own
    for webhooks in (bots.webhooks.blueprint, bots.wechat_webhooks.blueprint):
        app.register_blueprint(webhooks)
        csrf.exempt(webhooks)  # a signature proves the caller
    for page in (health.blueprint, metrics.blueprint, patient_page.blueprint, dashboard.blueprint, core.blueprint):
        app.register_blueprint(page)
    if settings.care_simulator:
        app.register_blueprint(simulator.blueprint)


def read_settings() -> Settings:
    """The settings in the environment. Raises NotConfigured, naming the variables and no value."""
    try:
        return Settings()  # type: ignore[call-arg]  # pydantic reads the environment
    except ValidationError as error:
        wrong = "\n".join(f"  {str(flaw['loc'][0]).upper()}: {flaw['msg']}" for flaw in error.errors())
        hint = "" if os.environ.get("DATABASE_URL") else "\nWithout a database of your own, start with: make run"
        raise NotConfigured(f"Care does not start: its environment is not complete.\n{wrong}{hint}") from None


def make_runtime(settings: Settings, sessions: Sessions) -> Runtime:
    """The real outside: the wall clock, the configured channels, and the models that verify.

    In a demonstration the clock can be moved, and a channel that is not configured is a phone in the browser.
    """
    redis = settings.redis_url.get_secret_value()
    assess, reads = _models(settings.bundles_directory)
    clock = moved_clock(settings.database_url.get_secret_value()) if settings.care_simulator else wall_clock
    return Runtime(
        clock=clock,
        channels=make_channels(settings, sessions=sessions, clock=clock),
        assess=assess,
        reads=reads,
        public_url=settings.public_url,
        pacer=RedisPacer(redis) if redis else None,
        data_locations=settings.care_data_locations,
    )


def _models(directory: str) -> tuple[Assess, Callable[[str], Reads | None]]:
    """assess() and reads() over the bundles. One that does not verify is left out and told, and its reports go to a
    nurse.

    The models are loaded when the first report asks for one: a web worker that never scores never pays for them.
    """
    loaded: list[tuple[Assess, Callable[[str], Reads | None]]] = []

    def refused(name: str, error: AssessmentError) -> None:
        logs.logger().error("bundle refused", bundle=name, code=error.code)

    def ready() -> tuple[Assess, Callable[[str], Reads | None]]:
        if not loaded:
            from risk.registry import BUNDLES, load_bundles, load_versions, make_assess, make_reads

            folder = Path(directory) if directory else BUNDLES
            versions = load_versions(folder, refused)
            bundles = load_bundles(folder, lambda *_: None)  # what is refused was told
            loaded.append((make_assess(bundles, versions), make_reads(bundles, versions)))
        return loaded[0]

    def assess(
        bundle: str, measures: Sequence[Measure], at: datetime, zone: str, before: Before | None = None
    ) -> Assessment:
        return ready()[0](bundle, measures, at, zone, before)

    return assess, lambda bundle: ready()[1](bundle)
