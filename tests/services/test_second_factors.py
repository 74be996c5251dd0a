"""Second factors: a code once, a clock that drifts, two at once, too many tries, who must have one, what is lost."""

from __future__ import annotations

from datetime import timedelta
from threading import Barrier, Thread

import pyotp
import pytest
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from care.domain.codes import Role
from care.domain.people import Staff
from care.errors import Conflict, Invalid, NotAllowed, NotFound, NotSignedIn, TooMany
from care.records.audit_events import AuditEvent
from care.records.practitioners import StaffSession
from care.records.second_factors import RecoveryCode, SecondFactor, SignInStep, second_factor
from care.runtime import Runtime
from care.services import second_factors, sign_in_steps, staff
from care.services.staff_sessions import staff_by_token
from tests.conftest import Clinic, Clock

PASSWORD = "correct-battery-demo-staple"


@pytest.fixture
def nurse(session: Session, rt: Runtime, clinic: Clinic) -> Staff:
    """A nurse with a password."""
    staff.set_password(session, rt, clinic.admin, clinic.nurse.id, PASSWORD)
    return clinic.nurse


def code(session: Session, who: Staff, clock: Clock, steps: int = 0, pending: bool = False) -> str:
    """What the telephone shows, with a clock that is some steps ahead."""
    row = second_factor(session, who.id)
    assert row is not None
    session.refresh(row)
    return pyotp.TOTP(str(row.pending if pending else row.secret)).at(clock.now + timedelta(seconds=30 * steps))


def set_up(session: Session, rt: Runtime, who: Staff, clock: Clock) -> list[str]:
    """A second factor, and the moment of its first code gone by."""
    second_factors.begin(session, rt, who, PASSWORD)
    codes = second_factors.confirm(session, rt, who, code(session, who, clock, pending=True))
    clock.forward(minutes=2)
    return codes


def step(session: Session, rt: Runtime) -> str:
    made = sign_in_steps.first_step(session, rt, "nurse", PASSWORD)
    assert made.kind == "code"
    return made.token


def test_nobody_is_half_signed_in(session: Session, rt: Runtime, nurse: Staff, clock: Clock) -> None:
    set_up(session, rt, nurse, clock)
    half = step(session, rt)
    with pytest.raises(NotSignedIn):
        staff_by_token(session, clock.now, half)
    with pytest.raises(NotSignedIn, match="second step"):
        sign_in_steps.staff_sign_in(session, rt, "nurse", PASSWORD)
    token = sign_in_steps.second_step(session, rt, half, code(session, nurse, clock))
    assert staff_by_token(session, clock.now, token).id == nurse.id
    clock.forward(minutes=1)
    with pytest.raises(NotSignedIn, match="begin again"):  # a step opens once
        sign_in_steps.second_step(session, rt, half, code(session, nurse, clock))


def test_a_code_is_taken_once_and_none_before_it(session: Session, rt: Runtime, nurse: Staff, clock: Clock) -> None:
    set_up(session, rt, nurse, clock)
    shown, before = code(session, nurse, clock), code(session, nurse, clock, -1)
    sign_in_steps.second_step(session, rt, step(session, rt), shown)
    for replayed in (shown, before):
        with pytest.raises(NotSignedIn, match="used before"):
            sign_in_steps.second_step(session, rt, step(session, rt), replayed)


def test_the_code_that_confirmed_it_does_not_sign_in(session: Session, rt: Runtime, nurse: Staff, clock: Clock) -> None:
    second_factors.begin(session, rt, nurse, PASSWORD)
    shown = code(session, nurse, clock, pending=True)
    second_factors.confirm(session, rt, nurse, shown)
    with pytest.raises(NotSignedIn):
        sign_in_steps.second_step(session, rt, step(session, rt), shown)


