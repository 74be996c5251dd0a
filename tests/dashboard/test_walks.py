"""Walking a questionnaire by its page, step by step, as a browser without scripts does."""

from __future__ import annotations

import io
import re
from html import unescape
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select

from care.records.communications import Communication
from tests.dashboard.brought import asked, file
from tests.dashboard.ward import Ward


class Walked:
    """One walk: the page as it is, and what can be done on it."""

    def __init__(self, client: FlaskClient, source: bytes) -> None:
        brought = client.post(
            "/questionnaires/import",
            data={"file": (io.BytesIO(source), "form.json")},
            content_type="multipart/form-data",
        )
        self.client, self.path = client, f"{brought.headers['Location']}/walk"
        self.page = client.get(self.path).text

    @property
    def state(self) -> str:
        found = re.search(r'name="walk" value="([^"]+)"', self.page)
        assert found
        return unescape(found[1])

    def step(self, act: str, part: bool = False, **fields: Any) -> Any:
        shown = {"p": re.findall(r'name="p" value="([^"]*)"', self.page)} if act not in ("tell", "speak") else {}
        counts = dict(re.findall(r'name="(c\.[^"]+)" value="(\d+)"', self.page)) if shown else {}
        headers = {"X-Part": "walk"} if part else {}
        data = {"walk": self.state, "act": act, **shown, **counts, **fields}
        answer = self.client.post(self.path, data=data, headers=headers)
        if answer.status_code == 200:
            self.page = answer.text
        return answer


@pytest.fixture
def walk(admin: FlaskClient, ward: Ward) -> Walked:
    return Walked(admin, file())


def checked(page: str, name: str) -> list[str]:
    return [unescape(value) for value in re.findall(rf'name="a\.{name}"[^>]* value="([^"]*)" checked', page)]


def test_a_text_is_answered_and_the_form_shows_it(walk: Walked):
    assert "How is your pain today?" in walk.page
    walk.step("tell", text="4")
    assert checked(walk.page, "pain") == ["urn:hospital:pain|severe"]
    assert "Where does it hurt most?" in walk.page
    assert "QuestionnaireResponse" in walk.page


def test_a_filled_in_form_goes_on_in_the_chat(walk: Walked):
    fields = {"a.pain": "urn:hospital:pain|none", "a.fever": "false"}
    walk.step("fill", **fields)
    assert "answered in the form" in walk.page
    walk.step("send", **fields)
    assert "complete" in walk.page
    assert "&#34;status&#34;: &#34;completed&#34;" in walk.page


def test_a_form_that_is_sent_too_early_says_what_is_missing(walk: Walked):
    walk.step("send", **{"a.pain": "urn:hospital:pain|none"})
    assert "1 answer needs another look" in walk.page
    assert "needs an answer" in walk.page


def test_what_was_typed_wrongly_stays_to_be_mended(walk: Walked):
    walk.step("fill", **{"a.pain": "urn:hospital:pain|none", "a.fever": "true"})
    walk.step("fill", **{"a.pain": "urn:hospital:pain|none", "a.fever": "true", "a.temperature": "386"})
    assert 'value="386"' in walk.page
    assert "another look" in walk.page
    walk.step("tell", text="help")
    assert 'value="386"' not in walk.page, "it never was an answer"


def test_only_the_two_faces_are_sent_to_the_script(walk: Walked):
    assert "<html" in walk.step("tell", text="2").text
    assert "<html" not in walk.step("tell", part=True, text="no").text


def test_the_language_is_changed(walk: Walked):
    walk.step("speak", language="zh-Hans")
    assert "您今天痛得怎么样" in walk.page
    walk.step("speak", language="tlh")
    assert "您今天痛得怎么样" in walk.page


def test_a_reader_of_a_language_that_it_is_not_translated_into_is_seen_too(walk: Walked):
    assert "繁體中文 (not translated)" in walk.page
    walk.step("speak", language="zh-Hant")
    assert "How is your pain today?" in walk.page
    assert "請" in walk.page


