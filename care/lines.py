"""Lines: the threads that call providers, one line a channel, so that a slow provider holds up nobody else's messages.

They live with the process and know no database. Who hands errands over (services.deliveries) tends the lines while it
waits and takes the outcomes home in a Post; what is still out when it leaves is found there by whoever comes next.

A line is as wide as its provider is slow (calls last LATENCY x rate), and a call that hangs counts only while nothing
else gets through: as long as others come back, another thread takes its place. When nothing comes back, a few more are
tried from the far end of what waits, and if these hang too the breaker opens, long before the first of them times out.
"""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import replace

from care.domain.breaker import HEAVY, LIGHT, Breaker, State
from care.domain.message import Channel
from care.domain.pacing import Bucket, burst_of
from care.errands import Errand, Outcome, Post, run
from care.errors import ChannelError
from care.logs import logger

SLOW = 0.25  # seconds after which a call counts as hanging
STALL = 1.0  # seconds of silence, with calls out, after which a provider counts as dead
COLD, WIDEST, MOST = 3, 24, 96  # calls at once: before the first answer, by latency, hanging ones included
PROBES = 3  # more calls at once, while nothing comes back
SPARE = 4  # more calls at once, for urgent messages only
CALLS_A_SECOND = 50  # what a line is made wide enough for
IDLE = 5.0  # seconds after which a thread without work ends
DEEPEST, SHALLOWEST, AHEAD = 400, 50, 0.5  # errands that may wait in a line: about AHEAD seconds of work


def _begin(work: Callable[[], None], name: str) -> None:
    threading.Thread(target=work, name=name, daemon=True).start()


