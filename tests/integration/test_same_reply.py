"""With the same seed a call writes the words that the page writes."""

from __future__ import annotations

import json

import pytest
from django.test import Client

from chat.accounts.api_keys import make_key
from chat.models import User
from chat.services.messages import send_message
from chatsite import wire
from chatsite.mailbox import Mailbox
from tests.worker.conftest import (  # noqa: F401
    gpt2,
    gpt2_folder,
    llama,
    llama_folder,
    load,
)
from tests.worker.recording_listener import RecordingListener
from tests.worker.tiny_models import entry_for
from worker.engine.engine import TransformersEngine
from worker.engine.interface import Engine

pytestmark = pytest.mark.django_db(transaction=True)
ASKED = {"temperature": 1.0, "top_k": 40, "seed": 11}
TEXT = "What do bees make?"


def written(engine: Engine, box: Mailbox) -> tuple[str, int, int]:
    """What the engine writes for the first in the queue, and both numbers of tokens."""
    claim = box.claim("scripted", "w", 60)
    assert claim is not None
    listener = RecordingListener()
    engine.submit(wire.Request.from_json(claim.request), listener)
    ending = listener.ending()
    assert ending.outcome is wire.Outcome.DONE
    return listener.text, ending.prompt_tokens, ending.new_tokens


@pytest.mark.parametrize("model", ["gpt2", "llama"])
def test_the_page_and_a_call_get_the_same_words(
    model: str, box: Mailbox, request: pytest.FixtureRequest
) -> None:
    engine = TransformersEngine(request.getfixturevalue(model), entry_for(), rows=2)
    request.addfinalizer(lambda: engine.close(0))
    owner = User.objects.create_user("writer", None)
    owner.settings = {**ASKED, "max_new_tokens": 24}
    owner.instructions = "Be brief."
    owner.save()
    send_message(owner, TEXT, "once")
    of_page = written(engine, box)
    _, secret = make_key(owner, "a program")
    for fields, is_same in (({}, True), ({"seed": 12}, False)):
        messages = [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": TEXT},
        ]
        body = {
            "model": "scripted",
            "messages": messages,
            "max_tokens": 24,
            "stream": True,
            **ASKED,
            **fields,
        }
        answer = Client().post(
            "/v1/chat/completions",
            json.dumps(body),
            content_type="application/json",
            headers={"Authorization": f"Bearer {secret}"},
        )
        of_call = written(engine, box)
        answer.close()
        assert (of_call == of_page) is is_same
