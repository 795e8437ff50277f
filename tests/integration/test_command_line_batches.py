"""``chatsite batch`` against a whole site."""

from __future__ import annotations

import json
from pathlib import Path

from tests.integration.command_line import SLOW, CommandLine
from worker.engine.script import expected_reply


def line_of(number: int, text: str) -> str:
    messages = [{"role": "user", "content": text}] if text else []
    return json.dumps(
        {
            "custom_id": f"line-{number}",
            "method": "POST",
            "url": "/v1/chat/completions",
            "body": {"model": "scripted", "messages": messages},
        }
    )


def test_a_batch_is_answered(chatsite: CommandLine, tmp_path: Path) -> None:
    path, out = tmp_path / "calls.jsonl", tmp_path / "answers.jsonl"
    path.write_text("\n".join(line_of(n, f"call {n}") for n in range(3)))
    assert chatsite("batch", str(path), "-o", str(out)) == ""
    answers = {
        answer["custom_id"]: answer["response"]["body"]["choices"][0]["message"]
        for answer in map(json.loads, out.read_text().splitlines())
    }
    assert {name: one["content"] for name, one in answers.items()} == {
        f"line-{n}": expected_reply(f"call {n}") for n in range(3)
    }
    path.write_text("\n".join([line_of(0, "call"), line_of(1, "")]))
    said = chatsite("batch", str(path), code=1)
    assert "1 of 2 answered, 1 failed" in said


def test_a_batch_is_looked_after(chatsite: CommandLine, tmp_path: Path) -> None:
    path = tmp_path / "calls.jsonl"
    path.write_text("\n".join(line_of(n, f"call {n} {SLOW}") for n in range(2)))
    pk = chatsite("batch", "--detach", str(path)).strip()
    assert json.loads(chatsite("batch", "status", pk, "--json"))["id"] == pk
    assert "cancel" in chatsite("batch", "cancel", pk)
    assert "cancelled, 0 of 2 answered" in chatsite("batch", "results", pk, code=1)
    path.write_text("no JSON")
    assert '"custom_id"' in chatsite("batch", str(path), code=2)
    path.write_text(line_of(0, "one") + "\nno JSON")
    assert "line 2" in chatsite("batch", str(path), code=1)
