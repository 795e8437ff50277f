"""The transport keeps only the id of a bell of each message."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chatsite.celery_transport import NotABell, bell_of

ID = "00000000-0000-0000-0000-000000000007.1"
QUEUE = "generate.scripted"
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(max_size=12), inner, max_size=4)
    ),
    max_leaves=12,
)


def message(**headers: Any) -> dict[str, Any]:
    return {"headers": {"task": "chatsite.generate", "id": ID, **headers}}


def bell(bell_id: str = ID) -> dict[str, Any]:
    made = bell_of(message(id=bell_id), QUEUE)
    made["properties"].pop("delivery_tag")
    return made


def test_a_bell_carries_its_id_and_nothing_else() -> None:
    assert json.loads(base64.b64decode(bell()["body"]))[:2] == [[], {}]
    assert bell(f"{ID[:36]}.again.0a1b2c3d")["headers"]["id"].endswith("0a1b2c3d")


# On a busy machine it takes long to make the first examples.
@settings(suppress_health_check=[HealthCheck.too_slow])
@given(JSON, st.dictionaries(st.text(max_size=12), JSON, max_size=6))
def test_other_parts_of_a_message_are_dropped(body: Any, said: dict[str, Any]) -> None:
    raw = message(**{**said, "task": "chatsite.generate", "id": ID})
    raw |= {"body": body, "properties": said, "content-type": "application/x-pickle"}
    made = bell_of(raw, QUEUE)
    made["properties"].pop("delivery_tag")
    assert made == bell()


@given(JSON)
def test_other_messages_are_refused(raw: Any) -> None:
    with pytest.raises(NotABell):
        bell_of(raw, QUEUE)


@pytest.mark.parametrize(
    ("name", "bell_id"),
    [
        ("os.system", ID),
        ("celery.chain", ID),
        ("chatsite.generate", "x" * 100),
        ("chatsite.generate", f"{ID}\n"),
        ("chatsite.generate", f"{ID} and the text of a prompt"),
        ("chatsite.generate", ""),
        ("chatsite.generate", None),
        ("chatsite.generate", {"a": 1}),
        (["chatsite.generate"], ID),
    ],
)
def test_other_tasks_and_malformed_ids_are_refused(name: Any, bell_id: Any) -> None:
    with pytest.raises(NotABell):
        bell_of(message(task=name, id=bell_id), QUEUE)
