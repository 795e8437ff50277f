"""Sites and workers of two releases read each other's messages."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from chatsite import wire
from chatsite.mailbox import EndedReply, Mailbox
from chatsite.mailbox.results import reply_from

TRACEPARENT = f"00-{'a' * 32}-{'b' * 16}-01"
REQUEST = wire.Request(
    (wire.Turn(wire.Role.USER, "hi"),), wire.SamplingParams(top_k=3), 60
)


def changed(text: str, **keys: Any) -> str:
    """The same JSON object with other or further keys."""
    return json.dumps({**json.loads(text), **keys})


def test_a_request_is_read_as_it_was_written() -> None:
    assert wire.Request.from_json(REQUEST.to_json()) == REQUEST


def test_settings_of_another_release_are_ignored() -> None:
    read = wire.SamplingParams.from_dict({"top_k": 3, "stop": ["x"], "mirostat": 2})
    assert read == wire.SamplingParams(top_k=3, stop=("x",))


def test_only_settings_that_were_changed_are_written() -> None:
    assert json.loads(REQUEST.to_json())["settings"] == {"top_k": 3}


def test_what_only_calls_of_an_api_set_is_read_as_it_was_written() -> None:
    settings = wire.SamplingParams(
        min_p=0.1,
        presence_penalty=-2,
        frequency_penalty=0.5,
        logit_bias={7: -100, 50_256: 1.5},
        logprobs=0,
    )
    request = replace(REQUEST, settings=settings)
    assert wire.Request.from_json(request.to_json()) == request


def test_flags_are_written_only_where_they_are_true() -> None:
    assert not {*json.loads(REQUEST.to_json())} & {*wire.REQUEST_FLAGS}
    for name in wire.REQUEST_FLAGS:
        request = replace(REQUEST, **{name: True})
        assert wire.Request.from_json(request.to_json()) == request


def test_unknown_keys_of_a_request_are_ignored() -> None:
    raw = json.loads(REQUEST.to_json())
    raw["settings"]["mirostat"] = 2
    raw["turns"][0]["pictures"] = []
    assert wire.Request.from_json(changed(json.dumps(raw), tools=[])) == REQUEST


@pytest.mark.parametrize(("version", "is_read"), [(5, False), (6, True), (7, True)])
def test_the_version_before_the_current_one_is_read(
    monkeypatch: pytest.MonkeyPatch, version: int, *, is_read: bool
) -> None:
    monkeypatch.setattr("chatsite.wire.names.VERSION", 7)
    text = changed(REQUEST.to_json(), version=version)
    if is_read:
        assert wire.Request.from_json(text).turns == REQUEST.turns
    else:
        with pytest.raises(ValueError, match="version 5"):
            wire.Request.from_json(text)


def test_a_request_of_a_newer_version_is_refused() -> None:
    text = changed(REQUEST.to_json(), version=wire.VERSION + 1)
    with pytest.raises(ValueError, match="version"):
        wire.Request.from_json(text)


@pytest.mark.parametrize(
    "changes",
    [
        *({"settings": value} for value in ([], [1], 5, "top_k", None, True)),
        *({"settings": {"stop": value}} for value in ("END", 5, {"a": 1}, None)),
        *({"settings": {"logit_bias": value}} for value in ([], 5, {"a": 1}, None)),
        *({"turns": value} for value in ({}, "", 5, None, ["hi"], [[]], [{}])),
        *({"turns": [{"role": role, "text": "hi"}]} for role in ("tool", 5, [])),
        *({"turns": [{"role": "user", "text": text}]} for text in (5, None, ["hi"])),
        *({"max_seconds": value} for value in ("60", [60], None, True)),
        *({"dropped_turns": value} for value in ("1", 1.5, None, True)),
        *({"is_raw": value} for value in (1, "true", None)),
        *({"version": value} for value in ("1", [1], None, True)),
    ],
    ids=str,
)
def test_a_request_with_a_part_of_a_wrong_type_is_refused(
    changes: dict[str, Any],
) -> None:
    with pytest.raises((TypeError, ValueError, KeyError)):
        wire.Request.from_json(changed(REQUEST.to_json(), **changes))


@pytest.mark.parametrize("text", ["", "[]", "5", '"hi"', "null", "{}", "{not json"])
def test_what_is_no_request_is_refused(text: str) -> None:
    with pytest.raises((TypeError, ValueError, KeyError)):
        wire.Request.from_json(text)


def test_unknown_keys_of_an_announcement_are_ignored() -> None:
    said = wire.Announcement("w", "m", "M", wire.Stage.READY, rows=2)
    newer = changed(said.to_json(), batteries=3, version=wire.VERSION + 1)
    read = wire.Announcement.from_json(newer)
    assert (read.worker, read.rows, read.stage) == ("w", 2, wire.Stage.READY)


def test_an_outcome_of_a_newer_worker_counts_as_a_failure(box: Mailbox) -> None:
    assert reply_from(["ended", "1", "paused"]) == EndedReply(1, wire.Outcome.FAILED)
    box.enqueue("a", 1, owner="ann", share="ann", model="m", request=REQUEST, cost=1.0)
    claim = box.claim("m", "worker", 60)
    assert claim is not None
    box.connection.run("finish", "a", claim.token, 0, "text", 1, "paused", "{}", 1)
    ending = box.finished_reply("a")
    assert ending is not None
    assert (ending.outcome, ending.text) == (wire.Outcome.FAILED, "text")


def test_a_request_carries_its_id_only_if_it_has_one() -> None:
    assert "request_id" not in REQUEST.to_json()
    named = replace(REQUEST, request_id="abc-1", traceparent=TRACEPARENT)
    assert wire.Request.from_json(named.to_json()) == named


def test_an_id_that_could_forge_a_log_line_is_dropped() -> None:
    text = changed(REQUEST.to_json(), request_id="a\nb", traceparent="no trace")
    assert wire.Request.from_json(text) == REQUEST
