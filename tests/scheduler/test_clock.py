"""The metronome: one list of jobs, every lane beating, a fault survived."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from sqlalchemy import Engine
from sqlalchemy.orm import Session, sessionmaker

from care.runtime import Runtime
from care.services import heartbeats
from care.services.queue import Worked
from scheduler.clock import jobs_of, metronome, run, tick
from scheduler.jobs import JOBS, Job, drain, job


def test_every_job_has_a_name_of_its_own_and_a_lane():
    names = [one.name for one in JOBS]
    assert len(names) == len(set(names))
    assert {one.lane for one in JOBS} == {"clock", "worker"}


def test_the_metronome_keeps_no_job_store_and_folds_late_ticks(engine: Engine, rt: Runtime):
    made = metronome(jobs_of("worker"), sessionmaker(engine), rt)
    made.start(paused=True)
    try:
        jobs = made.get_jobs()
        hands = [(one.name, hand) for one in JOBS if one.lane == "worker" for hand in range(one.hands)]
        assert {one.id for one in jobs} == {f"{name}-{hand + 1}" if hand else name for name, hand in hands}
        assert {(one.coalesce, one.max_instances, one.misfire_grace_time) for one in jobs} == {(True, 1, None)}
        assert {type(store).__name__ for store in made._jobstores.values()} == {"MemoryJobStore"}
    finally:
        made.shutdown(wait=False)


def test_a_job_that_fails_is_tried_again_at_the_next_tick(
    engine: Engine, rt: Runtime, no_patient_data_in_logs: Callable[[str], str]
):
    words = no_patient_data_in_logs("the words of a patient")
    calls: list[int] = []

    def fail(session: Session, rt: Runtime) -> Worked:
        calls.append(1)
        raise ValueError(words)

    broken = Job("broken", "clock", 1, fail)
    tick(broken, sessionmaker(engine), rt)
    tick(broken, sessionmaker(engine), rt)
    assert len(calls) == 2


def test_draining_goes_on_until_nothing_is_due(session: Session, rt: Runtime):
    left = [500, 500, 20, 0]
    some = Job("some", "clock", 1, lambda _session, _rt: Worked(claimed=left.pop(0)))
    assert drain(some, session, rt) == Worked(claimed=1_020)


def test_each_tick_is_reported_with_what_it_did_and_a_failure_as_none(engine: Engine, rt: Runtime):
    told: list[tuple[str, Worked | None]] = []

    def fail(session: Session, rt: Runtime) -> Worked:
        raise ValueError

    left = [Worked(2, 1, 1), Worked()]
    for one in (Job("some", "clock", 1, lambda _session, _rt: left.pop(0)), Job("broken", "clock", 1, fail)):
        tick(one, sessionmaker(engine), rt, lambda name, worked, _seconds: told.append((name, worked)))
    assert told == [("some", Worked(2, 1, 1)), ("broken", None)]


def test_both_lanes_beat_and_stop_when_they_are_told_to(empty_database: Engine, rt: Runtime):
    stop = threading.Event()
    opened = sessionmaker(empty_database, expire_on_commit=False)
    lanes = [threading.Thread(target=run, args=(lane, opened, rt, stop)) for lane in ("clock", "worker")]
    for lane in lanes:
        lane.start()
    try:
        deadline = time.monotonic() + 20
        ages: dict[str, float] = {}
        while set(ages) < {"clock", "worker"} and time.monotonic() < deadline:
            with opened() as session:
                ages = heartbeats.ages(session)
            time.sleep(0.05)
    finally:
        stop.set()
        for lane in lanes:
            lane.join(timeout=20)
    assert set(ages) >= {"clock", "worker"}
    assert not any(lane.is_alive() for lane in lanes)


def test_jobs_are_found_by_name():
    assert job("remind").lane == "clock"
