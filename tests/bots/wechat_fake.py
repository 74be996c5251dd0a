"""WeChat on this machine's loopback, with its rules: who follows, what may be sent to them when, and by which token.

The rules are those of developers.weixin.qq.com as we read them; nobody offers an emulator to compare with. What people
do is told to our webhook in envelopes that wechatpy makes. test_wechat_fake.py drives it with wechatpy's client.
"""

from __future__ import annotations

import json
import secrets
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import defusedxml.ElementTree as ElementTree
from wechatpy.crypto import WeChatCrypto
from wechatpy.utils import WeChatSigner

APP, SECRET, TOKEN, KEY = "wxb11529c136998cb6", "a-secret", "a-token", "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"
OURS = "gh_7f083739789a"
TEXT_WINDOW, TEXT_QUOTA = timedelta(hours=48), 5
ACT_WINDOW, ACT_QUOTA = timedelta(minutes=1), 3
MOST_BYTES, GOOD_FOR, BOTH_GOOD, ONCE = 2048, 7200, timedelta(minutes=5), timedelta(minutes=10)
FORCED_APART, FORCED_A_DAY = timedelta(seconds=30), 20

Deliver = Callable[[str, bytes], tuple[int, bytes]]
"""Calls our webhook: (path with its query, body) -> (status, body)."""


@dataclass
class Person:
    """A WeChat user: whether they follow, what may still be sent to them and until when, what their phone shows."""

    follows: bool = False
    until: datetime | None = None
    left: int = 0
    shown: list[str] = field(default_factory=list)
    notices: list[dict[str, Any]] = field(default_factory=list)
    unavailable: int = 0  # how often WeChat told them that the account cannot be reached

    def act(self, now: datetime, window: timedelta, quota: int) -> None:
        """They did something: what may be sent to them is renewed, and never made less."""
        open_ = self.until is not None and self.until > now
        self.left = max(self.left, quota) if open_ else quota
        self.until = max(self.until, now + window) if open_ and self.until else now + window


