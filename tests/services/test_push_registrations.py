"""An app says that it is there; it is the newest patient's, and forgotten when it is gone. Consent is not touched."""

from __future__ import annotations

import threading
from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import Engine, event, func, select, text
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.orm import Session

from bots.push import KeptRegistrations, PushChannel
from bots.push_provider import Notice, Target
from care.domain.message import Capabilities, Outgoing
from care.errors import ChannelError, Conflict, NotSignedIn
from care.records.audit_events import AuditEvent
from care.records.consents import Consent
from care.records.patients import ContactPoint, Patient, contact_points
from care.records.push_registrations import PushRegistration, push_registrations
from care.runtime import Runtime
from care.services import push_registrations as push
from care.services import signin
from care.services.push_registrations import App
from tests.care_api.serving import PHONE, enrolled, patient_token
from tests.conftest import Clinic, Clock, FakeChannel

ANDROID = App("token", "a-token-of-an-app", "android", "en")
OTHER = App("fid", "an-installation", "ios", "zh-Hans")


@pytest.fixture
def outside(rt: Runtime) -> Runtime:
    """An outside with push, which does not reach mainland China."""
    able = Capabilities(two_way=False, notices_only=True, by_country={"CN": {"reaches": False}})
    return Runtime(clock=rt.clock, channels={**rt.channels, "push": FakeChannel("push", capabilities=able)})


@pytest.fixture
def patient(session: Session, rt: Runtime, clinic: Clinic) -> Patient:
    return enrolled(session, rt, clinic.nurse)


@pytest.fixture
def signed_in(session: Session, rt: Runtime, clinic: Clinic, patient: Patient) -> str:
    return patient_token(session, rt, clinic.nurse, patient)


def another(session: Session, rt: Runtime, clinic: Clinic, country: str = "US") -> tuple[Patient, str]:
    """A second patient, signed in."""
    phone = "+14155550123"
    made = enrolled(session, rt, clinic.nurse, record_number="T-2", country=country, contacts=(("sms", phone, None),))
    return made, patient_token(session, rt, clinic.nurse, made, phone)


def contact(session: Session, patient: Patient) -> ContactPoint | None:
    session.expire_all()
    return next((one for one in contact_points(session, patient.id) if one.channel == "push"), None)


def test_an_app_is_kept_once_however_often_it_says_that_it_is_there(
    session: Session, outside: Runtime, clock: Clock, patient: Patient, signed_in: str
):
    first = push.register(session, outside, patient, signed_in, ANDROID)
    began = clock.now
    clock.forward(days=3)
    again = push.register(session, outside, patient, signed_in, ANDROID)
    assert (again.id, again.created_at, again.last_seen_at) == (first.id, began, clock.now)
    assert again.token == ANDROID.token
    assert b"a-token-of-an-app" not in bytes(again.token_sealed)
    told = session.scalars(select(AuditEvent.action).where(AuditEvent.entity == "push_registration"))
    assert list(told) == ["push.register"]


def test_the_patient_gets_one_address_after_the_others_and_no_consent(
    session: Session, outside: Runtime, patient: Patient, signed_in: str
):
    before = session.scalars(select(func.count()).select_from(Consent)).one()
    push.register(session, outside, patient, signed_in, ANDROID)
    push.register(session, outside, patient, signed_in, ANDROID)
    found = contact_points(session, patient.id)
    assert [(one.channel, one.rank, one.status) for one in found] == [("sms", 1, "active"), ("push", 2, "active")]
    assert found[1].address == str(patient.id)
    assert session.scalars(select(func.count()).select_from(Consent)).one() == before


def test_push_comes_first_for_who_prefers_it_and_says_so_at_any_time(
    session: Session, outside: Runtime, patient: Patient, signed_in: str
):
    push.register(session, outside, patient, signed_in, ANDROID)
    push.register(session, outside, patient, signed_in, ANDROID, preferred=True)
    push.register(session, outside, patient, signed_in, ANDROID)
    session.expire_all()
    assert [one.channel for one in contact_points(session, patient.id)] == ["push", "sms"]


def test_where_the_provider_does_not_reach_push_is_never_first(
    session: Session, rt: Runtime, outside: Runtime, clinic: Clinic
):
    made, token = another(session, rt, clinic, "CN")
    push.register(session, outside, made, token, ANDROID, preferred=True)
    assert [one.channel for one in contact_points(session, made.id)] == ["sms", "push"]


