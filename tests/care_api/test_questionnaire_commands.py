"""`flask questionnaires`: what is said of a file, whatever it holds; a walk on both faces; a response; an import."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from flask import Flask
from flask.testing import FlaskCliRunner
from sqlalchemy.orm import Session

from care.records.questionnaire_drafts import QuestionnaireDraft
from care_api.embedded import needs_no_tables

SDC = "http://hl7.org/fhir/uv/sdc/StructureDefinition/sdc-questionnaire-"
CORE = "http://hl7.org/fhir/StructureDefinition/"
YES_NO = "http://hl7.org/fhir/ValueSet/yesnodontknow"


@pytest.fixture
def run(app: Flask) -> FlaskCliRunner:
    return app.test_cli_runner()


def lines(result: Result) -> list[dict[str, Any]]:
    """The lines of --json."""
    assert result.exception is None or isinstance(result.exception, SystemExit), result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


def form(*items: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"resourceType": "Questionnaire", "status": "active", **more, "item": list(items)}


def item(name: str = "a", **more: Any) -> dict[str, Any]:
    return {"linkId": name, "type": "string", "text": f"Question {name}?", **more}


def extension(url: str, **value: Any) -> dict[str, Any]:
    return {"extension": [{"url": url, **value}]}


def expression(name: str, text: str, language: str = "text/fhirpath") -> dict[str, Any]:
    return extension(SDC + name, valueExpression={"language": language, "expression": text})


def nested(levels: int) -> dict[str, Any]:
    inner = item("0")
    for level in range(1, levels):
        inner = {"linkId": str(level), "type": "group", "item": [inner]}
    return inner


def cycle() -> dict[str, Any]:
    pairs = (("a", "b"), ("b", "a"))
    return form(
        *(item(one, enableWhen=[{"question": two, "operator": "exists", "answerBoolean": True}]) for one, two in pairs)
    )


SAID: list[tuple[str, Any, str, str | None]] = [
    ("a plain form", form(item()), "runs", None),
    ("not UTF-8", b'{"resourceType": "\xff"}', "invalid", "not-utf-8"),
    ("nothing", b"", "invalid", "empty"),
    ("no JSON", b"{'a': 1}", "invalid", "not-json"),
    ("no number", b'{"a": NaN}', "invalid", "not-json"),
    ("a page", b"<html></html>", "invalid", "xml"),
    ("brackets without end", b"[" * 100_000, "refused", "too-deep"),
    ("a key twice", b'{"resourceType": "Questionnaire", "item": [], "item": []}', "invalid", "key-twice"),
    ("a list", b"[]", "invalid", "not-a-questionnaire"),
    ("a patient", {"resourceType": "Patient"}, "invalid", "not-a-questionnaire"),
    ("more than a megabyte", form(item(text="x" * 1_100_000)), "refused", "too-large"),
    ("a long text", form(item(text="x" * 900_000)), "runs", None),
    ("10,001 items", form(*(item(str(n), text="") for n in range(10_001))), "refused", "too-many-items"),
    ("20 levels", form(nested(20)), "runs", None),
    ("21 levels", form(nested(21)), "refused", "too-deep"),
    ("nothing to ask", form(), "invalid", "no-items"),
    ("a circle", cycle(), "invalid", "circular-enable-when"),
    ("twice the same", form(item(), item()), "invalid", "duplicate-link-id"),
    ("nothing to choose", form(item(type="choice")), "invalid", "choice-without-options"),
    ("FHIR's own set", form(item(type="choice", answerValueSet=YES_NO)), "runs", None),
    ("a set from elsewhere", form(item(type="choice", answerValueSet="http://x")), "refused", "value-set-not-at-hand"),
    ("a regex that backtracks", form(item(**extension(f"{CORE}regex", valueString="^(a+)+$"))), "runs", None),
    ("no regex", form(item(**extension(f"{CORE}regex", valueString="(a"))), "invalid", "unreadable-regex"),
    ("by nothing", form(item(**expression("calculatedExpression", "1 / 0"))), "runs", None),
    ("no expression", form(item(**expression("calculatedExpression", "1 +"))), "invalid", "unreadable-expression"),
    ("CQL", form(item(**expression("calculatedExpression", "Age", "text/cql"))), "refused", "cql"),
    ("another form inside", form(item(**extension(f"{SDC}subQuestionnaire", valueCanonical="x"))), "refused",
     "sub-questionnaire"),
    ("R5", form(item(type="coding", answerOption=[{"valueCoding": {"code": "x"}}])), "runs", None),
    ("STU3", form(item(type="choice", option=[{"valueString": "x"}])), "runs", None),
    ("in a bundle", {"resourceType": "Bundle", "entry": [{"resource": form(item())}]}, "runs", None),
    ("two of them", {"resourceType": "Bundle", "entry": [{"resource": form(item())}] * 2}, "refused",
     "several-questionnaires"),
    ("items that are none", {"resourceType": "Questionnaire", "item": 7}, "invalid", "malformed-item"),
]  # fmt: skip


def written(folder: Path, name: str, content: Any) -> str:
    path = folder / f"{name}.json"
    path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    return str(path)


@pytest.mark.parametrize(("content", "status", "reason"), [case[1:] for case in SAID], ids=[case[0] for case in SAID])
def test_a_file_runs_or_is_refused_by_name_and_never_breaks_the_check(
    run: FlaskCliRunner, tmp_path: Path, content: Any, status: str, reason: str | None
) -> None:
    result = run.invoke(args=["questionnaires", "check", written(tmp_path, "form", content), "--json"])
    told, totals = lines(result)
    assert (told["status"], told["reason"]) == (status, reason), told["message"]
    assert set(told) >= {"file", "status", "reason", "items", "unsupported"}
    assert (totals["files"], totals[status], totals["crashed"], result.exit_code) == (1, 1, 0, 0)


def test_a_folder_is_checked_whole_without_its_list_of_contents(run: FlaskCliRunner, tmp_path: Path) -> None:
    written(tmp_path, "index", {"questionnaires": []})
    written(tmp_path, "one", form(item()))
    written(tmp_path, "two", b"broken")
    *told, totals = lines(run.invoke(args=["questionnaires", "check", str(tmp_path), "--json"]))
    assert [(each["file"], each["status"]) for each in told] == [("one.json", "runs"), ("two.json", "invalid")]
    assert totals == {"files": 2, "runs": 1, "refused": 0, "invalid": 1, "crashed": 0, "passed_over": 1}
    assert "two.json" in run.invoke(args=["questionnaires", "check", str(tmp_path)]).stdout


def test_a_refusal_names_the_item_and_what_runs_tells_what_is_left_undone(run: FlaskCliRunner, tmp_path: Path) -> None:
    bad = written(tmp_path, "bad", form(item("q7", type="choice"), url="http://x"))
    assert lines(run.invoke(args=["questionnaires", "check", bad, "--json"]))[0]["link_id"] == "q7"
    filled = form(item(), **extension(f"{SDC}launchContext", valueCode="patient"))
    told = lines(run.invoke(args=["questionnaires", "check", written(tmp_path, "ok", filled), "--json"]))[0]
    assert (told["unsupported"], told["items"]) == (["population"], 1)


WALKED = form(
    item("smoker", type="boolean", required=True),
    item("a-day", type="integer", required=True, enableWhen=[
        {"question": "smoker", "operator": "=", "answerBoolean": True}]),
    {"linkId": "drug", "type": "group", "text": "Medicines", "repeats": True, "item": [
        item("name", required=True), item("since", type="date")]},
    item("mood", type="choice", repeats=True, answerOption=[{"valueString": each} for each in ("well", "so so")]),
    item("weight", type="quantity", **extension(f"{CORE}questionnaire-unit", valueCoding={"code": "kg"})),
    item("photo", type="attachment"),
)  # fmt: skip


@pytest.mark.parametrize("seed", range(6))
def test_a_walk_by_text_and_as_a_form_ends_with_the_same_valid_response(
    run: FlaskCliRunner, tmp_path: Path, seed: int
) -> None:
    path = written(tmp_path, "form", WALKED)
    by_text, by_form = (
        run.invoke(args=["questionnaires", "walk", path, "--channel", channel, "--seed", str(seed), "--json"])
        for channel in ("sms", "form")
    )
    told, other = lines(by_text)[-1], lines(by_form)[-1]
    assert told == other | {"response": other["response"] | {"authored": told["response"]["authored"]}}
    assert told["completed"]
    assert told["valid"]
    assert told["asked"] == told["answered"] + told["skipped"]
    assert (by_text.exit_code, by_form.exit_code) == (0, 0)
    again = run.invoke(args=["questionnaires", "walk", path, "--channel", "sms", "--seed", str(seed), "--json"])
    assert lines(again)[-1]["response"]["item"] == told["response"]["item"]


def test_expressions_that_never_end_do_not_hold_a_walk_up(run: FlaskCliRunner, tmp_path: Path) -> None:
    endless = "(1 | 2).repeat($this + 1).count() > 0"
    wide = "%resource.repeat(item).repeat(item).repeat(item).count() / 0"
    path = written(
        tmp_path,
        "endless",
        form(
            item("a", required=True),
            item("b", required=True, **expression("enableWhenExpression", endless)),
            item("c", type="integer", readOnly=True, **expression("calculatedExpression", wide)),
            item("d", **extension(f"{CORE}regex", valueString="^(([a-z])+.)+[A-Z]([a-z])+$")),
        ),
    )
    told = lines(run.invoke(args=["questionnaires", "walk", path, "--channel", "form", "--json"]))[-1]
    assert told["completed"]
    assert [each["linkId"] for each in told["response"]["item"]][:2] == ["a", "b"]  # doubt shows the question


def test_a_form_that_cannot_be_walked_to_its_end_says_where(run: FlaskCliRunner, tmp_path: Path) -> None:
    locked = form(item("code", required=True, **extension(f"{CORE}regex", valueString="a(?:b|c)d\\x{1F600}{9}")))
    result = run.invoke(
        args=["questionnaires", "walk", written(tmp_path, "locked", locked), "--channel", "sms", "--json"]
    )
    told = lines(result)[-1]
    assert (told["completed"], result.exit_code) == (False, 1)
    assert "code" in told["stuck"]


def test_a_response_is_held_against_its_questionnaire(run: FlaskCliRunner, tmp_path: Path) -> None:
    questionnaire = written(tmp_path, "form", form(item("a", type="integer", required=True), url="http://x"))
    response = {"resourceType": "QuestionnaireResponse", "status": "completed", "questionnaire": "http://x"}
    good = response | {"item": [{"linkId": "a", "answer": [{"valueInteger": 3}]}]}
    bad = response | {"item": [{"linkId": "a", "answer": [{"valueString": "three"}]}]}
    fine = run.invoke(args=["questionnaires", "validate", questionnaire, written(tmp_path, "good", good), "--json"])
    assert (lines(fine)[-1]["valid"], lines(fine)[-1]["errors"], fine.exit_code) == (True, [], 0)
    wrong = run.invoke(args=["questionnaires", "validate", questionnaire, written(tmp_path, "bad", bad), "--json"])
    told = lines(wrong)[-1]
    assert (told["valid"], wrong.exit_code) == (False, 1)
    assert {each["linkId"] for each in told["errors"]} == {"a"}
    assert all(each["code"] and each["message"] for each in told["errors"])
    broken = run.invoke(args=["questionnaires", "validate", questionnaire, written(tmp_path, "none", b"{"), "--json"])
    assert broken.exit_code == 2


def test_a_questionnaire_that_nobody_could_be_asked_may_still_judge_a_response(
    run: FlaskCliRunner, tmp_path: Path
) -> None:
    response = {"resourceType": "QuestionnaireResponse", "status": "completed", "item": [{"linkId": "a"}]}
    answers = written(tmp_path, "response", response)
    for document, code in (
        (form(item("a", type="choice")), None),
        (form(item("a"), item("a")), "duplicate-link-id"),
    ):
        questionnaire = written(tmp_path, "form", document)
        result = run.invoke(args=["questionnaires", "validate", questionnaire, answers, "--json"])
        told = lines(result)[-1]
        assert (told["valid"], result.exit_code) == (code is None, int(code is not None))
        assert [each["code"] for each in told["errors"]] == ([code] if code else [])


def test_an_import_keeps_a_draft_and_tells_what_to_look_at(
    run: FlaskCliRunner, tmp_path: Path, session: Session, clinic: Any
) -> None:
    many = [{"valueString": f"option {n}"} for n in range(12)]
    document = form(item("a", type="choice", answerOption=many), item("b", type="attachment"), url="http://x/f")
    result = run.invoke(args=["questionnaires", "import", written(tmp_path, "form", document), "--json"])
    told = lines(result)[-1]
    draft = session.get_one(QuestionnaireDraft, told["draft"])
    assert (draft.url, draft.status, draft.sha256) == ("http://x/f", "draft", told["sha256"])
    assert {each["linkId"]: each["remarks"] for each in told["sms"]["hard"]} == {
        "a": ["many-options"],
        "b": ["to-a-person"],
    }
    again = run.invoke(args=["questionnaires", "import", written(tmp_path, "form", document), "--json"])
    assert lines(again)[-1]["draft"] == told["draft"]


def test_an_import_refuses_with_every_reason(run: FlaskCliRunner, tmp_path: Path, clinic: Any) -> None:
    document = form(item("a", type="choice"), item("b", type="nonsense"))
    result = run.invoke(args=["questionnaires", "import", written(tmp_path, "form", document), "--json"])
    assert result.exit_code == 2
    assert "choice-without-options" in result.stderr or "'a'" in result.stderr
    assert "unknown-type" in result.stderr


@pytest.mark.parametrize(
    ("line", "without"),
    [
        ("questionnaires check x", True),
        ("--app wsgi questionnaires import x --json", False),
        ("questionnaires walk x --channel sms", True),
        ("questionnaires import --help", True),
        ("prepare", False),
        ("", True),
    ],
)
def test_only_an_import_needs_the_clinics_database(line: str, without: bool) -> None:
    assert needs_no_tables(line.split()) is without


def test_a_walk_keeps_the_rules_of_the_form_itself(run: FlaskCliRunner, tmp_path: Path) -> None:
    def rule(text: str) -> list[dict[str, Any]]:
        parts = [{"url": "key", "valueId": "k"}, {"url": "severity", "valueCode": "error"}]
        parts += [{"url": "expression", "valueString": text}, {"url": "human", "valueString": "The rule."}]
        return [{"url": f"{CORE}questionnaire-constraint", "extension": parts}]

    ruled = form(
        item("low", type="integer", required=True, extension=rule("answer.value > 6")),
        item("high", type="integer", required=True),
        extension=rule("item.where(linkId='low').answer.value < item.where(linkId='high').answer.value"),
    )
    path = written(tmp_path, "ruled", ruled)
    for seed in range(3):
        asked = ["questionnaires", "walk", path, "--seed", str(seed), "--json", "--channel"]
        by_text, by_form = (lines(run.invoke(args=[*asked, channel]))[-1] for channel in ("sms", "form"))
        assert by_text["completed"], (by_text, by_form)
        assert by_text["response"]["item"] == by_form["response"]["item"]
