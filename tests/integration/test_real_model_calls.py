"""What clients rely on, with a real model: part of ``make soak`` only."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from openai import APITimeoutError, BadRequestError, OpenAI

from tests.environment import IS_SOAK
from tests.integration.whole_site import WORKER_ROWS, WholeSite, whole_site
from tests.worker.conftest import CACHE, smollm2_folder  # noqa: F401

pytestmark = [
    pytest.mark.skipif(not IS_SOAK, reason="takes minutes: make soak"),
    pytest.mark.timeout(600),
]
MODEL = "smollm2"
SECONDS = 300
STORY = "Tell me a very long story about the sea, with many chapters."
#: Takes a minute or more on two cores.
LONG_TOKENS = 1500


@pytest.fixture(scope="module")
def real_site(
    tmp_path_factory: pytest.TempPathFactory,
    migrated: Callable[[Path], str],
    smollm2_folder: Path,  # noqa: F811
) -> Iterator[WholeSite]:
    folder = tmp_path_factory.mktemp("real")
    kept = folder / "data" / smollm2_folder.relative_to(CACHE)
    shutil.copytree(smollm2_folder, kept)
    settings = {"CHAT_MODEL": MODEL, "REPLY_MAX_TOKENS": str(LONG_TOKENS)}
    with whole_site(folder, migrated(folder / "db.sqlite3"), **settings) as site:
        yield site


@pytest.fixture
def client(real_site: WholeSite) -> Iterator[OpenAI]:
    url, key = f"{real_site.url}/v1", real_site.key
    with OpenAI(base_url=url, api_key=key, max_retries=0, timeout=SECONDS) as connected:
        yield connected


def chat(client: OpenAI, text: str = STORY, **fields: Any) -> Any:
    fields = {"max_tokens": 16, **fields}
    messages = [{"role": "user", "content": text}]
    return client.chat.completions.create(model=MODEL, messages=messages, **fields)


def text_of(answer: Any) -> str:
    return str(answer.choices[0].message.content)


def test_a_seed_gives_the_same_text_and_another_seed_another(client: OpenAI) -> None:
    first, again = (chat(client, seed=11, temperature=1) for _ in range(2))
    assert text_of(first) == text_of(again)
    assert first.usage == again.usage
    others = {text_of(chat(client, seed=n, temperature=1)) for n in (1, 2, 3)}
    assert len(others) > 1
    two = chat(client, seed=11, temperature=1, n=2)
    assert two.choices[0].message.content == text_of(first)
    assert two.usage.prompt_tokens == 2 * first.usage.prompt_tokens


def test_a_stream_brings_the_whole_answer_and_its_usage(client: OpenAI) -> None:
    fields = {"seed": 7, "temperature": 0}
    whole = chat(client, **fields)
    options = {"include_usage": True}
    *chunks, last = chat(client, stream=True, stream_options=options, **fields)
    pieces = [one.choices[0].delta.content or "" for one in chunks]
    assert "".join(pieces) == text_of(whole)
    assert last.usage == whole.usage
    assert whole.choices[0].finish_reason == chunks[-1].choices[0].finish_reason
    assert whole.usage.completion_tokens == 16


def test_a_stop_string_and_a_bias_have_their_effect(client: OpenAI) -> None:
    text = text_of(chat(client, temperature=0))
    stop = text.split()[3]
    cut = chat(client, temperature=0, stop=stop)
    assert cut.choices[0].finish_reason == "stop"
    assert text.startswith(text_of(cut))
    assert stop not in text_of(cut)
    with pytest.raises(BadRequestError) as refused:
        chat(client, logit_bias={"50256": -100})
    assert refused.value.param == "logit_bias"


def test_a_prompt_beyond_the_context_is_refused_with_its_length(
    client: OpenAI,
) -> None:
    """Its words would fit, its tokens do not: the worker has to count."""
    with pytest.raises(BadRequestError) as refused:
        chat(client, "zq7 " * 1500)
    assert refused.value.code == "context_length_exceeded"
    assert "Your messages have" in refused.value.message


@pytest.mark.parametrize("is_streamed", [True, False], ids=["stream", "whole"])
def test_rows_of_long_replies_are_free_once_their_clients_are_gone(
    client: OpenAI,
    real_site: WholeSite,
    until: Callable[..., None],
    is_streamed: bool,
) -> None:
    for _ in range(2 * WORKER_ROWS):
        if is_streamed:
            with chat(client, max_tokens=LONG_TOKENS, stream=True) as stream:
                next(stream)
        else:
            with pytest.raises(APITimeoutError):
                chat(client, max_tokens=LONG_TOKENS, timeout=0.5)
    assert text_of(chat(client, "What do bees make?"))
    until(lambda: real_site.unfinished == 0)
    until(lambda: real_site.free_rows == WORKER_ROWS)