@pytest.mark.parametrize(("steps", "good"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
def test_a_clock_may_be_one_step_early_or_late(
    session: Session, rt: Runtime, nurse: Staff, clock: Clock, steps: int, good: bool
) -> None:
    set_up(session, rt, nurse, clock)
    shown, half = code(session, nurse, clock, steps), step(session, rt)
    if good:
        assert sign_in_steps.second_step(session, rt, half, f" {shown[:3]} {shown[3:]} ")
    else:
        with pytest.raises(NotSignedIn):
            sign_in_steps.second_step(session, rt, half, shown)


def test_the_codes_are_those_of_rfc_6238() -> None:
    """Appendix B of RFC 6238, SHA-1, the last six of its eight digits."""
    secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
    clock = Clock()
    for seconds, shown in ((59, "287082"), (1_111_111_109, "081804"), (20_000_000_000, "353130")):
        clock.set(clock.now.fromtimestamp(seconds, clock.now.tzinfo))
        assert second_factors.step_of(secret, shown, clock.now, 0) == seconds // 30


@pytest.mark.parametrize(
    "given", ["", "12345", "1234567", "abcdef", "\u0661\u0662\u0663\u0664\u0665\u0666", "000000\x00"]
)
def test_what_is_no_code_is_none(given: str) -> None:
    assert second_factors.step_of("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", given[:5] or given, Clock().now, 0) is None


def test_of_two_at_once_with_one_code_one_gets_in(
    session: Session, engine: Engine, rt: Runtime, nurse: Staff, clock: Clock
) -> None:
    set_up(session, rt, nurse, clock)
    halves, shown, told = [step(session, rt), step(session, rt)], code(session, nurse, clock), []
    session.rollback()
    barrier = Barrier(2)

    def go(half: str) -> None:
        with Session(engine, expire_on_commit=False) as own:
            barrier.wait()
            try:
                told.append(bool(sign_in_steps.second_step(own, rt, half, shown)))
            except NotSignedIn:
                told.append(False)

    threads = [Thread(target=go, args=(half,)) for half in halves]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(told) == [False, True]


def test_after_five_wrong_codes_the_right_one_waits(session: Session, rt: Runtime, nurse: Staff, clock: Clock) -> None:
    set_up(session, rt, nurse, clock)
    for _ in range(5):
        with pytest.raises(NotSignedIn):
            sign_in_steps.second_step(session, rt, step(session, rt), "aaaaa-aaaaa")
    with pytest.raises(TooMany):  # also with another half sign-in
        sign_in_steps.second_step(session, rt, step(session, rt), code(session, nurse, clock))
    clock.forward(minutes=16)
    assert sign_in_steps.second_step(session, rt, step(session, rt), code(session, nurse, clock))


def test_a_step_lasts_ten_minutes_and_no_closed_account(
    session: Session, rt: Runtime, nurse: Staff, clinic: Clinic, clock: Clock
) -> None:
    set_up(session, rt, nurse, clock)
    half = step(session, rt)
    clock.forward(minutes=10)
    with pytest.raises(NotSignedIn, match="too long"):
        sign_in_steps.second_step(session, rt, half, code(session, nurse, clock))
    half = step(session, rt)
    staff.deactivate(session, rt, clinic.admin, nurse.id)
    with pytest.raises(NotSignedIn):
        sign_in_steps.second_step(session, rt, half, code(session, nurse, clock))


def test_a_recovery_code_stands_for_the_telephone_once(
    session: Session, rt: Runtime, nurse: Staff, clock: Clock
) -> None:
    codes = set_up(session, rt, nurse, clock)
    assert len(set(codes)) == 10
    kept = session.scalars(select(RecoveryCode)).all()
    assert not any(one.encode() in bytes(row.code_hash) for one in codes for row in kept)
    assert sign_in_steps.second_step(session, rt, step(session, rt), codes[3].upper().replace("-", " "))
    with pytest.raises(NotSignedIn):
        sign_in_steps.second_step(session, rt, step(session, rt), codes[3])
    assert second_factors.standing(session, nurse).codes_left == 9
    fresh = second_factors.renew_codes(session, rt, nurse, PASSWORD)
    with pytest.raises(NotSignedIn):
        sign_in_steps.second_step(session, rt, step(session, rt), codes[4])
    assert sign_in_steps.second_step(session, rt, step(session, rt), fresh[4])


def test_setting_it_up_ends_every_other_session_and_needs_the_password(
    session: Session, rt: Runtime, nurse: Staff, clock: Clock
) -> None:
    here, elsewhere = (sign_in_steps.staff_sign_in(session, rt, "nurse", PASSWORD) for _ in range(2))
    with pytest.raises(Invalid, match="not your password"):
        second_factors.begin(session, rt, nurse, "guess-guess-guess")
    with pytest.raises(Conflict, match="begin again"):
        second_factors.confirm(session, rt, nurse, "123456", here)
    second_factors.begin(session, rt, nurse, PASSWORD)
    with pytest.raises(Invalid, match="telephone shows"):
        second_factors.confirm(session, rt, nurse, "12345", here)
    second_factors.confirm(session, rt, nurse, code(session, nurse, clock, pending=True), here)
    assert staff_by_token(session, clock.now, here).id == nurse.id
    with pytest.raises(NotSignedIn):
        staff_by_token(session, clock.now, elsewhere)


def test_another_telephone_counts_only_when_it_is_confirmed(
    session: Session, rt: Runtime, nurse: Staff, clock: Clock
) -> None:
    set_up(session, rt, nurse, clock)
    second_factors.begin(session, rt, nurse, PASSWORD)
    assert sign_in_steps.second_step(session, rt, step(session, rt), code(session, nurse, clock))
    clock.forward(minutes=1)
    second_factors.confirm(session, rt, nurse, code(session, nurse, clock, pending=True))
    row = second_factor(session, nurse.id)
    assert row is not None and row.pending is None


def test_a_team_that_requires_it_leads_whoever_has_none_to_set_it_up(
    session: Session, rt: Runtime, nurse: Staff, clinic: Clinic, clock: Clock
) -> None:
    before = sign_in_steps.staff_sign_in(session, rt, "nurse", PASSWORD)
    second_factors.require(session, rt, clinic.admin, clinic.team.id, True)
    with pytest.raises(NotSignedIn):
        staff_by_token(session, clock.now, before)
    made = sign_in_steps.first_step(session, rt, "nurse", PASSWORD)
    assert made.kind == "set-up"
    with pytest.raises(NotSignedIn):
        staff_by_token(session, clock.now, made.token)
    with pytest.raises(NotSignedIn):  # nor by the other door
        sign_in_steps.second_step(session, rt, made.token, "123456")
    found = sign_in_steps.set_up(session, clock.now, made.token)
    assert found.uri.startswith("otpauth://totp/Care:nurse?secret=")
    with pytest.raises(Invalid):
        sign_in_steps.set_up_confirmed(session, rt, made.token, "000")
    token, codes = sign_in_steps.set_up_confirmed(session, rt, made.token, pyotp.TOTP(found.secret).at(clock.now))
    assert (staff_by_token(session, clock.now, token).id, len(codes)) == (nurse.id, 10)
    with pytest.raises(Conflict, match="requires"):
        second_factors.remove(session, rt, nurse, PASSWORD, token)
    second_factors.require(session, rt, clinic.admin, clinic.team.id, False)
    second_factors.remove(session, rt, nurse, PASSWORD, token)
    assert sign_in_steps.first_step(session, rt, "nurse", PASSWORD).kind == "in"


def test_whoever_has_one_stays_signed_in_when_it_becomes_required(
    session: Session, rt: Runtime, nurse: Staff, clinic: Clinic, clock: Clock
) -> None:
    set_up(session, rt, nurse, clock)
    token = sign_in_steps.second_step(session, rt, step(session, rt), code(session, nurse, clock))
    second_factors.require(session, rt, clinic.admin, clinic.team.id, True)
    assert staff_by_token(session, clock.now, token).id == nurse.id


def test_administrators_must_have_one_where_the_hospital_says_so(session: Session, rt: Runtime, clinic: Clinic) -> None:
    staff.set_password(session, rt, clinic.admin, clinic.admin.id, PASSWORD)
    second_factors.require(session, rt, clinic.admin, None, True)
    assert sign_in_steps.first_step(session, rt, "admin", PASSWORD).kind == "set-up"
    staff.set_password(session, rt, clinic.admin, clinic.nurse.id, PASSWORD)
    assert sign_in_steps.first_step(session, rt, "nurse", PASSWORD).kind == "in"


def test_an_administrator_resets_what_is_lost_and_it_is_audited(
    session: Session, rt: Runtime, nurse: Staff, clinic: Clinic, clock: Clock
) -> None:
    set_up(session, rt, nurse, clock)
    token = sign_in_steps.second_step(session, rt, step(session, rt), code(session, nurse, clock))
    for who in (nurse, clinic.clinician):
        with pytest.raises(NotAllowed):
            second_factors.reset(session, rt, who, nurse.id)
    with pytest.raises(Conflict):
        second_factors.reset(session, rt, clinic.admin, clinic.admin.id)
    stranger = Staff(clinic.admin.id, type(nurse.id)(int=9), None, Role.ADMIN, "Of another hospital")
    with pytest.raises(NotFound):
        second_factors.reset(session, rt, stranger, nurse.id)
    second_factors.reset(session, rt, clinic.admin, nurse.id)
    with pytest.raises(NotSignedIn):
        staff_by_token(session, clock.now, token)
    assert sign_in_steps.first_step(session, rt, "nurse", PASSWORD).kind == "in"
    event = session.scalars(select(AuditEvent).where(AuditEvent.action == "staff.second-factor-reset")).one()
    assert (event.agent_id, event.entity_id) == (clinic.admin.id, nurse.id)
    assert session.scalars(select(SecondFactor)).all() == []


def test_no_other_hospital_decides_what_a_team_requires(session: Session, rt: Runtime, clinic: Clinic) -> None:
    stranger = Staff(clinic.admin.id, type(clinic.admin.id)(int=9), None, Role.ADMIN, "Of another hospital")
    with pytest.raises(NotFound):
        second_factors.require(session, rt, stranger, clinic.team.id, True)
    with pytest.raises(NotAllowed):
        second_factors.require(session, rt, clinic.nurse, clinic.team.id, True)


def test_the_secret_is_sealed_and_the_tokens_are_hashes(
    session: Session, rt: Runtime, nurse: Staff, clock: Clock
) -> None:
    set_up(session, rt, nurse, clock)
    half, row = step(session, rt), second_factor(session, nurse.id)
    assert row is not None and str(row.secret).encode() not in bytes(row.secret_sealed or b"")
    kept = session.scalars(select(SignInStep)).all()
    assert all(half.encode() not in bytes(one.token_hash) for one in kept)
    assert session.scalars(select(StaffSession)).all() == []


def test_a_new_password_ends_what_was_half_signed_in_with_the_old_one(
    session: Session, rt: Runtime, clinic: Clinic, nurse: Staff
) -> None:
    assert nurse.care_team_id is not None
    second_factors.require(session, rt, clinic.admin, nurse.care_team_id, True)
    half = sign_in_steps.first_step(session, rt, "nurse", PASSWORD)
    assert half.kind == "set-up"
    pending = second_factor(session, nurse.id)
    assert pending is not None
    shown = pyotp.TOTP(str(pending.pending)).at(rt.now())
    staff.set_password(session, rt, clinic.admin, nurse.id, f"{PASSWORD}-another")
    with pytest.raises(NotSignedIn):
        sign_in_steps.set_up_confirmed(session, rt, half.token, shown)
