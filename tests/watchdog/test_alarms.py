"""When an alarm is told: at once, again while it lasts, once more when it is over."""

from __future__ import annotations

from watchdog.alarms import SETTLED, Alarm, Book, News, words

GONE = Alarm("heartbeat", "clock", "no sign of life from the clock for 75 s")
OTHER = Alarm("heartbeat", "worker", "no sign of life from the worker for 75 s")


def tell(book: Book, seen: list[Alarm], at: float) -> News:
    news = book.note(seen, at)
    if news:
        book.told(news, at)
    return news


def test_an_alarm_is_told_at_once_and_again_every_quarter_of_an_hour_while_it_lasts():
    book = Book(repeat=900)
    told = [at for at in range(0, 2_000, 10) if tell(book, [GONE], at)]
    assert told == [0, 900, 1_800]


def test_what_changes_in_its_words_is_the_same_alarm():
    book = Book(repeat=900)
    tell(book, [GONE], 0)
    older = Alarm("heartbeat", "clock", "no sign of life from the clock for 5 min")
    assert not tell(book, [older], 300)
    assert tell(book, [older], 900).alarms == (older,)


def test_two_parts_that_are_gone_are_two_alarms():
    book = Book(repeat=900)
    assert tell(book, [GONE], 0).alarms == (GONE,)
    assert tell(book, [GONE, OTHER], 10).alarms == (OTHER,)


def test_it_is_told_when_it_is_over_once():
    book = Book(repeat=900)
    tell(book, [GONE], 0)
    news = [tell(book, [], at) for at in range(10, 200, 10)]
    assert [one.over for one in news if one] == [(GONE,)]
    assert not any(one.alarms for one in news)


def test_one_that_flickers_does_not_chatter():
    book = Book(repeat=900)
    said = [tell(book, [GONE] if at % 20 == 0 else [], at) for at in range(0, 890, 10)]
    assert [bool(one) for one in said].count(True) == 1


def test_one_that_comes_back_after_it_was_over_is_told_at_once():
    book = Book(repeat=900)
    tell(book, [GONE], 0)
    assert tell(book, [], SETTLED).over == (GONE,)
    assert tell(book, [GONE], SETTLED + 10).alarms == (GONE,)


def test_what_nobody_heard_is_told_again_until_somebody_does():
    book = Book(repeat=900)
    assert book.note([GONE], 0).alarms == (GONE,)
    assert book.note([GONE], 10).alarms == (GONE,)
    assert tell(book, [GONE], 20).alarms == (GONE,)
    assert not tell(book, [GONE], 30)


def test_what_was_over_before_anybody_heard_of_it_is_never_told_as_over():
    book = Book(repeat=900)
    assert book.note([GONE], 0)
    assert not book.note([], SETTLED)


def test_the_words_name_the_installation_and_what_is_wrong():
    assert words("Ward 7", News((GONE,), (OTHER,))) == (
        "Ward 7 watchdog. ALARM heartbeat: no sign of life from the clock for 75 s. over: heartbeat worker."
    )
