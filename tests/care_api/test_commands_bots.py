"""`flask bots parse` and `flask bots screen`: a line out for every line in, whatever the line is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from care_api.commands.bots import bots_group

LINES = (
    '{"id": 1, "type": "quantity", "language": "zh-Hans", "text": "一米七五"}',
    '{"id": 2, "type": "date", "language": "en", "text": "3 days ago", "reference": "2026-11-20T12:00:00"}',
    '{"id": 3, "type": "choice", "language": "en", "text": "grean", "options": ["Red", "Green"]}',
    '{"id": 4, "type": "decimal", "language": "en", "text": "between 3 and 4"}',
    '{"id": 5, "type": "boolean", "language": "yue", "text": "冇"}',
    '{"id": 6, "type": "attachment", "language": "en", "text": "here"}',
    "no json",
    "[" * 10_000,
    '{"id": 7, "type": "integer", "text": "\\ud800"}',
    "",
    '{"id": 8, "type": "integer", "text": 5}',
)


SCREENED = {
    '{"id": 1, "text": "血止不住", "language": "zh-Hans"}': ("red_flag", "red.bleeding"),
    '{"id": "\\ud800", "text": "I want to die", "language": "en"}': ("crisis", "crisis.suicide"),
    '{"id": 3, "text": "ＳＴＯＰ"}': ("stop", "command.stop"),
    '{"id": 4, "text": "开始"}': ("start", "command.start"),
    '{"id": 5, "text": "幫助"}': ("help", "command.help"),
    '{"id": 6, "text": "人工"}': ("human", "command.human"),
    '{"id": 7, "text": "38.5 \\ud800"}': ("none", ""),
    '{"id": 8, "text": 38.5}': ("human", "unreadable-line"),
    "no json": ("human", "unreadable-line"),
    "[]": ("human", "unreadable-line"),
    "[" * 10_000: ("human", "unreadable-line"),
}


def parsed(data: bytes, tmp_path: Path, command: str = "parse") -> list[dict[str, Any]]:
    path = tmp_path / "lines.jsonl"
    path.write_bytes(data)
    result = CliRunner().invoke(bots_group, [command, "--jsonl", str(path)])
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.output.splitlines()]


def test_every_line_is_answered_in_its_order(tmp_path: Path) -> None:
    told = parsed("\n".join(LINES).encode(), tmp_path)
    assert [line["id"] for line in told] == [1, 2, 3, 4, 5, 6, None, None, 7, 8]
    assert [line["status"] for line in told] == [
        *("value", "value", "value", "ask", "value", "human", "human", "human", "human", "human")
    ]
    assert [line["value"] for line in told[:5]] == [1.75, "2026-11-17", "Green", None, False]
    assert (told[0]["unit"], told[3]["reason"]) == ("m", "several")


def test_bytes_that_are_no_text_do_no_harm(tmp_path: Path) -> None:
    told = parsed(b'\xef\xbb\xbf{"id": 1, "type": "integer", "text": "7\xff"}\n\xff\xfe\x00\n', tmp_path)
    assert [line["status"] for line in told] == ["ask", "human"]


def test_a_file_that_is_not_there_is_a_wrong_call() -> None:
    assert CliRunner().invoke(bots_group, ["parse", "--jsonl", "/nowhere/lines"]).exit_code == 2


def test_every_line_is_screened_in_its_order(tmp_path: Path) -> None:
    told = parsed("\n".join(SCREENED).encode(), tmp_path, "screen")
    assert [(line["verdict"], line["matched"]) for line in told] == list(SCREENED.values())
    assert [line["id"] for line in told] == [1, "\ud800", 3, 4, 5, 6, 7, 8, None, None, None]
