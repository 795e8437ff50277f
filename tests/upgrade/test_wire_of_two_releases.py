"""Each release reads what the other one writes, as far as it knows it."""

from __future__ import annotations

import sys
from dataclasses import replace
from importlib.util import module_from_spec, spec_from_file_location
from typing import Any

import pytest

from chatsite import wire
from tests.upgrade.earlier import earlier_release

REQUEST = wire.Request(
    (wire.Turn(wire.Role.USER, "hi"),), wire.SamplingParams(top_k=3, stop=("x",)), 60
)


@pytest.fixture(scope="module")
def earlier() -> Any:
    """The module ``wire`` of the earlier release."""
    path = earlier_release() / "chatsite" / "wire.py"
    spec = spec_from_file_location("earlier_wire", path)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules["earlier_wire"] = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("is_raw", [True, False])
def test_the_earlier_release_reads_a_request(earlier: Any, *, is_raw: bool) -> None:
    read = earlier.Request.from_json(replace(REQUEST, is_raw=is_raw).to_json())
    assert (read.turns[0].text, read.max_seconds) == ("hi", 60)
    assert (read.settings.top_k, read.settings.stop) == (3, ("x",))


def test_it_ignores_where_a_request_comes_from(earlier: Any) -> None:
    traceparent = f"00-{'a' * 32}-{'b' * 16}-01"
    named = replace(REQUEST, request_id="abc-1", traceparent=traceparent)
    assert earlier.Request.from_json(named.to_json()).turns[0].text == "hi"


def test_it_refuses_settings_that_it_does_not_have(earlier: Any) -> None:
    request = replace(REQUEST, settings=wire.SamplingParams(min_p=0.1))
    with pytest.raises(TypeError, match="min_p"):
        earlier.Request.from_json(request.to_json())


def test_this_release_reads_a_request_of_the_earlier_one(earlier: Any) -> None:
    turns = (earlier.Turn(earlier.Role.USER, "hi"),)
    settings = earlier.Settings(top_k=3, stop=("x",))
    written = earlier.Request(turns, settings, 60).to_json()
    assert wire.Request.from_json(written) == REQUEST


def test_announcements_are_read_both_ways(earlier: Any) -> None:
    said = wire.Announcement("w", "m", "M", wire.Stage.READY, rows=2)
    newer = replace(said, context_tokens=1024, vocabulary=50_257)
    read = earlier.Announcement.from_json(newer.to_json())
    assert (read.worker, read.rows) == ("w", 2)
    old = earlier.Announcement("w", "m", "M", earlier.Stage.READY, rows=2)
    assert wire.Announcement.from_json(old.to_json()) == said
