"""WeChat's API as we use it: a token that all processes share, messages, notices, media; each call once.

An access token stands in the address of every call, so no address and no error of a call is ever shown or logged.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests

from bots.deadline import Session, answered
from care.domain.message import Fetched
from care.errors import ChannelError, ChannelErrorKind
from care.services.channel_tokens import Fresh, Tokens

API = "https://api.weixin.qq.com"
TIMEOUT = 10.0
LARGEST_MEDIUM = 10 * 1024 * 1024
MEDIA_SECONDS = 30.0
MEDIA_HOSTS = ("weixin.qq.com", "qpic.cn", "video.qq.com")
_STALE = (40001, 40014, 42001)
_CODES: Mapping[str, Mapping[str, Any]] = json.loads(
    (Path(__file__).parent / "wechat_errors.json").read_text(encoding="utf-8")
)["codes"]


class WeChatClient:
    """One account at WeChat. `base_url` replaces WeChat's address, for tests."""

    def __init__(
        self,
        app_id: str,
        secret: str,
        tokens: Tokens,
        clock: Callable[[], datetime],
        base_url: str = "",
        timeout: float = TIMEOUT,
    ) -> None:
        self._app_id, self._secret = app_id, secret
        self._tokens, self._clock = tokens, clock
        self._base = (base_url or API).rstrip("/")
        self._own = bool(base_url)
        self._timeout = timeout
        self._sessions = threading.local()

    def post(self, path: str, body: Mapping[str, Any], repeatable: bool = False) -> dict[str, Any]:
        """One call; the answer of WeChat once it says errcode 0, and of one that says it was sent already.

        `repeatable`: WeChat knows the message by our id, so that what it may have taken is safe to send again. A token
        that is refused is renewed once and the call made once more: it was not taken. Raises ChannelError.
        """
        # As UTF-8 and not as escapes, which WeChat shows to the patient as they are.
        payload = json.dumps(body, ensure_ascii=False).encode("utf-8", "replace")
        try:
            return _checked(self._call(lambda token: _read(self._post(path, payload, token))))
        except ChannelError as error:
            if repeatable and error.kind == "unknown":
                raise ChannelError("retryable", error.code, error.message) from None
            raise

    def medium(self, media_id: str) -> Fetched:
        """A medium by its id, which is good for three days. Raises ChannelError."""

        def get(token: str) -> dict[str, Any] | Fetched:
            return self._got(self._address("/cgi-bin/media/get"), {"access_token": token, "media_id": media_id})

        found = self._call(get)
        if isinstance(found, dict) and isinstance(found.get("video_url"), str):
            return self.picture(found["video_url"])
        if isinstance(found, dict):
            _checked(found)
            raise ChannelError("permanent", "no-medium", "the provider gave no medium")
        return found

    def picture(self, url: str) -> Fetched:
        """What stands at an address that WeChat named: on its own hosts alone, and nowhere else by a redirect."""
        parts = urlsplit(url)
        host = parts.hostname or ""
        ours = self._own and url.startswith(self._base + "/")
        if not ours and not any(host == one or host.endswith("." + one) for one in MEDIA_HOSTS):
            raise ChannelError("permanent", "host", "this medium is not at the provider's")
        if not ours and (parts.username or parts.port not in (None, 80, 443)):
            raise ChannelError("permanent", "host", "this medium is not at the provider's")
        found = self._got(url if ours else parts._replace(scheme="https").geturl(), {})
        if isinstance(found, dict):
            raise ChannelError("permanent", "no-medium", "the provider gave no medium")
        return found

    def _call(self, call: Callable[[str], Any]) -> Any:
        """The call with a good token; with a new one, once, if the first is refused."""
        token = self._token()
        answer = call(token)
        if isinstance(answer, dict) and answer.get("errcode") in _STALE:
            answer = call(self._token(refused=token))
        return answer

    def _token(self, refused: str = "") -> str:
        return self._tokens.token(f"wechat:{self._app_id}", self._clock(), self._new_token, refused)

    def _new_token(self, force: bool) -> Fresh:
        """WeChat's stable token. Whatever goes wrong here, no message has left."""
        asked = {"grant_type": "client_credential", "appid": self._app_id, "secret": self._secret}
        payload = json.dumps(asked | {"force_refresh": force}).encode()
        try:
            found = _checked(_read(self._post("/cgi-bin/stable_token", payload)))
            token, seconds = found["access_token"], found["expires_in"]
            if not isinstance(token, str) or not token or not isinstance(seconds, int | float):
                raise TypeError
        except ChannelError as error:
            raise ChannelError("retryable", error.code, "no token was given", error.retry_after) from None
        except (KeyError, TypeError):
            raise ChannelError("retryable", "token", "no token was given") from None
        return Fresh(token, float(seconds))

    def _post(self, path: str, payload: bytes, token: str = "") -> requests.Response:
        headers = {"Content-Type": "application/json; charset=utf-8"}
        params = {"access_token": token} if token else {}
        with answered():
            return self._session("calls").post(self._address(path), params=params, data=payload, headers=headers)

    def _got(self, url: str, params: Mapping[str, str]) -> dict[str, Any] | Fetched:
        """A medium's bytes and type, or the JSON that WeChat sends instead. Raises ChannelError."""
        try:
            with answered():
                response = self._session("media").get(url, params=params)
        except ChannelError:
            raise ChannelError("retryable", "no-answer", "the medium did not come") from None
        kind = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()[:100]
        if response.status_code != 200:
            again = response.status_code >= 500 or response.status_code == 429
            raise ChannelError("retryable" if again else "permanent", str(response.status_code), "no medium")
        if kind in ("application/json", "text/plain"):
            return _read(response)
        return Fetched(response.content, kind)

    def _address(self, path: str) -> str:
        return self._base + path

    def _session(self, kind: str) -> Session:
        """This thread's own session, whose connections stay open."""
        found: Session | None = getattr(self._sessions, kind, None)
        if found is None:
            if kind == "media":
                found = Session(MEDIA_SECONDS, LARGEST_MEDIUM, public=not self._own)
            else:
                found = Session(self._timeout)
            found.trust_env = not self._own  # a fake on this machine is not behind the hospital's proxy
            setattr(self._sessions, kind, found)
        return found


def kind_of(code: str) -> str:
    """What an errcode means: a ChannelErrorKind, or "sent". One that we do not know says that it was not taken."""
    return str(_CODES.get(code, {}).get("kind", "refused"))


def _read(response: requests.Response) -> dict[str, Any]:
    """The JSON object in an answer. An answer that is none leaves open what has become of the message."""
    try:
        found = response.json()
    except ValueError:
        found = None
    if response.status_code != 200 or not isinstance(found, dict):
        raise ChannelError("unknown", "no-answer", "no answer that can be read")
    return found


def _checked(answer: dict[str, Any]) -> dict[str, Any]:
    """The answer, if it says that all is well. Raises ChannelError."""
    code = answer.get("errcode", 0)
    if not isinstance(code, int):
        raise ChannelError("unknown", "no-answer", "no answer that can be read")
    known = kind_of(str(code)) if code else "sent"
    if known == "sent":
        return answer
    kind: ChannelErrorKind = known  # type: ignore[assignment]
    pause = _CODES.get(str(code), {}).get("retry_after")
    raise ChannelError(kind, str(code), "the provider did not take it", retry_after=pause)
