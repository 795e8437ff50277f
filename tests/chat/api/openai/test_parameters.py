"""Values that no call can have: each is refused by its name."""

from __future__ import annotations

import json
from typing import Any

import pytest

from chat.models import Reply
from chatsite.sampling_settings import SEED
from tests.chat.api.openai.conftest import ASK, KeyClient

pytestmark = pytest.mark.django_db(transaction=True)

#: Larger than any float.
HUGE = 10**400
NUMBERS = (
    *("temperature", "top_p", "min_p", "top_k", "seed", "n", "max_tokens"),
    *("presence_penalty", "frequency_penalty", "repetition_penalty", "logprobs"),
)


@pytest.mark.parametrize("value", [HUGE, -HUGE, float("inf"), float("nan"), True, "1"])
@pytest.mark.parametrize("name", NUMBERS)
def test_a_number_that_cannot_be_is_refused(
    name: str, value: Any, program: KeyClient
) -> None:
    said = {"model": "scripted", "prompt": "Bees", name: value}
    answer = program.post("completions", said)
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, name)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("logit_bias", {"5": HUGE}),
        ("logit_bias", {"9" * 5000: 1}),
        ("logit_bias", {"9" * 10: 1}),
        ("logit_bias", {"\u0661": 1}),
        ("stop", ["\ud800"]),
        ("stop", "\0"),
    ],
    ids=str,
)
def test_what_cannot_be_kept_is_refused(
    name: str, value: Any, program: KeyClient
) -> None:
    answer = program.chat(**{name: value})
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, name)


def test_a_number_with_too_many_digits_is_no_json(program: KeyClient) -> None:
    asked = json.dumps({"model": "scripted", "messages": ASK})
    body = f'{asked[:-1]}, "seed": {"9" * 5000}}}'.encode()
    assert program.post("chat/completions", body).status_code == 400


def test_the_seed_after_the_highest_is_the_lowest(program: KeyClient) -> None:
    program.chat(seed=SEED.maximum, n=2, stream=True).close()
    seeds = Reply.objects.order_by("seed").values_list("seed", flat=True)
    assert [*seeds] == [SEED.minimum, SEED.maximum]
