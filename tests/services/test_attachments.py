"""What comes with a text: fetched outside of any transaction, made safe, sealed; or told that it could not be had."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, select, text, update
from sqlalchemy.orm import Session

from care.domain.medium import MEBIBYTE
from care.domain.message import Fetched, Medium
from care.errors import ChannelError, NotAllowed, NotFound
from care.records.attachments import Attachment, attachments_of
from care.records.audit_events import AuditEvent
from care.records.communications import Communication, contents
from care.records.dead_letters import DeadLetter
from care.runtime import Runtime
from care.services import attachments, inbox, waiting
from care.services.attachments import examined, fetch_due, open_attachment
from care.services.queue import Worked, claim
from tests.conftest import Clinic, Clock, FakeChannel
from tests.services.media_files import OWNER, PLACE, bomb, film, photo, png_with_remarks
from tests.services.world import World, make_world

PHOTO = Medium("image", "https://provider.invalid/photo", "image/jpeg")


@dataclass
class FetchingChannel(FakeChannel):
    """A channel that hands out what a test puts in: bytes, or an error to raise."""

    media: dict[str, Fetched | Exception] = field(default_factory=dict)
    fetched: list[Medium] = field(default_factory=list)
    on_fetch: Callable[[], None] | None = None

    def fetch(self, medium: Medium) -> Fetched:
        self.fetched.append(medium)
        if self.on_fetch:
            self.on_fetch()
        found = self.media[medium.reference]
        if isinstance(found, Exception):
            raise found
        return found


@pytest.fixture
def sms() -> FetchingChannel:
    return FetchingChannel(media={PHOTO.reference: Fetched(photo(), "image/jpeg")})


@pytest.fixture
def world(session: Session, rt: Runtime, clock: Clock, clinic: Clinic) -> World:
    return make_world(session, rt, clock, clinic)


def fetch(world: World) -> Worked:
    return fetch_due(world.session, world.rt, world.now)


def only(world: World) -> Attachment:
    (row,) = world.all(Attachment)
    return row  # type: ignore[no-any-return]


def test_a_picture_is_written_with_its_text_and_fetched_afterwards(world: World, sms: FetchingChannel):
    world.patient()
    received = world.receive("my wound\nsince Monday", media=(PHOTO,))
    row = only(world)
    assert (row.communication_id, row.state, row.reference) == (received.communication_id, "waiting", PHOTO.reference)
    assert sms.fetched == []
    assert fetch(world) == Worked(1, 1)
    row = only(world)
    assert (row.state, row.content_type, row.fetch_at, row.reason) == ("kept", "image/jpeg", None, None)
    assert row.sha256 == hashlib.sha256(row.content).digest()
    assert row.size == len(row.content)
    assert sms.fetched == [PHOTO]
    assert fetch(world) == Worked()


def test_the_words_are_the_patients_own_and_all_their_lines_are_read(world: World):
    patient = world.patient()
    received = world.receive("glucose 118\nbefore breakfast", media=(PHOTO,))
    world.take()
    words = contents(world.session, [received.communication_id])[received.communication_id].text
    assert words == "glucose 118\nbefore breakfast"
    assert [row.cause for row in world.escalations(patient)] == ["needs-person"]
    assert any("picture" in one for one in world.words(*world.out()))


def test_the_same_text_twice_is_one_picture(world: World):
    world.patient()
    one = world.incoming("look", media=(PHOTO, PHOTO))
    for _ in range(3):
        inbox.receive(world.session, world.rt, one)
    assert [row.number for row in world.all(Attachment)] == [0, 1]


def test_a_place_is_kept_as_it_is_told(world: World, sms: FetchingChannel):
    world.patient()
    world.receive("", media=(Medium("location", note="22.28, 114.16 a hospital"),))
    assert fetch(world) == Worked()
    row = only(world)
    assert (row.state, row.kind, row.note, row.content) == (
        "kept",
        "location",
        "22.28, 114.16 a hospital",
        None,
    )


def test_no_transaction_is_open_while_the_provider_is_asked(world: World, sms: FetchingChannel, engine: Engine):
    world.patient()
    world.receive("", media=(PHOTO,))
    seen: list[int] = []

    def look() -> None:
        assert not world.session.in_transaction()
        with engine.connect() as other:  # nobody's row is locked either
            other.execute(text("SET LOCAL lock_timeout = '1s'"))
            seen.append(len(other.execute(select(Attachment.id).with_for_update()).all()))

    sms.on_fetch = look
    fetch(world)
    assert seen == [1]


def test_position_and_owner_are_not_in_what_is_kept(world: World, sms: FetchingChannel):
    world.patient()
    world.receive("", media=(PHOTO,))
    assert PLACE.encode() in photo()
    fetch(world)
    kept = only(world).content
    assert PLACE.encode() not in kept
    assert OWNER.encode() not in kept


def test_it_is_sealed_where_it_lies(world: World, sms: FetchingChannel):
    world.patient()
    world.receive("", media=(PHOTO, Medium("link", note="a private title")))
    fetch(world)
    raw = world.session.execute(text("SELECT * FROM attachment ORDER BY number")).mappings().all()
    plain = only_kept(world).content
    cells = [bytes(value) for row in raw for value in row.values() if isinstance(value, (bytes, memoryview))]
    assert any(len(cell) > len(plain) for cell in cells)
    for cell in cells:
        assert plain[:64] not in cell
        assert b"\xff\xd8\xff" not in cell[:64]
        assert b"provider.invalid" not in cell
        assert b"private" not in cell
    told = " ".join(str(value) for row in raw for value in row.values() if isinstance(value, str))
    assert "provider.invalid" not in told


def only_kept(world: World) -> Any:
    return next(row for row in world.all(Attachment) if row.content is not None)


def test_a_sealed_picture_does_not_open_in_another_row(world: World, sms: FetchingChannel):
    world.patient()
    world.receive("", media=(PHOTO, PHOTO))
    fetch(world)
    one, two = world.all(Attachment)
    two.content_sealed = one.content_sealed
    with pytest.raises(Exception, match="does not open"):
        _ = two.content


@pytest.mark.parametrize(
    ("content", "state", "detail"),
    [
        (b"", "refused", "empty"),
        (bomb(), "refused", "too-many-points"),
        (b"<!doctype html><script>alert(1)</script>", "refused", "type:unknown"),
        (film(b"heic"), "refused", "type:image/heic"),
        (film(b"qt  "), "refused", "type:video/quicktime"),
        (photo()[:200], "refused", "broken"),
        (film()[:-2], "refused", "broken"),
        (b"%PDF-1.4" + bytes(9 * MEBIBYTE), "refused", "too-large"),
        (b"%PDF-1.4 x", "kept", "application/pdf"),
        (b"#!AMR\n voice", "kept", "audio/amr"),
        (film(), "kept", "video/mp4"),
        (png_with_remarks(), "kept", "image/png"),
    ],
    ids=["0 bytes", "bomb", "html", "heic", "mov", "torn", "torn film", "large", "pdf", "voice", "film", "png"],
)
def test_what_is_kept_is_decided_by_the_bytes_and_not_by_what_they_are_called(content: bytes, state: str, detail: str):
    found = examined(Fetched(content, "image/jpeg"))
    assert found.state == state
    assert (found.reason if state == "refused" else found.content_type) == detail
    assert (found.content is None) == (state == "refused")


def test_a_film_is_kept_without_its_place():
    kept = examined(Fetched(film(), "video/mp4")).content
    assert kept is not None
    assert PLACE.encode() not in kept


def test_a_provider_that_is_away_is_asked_again_and_nothing_is_lost(world: World, sms: FetchingChannel, clock: Clock):
    world.patient()
    world.receive("", media=(PHOTO,))
    there = sms.media[PHOTO.reference]
    sms.media[PHOTO.reference] = ChannelError("retryable", "connection")
    for _ in range(3):
        assert fetch(world).failed == 1
        assert fetch(world) == Worked()  # not at once
        clock.forward(hours=1)
    sms.media[PHOTO.reference] = there
    assert fetch(world).done == 1
    row = only(world)
    assert (row.state, row.attempts, row.lease_until) == ("kept", 0, None)


def test_a_doubtful_answer_and_a_fault_of_the_adapter_are_tried_again_too(world: World, sms: FetchingChannel):
    world.patient()
    world.receive("", media=(PHOTO, Medium("voice", "v")))
    sms.media = {PHOTO.reference: ChannelError("unknown", "no-answer"), "v": ZeroDivisionError()}
    assert fetch(world) == Worked(2, 0, 2)
    assert {row.state for row in world.all(Attachment)} == {"waiting"}


def test_after_its_attempts_the_nurse_is_told(world: World, sms: FetchingChannel, clock: Clock):
    world.patient()
    received = world.receive("", media=(PHOTO,))
    world.take()
    waiting.settle(world.session, world.rt, world.clinic.nurse, received.communication_id)
    assert world.texts_in()[0].waits_since is None
    sms.media[PHOTO.reference] = ChannelError("retryable", "connection")
    for _ in range(attachments.ATTEMPTS):
        assert only(world).state == "waiting"
        fetch(world)
        clock.forward(days=1)
    assert (only(world).state, only(world).reason, only(world).fetch_at) == ("gone", "provider-away", None)
    assert [letter.queue for letter in world.all(DeadLetter)] == ["fetch"]
    assert world.texts_in()[0].waits_since is not None


@pytest.mark.parametrize("kind", ["permanent", "refused", "opted_out"])
def test_what_is_gone_is_not_asked_for_again_and_the_nurse_is_told(world: World, sms: FetchingChannel, kind: Any):
    world.patient()
    world.receive("", media=(PHOTO,))
    world.take()
    sms.media[PHOTO.reference] = ChannelError(kind, "404")
    assert fetch(world).done == 1
    assert (only(world).state, only(world).reason) == ("gone", "404")
    assert world.texts_in()[0].waits_since is not None
    assert fetch(world) == Worked()


def test_a_picture_that_comes_after_its_text_was_settled_is_looked_at(world: World, sms: FetchingChannel):
    world.patient()
    received = world.receive("", media=(PHOTO,))
    world.take()
    waiting.settle(world.session, world.rt, world.clinic.nurse, received.communication_id)
    fetch(world)
    assert world.texts_in()[0].waits_since == world.now


def test_a_crash_between_the_answer_and_the_write_loses_nothing(world: World, sms: FetchingChannel, engine: Engine):
    world.patient()
    world.receive("", media=(PHOTO,))

    class Killed(BaseException):
        pass

    def die() -> None:
        sms.on_fetch = None
        raise Killed

    sms.on_fetch = die
    with pytest.raises(Killed):
        fetch(world)
    world.session.rollback()
    assert fetch(world) == Worked()  # its lease is still running
    with engine.begin() as other:
        other.execute(update(Attachment).values(lease_until=text("clock_timestamp() - interval '1 s'")))
    assert fetch(world).done == 1
    assert only(world).state == "kept"
    assert len(sms.fetched) == 2


def test_what_ends_its_worker_each_time_is_given_up_and_the_nurse_is_told(
    world: World, sms: FetchingChannel, engine: Engine
):
    world.patient()
    received = world.receive("", media=(PHOTO,))
    world.take()
    waiting.settle(world.session, world.rt, world.clinic.nurse, received.communication_id)
    world.session.commit()
    for _ in range(attachments.ATTEMPTS):  # each is killed before it can say anything
        assert len(claim(world.session, attachments.FETCH, world.now, 1)) == 1
        with engine.begin() as other:
            other.execute(update(Attachment).values(lease_until=text("clock_timestamp() - interval '1 s'")))
    fetch(world)
    assert (only(world).state, only(world).reason, sms.fetched) == ("gone", "fatal", [])
    assert world.texts_in()[0].waits_since is not None
    assert fetch(world) == Worked()


def test_who_lost_the_lease_writes_nothing(world: World, sms: FetchingChannel, engine: Engine):
    world.patient()
    world.receive("", media=(PHOTO,))
    taken: dict[Any, Any] = {}

    def somebody_else_takes_it() -> None:
        sms.on_fetch = None
        with Session(engine) as other:
            other.execute(update(Attachment).values(lease_until=text("clock_timestamp() - interval '1 s'")))
            other.commit()
            taken.update(claim(other, attachments.FETCH, world.now, 1))

    sms.on_fetch = somebody_else_takes_it
    fetch(world)
    row = only(world)
    assert (row.state, row.lease_until) == ("waiting", next(iter(taken.values())))


def test_a_channel_that_cannot_fetch_is_asked_again_later(world: World, sms: FetchingChannel, clock: Clock):
    world.patient()
    world.receive("", media=(PHOTO,))
    sms.enabled = False
    assert fetch(world).failed == 1
    sms.enabled = True
    clock.forward(hours=1)
    assert fetch(world).done == 1


def test_a_strangers_picture_is_fetched_and_seen_by_the_team_they_wrote_to(world: World, sms: FetchingChannel):
    world.receive("who is this", sender="+12025550199", media=(PHOTO,))
    fetch(world)
    opened = open_attachment(world.session, world.rt, world.clinic.nurse, only(world).id)
    assert opened.content_type == "image/jpeg"
    with pytest.raises(NotFound):
        open_attachment(world.session, world.rt, world.clinic.other_nurse, only(world).id)


def test_opening_is_for_the_team_and_is_audited(world: World, sms: FetchingChannel):
    patient = world.patient()
    world.receive("", media=(PHOTO,))
    fetch(world)
    row = only(world)
    opened = open_attachment(world.session, world.rt, world.clinic.nurse, row.id)
    assert (opened.content, opened.picture, opened.name) == (row.content, True, "attachment-1.jpg")
    found = world.session.scalars(select(AuditEvent).where(AuditEvent.action == "attachment.opened")).all()
    assert [(one.entity_id, one.patient_id, one.agent_id) for one in found] == [
        (row.id, patient.id, world.clinic.nurse.id)
    ]
    with pytest.raises(NotFound):
        open_attachment(world.session, world.rt, world.clinic.other_nurse, row.id)
    with pytest.raises(NotAllowed):
        open_attachment(world.session, world.rt, world.clinic.admin, row.id)


def test_what_was_not_kept_cannot_be_opened(world: World, sms: FetchingChannel):
    world.patient()
    world.receive("", media=(PHOTO,))
    with pytest.raises(NotFound):
        open_attachment(world.session, world.rt, world.clinic.nurse, only(world).id)


def test_a_list_reads_no_content(world: World, sms: FetchingChannel):
    world.patient()
    received = world.receive("", media=(PHOTO,))
    fetch(world)
    world.session.expunge_all()
    (row,) = attachments_of(world.session, [received.communication_id])[received.communication_id]
    assert "content_sealed" not in vars(row)
    assert row.state == "kept"


def test_on_a_shared_phone_whoever_spoke_owns_the_picture(world: World, sms: FetchingChannel):
    world.patient(label="mother")
    world.patient(label="father")
    world.receive("look at this", media=(PHOTO,))
    fetch(world)
    world.take()
    world.receive("2")
    clock_now = world.now + timedelta(seconds=1)
    inbox.take_turns_due(world.session, world.rt, clock_now)
    inbox.take_turns_due(world.session, world.rt, clock_now)
    spoke = world.session.scalars(select(Communication).where(Communication.status_reason == "speaker")).one()
    first = world.texts_in()[0]
    assert first.patient_id == spoke.patient_id
    open_attachment(world.session, world.rt, world.clinic.nurse, only(world).id)
    seen = world.session.scalars(select(AuditEvent.patient_id).where(AuditEvent.action == "attachment.opened")).one()
    assert seen == first.patient_id