class Line:
    """The errands of one channel. Those to one address run one after another, urgent ones first."""

    def __init__(
        self,
        name: str,
        clock: Callable[[], float] = time.monotonic,
        begin: Callable[[Callable[[], None], str], None] = _begin,
    ) -> None:
        self.name = name
        self.breaker = Breaker()
        self.bucket: Bucket | None = None
        self._clock = clock
        self._begin = begin
        self._changed = threading.Condition()
        self._chains: dict[str, deque[Errand]] = {}
        self._urgent: deque[str] = deque()
        self._routine: deque[str] = deque()
        self._where: dict[str, deque[str]] = {}
        self._busy: dict[str, float] = {}
        self._threads = self._idle = self._waiting = 0
        self._latency: float | None = None
        self._heard = -math.inf

    # -- what the caller asks --------------------------------------------------------------------------------------

    def state(self) -> State:
        """Whether the provider is worth calling."""
        return self.breaker.state(self._clock())

    def wait(self) -> float:
        """Seconds until the provider may be called again."""
        return self.breaker.wait(self._clock())

    def outage(self) -> float:
        """Seconds since the provider stopped answering; 0 when it answers."""
        return self.breaker.outage(self._clock())

    def room(self) -> int:
        """How many more routine errands are worth handing over now: none until half of the last are begun."""
        with self._changed:
            state = self.breaker.state(self._clock())
            if state == "half-open":
                return max(0, 1 + SPARE - self._waiting)
            deep = self._depth()
            return deep - self._waiting if self._waiting * 2 <= deep else 0

    def busy(self) -> int:
        """How many calls are out."""
        return len(self._busy)

    def affordable(self, rate: float) -> int:
        """About how many tokens there may be in the shared bucket, as far as this process knows."""
        if rate <= 0:
            return DEEPEST
        now = self._clock()
        if self.bucket is None or self.bucket.rate != rate:
            self.bucket = Bucket(rate, burst_of(rate), now)
        return max(0, math.floor(self.bucket.refilled(now).tokens))

    def paid(self, rate: float, wanted: int, granted: int) -> None:
        """What the shared bucket said: fewer than wanted means that it is empty now."""
        now = self._clock()
        if self.bucket is not None and rate > 0:
            _, bucket = self.bucket.take(granted, now, overdraw=True)
            self.bucket = bucket if granted == wanted else replace(bucket, tokens=min(bucket.tokens, 0.0))

    def put(self, errand: Errand) -> None:
        """Hand an errand over; threads begin as there are calls to make."""
        with self._changed:
            address = errand.message.to
            if errand.urgent and address in self._busy:
                address = f"{address} {errand.message.id}"  # it does not wait for a call that may hang
            chain = self._chains.setdefault(address, deque())
            if errand.urgent:
                behind = sum(1 for one in chain if one.urgent)
                chain.insert(behind, errand)
            else:
                chain.append(errand)
            self._waiting += 1
            if address not in self._busy:
                self._line_up(address)

    def tend(self) -> None:
        """See to it that threads run as they should, and that a provider which does not answer is left alone."""
        with self._changed:
            now = self._clock()
            stuck = [began for began in self._busy.values() if now - began > SLOW]
            if self._silence(now) > max(STALL, 3 * (self._latency or 0)) and (
                len(stuck) >= COLD or (self.breaker.probing and stuck)
            ):
                before = self.breaker
                self.breaker = before.stall(now)
                if self.breaker is not before:
                    self._heard = now
                    logger().warning("provider does not answer", channel=self.name, count=len(self._busy))
            for _ in range(self._may_begin(now)):
                self._staff()

    def withdraw(self, post: Post | None = None) -> None:
        """Take back what has not begun (of one caller): its outcome is None."""
        with self._changed:
            for address in list(self._chains):
                chain = self._chains[address]
                back = [one for one in chain if post is None or one.post is post]
                self._chains[address] = deque(one for one in chain if one not in back)
                self._give_back(back)
                if not self._chains[address]:
                    self._forget(address)

    # -- what the threads do ---------------------------------------------------------------------------------------

    def _work(self) -> None:
        while (job := self._next()) is not None:
            address, errand = job
            outcome: Outcome = None
            broken: BaseException | None = None
            try:
                outcome = run(errand)
            except BaseException as error:  # noqa: BLE001  (whoever waits for the outcome has to hear of it)
                broken = error
            self._done(address, outcome)
            errand.post.bring(errand, outcome, broken)

    def _next(self) -> tuple[str, Errand] | None:
        with self._changed:
            patience = self._clock() + IDLE
            while (address := self._pick()) is None:
                left = patience - self._clock()
                self._idle += 1
                woken = left > 0 and self._changed.wait(left)
                self._idle -= 1
                if not woken and self._clock() >= patience:
                    self._threads -= 1
                    return None
            self._busy[address] = self._clock()
            self._waiting -= 1
            self._where.pop(address, None)
            errand = self._chains[address].popleft()
            if self._urgent or self._routine:
                self._staff()
            return address, errand

    def _pick(self) -> str | None:
        """The address whose turn it is, if another call may be made now."""
        now = self._clock()
        state = self.breaker.state(now)
        if state == "half-open" and (self._urgent or self._routine):
            if self.breaker.probing:
                return None
            self.breaker, self._heard = self.breaker.probe(), now
            return self._urgent.popleft() if self._urgent else self._routine.pop()
        if state != "closed" or not self._may_begin(now):
            return None
        if self._urgent:
            return self._urgent.popleft()
        # While nothing comes back, the far end is tried: it may be the first messages that a provider chokes on.
        return self._routine.pop() if self._hanging(now) else self._routine.popleft()

    def _may_begin(self, now: float) -> int:
        """How many calls may begin now."""
        if self.breaker.state(now) == "open":
            return 0
        hanging = self._hanging(now)
        # A call that others have overtaken hangs by itself; while nothing comes back only those are left out.
        since = (self._heard if hanging else now) - SLOW
        busy = sum(1 for began in self._busy.values() if began >= since)
        width = self._width()
        if busy < len(self._busy):
            width *= 2
        if hanging:
            width += PROBES
        room = MOST - len(self._busy)
        urgent = max(0, min(width + SPARE - busy, room + SPARE, len(self._urgent)))
        return urgent + max(0, min(width - busy - urgent, room - urgent, len(self._routine)))

    def _hanging(self, now: float) -> bool:
        return bool(self._busy) and self._silence(now) > SLOW

    def _silence(self, now: float) -> float:
        """Seconds since anything came back, or since the oldest call that is out began, if that is later."""
        if not self._busy:
            return 0.0
        return now - max(self._heard, min(self._busy.values()))

    def _width(self) -> int:
        return COLD if self._latency is None else max(COLD, min(WIDEST, math.ceil(self._latency * CALLS_A_SECOND)))

    def _depth(self) -> int:
        if self._latency is None:
            return SHALLOWEST
        return max(SHALLOWEST, min(DEEPEST, int(AHEAD * self._width() / max(self._latency, 0.0001))))

    def _done(self, address: str, outcome: Outcome) -> None:
        with self._changed:
            now = self._clock()
            took = now - self._busy.pop(address)
            self._judge(outcome, took, now)
            chain = self._chains[address]
            if isinstance(outcome, ChannelError) and outcome.kind == "retryable":
                self._give_back([one for one in chain if not one.urgent])  # behind one that waits, they wait with it
                chain = self._chains[address] = deque(one for one in chain if one.urgent)
            if chain:
                self._line_up(address, first=True)
            else:
                self._forget(address)
            if self._urgent or self._routine:
                self._staff()

    def _judge(self, outcome: Outcome, took: float, now: float) -> None:
        if not isinstance(outcome, ChannelError) or outcome.kind in ("refused", "permanent", "opted_out"):
            self._heard = now
            self._latency = took if self._latency is None else self._latency + 0.1 * (took - self._latency)
            self.breaker = self.breaker.succeed()
        elif outcome.code != "no-channel":
            if took < SLOW:
                self._heard = now  # a quick no is an answer: it is no reason to believe that calls hang
            self.breaker = self.breaker.fail(now, LIGHT if outcome.code in ("429", "20429") else HEAVY)

    def _line_up(self, address: str, first: bool = False) -> None:
        queue = self._urgent if self._chains[address][0].urgent else self._routine
        now_in = self._where.get(address)
        if now_in is queue:
            return
        if now_in is not None:
            now_in.remove(address)
        self._where[address] = queue
        if first:
            queue.appendleft(address)
        else:
            queue.append(address)
        self._staff()

    def _staff(self) -> None:
        """Wake a thread, or begin one, if there is a call to make that nobody will make otherwise."""
        if self._idle:
            self._changed.notify()
        elif self._may_begin(self._clock()) and self._threads - len(self._busy) <= 0:
            try:
                self._begin(self._work, f"line-{self.name}")
            except RuntimeError as error:  # the machine has no thread to spare now; whoever tends the line tries again
                logger().error("no thread to send with", channel=self.name, exc_info=error)
            else:
                self._threads += 1

    def _give_back(self, errands: list[Errand]) -> None:
        self._waiting -= len(errands)
        for one in errands:
            one.post.bring(one, None)

    def _forget(self, address: str) -> None:
        if address not in self._busy:
            self._chains.pop(address, None)
        lined_up = self._where.pop(address, None)
        if lined_up is not None:
            lined_up.remove(address)


