"""Wards side by side: parts of a simulation that have nothing to do with one another, each in a process of its own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any

Figures = dict[str, Any]


def side_by_side(live: Callable[..., Figures], work: list[tuple[Any, ...]]) -> list[Figures]:
    """`live(*one)` for each piece of work; more than one, each in its own process.

    They are forked, since a loaded model can't be sent to another process. Raises RuntimeError when one of them stops
    before its end.
    """
    if len(work) == 1:
        return [live(*work[0])]
    context = get_context("fork")
    started = []
    for one in work:
        mine, theirs = context.Pipe(duplex=False)
        process = context.Process(target=_report, args=(theirs, live, one))
        process.start()
        theirs.close()  # so that a process that dies is the end of its pipe
        started.append((process, mine))
    try:
        return [mine.recv() for _, mine in started]
    except EOFError:
        raise RuntimeError("a ward of the simulation stopped before its end") from None
    finally:
        for process, _ in started:
            process.join(timeout=5)
            if process.is_alive():
                process.terminate()


def _report(pipe: Connection, live: Callable[..., Figures], one: tuple[Any, ...]) -> None:
    pipe.send(live(*one))


def added(figures: list[Figures]) -> Figures:
    """The figures of several wards added up; ratios are for the caller to work out again."""
    total: Figures = {}
    for name, value in figures[0].items():
        if isinstance(value, dict):
            total[name] = dict(sorted(sum((Counter(one[name]) for one in figures), Counter()).items()))
        else:
            total[name] = sum(one[name] for one in figures)
    return total
