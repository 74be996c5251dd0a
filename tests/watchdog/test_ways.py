"""The ways by which an alarm reaches a person, and the settings that name them."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from pydantic import ValidationError

from tests.bots.stub_provider import Answer, provider
from watchdog.settings import WatchdogSettings
from watchdog.ways import Command, Screen, Text, tell, ways

NOWHERE = "postgresql+psycopg://nobody@127.0.0.1:1/none"
ACCOUNT = {"twilio_account_sid": "AC" + "7" * 32, "twilio_auth_token": "t" * 32, "twilio_sender": "+15550007777"}


def settings(**other: object) -> WatchdogSettings:
    return WatchdogSettings(database_url=NOWHERE, **other)  # type: ignore[arg-type]


def texting(url: str) -> WatchdogSettings:
    return settings(to="+15550001111, +15550002222", twilio_base_url=url, **ACCOUNT)


def test_every_number_is_texted_by_the_watchdogs_own_account_without_asking_for_receipts():
    with provider() as twilio:
        assert Text(texting(twilio.url)).tell("Care watchdog. ALARM x: y.")
    assert [one["fields"] for one in twilio.asked] == [
        {"To": number, "Body": "Care watchdog. ALARM x: y.", "From": "+15550007777"}
        for number in ("+15550001111", "+15550002222")
    ]
    assert all(ACCOUNT["twilio_account_sid"] in one["path"] for one in twilio.asked)


def test_one_number_that_takes_it_is_enough_and_none_is_not():
    refused = Answer(400, {"code": 21211, "message": "no such number", "status": 400})
    with provider(refused, Answer()) as twilio:
        assert Text(texting(twilio.url)).tell("x")
    with provider(refused) as twilio:
        assert not Text(texting(twilio.url)).tell("x")


def test_a_command_gets_the_text_on_its_standard_input(tmp_path: Path):
    line = f"{sys.executable} -c \"import sys; open(sys.argv[1], 'w').write(sys.stdin.read())\" {tmp_path / 'told'}"
    assert Command(line).tell("no sign of life")
    assert (tmp_path / "told").read_text() == "no sign of life\n"
    assert not Command(f"{sys.executable} -c 'raise SystemExit(3)'").tell("x")
    assert not tell([Command("/no/such/program")], "x")


def test_in_development_there_is_the_screen_and_in_production_nobody_is_nobody():
    assert [way.name for way in ways(settings(environment="development"))] == ["screen"]
    assert ways(settings(environment="production")) == []
    both = settings(environment="development", to="+15550001111", command="true", **ACCOUNT)
    assert [way.name for way in ways(both)] == ["sms", "command"]


def test_the_screen_shows_it(capsys: pytest.CaptureFixture[str]):
    assert Screen().tell("no sign of life")
    assert capsys.readouterr().out == "[watchdog] no sign of life\n"


@pytest.mark.parametrize("half", [{"to": "+15550001111"}, ACCOUNT, {"to": "+1555", **ACCOUNT, "twilio_sender": ""}])
def test_half_of_an_account_is_refused_rather_than_silent(half: dict[str, str]):
    with pytest.raises(ValidationError, match="belong together"):
        settings(**half)


def test_the_settings_are_the_watchdogs_own_and_the_address_may_be_the_others(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("DATABASE_URL", "postgres://care@db/care")
    monkeypatch.setenv("TWILIO_ACCOUNT_SID", "AC" + "1" * 32)
    monkeypatch.setenv("CARE_ENVIRONMENT", "development")
    monkeypatch.setenv("WATCHDOG_REPEAT", "60")
    monkeypatch.setenv("WATCHDOG_DATABASE_URL", "")
    found = WatchdogSettings()
    assert (found.database_url.get_secret_value(), found.repeat) == ("postgresql://care@db/care", 60)
    assert (found.twilio_account_sid, found.environment) == ("", "development")
    monkeypatch.setenv("WATCHDOG_DATABASE_URL", "postgresql+psycopg://eye@db/care")
    assert WatchdogSettings().database_url.get_secret_value() == "postgresql://eye@db/care"