class Lines:
    """The lines of a process, by channel, and what callers left behind."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lines: dict[str, Line] = {}
        self._left: list[Post] = []
        self._prepared: dict[int, Channel] = {}
        self.looked_around = -math.inf

    def line(self, channel: str) -> Line:
        """The line of a channel."""
        known = self._lines.get(channel)
        if known is None:
            with self._lock:
                known = self._lines.setdefault(channel, Line(channel))
        return known

    def prepare(self, channels: Iterable[Channel]) -> None:
        """Have each channel load, once, what its first message would otherwise wait for."""
        for channel in channels:
            if channel.enabled and id(channel) not in self._prepared:
                self._prepared[id(channel)] = channel
                prepare: Callable[[], None] | None = getattr(channel, "prepare", None)
                if prepare is not None:
                    prepare()

    def tend(self) -> None:
        """Tend every line."""
        for line in list(self._lines.values()):
            line.tend()

    def withdraw(self, post: Post) -> None:
        """Take back what of a caller's has not begun."""
        for line in list(self._lines.values()):
            line.withdraw(post)

    def leave(self, post: Post) -> None:
        """A caller goes while something is out or unwritten: the next one sees to it."""
        with self._lock:
            if post.out > 0 or post.unwritten:
                self._left.append(post)

    def left(self, only: Post | None = None) -> list[Post]:
        """What callers left (or one of them), handed to this one, who leaves again what is not done."""
        with self._lock:
            posts = [post for post in self._left if only is None or post is only]
            self._left = [post for post in self._left if post not in posts]
            return posts

    def states(self) -> dict[str, State]:
        """The state of each channel's breaker, for the metrics."""
        return {name: line.state() for name, line in list(self._lines.items())}
