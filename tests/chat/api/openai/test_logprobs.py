"""Log probabilities, in whole answers and in streams."""

from __future__ import annotations

import math

import pytest

from chatsite import wire
from chatsite.logprobs import TokenLogprobs
from chatsite.mailbox.results import Write

pytestmark = pytest.mark.django_db(transaction=True)

TOKENS = (
    TokenLogprobs(b"Honey", -0.5, ((b"Honey", -0.5), (b"Wax", -1.5))),
    TokenLogprobs("ü".encode()[:1], -1.0, ((b".", -0.25),)),
    TokenLogprobs("ü".encode()[1:], 0.0),
)
LINES = [token.to_line() for token in TOKENS]


@pytest.fixture
def answered(box, worker, meanwhile):
    """A worker that writes a token, is lost, and begins again."""

    def answer() -> None:
        claim = worker.claim()
        box.write([Write(claim.reply, claim.token, 0, "Honey", 1, LINES[0])], 60)
        box.hand_back(claim.reply, claim.token)
        again = worker.claim()
        ending = wire.Ending(wire.Outcome.DONE, prompt_tokens=5, new_tokens=3)
        box.finish(
            Write(again.reply, again.token, 0, "Honeyü", 3, "".join(LINES)), ending
        )

    return lambda: meanwhile(answer)


def test_a_whole_answer_tells_them(program, answered) -> None:
    answered()
    (choice,) = program.chat(logprobs=True, top_logprobs=2).json()["choices"]
    first, second, third = choice["logprobs"]["content"]
    assert (first["token"], first["bytes"]) == ("Honey", [*b"Honey"])
    assert [one["token"] for one in first["top_logprobs"]] == ["Honey", "Wax"]
    assert bytes([*second["bytes"], *third["bytes"]]).decode() == "ü"
    assert math.exp(third["logprob"]) == 1


def test_a_stream_tells_each_once(program, answered) -> None:
    answered()
    chunks = [*program.events(logprobs=True, top_logprobs=2)]
    told = [chunk["choices"][0]["logprobs"] for chunk in chunks]
    tokens = [token for one in told if one for token in one["content"]]
    assert [token["logprob"] for token in tokens] == [-0.5, -1.0, 0.0]
    assert told[0] is told[-1] is None


def test_a_completion_has_its_older_form(program, answered) -> None:
    answered()
    body = {"model": "scripted", "prompt": "Bees make", "logprobs": 2}
    (choice,) = program.post("completions", body).json()["choices"]
    told = choice["logprobs"]
    assert told["tokens"] == ["Honey", "\ufffd", "\ufffd"]
    assert told["token_logprobs"] == [-0.5, -1.0, 0.0]
    assert told["top_logprobs"][0] == {"Honey": -0.5, "Wax": -1.5}
    assert told["text_offset"][:2] == [0, 5]


@pytest.mark.parametrize(
    "fields", [{"top_logprobs": 2}, {"logprobs": True, "top_logprobs": 21}]
)
def test_what_asks_for_more_is_refused(program, fields) -> None:
    refused = program.chat(**fields)
    assert refused.status_code == 400
    assert refused.json()["error"]["param"] == "top_logprobs"