@pytest.mark.parametrize(("before", "after"), [("failed", "active"), ("opted-out", "opted-out")])
def test_an_address_that_failed_is_good_again_and_one_that_was_stopped_is_not(
    session: Session, outside: Runtime, patient: Patient, signed_in: str, before: str, after: str
):
    push.register(session, outside, patient, signed_in, ANDROID)
    mine = contact(session, patient)
    assert mine is not None
    mine.status = before
    session.commit()
    push.register(session, outside, patient, signed_in, ANDROID)
    mine = contact(session, patient)
    assert mine is not None
    assert mine.status == after


def test_an_app_is_the_newest_patients_and_nobody_elses(
    session: Session, rt: Runtime, outside: Runtime, clinic: Clinic, clock: Clock, patient: Patient, signed_in: str
):
    push.register(session, outside, patient, signed_in, ANDROID)
    other, token = another(session, rt, clinic)
    clock.forward(days=1)
    moved = push.register(session, outside, other, token, ANDROID)
    assert (moved.patient_id, moved.created_at, moved.token) == (other.id, clock.now, ANDROID.token)
    assert push_registrations(session, patient.id) == []
    mine, theirs = contact(session, patient), contact(session, other)
    assert mine is not None
    assert theirs is not None
    assert (mine.status, theirs.status) == ("failed", "active")


def test_a_session_has_one_app_and_its_new_token_replaces_the_old_one(
    session: Session, outside: Runtime, patient: Patient, signed_in: str
):
    push.register(session, outside, patient, signed_in, ANDROID)
    push.register(session, outside, patient, signed_in, OTHER)
    assert [row.token for row in push_registrations(session, patient.id)] == [OTHER.token]


def test_a_patient_has_several_apps_but_not_any_number(
    session: Session, rt: Runtime, outside: Runtime, clinic: Clinic, clock: Clock, patient: Patient
):
    for number in range(push.KEPT + 3):
        token = patient_token(session, rt, clinic.nurse, patient)
        push.register(session, outside, patient, token, App("token", f"token-number-{number}", "android", "en"))
        clock.forward(hours=1)
    kept = push_registrations(session, patient.id)
    assert [row.token for row in kept] == [f"token-number-{number}" for number in range(push.KEPT + 2, 2, -1)]
    assert len(push.reachable(session, clock.now, patient.id)) == push.REACHED


def test_signing_out_forgets_the_app_of_that_session_and_no_other(
    session: Session, rt: Runtime, outside: Runtime, clinic: Clinic, patient: Patient, signed_in: str
):
    tablet = patient_token(session, rt, clinic.nurse, patient)
    push.register(session, outside, patient, signed_in, ANDROID)
    push.register(session, outside, patient, tablet, OTHER)
    signin.sign_out(session, outside, signed_in)
    assert [row.token for row in push_registrations(session, patient.id)] == [OTHER.token]
    mine = contact(session, patient)
    assert mine is not None
    assert mine.status == "active"
    signin.sign_out(session, outside, tablet)
    mine = contact(session, patient)
    assert mine is not None
    assert mine.status == "failed"
    with pytest.raises(NotSignedIn):
        push.register(session, outside, patient, tablet, OTHER)


def test_an_address_stays_good_where_one_app_signs_out_while_another_registers(
    session: Session, empty_database: Engine, outside: Runtime, clinic: Clinic, patient: Patient, signed_in: str
):
    push.register(session, outside, patient, signed_in, ANDROID)
    second = patient_token(session, outside, clinic.nurse, patient)
    waits = text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")

    def sign_off() -> None:
        with Session(empty_database) as own:
            push.sign_off(own, outside, signed_in)

    signing_off = threading.Thread(target=sign_off)
    with Session(empty_database, expire_on_commit=False) as registering:

        def let_the_other_begin(_: Session) -> None:
            signing_off.start()
            with empty_database.connect() as looking:
                while signing_off.is_alive() and not looking.execute(waits).scalar_one():
                    looking.rollback()

        event.listen(registering, "before_commit", let_the_other_begin, once=True)
        push.register(registering, outside, patient, second, OTHER)
    signing_off.join(30)
    assert [one.token for one in push_registrations(session, patient.id)] == [OTHER.token]
    found = contact(session, patient)
    assert found is not None
    assert found.status == "active"


