from __future__ import annotations

import io

from flask.testing import FlaskClient

from care.domain.cohort_sheet import COLUMNS, read_sheet
from care.records.cohort_files import CohortFile
from care.records.patients import Patient
from tests.dashboard.ward import Ward
from tests.services.test_cohort_files import sheet


def bring(client: FlaskClient, source: bytes) -> str:
    answer = client.post("/enrol/file", data={"file": (io.BytesIO(source), "patients.csv")})
    assert answer.status_code == 303, answer.text
    return str(answer.headers["Location"])


def hash_of(ward: Ward) -> str:
    return str(max(ward.world.all(CohortFile), key=lambda one: one.id).sha256)


def test_the_template_is_the_header_and_nothing_else(nurse: FlaskClient):
    answer = nurse.get("/enrol/file/template.csv")
    assert answer.data.decode("utf-8-sig").strip() == ",".join(COLUMNS)
    assert "attachment" in answer.headers["Content-Disposition"]
    page = nurse.get("/enrol/file").text
    assert all(f"<code>{name}</code>" in page for name in COLUMNS)


def test_a_good_file_is_looked_at_and_then_enrolled_once(nurse: FlaskClient, ward: Ward):
    before = len(ward.world.all(Patient))
    there = bring(nurse, sheet({}, {}))
    page = nurse.get(there).text
    assert "Enrol all 2 patients" in page
    assert len(ward.world.all(Patient)) == before, "looking enrols nobody"
    for _ in range(2):
        answer = nurse.post(f"{there}/import", data={"sha256": hash_of(ward)}, follow_redirects=True)
        assert "2 patients were enrolled from this file" in answer.text
    assert len(ward.world.all(Patient)) == before + 2


def test_what_is_wrong_is_told_by_cell_and_comes_as_a_file_to_mend(nurse: FlaskClient, ward: Ward):
    there = bring(nurse, sheet({}, {"birth_date": "6/6/1966", "name": "=HYPERLINK(1)"}, {"language": "English"}))
    page = nurse.get(there).text
    assert "Other ways of writing it are not guessed" in page
    assert page.count('class="bad"') == 4
    assert "Enrol all" not in page
    found = nurse.get(f"{there}/errors.csv").data
    text = found.decode("utf-8-sig")
    assert "'=HYPERLINK(1)" in text
    assert "'+1202555" in text
    assert text.count("\r\n") == 3
    again = read_sheet(found)
    assert [line.cells["name"] for line in again.lines] == ["=HYPERLINK(1)", "Demo 3"]
    assert again.lines[0].cells["address"] == "+12025550002"
    assert nurse.post(f"{there}/import", data={"sha256": hash_of(ward)}).status_code == 409


def test_a_file_that_is_none_is_refused_in_words(nurse: FlaskClient):
    for source, words in (
        (b"\x00\x01", "UTF-8 or GB18030"),
        (b"a,b\n1,2", "Begin with the template"),
        (b"", "template"),
    ):
        answer = nurse.post("/enrol/file", data={"file": (io.BytesIO(source), "x.csv")})
        assert answer.status_code == 422
        assert words in answer.text
    assert nurse.post("/enrol/file", data={}).status_code == 422
    large = nurse.post("/enrol/file", data={"file": (io.BytesIO(b"x" * (1024 * 1024 + 1)), "x.csv")})
    assert large.status_code in (413, 422)


def test_somebody_elses_file_is_not_there(nurse: FlaskClient, stranger: FlaskClient, ward: Ward):
    there = bring(nurse, sheet({}))
    assert stranger.get(there).status_code == 404
    assert stranger.get(f"{there}/errors.csv").status_code == 404
    assert stranger.post(f"{there}/import", data={"sha256": hash_of(ward)}).status_code == 404