def test_a_chinese_form_that_says_no_language_is_walked_in_chinese(admin: FlaskClient, ward: Ward):
    item = {"linkId": "a", "type": "boolean", "text": "您今天发烧了吗？"}
    walk = Walked(admin, file(language=None, title="每日检查", item=[item]))
    assert '<option value="zh-Hans" lang="zh-Hans" selected>' in walk.page


def test_a_group_that_repeats_grows_and_shrinks(admin: FlaskClient, ward: Ward):
    dose = asked("drug", "group", "Medicine", "药", repeats=True, item=[asked("name", "string", "Which?", "哪种？")])
    walk = Walked(admin, file(item=[dose]))
    walk.step("fill", **{"a.name%1F0": "Aspirin"})
    walk.step("add:drug", **{"a.name%1F0": "Aspirin"})
    walk.step("fill", **{"a.name%1F0": "Aspirin", "a.name%1F1": "Insulin"})
    assert "Insulin" in walk.page
    walk.step("remove:drug:0", **{"a.name%1F0": "Aspirin", "a.name%1F1": "Insulin"})
    assert 'value="Insulin"' in walk.page
    assert 'value="Aspirin"' not in walk.page


@pytest.mark.parametrize("state", ["", "made up", "e30.AAAA", None])
def test_a_walk_that_we_did_not_write_is_refused(walk: Walked, state: str | None):
    mine = walk.state
    forged = state if state is not None else mine[:-4] + "AAAA"
    answer = walk.client.post(walk.path, data={"walk": forged, "act": "tell", "text": "1"})
    assert answer.status_code == 422


def test_a_walk_of_another_form_is_refused(walk: Walked, admin: FlaskClient):
    other = Walked(admin, file(version="2"))
    answer = admin.post(other.path, data={"walk": walk.state, "act": "tell", "text": "1"})
    assert answer.status_code == 422


@pytest.mark.parametrize(
    "fields",
    [
        {"p": "nowhere"},
        {"c.pain": "99999"},
        {"act": "remove:wound:9"},
        {"act": "remove:::"},
        {"act": "add:nowhere"},
        {"act": "add:pain", "p": "pain", "a.pain": "urn:hospital:pain|none"},
        {"p": "pain", "a.pain": "made up"},
        {"p": "temperature", "a.temperature": "9" * 400},
        {"p": "more", "a.more": "\x00"},
        {"act": "nonsense"},
    ],
)
def test_a_form_that_no_page_of_ours_would_send_breaks_nothing(walk: Walked, fields: dict[str, str]):
    answer = walk.client.post(walk.path, data={"walk": walk.state, "act": "fill", **fields})
    assert answer.status_code in (200, 422)


def test_the_score_of_the_answers_is_shown_with_what_it_means(admin: FlaskClient, ward: Ward):
    listed = admin.get("/questionnaires").text
    found = re.search(r'href="(/questionnaires/[0-9a-f-]{36})"><strong>[^<]*PHQ-2', listed)
    assert found
    assert "Scored as" in admin.get(found[1]).text
    path, page = f"{found[1]}/walk", admin.get(f"{found[1]}/walk").text
    for _ in range(2):
        state = re.search(r'name="walk" value="([^"]+)"', page)
        assert state
        page = admin.post(path, data={"walk": unescape(state[1]), "act": "tell", "text": "4"}).text
    assert re.search(r"<strong[^>]*>6</strong> <span[^>]*>of 0 to 6", page)
    assert "at or above the cut" in page


def test_nothing_leaves_and_nothing_is_kept(walk: Walked, ward: Ward):
    kept = select(func.count(Communication.id))
    before = ward.world.session.scalars(kept).one()
    walk.step("tell", text="chest pain")
    assert "an alert is raised at once" in walk.page
    assert ward.world.session.scalars(kept).one() == before
