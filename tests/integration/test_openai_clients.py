"""Clients that others have made, unchanged, against a whole site."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from openai import (
    AuthenticationError,
    BadRequestError,
    NotFoundError,
    OpenAI,
    RateLimitError,
)

from tests.integration.whole_site import WholeSite
from worker.engine.script import expected_reply

MODEL = "scripted"
LLM = Path(sys.executable).parent / "llm"
SECONDS = 60


def ask(text: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": text}]


@pytest.fixture
def connect(called_site: WholeSite) -> Iterator[Callable[..., OpenAI]]:
    """Open a client with a key; without retries, which would hide errors."""
    opened = []

    def open_client(key: str = "") -> OpenAI:
        url, own = f"{called_site.url}/v1", key or called_site.key
        opened.append(OpenAI(base_url=url, api_key=own, max_retries=0, timeout=SECONDS))
        return opened[-1]

    yield open_client
    for client in opened:
        client.close()


def test_the_client_of_openai_reads_models_answers_and_streams(
    connect: Callable[..., OpenAI],
) -> None:
    client = connect()
    assert [one.id for one in client.models.list()] == [MODEL]
    chat = client.chat.completions
    whole = chat.create(model=MODEL, messages=ask("one two"), n=2)
    assert [one.message.content for one in whole.choices] == [
        expected_reply("one two")
    ] * 2
    assert whole.usage is not None
    counts = whole.usage
    assert counts.total_tokens == counts.prompt_tokens + counts.completion_tokens > 0
    options = {"include_usage": True}
    with chat.create(
        model=MODEL, messages=ask("one two"), stream=True, stream_options=options
    ) as stream:
        *chunks, last = stream
    texts = [one.choices[0].delta.content or "" for one in chunks]
    assert "".join(texts) == expected_reply("one two")
    assert chunks[-1].choices[0].finish_reason == "stop"
    assert last.usage is not None
    assert 2 * last.usage.completion_tokens == counts.completion_tokens
    raw = client.completions.create(model=MODEL, prompt="Bees make", max_tokens=2)
    assert raw.choices[0].finish_reason == "length"


def test_the_client_of_openai_knows_every_refusal(
    connect: Callable[..., OpenAI], called_site: WholeSite
) -> None:
    chat = connect().chat.completions
    with pytest.raises(AuthenticationError):
        connect("wrong").chat.completions.create(model=MODEL, messages=ask("x"))
    with pytest.raises(NotFoundError) as missing:
        chat.create(model="no-such-model", messages=ask("x"))
    assert missing.value.code == "model_not_found"
    function = {"name": "now", "parameters": {"type": "object", "properties": {}}}
    with pytest.raises(BadRequestError) as tools:
        chat.create(
            model=MODEL,
            messages=ask("x"),
            tools=[{"type": "function", "function": function}],
        )
    assert tools.value.param == "tools"
    limited = connect(called_site.limited).chat.completions
    with pytest.raises(RateLimitError) as limit:
        for _ in range(3):
            limited.create(model=MODEL, messages=ask("x"), max_tokens=1)
    assert int(limit.value.response.headers["retry-after"]) >= 1


@pytest.mark.parametrize(("words", "said"), [(8192, "have 8192"), (8193, "than 8193")])
def test_a_prompt_that_does_not_fit_is_refused_with_its_length(
    connect: Callable[..., OpenAI], words: int, said: str
) -> None:
    """The worker counts what the web server cannot refuse by its words alone."""
    chat = connect().chat.completions
    with pytest.raises(BadRequestError) as refused:
        chat.create(model=MODEL, messages=ask("w " * words))
    assert refused.value.code == "context_length_exceeded"
    assert "maximum context length is 8192 tokens" in refused.value.message
    assert said in refused.value.message


def test_tokens_that_the_model_does_not_have_are_refused(
    connect: Callable[..., OpenAI],
) -> None:
    chat = connect().chat.completions
    chat.create(model=MODEL, messages=ask("x"))  # from now on a worker is known
    with pytest.raises(BadRequestError) as refused:
        chat.create(model=MODEL, messages=ask("x"), logit_bias={"999999999": 1})
    assert refused.value.param == "logit_bias"


def test_the_llm_command_asks_and_goes_on(
    called_site: WholeSite, tmp_path: Path
) -> None:
    base = f"{called_site.url}/v1"
    model = {"model_id": "here", "model_name": MODEL, "api_base": base}
    models = json.dumps([{**model, "api_key_name": "here"}])  # JSON is YAML
    (tmp_path / "extra-openai-models.yaml").write_text(models)
    (tmp_path / "keys.json").write_text(json.dumps({"here": called_site.key}))

    def llm(*words: str) -> str:
        done = subprocess.run(
            [LLM, *words],
            # Without plugins: one that is installed for its weights lacks its engine.
            env={**os.environ, "LLM_USER_PATH": str(tmp_path), "LLM_LOAD_PLUGINS": ""},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=True,
        )
        return done.stdout.strip()

    assert llm("-m", "here", "one two") == expected_reply("one two")
    assert llm("-c", "and more", "--no-stream") == expected_reply("and more")
    turns = called_site.run_python(
        "from chat.models import Conversation as C;"
        "print(len(C.objects.filter(title='one two').latest('updated_at').path_ids()))"
    )
    assert turns.strip() == "4"