def test_an_app_that_was_silent_for_nine_months_is_forgotten(
    session: Session, outside: Runtime, clock: Clock, patient: Patient, signed_in: str
):
    push.register(session, outside, patient, signed_in, ANDROID)
    assert len(push.reachable(session, clock.now + timedelta(days=269), patient.id)) == 1
    assert push.reachable(session, clock.now + timedelta(days=270), patient.id) == []
    assert push_registrations(session, patient.id) == []


def test_an_installation_without_push_says_so_and_keeps_nothing(
    session: Session, rt: Runtime, patient: Patient, signed_in: str
):
    with pytest.raises(Conflict, match="no push"):
        push.register(session, rt, patient, signed_in, ANDROID)
    session.rollback()
    assert contact(session, patient) is None


def test_the_database_keeps_an_app_once(session: Session, outside: Runtime, patient: Patient, signed_in: str):
    push.register(session, outside, patient, signed_in, ANDROID)
    with pytest.raises(IntegrityError, match="token_hash"):
        session.execute(
            text(
                "INSERT INTO push_registration (id, organization_id, patient_id, session_id, kind, token_sealed,"
                " token_hash, platform, language, created_at, last_seen_at) SELECT :id, organization_id, patient_id,"
                " session_id, kind, token_sealed, token_hash, platform, language, created_at, last_seen_at"
                " FROM push_registration"
            ),
            {"id": uuid4()},
        )


class Provider:
    """Takes a notice unless the app is among the `gone`; looks at whether the database is in a transaction."""

    data_location = "US"
    by_country: dict[str, dict[str, bool]] = {}

    def __init__(self, session: Session, *gone: str) -> None:
        self.session, self.gone, self.shown = session, gone, 0

    def send(self, target: Target, notice: Notice) -> str:
        busy = text(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in%'"
            " AND pid <> pg_backend_pid()"
        )
        assert self.session.execute(busy).scalar_one() == 0, "a transaction is open while the provider is called"
        self.session.rollback()
        self.shown += 1
        if target.value in self.gone:
            raise ChannelError("permanent", "UNREGISTERED")
        return "taken"


def test_the_channel_sends_to_what_is_kept_and_forgets_what_is_gone_without_an_open_transaction(
    session: Session, rt: Runtime, outside: Runtime, clinic: Clinic, clock: Clock, patient: Patient, signed_in: str
):
    push.register(session, outside, patient, signed_in, ANDROID)
    push.register(session, outside, patient, patient_token(session, rt, clinic.nurse, patient), OTHER)
    provider = Provider(session, ANDROID.token)
    kept = KeptRegistrations(lambda: Session(session.get_bind()), clock)
    notice = Outgoing(uuid4(), "push", str(patient.id), "words", "notice-reminder")
    assert PushChannel(provider, kept).send(notice).external_id == "taken"
    assert provider.shown == 2
    session.expire_all()
    assert [row.token for row in push_registrations(session, patient.id)] == [OTHER.token]


def test_a_database_that_is_away_puts_a_notice_off(clock: Clock):
    def away() -> Session:
        raise OperationalError("connect", {}, Exception("away"))

    channel = PushChannel(Provider(None), KeptRegistrations(away, clock))  # type: ignore[arg-type]
    with pytest.raises(ChannelError) as caught:
        channel.send(Outgoing(uuid4(), "push", str(uuid4()), "words", "notice-reminder"))
    assert caught.value.kind == "retryable"


def test_a_code_is_never_sent_to_somebody_by_a_name_that_all_share(
    session: Session, rt: Runtime, outside: Runtime, clinic: Clinic, patient: Patient, signed_in: str
):
    """The address is the patient's own id: whoever names another, or "me", finds nobody."""
    push.register(session, outside, patient, signed_in, ANDROID)
    other, token = another(session, rt, clinic)
    push.register(session, outside, other, token, OTHER)
    addresses = {one.address for who in (patient, other) for one in contact_points(session, who.id)}
    assert addresses == {PHONE, "+14155550123", str(patient.id), str(other.id)}
    assert session.scalars(select(func.count()).select_from(PushRegistration)).one() == 2
