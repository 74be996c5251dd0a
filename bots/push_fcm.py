"""Google's FCM through firebase-admin, with what that lacks: one try, a deadline, and our own pause after a refusal.

Left alone it sends a 500 or 503 five times and a time-out twice, and sleeps through every Retry-After, for minutes, in
the thread that sends alarms too. The package takes seconds to load: it is loaded as the first notice is sent.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal
from uuid import uuid4

from cryptography.hazmat.primitives.serialization import load_pem_private_key
from pydantic import BaseModel, ConfigDict, ValidationError, field_validator

from bots.deadline import Deadline, Session, answered
from bots.push_provider import Notice, Target
from care.errors import CareError, ChannelError, ChannelErrorKind
from care.logs import logger

TIMEOUT = 8.0  # seconds; after it nobody knows whether the notice was taken
SCOPE = "https://www.googleapis.com/auth/firebase.messaging"
GOOGLE = "https://fcm.googleapis.com"
COLLAPSE = "care"  # on a phone that was off, the newest notice stands for all
LASTS = timedelta(days=1)
_PAUSE = (
    60.0  # seconds: what Google asks for where it names none (firebase.google.com/docs/cloud-messaging/error-codes)
)
_LONGEST_PAUSE = 86_400.0

# By FCM's own error code. A notice after an error of Google's own is shown in place of the first one, if there was one
# (COLLAPSE), so it is sent again; of a time-out nothing is known, not even whether Google is there.
_KINDS: Mapping[str, ChannelErrorKind] = {
    "UNREGISTERED": "permanent",
    "SENDER_ID_MISMATCH": "permanent",
    "INVALID_ARGUMENT": "refused",
    "QUOTA_EXCEEDED": "retryable",
    "UNAVAILABLE": "retryable",
    "INTERNAL": "retryable",
    "THIRD_PARTY_AUTH_ERROR": "retryable",
    "APNS_AUTH_ERROR": "retryable",
}
_OURS = frozenset({"SENDER_ID_MISMATCH", "INVALID_ARGUMENT", "THIRD_PARTY_AUTH_ERROR", "APNS_AUTH_ERROR"})
"""What somebody has to put right: said in the log."""


class ServiceAccount(BaseModel):
    """What Google gives out as the key of a service account; anything else in it is left alone."""

    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)

    type: Literal["service_account"]
    project_id: str
    client_email: str
    private_key: str
    token_uri: str = "https://oauth2.googleapis.com/token"  # noqa: S105  (an address)

    @field_validator("private_key")
    @classmethod
    def _opens(cls, value: str) -> str:
        load_pem_private_key(value.encode(), None)
        return value


def read_account(value: str) -> ServiceAccount:
    """The service account in FCM_CREDENTIALS: its JSON, or the path of a file with it. Raises CareError."""
    try:
        text = value if value.lstrip().startswith("{") else Path(value).read_text(encoding="utf-8")
        return ServiceAccount.model_validate_json(text)
    except ValidationError as error:
        places = ", ".join(sorted({str(flaw["loc"][0]) if flaw["loc"] else "JSON" for flaw in error.errors()}))
        raise CareError("fcm-credentials", f"FCM_CREDENTIALS is no key of a service account: {places}") from None
    except (OSError, ValueError):
        raise CareError("fcm-credentials", "FCM_CREDENTIALS is neither JSON nor a file that can be read") from None


class FcmProvider:
    """One Firebase project. `base_url` sends the requests to another host, for tests."""

    data_location = "US"
    by_country: Mapping[str, Mapping[str, Any]] = {"CN": {"reaches": False}}  # most phones there lack Google's services

    def __init__(self, account: ServiceAccount, base_url: str = "", timeout: float = TIMEOUT) -> None:
        self._account = account
        self._base_url = base_url.rstrip("/")
        self._timeout = timeout
        self._app: Any = None
        self._loading = threading.Lock()

    def send(self, target: Target, notice: Notice) -> str:
        """Hand a notice to Google, once. Raises ChannelError: `permanent` when the app is gone for good."""
        app = self._loaded()
        import requests
        from firebase_admin import messaging
        from firebase_admin.exceptions import FirebaseError
        from google.auth.exceptions import GoogleAuthError

        try:
            name = messaging.send(_message(target, notice), app=app)
        except FirebaseError as error:
            if error.http_response is not None:
                if error.http_response.status_code == 401:
                    app.credential.get_credential().forget()
                raise _refused(error.http_response) from None
            cause = error.cause if isinstance(error.cause, requests.RequestException) else requests.RequestException()
            with answered():
                raise cause from None
        except GoogleAuthError:  # it comes before the notice
            raise ChannelError("retryable", "no-token", "Google gave no token for the service account") from None
        except (AttributeError, KeyError, TypeError, ValueError):  # also where the SDK trips over an answer
            raise ChannelError("unknown", "no-answer", "the provider gave no answer that can be read") from None
        return str(name)[:200]

    def prepare(self) -> None:
        """Load Google's packages."""
        self._loaded()

    def _loaded(self) -> Any:
        with self._loading:
            if self._app is None:
                self._app = _make_app(self._account, self._base_url, self._timeout)
            return self._app