@dataclass
class WeChatFake:
    """The account, its followers and its tokens. `faults` are what the next calls to send end in, first in first out:
    an errcode, "garbage", "drop" (taken, and then no answer), or "none" (nothing wrong).
    """

    clock: Callable[[], datetime]
    url: str = ""
    deliver: Deliver | None = None
    people: dict[str, Person] = field(default_factory=dict)
    templates: dict[str, set[str]] = field(default_factory=dict)
    media: dict[str, tuple[bytes, str] | dict[str, str]] = field(default_factory=dict)
    faults: list[int | str] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    posts: list[dict[str, Any]] = field(default_factory=list)
    refused: list[int] = field(default_factory=list)
    tokens: dict[str, datetime] = field(default_factory=dict)
    stable: str = ""
    stuck: bool = False
    refuses: bool = False  # every token, the newest too
    forced: list[datetime] = field(default_factory=list)
    once: dict[tuple[str, str], tuple[datetime, int]] = field(default_factory=dict)
    numbers: Iterator[int] = field(default_factory=lambda: count(6_054_768_590_064_713_728))
    lock: threading.RLock = field(default_factory=threading.RLock)

    # What people do.

    def person(self, openid: str) -> Person:
        return self.people.setdefault(openid, Person())

    def follow(self, openid: str, scene: str = "") -> list[int]:
        """They follow the account, perhaps by scanning."""
        person = self.person(openid)
        person.follows = True
        person.act(self.clock(), ACT_WINDOW, ACT_QUOTA)
        key = f"<EventKey>qrscene_{scene}</EventKey>" if scene else "<EventKey></EventKey>"
        return self.tell(openid, f"<MsgType>event</MsgType><Event>subscribe</Event>{key}")

    def unfollow(self, openid: str) -> list[int]:
        person = self.person(openid)
        person.follows, person.until, person.left = False, None, 0
        return self.tell(openid, "<MsgType>event</MsgType><Event>unsubscribe</Event>")

    def click(self, openid: str, key: str) -> list[int]:
        self.person(openid).act(self.clock(), ACT_WINDOW, ACT_QUOTA)
        return self.tell(openid, f"<MsgType>event</MsgType><Event>CLICK</Event><EventKey>{key}</EventKey>")

    def write(self, openid: str, words: str, times: int = 1) -> list[int]:
        """They write; `times` more than 1 is a retry though it was answered."""
        return self.message(openid, f"<MsgType>text</MsgType><Content><![CDATA[{words}]]></Content>", times)

    def message(self, openid: str, inner: str, times: int = 1) -> list[int]:
        self.person(openid).act(self.clock(), TEXT_WINDOW, TEXT_QUOTA)
        return self.tell(openid, f"{inner}<MsgId>{next(self.numbers)}</MsgId>", times)

    def tell(self, openid: str, inner: str, times: int = 1) -> list[int]:
        """Tell our webhook, three times at most where the answer is none; returns the statuses of the answers."""
        now = self.clock()
        xml = (
            f"<xml><ToUserName>{OURS}</ToUserName><FromUserName>{openid}</FromUserName>"
            f"<CreateTime>{int(now.timestamp())}</CreateTime>{inner}</xml>"
        )
        assert self.deliver is not None
        statuses: list[int] = []
        for attempt in range(1, 4):
            status, answer = self.deliver(*self.call(openid, xml))
            statuses.append(status)
            if status == 200 and self._answered(openid, answer) and attempt >= times:
                return statuses
        if statuses[-1] != 200:
            self.person(openid).unavailable += 1
        return statuses

    def call(self, openid: str, xml: str) -> tuple[str, bytes]:
        """A call as WeChat makes it: the address with its signatures, and the envelope."""
        stamp, nonce = str(int(self.clock().timestamp())), secrets.token_hex(6)
        body = WeChatCrypto(TOKEN, KEY, APP).encrypt_message(xml, nonce, stamp)
        signer = WeChatSigner()
        signer.add_data(TOKEN, stamp, nonce)
        query = {
            "signature": signer.signature,
            "timestamp": stamp,
            "nonce": nonce,
            "openid": openid,
            "encrypt_type": "aes",
            "msg_signature": ElementTree.fromstring(body).findtext("MsgSignature") or "",
        }
        return f"/webhooks/wechat?{urlencode(query)}", body.encode()

    def _answered(self, openid: str, answer: bytes) -> bool:
        """Whether WeChat can read the answer; a text in it is shown to the person."""
        if answer in (b"", b"success"):
            return True
        made = ElementTree.fromstring(answer)
        signed = (made.findtext("MsgSignature"), made.findtext("TimeStamp"), made.findtext("Nonce"))
        plain = WeChatCrypto(TOKEN, KEY, APP).decrypt_message(answer.decode(), *signed)
        reply = ElementTree.fromstring(plain)
        assert (reply.findtext("ToUserName"), reply.findtext("FromUserName")) == (openid, OURS)
        shown = self.person(openid).shown
        words = reply.findtext("Content") or ""
        if words not in shown[-1:]:
            shown.append(words)
        return True

    # What is asked of the API.

    def answer(self, method: str, path: str, query: dict[str, str], body: bytes) -> bytes | tuple[bytes, str] | None:
        """The answer to one call: JSON, a medium with its type, or None for a connection that is dropped."""
        with self.lock:
            self.calls.append(path)
            found = self._answer(method, path, query, body)
            return json.dumps(found).encode() if isinstance(found, dict) else found

    def _answer(self, method: str, path: str, query: dict[str, str], body: bytes) -> Any:
        asked = json.loads(body) if body else {}
        if path == "/cgi-bin/stable_token":
            return self._stable_token(asked)
        if path == "/cgi-bin/token":
            return self._old_token(query)
        wrong = self._token_is_wrong(query.get("access_token", ""))
        if wrong:
            return self._no(wrong)
        if path == "/cgi-bin/media/get":
            return self.media.get(query.get("media_id", ""), {"errcode": 40007, "errmsg": "invalid media_id"})
        self.posts.append(asked)
        fault = self.faults.pop(0) if self.faults else "none"
        if isinstance(fault, int):
            return self._no(fault)
        if fault == "garbage":
            return b"<html>502</html>", "text/html"
        sends = {
            "/cgi-bin/message/custom/send": self._reply,
            "/cgi-bin/message/template/send": self._template,
            "/cgi-bin/message/subscribe/bizsend": self._template,
        }
        found = sends[path](asked) if path in sends else self._no(40066)
        return None if fault == "drop" else found

    def _no(self, code: int) -> dict[str, Any]:
        self.refused.append(code)
        return {"errcode": code, "errmsg": f"refused hint: [{secrets.token_hex(4)}]"}

    def _token_is_wrong(self, token: str) -> int:
        if not token:
            return 41001
        if token not in self.tokens or self.refuses:
            return 40001
        return 42001 if self.tokens[token] <= self.clock() else 0

    def _account_is_wrong(self, app: Any, secret: Any) -> int:
        return 40013 if app != APP else 40125 if secret != SECRET else 0

    def _stable_token(self, asked: dict[str, Any]) -> dict[str, Any]:
        wrong = self._account_is_wrong(asked.get("appid"), asked.get("secret"))
        if wrong or asked.get("grant_type") != "client_credential":
            return self._no(wrong or 40002)
        now = self.clock()
        if asked.get("force_refresh"):
            if (self.forced and now - self.forced[-1] < FORCED_APART) or len(self.forced) >= FORCED_A_DAY:
                return self._no(45011)
            self.forced.append(now)
            self.tokens.pop(self.stable, None)  # insisted on: the one before is good no longer
            self.stable = ""
            self.stuck = False
        if self.stuck:
            return {"access_token": self.stable, "expires_in": GOOD_FOR}
        ends = self.tokens.get(self.stable)
        if not self.stable or ends is None or ends - now <= BOTH_GOOD:
            self.stable = self._new_token(now)
        return {"access_token": self.stable, "expires_in": int((self.tokens[self.stable] - now).total_seconds())}

    def _old_token(self, query: dict[str, str]) -> dict[str, Any]:
        wrong = self._account_is_wrong(query.get("appid"), query.get("secret"))
        if wrong:
            return self._no(wrong)
        return {"access_token": self._new_token(self.clock()), "expires_in": GOOD_FOR}

    def _new_token(self, now: datetime) -> str:
        token = secrets.token_urlsafe(32)
        self.tokens[token] = now + timedelta(seconds=GOOD_FOR)
        return token

    def invalidate(self, given_out: bool = False) -> None:
        """Every token is refused from now on; with `given_out` the stable one is given out until it is insisted on."""
        self.tokens.clear()
        self.stuck = given_out
        if not given_out:
            self.stable = ""

    def _reply(self, asked: dict[str, Any]) -> dict[str, Any]:
        person, now = self.people.get(asked.get("touser", "")), self.clock()
        if person is None:
            return self._no(40003)
        words = asked.get("text", {}).get("content", "")
        if asked.get("msgtype") != "text" or not words:
            return self._no(44004)
        if len(words.encode()) > MOST_BYTES:
            return self._no(45002)
        if not person.follows or person.until is None or person.until <= now:
            return self._no(45015)
        if person.left <= 0:
            return self._no(45047)
        person.left -= 1
        person.shown.append(words)
        return {"errcode": 0, "errmsg": "ok"}

    def _template(self, asked: dict[str, Any]) -> dict[str, Any]:
        openid, now = asked.get("touser", ""), self.clock()
        person, fields = self.people.get(openid), self.templates.get(asked.get("template_id", ""))
        if person is None:
            return self._no(40003)
        if fields is None:
            return self._no(40037)
        if not person.follows:
            return self._no(43004)
        if set(asked.get("data", {})) != fields:
            return self._no(47003)
        name = asked.get("client_msg_id", "")
        before = self.once.get((openid, name)) if name else None
        if before is not None and now - before[0] < ONCE:
            return {"errcode": 0, "errmsg": "ok", "msgid": before[1]}
        number = next(self.numbers)
        if name:
            self.once[openid, name] = now, number
        person.notices.append(asked)
        return {"errcode": 0, "errmsg": "ok", "msgid": number}


@contextmanager
def wechat_fake(clock: Callable[[], datetime]) -> Iterator[WeChatFake]:
    """A running fake."""
    made = WeChatFake(clock)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            parts = urlsplit(self.path)
            query = {name: values[0] for name, values in parse_qs(parts.query).items()}
            answer = made.answer(self.command, parts.path, query, body)
            if answer is None:
                self.close_connection = True
                return
            payload, kind = answer if isinstance(answer, tuple) else (answer, "application/json")
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(payload)))
            self.end_headers()
            self.wfile.write(payload)

        do_GET = do_POST

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.handle_error = lambda *_: None  # type: ignore[method-assign,assignment]
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    made.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield made
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
