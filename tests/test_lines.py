"""The lines to providers: in order to one address, nobody behind a stranger who hangs, a dead provider left alone."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from uuid import UUID, uuid4

import pytest

from care.domain.message import Outgoing, Sent
from care.errands import Errand, Post
from care.errors import ChannelError
from care.lines import COLD, PROBES, Line, Lines
from tests.conftest import FakeChannel


def until(true: Callable[[], bool], line: Line | None = None, seconds: float = 10.0) -> bool:
    """Wait for something, tending the line meanwhile; False when it has not come about."""
    deadline = time.monotonic() + seconds
    while not true() and time.monotonic() < deadline:
        if line is not None:
            line.tend()
        time.sleep(0.005)
    return true()


class Provider(FakeChannel):
    """A provider at which messages to some addresses hang until they are let go."""

    def __init__(self, *hanging: str, deaf: bool = False) -> None:
        super().__init__("sms")
        self.hanging, self.deaf, self.begun = set(hanging), deaf, []
        self.go = threading.Event()

    def send(self, message: Outgoing) -> Sent:
        self.begun.append(message.to)
        if self.deaf or message.to in self.hanging:
            self.go.wait(30)
        return super().send(message)


@pytest.fixture
def line() -> Line:
    return Line("sms")


@pytest.fixture
def post() -> Post:
    return Post()


@pytest.fixture
def give(line: Line, post: Post) -> Callable[..., UUID]:
    def give_one(channel: FakeChannel, to: str, text: str = "", urgent: bool = False) -> UUID:
        message = Outgoing(uuid4(), "sms", to, text)
        post.expect(1)
        line.put(Errand(message, channel, post, urgent))
        return message.id

    return give_one


@pytest.fixture
def released() -> Iterator[list[Provider]]:
    """Providers that are let go when the test ends."""
    made: list[Provider] = []
    yield made
    for one in made:
        one.go.set()


def test_what_is_for_one_address_goes_in_order(post: Post, give: Callable[..., UUID]) -> None:
    provider = Provider()
    for number in range(30):
        give(provider, "a", str(number))
    assert len(post.take(10)) == 30
    assert [one.text for one in provider.sent] == [str(number) for number in range(30)]


def test_those_behind_one_that_waits_wait_with_it(post: Post, give: Callable[..., UUID]) -> None:
    provider = Provider()
    provider.fail = [ChannelError("retryable", "20429")]
    first, second = give(provider, "a"), give(provider, "a")
    outcomes = {errand.message.id: outcome for errand, outcome in post.take(10)}
    assert isinstance(outcomes[first], ChannelError)
    # Handed over after the first had failed, the second is a chain of its own.
    assert outcomes[second] is None or isinstance(outcomes[second], Sent)


def test_messages_that_hang_hold_up_nobody_else(
    line: Line, post: Post, give: Callable[..., UUID], released: list[Provider]
) -> None:
    provider = Provider(*(f"slow-{n}" for n in range(12)))
    released.append(provider)
    for n in range(12):
        give(provider, f"slow-{n}")
    for n in range(60):
        give(provider, f"quick-{n}")
    assert until(lambda: len(provider.sent) == 60, line)
    assert line.state() == "closed"
    provider.go.set()
    assert len(post.take(10)) == 72


def test_a_dead_provider_is_found_out_with_few_messages_and_long_before_they_time_out(
    line: Line, post: Post, give: Callable[..., UUID], released: list[Provider]
) -> None:
    provider = Provider(deaf=True)
    released.append(provider)
    for n in range(200):
        give(provider, f"{n}")
    assert until(lambda: line.state() == "open", line)
    assert len(provider.begun) <= COLD + PROBES
    line.withdraw(post)
    assert len(post.take(0)) >= 200 - COLD - PROBES
    provider.go.set()
    assert until(lambda: line.state() == "closed"), "a late answer is a sign of life"


def test_a_provider_that_refuses_is_found_out_after_five(line: Line, post: Post, give: Callable[..., UUID]) -> None:
    provider = Provider()
    provider.fail = [ChannelError("retryable", "connection") for _ in range(100)]
    for n in range(50):
        give(provider, f"{n}")
    assert until(lambda: line.state() == "open")
    assert until(lambda: line.busy() == 0)
    assert len(provider.begun) <= 5 + COLD


def test_half_open_a_few_try_and_success_lets_all_go(line: Line, post: Post, give: Callable[..., UUID]) -> None:
    provider = Provider()
    provider.fail = [ChannelError("retryable", "connection") for _ in range(8)]
    for n in range(40):
        give(provider, f"{n}")
    assert until(lambda: post.out == 0, line)
    assert line.state() == "closed"
    assert len(provider.sent) >= 32


def test_an_urgent_message_does_not_wait_for_a_routine_one_that_hangs(
    line: Line, give: Callable[..., UUID], released: list[Provider]
) -> None:
    provider = Provider("a", "b", "c")
    released.append(provider)
    for address in "abc":
        give(provider, address, "routine")
    assert until(lambda: len(provider.begun) == 3)
    provider.hanging.clear()
    give(provider, "a", "page", urgent=True)
    assert until(lambda: [one.text for one in provider.sent] == ["page"])


def test_a_machine_that_can_begin_no_thread_sends_when_it_can_again(post: Post) -> None:
    full = [True]

    def begin(work: Callable[[], None], name: str) -> None:
        if full[0]:
            raise RuntimeError("can't start new thread")
        threading.Thread(target=work, name=name, daemon=True).start()

    line, provider = Line("sms", begin=begin), Provider()
    post.expect(2)
    for number in range(2):
        line.put(Errand(Outgoing(uuid4(), "sms", str(number), ""), provider, post))
    line.tend()
    assert provider.begun == []
    full[0] = False
    assert until(lambda: len(provider.sent) == 2, line)


def test_what_ends_a_process_is_heard_by_who_waits(post: Post, give: Callable[..., UUID]) -> None:
    class Died(BaseException):
        pass

    provider = Provider()
    provider.on_send = lambda _: (_ for _ in ()).throw(Died())
    give(provider, "a")
    with pytest.raises(Died):
        post.take(10)


def test_outcomes_stay_in_the_post_until_they_are_written(post: Post, give: Callable[..., UUID]) -> None:
    give(Provider(), "a")
    assert len(post.take(10)) == 1
    assert len(post.take(0)) == 1
    post.written(1)
    assert post.take(0) == []


def test_what_one_caller_leaves_the_next_one_finds() -> None:
    lines, post = Lines(), Post()
    lines.leave(post)
    assert lines.left() == [], "nothing is out"
    post.expect(1)
    lines.leave(post)
    assert lines.left() == [post]
    assert lines.left() == []


def test_each_channel_is_prepared_once() -> None:
    prepared = []

    class Slow(FakeChannel):
        def prepare(self) -> None:
            prepared.append(self.name)

    lines, channel = Lines(), Slow("sms")
    for _ in range(3):
        lines.prepare([channel, FakeChannel("console")])
    assert prepared == ["sms"]
