"""A patient joins their WeChat account to their record with a code, and nobody learns anything by guessing."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from care.domain.codes import Purpose
from care.domain.message import Incoming
from care.errors import Invalid, NotAllowed, NotFound
from care.records.audit_events import AuditEvent
from care.records.bindings import BindingCode
from care.records.consents import ledger
from care.records.patients import Patient, contact_points
from care.runtime import Runtime
from care.services import bindings, consents
from care.services.bindings import LASTS, TRIES, code_in
from tests.conftest import Clinic, Clock
from tests.services.world import World, make_world

OPENID, OTHER = "oyORnuP8q7ou2gfYjqLzSIWZf0rs", "oSOMEBODYELSE"


@pytest.fixture
def world(session: Session, rt: Runtime, clock: Clock, clinic: Clinic) -> World:
    return make_world(session, rt, clock, clinic)


@pytest.fixture
def patient(world: World) -> Patient:
    return world.patient(country="CN", language="zh-Hans", time_zone="Asia/Shanghai", phone="+8613800138000")


def code_of(world: World, patient: Patient, label: str = "") -> str:
    return bindings.issue(world.session, world.rt, world.clinic.nurse, patient.id, label)


def wechat(world: World, words: str, sender: str = OPENID) -> None:
    """A text by WeChat, and its turn."""
    world.receive(words, sender, channel="wechat")
    world.take()


def said(world: World) -> list[str]:
    return world.words(*world.out())


def reached(world: World, patient: Patient) -> list[tuple[str, str, str]]:
    world.session.expire_all()
    return [(one.channel, one.address, one.status) for one in contact_points(world.session, patient.id)]


def test_the_code_binds_the_account_and_is_preferred_where_an_sms_cannot_ask(world: World, patient: Patient):
    wechat(world, code_of(world, patient))
    assert reached(world, patient)[0] == ("wechat", OPENID, "active")
    newest = ledger(world.session, patient.id)[0]
    assert (newest.channel, newest.granted, newest.source) == ("wechat", True, "binding-code")
    (confirmed,) = world.out(Purpose.CONFIRMATION)
    assert (confirmed.channel, confirmed.patient_id) == ("wechat", patient.id)
    assert "绑定" in said(world)[0]
    assert "120" in said(world)[0]
    (text,) = world.texts_in()
    assert (text.patient_id, text.take_at, text.waits_since) == (patient.id, None, None)
    assert "contact.bound" in {event.action for event in world.all(AuditEvent)}


def test_elsewhere_the_number_that_was_enrolled_stays_preferred(world: World):
    patient = world.patient()
    wechat(world, code_of(world, patient))
    assert [one[0] for one in reached(world, patient)] == ["sms", "wechat"]


@pytest.mark.parametrize("written", ["{}", " {} \n", "{:.4} {}", "{lower}", "{wide}"])
def test_a_code_may_be_written_in_any_way(world: World, patient: Patient, written: str):
    code = code_of(world, patient)
    wide = "".join(chr(ord(sign) + 0xFEE0) for sign in code)
    spelt = f"{code[:4]} {code[4:]}" if written == "{:.4} {}" else written.format(code, lower=code.lower(), wide=wide)
    wechat(world, spelt)
    assert ("wechat", OPENID, "active") in reached(world, patient)


def test_a_code_works_once(world: World, patient: Patient):
    code = code_of(world, patient)
    wechat(world, code)
    wechat(world, code, OTHER)
    assert [one[1] for one in reached(world, patient)] == [OPENID, "+8613800138000"]


def test_a_code_is_good_for_a_week_and_only_the_last_one(world: World, patient: Patient):
    first, second = code_of(world, patient), code_of(world, patient)
    wechat(world, first)
    assert len(reached(world, patient)) == 1
    world.clock.forward(seconds=LASTS.total_seconds() + 1)
    wechat(world, second)
    assert len(reached(world, patient)) == 1


def test_a_wrong_code_a_used_one_and_any_words_are_answered_alike(world: World, patient: Patient):
    used = code_of(world, patient)
    wechat(world, used)
    told = []
    for number, words in enumerate((used, "ABCD2345", "你好")):
        before = len(said(world))
        wechat(world, words, f"{OTHER}{number}")
        told += said(world)[before:]
    assert len(told) == 3
    assert len(set(told)) == 1
    assert "8" in told[0]


def test_after_some_tries_even_the_right_code_is_wrong_until_an_hour_has_passed(world: World, patient: Patient):
    code = code_of(world, patient)
    for number in range(TRIES):
        wechat(world, f"ABCD234{number + 2}")
    wechat(world, code)
    assert len(reached(world, patient)) == 1
    wechat(world, code, OTHER)
    assert len(reached(world, patient)) == 2


def test_the_tries_count_again_after_an_hour(world: World, patient: Patient):
    code = code_of(world, patient)
    for number in range(TRIES):
        wechat(world, f"ABCD234{number + 2}")
    world.clock.forward(hours=1)
    wechat(world, code)
    assert len(reached(world, patient)) == 2


def test_who_mistypes_is_told_again_but_not_for_every_text_of_a_minute(world: World, patient: Patient):
    for words in ("ABCD2345", "ABCD2346"):
        wechat(world, words)
    assert len(said(world)) == 1
    world.clock.forward(minutes=1)
    wechat(world, "ABCD2347")
    assert len(said(world)) == 2


def test_a_strangers_red_flag_comes_before_any_code(world: World, patient: Patient):
    wechat(world, "胸口很痛")
    (raised,) = world.escalations()
    assert raised.priority == "stat"
    assert len(reached(world, patient)) == 1


def test_two_patients_on_one_account_are_asked_who_is_speaking(world: World, patient: Patient):
    mother = world.patient(country="CN", language="zh-Hans", time_zone="Asia/Shanghai", phone="+8613800138001")
    wechat(world, code_of(world, patient, "儿子"))
    wechat(world, code_of(world, mother, "妈妈"))
    assert reached(world, mother)[0][1] == OPENID
    before = len(said(world))
    wechat(world, "血糖 8.2")
    (asked,) = said(world)[before:]
    assert "儿子" in asked
    assert "妈妈" in asked
    assert world.texts_in()[-1].patient_id is None
    wechat(world, "妈妈")
    assert {one.patient_id for one in world.texts_in()[-2:]} == {mother.id}


def test_a_known_patient_may_send_what_only_looks_like_a_code(world: World, patient: Patient):
    wechat(world, code_of(world, patient))
    before = len(world.out())
    wechat(world, "ABCD2345")
    assert world.texts_in()[-1].take_at is None
    assert "绑定码" not in "".join(said(world)[before:])


def test_what_was_withdrawn_is_given_again_by_binding_anew(world: World, patient: Patient):
    wechat(world, code_of(world, patient))
    wechat(world, "停止")
    assert ("wechat", OPENID, "opted-out") in reached(world, patient)
    wechat(world, code_of(world, patient))
    assert ("wechat", OPENID, "active") in reached(world, patient)
    assert consents.ledger_of(world.session, [patient.id]).allows(patient.id, "wechat")


def test_only_a_hash_is_kept_and_the_making_is_audited(world: World, patient: Patient):
    code = code_of(world, patient, "妈妈")
    (row,) = world.all(BindingCode)
    assert code.encode() not in bytes(row.code_hash)
    assert "妈妈".encode() not in bytes(row.label_sealed or b"")
    made = world.session.scalars(select(AuditEvent).where(AuditEvent.action == "patient.issue-binding-code")).one()
    assert (made.patient_id, made.agent_id) == (patient.id, world.clinic.nurse.id)
    assert code not in str(made.detail)


def test_only_the_patients_own_team_makes_one(world: World, patient: Patient):
    with pytest.raises(NotFound):
        bindings.issue(world.session, world.rt, world.clinic.other_nurse, patient.id)
    with pytest.raises(NotAllowed):
        bindings.issue(world.session, world.rt, world.clinic.admin, patient.id)
    with pytest.raises(Invalid):
        bindings.issue(world.session, world.rt, world.clinic.nurse, patient.id, "x" * 41)


@pytest.mark.parametrize("words", ["", "HEADACHE", "23456789", "ABCD234", "ABCD23456", "ABCD2340", "ABCI2345", "想死"])
def test_what_is_no_code(words: str):
    assert code_in("wechat", words) == ""


def test_a_code_is_one_on_wechat_alone():
    assert code_in("wechat", "abcd-2345") == "ABCD2345"
    assert code_in("sms", "ABCD2345") == ""


def test_an_inactive_patient_is_not_bound(world: World, patient: Patient):
    code = code_of(world, patient)
    patient.status = "inactive"
    world.session.commit()
    wechat(world, code)
    assert len(reached(world, patient)) == 1


def test_the_same_text_three_times_binds_once_and_is_answered_once(world: World, patient: Patient):
    text = Incoming("wechat", OPENID, code_of(world, patient), "6054768590064713728", world.now, "gh_ours")
    from care.services import inbox

    new = [inbox.receive(world.session, world.rt, text).new for _ in range(3)]
    assert new == [True, False, False]
    assert len(world.out()) == 1
    assert timedelta(0) == world.now - world.out()[0].at


def test_one_code_sent_from_two_accounts_at_once_binds_one_of_them(
    world: World, patient: Patient, empty_database: Engine
):
    from care.services import inbox

    code, start = code_of(world, patient), threading.Barrier(4)
    ended: list[str] = []

    def send(number: int) -> None:
        text = Incoming("wechat", f"{OTHER}{number}", code, str(number), world.now, "gh_ours")
        with Session(empty_database, expire_on_commit=False) as session:
            start.wait()
            inbox.receive(session, world.rt, text)
            ended.append(text.sender)

    threads = [threading.Thread(target=send, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(ended) == 4
    assert len([one for one in reached(world, patient) if one[0] == "wechat"]) == 1
    assert len(set(said(world))) == 2
