"""Metrics: who may read them, what is counted, and that nothing of a patient is a label."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from care.domain.message import Incoming, Outgoing, Receipt
from care.errors import ChannelError
from care.records.ids import new_id
from care.records.patients import Patient
from care.runtime import Runtime
from care.services import inbox, outbox
from care.services.queue import Worked
from care_api.app import NotConfigured, read_settings
from care_api.meter import Meter, Metered
from tests.care_api.serving import PHONE, serving
from tests.conftest import FakeChannel

ROOT = Path(__file__).resolve().parents[2]
NOWHERE = "postgresql://nobody@127.0.0.1:1/none"
TOKEN = "a-token-for-the-metrics-of-a-test-0123"
SAMPLE = re.compile(r'^[a-z_]+(\{[a-z_]+="[^"\n]*"(,[a-z_]+="[^"\n]*")*\})? [0-9.e+-]+(Inf)?$')


def values(page: str, name: str) -> dict[str, float]:
    """The samples of one metric, by their labels as they are written."""
    found = re.findall(rf"^{name}(?:\{{(.*)\}})? (\S+)$", page, re.MULTILINE)
    return {labels: float(value) for labels, value in found}


def test_on_a_laptop_the_metrics_are_for_loopback_alone(client: FlaskClient):
    assert client.get("/metrics").status_code == 200
    assert client.get("/metrics", environ_base={"REMOTE_ADDR": "192.0.2.7"}).status_code == 404


def test_in_a_hospital_there_are_no_metrics_without_a_token_configured(
    session: Session, database_url: str, rt: Runtime
):
    with serving(database_url, rt, care_environment="production") as app:
        found = app.test_client().get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
        assert (found.status_code, found.content_type) == (404, "application/problem+json")


@pytest.mark.parametrize(
    ("header", "status"),
    [(f"Bearer {TOKEN}", 200), (f"Bearer {TOKEN}x", 401), ("Bearer", 401), ("Basic abc", 401), (None, 401)],
)
def test_with_a_token_configured_it_is_asked_for_even_on_loopback(
    session: Session, database_url: str, rt: Runtime, header: str | None, status: int
):
    with serving(database_url, rt, metrics_token=TOKEN) as app:
        found = app.test_client().get("/metrics", headers={"Authorization": header} if header else {})
        assert found.status_code == status
        assert TOKEN not in found.text


def test_a_token_that_could_be_guessed_is_refused_by_name(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("METRICS_TOKEN", "hunter2")
    with pytest.raises(NotConfigured) as caught:
        read_settings()
    assert "METRICS_TOKEN" in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_requests_are_counted_by_route_and_status_and_never_by_address(client: FlaskClient):
    secret = "0f0f0f0f-0000-7000-8000-000000000001"
    for path in (f"/patients/{secret}", f"/patients/{secret}", f"/{secret}", "/healthz", "/api/v1/me"):
        client.get(path)
    client.open("/healthz", method="SECRET")
    page = client.get("/metrics").text
    counted = values(page, "care_web_requests_total")
    assert counted['method="GET",route="/patients/<uuid:patient_id>",status="302"'] == 2
    assert counted['method="GET",route="none",status="404"'] == 1
    assert counted['method="GET",route="/healthz",status="200"'] == 1
    assert counted['method="GET",route="/api/v1/me",status="401"'] == 1
    assert 'method="other"' in page
    assert secret not in page
    assert "SECRET" not in page
    assert values(page, "care_web_seconds_count")['method="GET",route="/healthz"'] == 1


def test_the_page_is_what_prometheus_reads(client: FlaskClient, patient: Patient):
    client.get("/healthz")
    found = client.get("/metrics")
    assert found.content_type == "text/plain; version=0.0.4; charset=utf-8"
    samples = [line for line in found.text.splitlines() if not line.startswith("#")]
    assert len(samples) > 20
    assert [line for line in samples if not SAMPLE.match(line)] == []
    types = re.findall(r"^# TYPE (\S+) ", found.text, re.MULTILINE)
    assert len(types) == len(set(types))


def test_the_gauges_are_read_from_the_database_when_they_are_asked_for(
    session: Session, client: FlaskClient, rt: Runtime, patient: Patient
):
    inbox.receive(session, rt, Incoming("sms", PHONE, "I have chest pain", "SM1", rt.now()))
    page = client.get("/metrics").text
    assert values(page, "care_database_answers") == {"": 1}
    assert values(page, "care_escalations_open") == {'priority="stat"': 1}
    assert values(page, "care_queue_due")['queue="pages"'] == 1
    assert set(values(page, "care_queue_oldest_seconds")) == {
        f'queue="{name}"' for name in ("expand", "fetch", "outbox", "pages", "reminders", "reports", "turns")
    }
    for word in (PHONE, "chest", "Demo Patient", str(patient.id)):
        assert word not in page


def test_without_the_database_the_counters_still_come(rt: Runtime):
    with serving(NOWHERE, rt) as app:
        app.test_client().get("/healthz")
        found = app.test_client().get("/metrics")
        assert found.status_code == 200
        assert values(found.text, "care_database_answers") == {"": 0}
        assert values(found.text, "care_web_requests_total")['method="GET",route="/healthz",status="200"'] == 1
        assert values(found.text, "care_queue_due") == {}


def test_the_rows_of_a_job_its_time_and_its_failures_are_counted():
    meter = Meter()
    meter.worked("remind", Worked(claimed=5, done=3, failed=2, dead=1), 0.2)
    meter.worked("remind", None, 0.1)
    page = meter.text().decode()
    assert values(page, "care_job_rows_total") == {
        f'job="remind",result="{result}"': rows
        for result, rows in {"claimed": 5, "done": 3, "failed": 2, "dead": 1}.items()
    }
    assert values(page, "care_job_ticks_total") == {
        'job="remind",outcome="done"': 1,
        'job="remind",outcome="failed"': 1,
    }
    assert values(page, "care_job_seconds_sum")['job="remind"'] == pytest.approx(0.3)


def test_deliveries_are_counted_by_channel_and_by_what_the_channel_said():
    meter, channel = Meter(), FakeChannel()
    counted = Metered(channel, meter)
    message = Outgoing(new_id(), "sms", PHONE, "hello")
    counted.send(message)
    channel.fail = [ChannelError("retryable", "429"), ChannelError("unknown", "no-answer")]
    for _ in range(2):
        with pytest.raises(ChannelError):
            counted.send(message)

    def breaks(message: Outgoing) -> None:
        raise ZeroDivisionError

    channel.on_send = breaks
    with pytest.raises(ZeroDivisionError):
        counted.send(message)
    assert values(meter.text().decode(), "care_deliveries_total") == {
        f'channel="sms",outcome="{outcome}"': 1 for outcome in ("sent", "retryable", "unknown", "broken")
    }


def test_a_providers_word_is_counted_as_what_it_means_and_never_as_it_came():
    meter = Meter()
    for word in ("delivered", "undelivered", "queued", "made-up-by-somebody"):
        meter.heard("sms", Receipt("sms", "SM1", word))
    page = meter.text().decode()
    assert values(page, "care_receipts_total") == {
        'channel="sms",delivery="delivered"': 1,
        'channel="sms",delivery="failed"': 1,
        'channel="sms",delivery="sent"': 1,
        'channel="sms",delivery="other"': 1,
    }
    assert "made-up" not in page


def test_a_counted_channel_is_the_channel_in_everything_else(app: Flask, sms: FakeChannel):
    rt: Runtime = app.extensions["care.runtime"]
    counted = rt.channels["sms"]
    assert (counted.name, counted.enabled, counted.capabilities) == (sms.name, sms.enabled, sms.capabilities)
    sms.enabled = False
    assert not counted.enabled


def test_what_the_outbox_sends_is_counted(session: Session, app: Flask, client: FlaskClient, patient: Patient):
    rt: Runtime = app.extensions["care.runtime"]
    inbox.receive(session, rt, Incoming("sms", PHONE, "I have chest pain", "SM1", rt.now()))
    outbox.deliver_due(session, rt, rt.now())
    assert values(client.get("/metrics").text, "care_deliveries_total")['channel="sms",outcome="sent"'] >= 1


COUNT = """
import sys
from care.services.queue import Worked
from care_api.meter import Meter
meter = Meter()
meter.worked("remind", Worked(claimed=int(sys.argv[1]), done=int(sys.argv[1])), 0.1)
print(meter.text().decode())
"""


def count(rows: int, folder: str) -> str:
    environment = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": folder}
    done = subprocess.run(
        [sys.executable, "-c", COUNT, str(rows)], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    return done.stdout


def test_the_processes_that_share_a_folder_are_added_up(tmp_path: Path):
    folder = str(tmp_path / "metrics")
    count(3, folder)
    assert values(count(4, folder), "care_job_rows_total")['job="remind",result="done"'] == 7
    assert values(count(5, ""), "care_job_rows_total")['job="remind",result="done"'] == 5


def test_a_folder_that_can_not_be_made_stops_nobody(tmp_path: Path):
    (tmp_path / "file").write_text("in the way")
    page = count(2, str(tmp_path / "file" / "metrics"))
    assert values(page, "care_job_rows_total")['job="remind",result="done"'] == 2