def _message(target: Target, notice: Notice) -> Any:
    """A notification that shows the same on every phone; besides it only our id of the message."""
    from firebase_admin import messaging

    to = {"fid": target.value} if target.kind == "fid" else {"token": target.value}
    return messaging.Message(
        **to,
        notification=messaging.Notification(title=notice.title, body=notice.body),
        data={"ref": notice.ref},
        android=messaging.AndroidConfig(
            collapse_key=COLLAPSE,
            priority="high",  # it shows something, so it may wake a phone
            ttl=LASTS,
            notification=messaging.AndroidNotification(tag=COLLAPSE, visibility="private"),
        ),
        apns=messaging.APNSConfig(
            headers={"apns-collapse-id": COLLAPSE, "apns-push-type": "alert", "apns-priority": "10"},
            payload=messaging.APNSPayload(aps=messaging.Aps(sound="default")),
        ),
        webpush=messaging.WebpushConfig(headers={"TTL": str(int(LASTS.total_seconds())), "Topic": COLLAPSE}),
    )


def _make_app(account: ServiceAccount, base_url: str, timeout: float) -> Any:
    """An app of firebase-admin whose calls have a deadline, are made once, and go where they are told to."""
    import firebase_admin
    from firebase_admin import credentials, messaging

    tokens = _tokens(account, timeout)

    class Credential(credentials.Base):  # type: ignore[misc]
        def get_credential(self) -> Any:
            return tokens

    app = firebase_admin.initialize_app(Credential(), {"projectId": account.project_id}, name=f"care-{uuid4()}")
    # Neither the session nor what it does with a 401 can be reached otherwise. A test counts the calls.
    session = messaging._get_messaging_service(app)._client.session
    session._refresh_status_codes = frozenset()
    session.max_redirects = 0
    adapter = _Directed(timeout, base_url)
    for prefix in list(session.adapters):
        session.mount(prefix, adapter)
    if base_url:
        session.trust_env = False  # a stub on this machine is not behind the hospital's proxy
    return app


class _Directed(Deadline):
    """Calls under a deadline, to Google or to what stands for it."""

    def __init__(self, seconds: float, base_url: str) -> None:
        self._base_url = base_url
        super().__init__(seconds)

    def send(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        """One call."""
        if self._base_url and request.url.startswith(GOOGLE):
            request.url = self._base_url + request.url[len(GOOGLE) :]
        return super().send(request, *args, **kwargs)


def _tokens(account: ServiceAccount, timeout: float) -> Any:
    """Google's tokens for the account, asked for once at a time and under a deadline of their own."""
    from google.auth import credentials, exceptions
    from google.auth.transport.requests import Request
    from google.oauth2 import service_account

    source = service_account.Credentials.from_service_account_info(account.model_dump(), scopes=[SCOPE])
    asking = threading.Lock()

    class Tokens(credentials.Credentials):  # type: ignore[misc]
        def refresh(self, request: Any) -> None:  # the request given has neither a deadline nor an end of its tries
            with asking:
                if not source.valid:
                    with Session(timeout) as session:
                        session.trust_env = _is_far(account.token_uri)
                        source.refresh(_once(Request(session), exceptions.RefreshError))
                self.token, self.expiry = source.token, source.expiry

        def forget(self) -> None:
            """It was not good any more: the next notice asks for another one."""
            with asking:
                self.token = source.token = None

    return Tokens()


def _once(request: Any, error: type[Exception]) -> Any:
    """A request that is made once, whatever its caller makes of the answer."""
    made: list[bool] = []

    def call(*args: Any, **kwargs: Any) -> Any:
        if made:
            raise error("asked once")
        made.append(True)
        return request(*args, **kwargs)

    return call


def _is_far(url: str) -> bool:
    return not url.startswith(("http://127.0.0.1", "http://localhost"))


def _refused(response: Any) -> ChannelError:
    """What an answer that is no success means for the notice and for the app."""
    code = _code_of(response)
    kind = _KINDS.get(code) or _kind_by_status(response.status_code)
    if code in _OURS or response.status_code in (401, 403):
        logger().error("push is not set up right", channel="push", code=code or str(response.status_code))
    pause = _seconds(response.headers.get("Retry-After", "")) if kind == "retryable" else None
    if response.status_code == 429 and pause is None:
        pause = _PAUSE
    return ChannelError(kind, code or str(response.status_code), "the provider did not take the notice", pause)


def _kind_by_status(status: int) -> ChannelErrorKind:
    """Without a code that we know: what concerns the project is put right by somebody, and then sent."""
    if status in (401, 403, 404, 429, 503):
        return "retryable"
    return "refused" if 400 <= status < 500 else "unknown"


def _code_of(response: Any) -> str:
    """FCM's error code in an answer, "" where there is none."""
    try:
        details = json.loads(response.content)["error"]["details"]
        codes = [one["errorCode"] for one in details if str(one.get("@type", "")).endswith(".FcmError")]
    except (ValueError, KeyError, TypeError, AttributeError):
        return ""
    return codes[0] if codes and isinstance(codes[0], str) and codes[0].replace("_", "").isalnum() else ""


def _seconds(text: str) -> float | None:
    """Retry-After in seconds; its other form, a date, is left to our own pauses."""
    return min(float(text), _LONGEST_PAUSE) if text.isascii() and text.isdigit() and len(text) < 10 else None
