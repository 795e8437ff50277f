"""Log probabilities are those of the model's own softmax, token by token."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from chatsite.logprobs import TokenLogprobs
from chatsite.wire import SamplingParams
from tests.worker.engine.native.reference import random_decoder
from tests.worker.engine.test_exactness import reference
from tests.worker.engine.test_prompt_lookup import EveryDraft
from tests.worker.recording_listener import RecordingListener, completed
from tests.worker.sample_requests import request_for
from tests.worker.tiny_models import entry_for
from worker.engine.cpu_logits import CPULogits
from worker.engine.device_logits import DeviceLogits
from worker.engine.drafts import DraftPolicy
from worker.engine.engine import TransformersEngine
from worker.engine.interface import Engine
from worker.engine.logits import TokenHistory
from worker.engine.logprobs import RawLogprobs
from worker.engine.model import LanguageModel
from worker.engine.native.forward import NativeForward
from worker.engine.sampling import Sampler, sample

#: Of float32, over the logits of a small model.
ERROR = 1e-3


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"temperature": 1.5, "seed": 3, "top_p": 0.5},
        {"repetition_penalty": 1.5, "presence_penalty": 2, "logit_bias": {101: 9}},
    ],
    ids=str,
)
def test_they_are_those_of_the_softmax_of_the_model(
    gpt2: LanguageModel, gpt2_folder: Path, engine: TransformersEngine, params: dict
) -> None:
    plain, listener = reference(gpt2_folder), RecordingListener()
    request = request_for("bees and honey", logprobs=4, **params)
    running = engine.submit(request, listener)
    listener.ending()
    with torch.inference_mode():
        logits = plain(torch.tensor([running.ids])).logits[0].double()
    expected = logits.log_softmax(-1)[len(running.prompt_ids) - 1 : -1]
    assert len(listener.logprobs) == len(expected) == len(running.new_ids)
    spell = gpt2.tokenizer.token_bytes
    for told, token, row in zip(
        listener.logprobs, running.new_ids, expected, strict=True
    ):
        assert told.token == spell(token)
        assert told.logprob == pytest.approx(float(row[token]), abs=ERROR)
        likeliest = row.topk(4)
        assert [token for token, _ in told.top] == [
            *map(spell, likeliest.indices.tolist())
        ]
        found = [logprob for _, logprob in told.top]
        assert found == pytest.approx(likeliest.values.tolist(), abs=ERROR)


def test_only_who_asks_gets_them(engine: TransformersEngine) -> None:
    asking, other = RecordingListener(), RecordingListener()
    for listener, logprobs in ((asking, 0), (other, None)):
        engine.submit(request_for("hello", logprobs=logprobs), listener)
    assert asking.ending().new_tokens == len(asking.logprobs) > 0
    assert all(told.top == () for told in asking.logprobs)
    assert other.ending().error is None
    assert other.logprobs == []
    assert other.text == asking.text


def test_drafts_change_none(gpt2: LanguageModel, closing: list[Engine]) -> None:
    found = []
    for drafts in (DraftPolicy(is_on=False), EveryDraft()):
        engine = TransformersEngine(gpt2, entry_for(), drafts=drafts)
        closing.append(engine)
        # It rewards repetition, so that some drafts are right.
        asked = {"repetition_penalty": 0.05, "logprobs": 2, "max_new_tokens": 40}
        found.append(completed(engine, "one two one two", **asked).logprobs)
    assert [told.token for told in found[1]] == [told.token for told in found[0]]
    for one, other in zip(*found, strict=True):
        assert one.logprob == pytest.approx(other.logprob, abs=ERROR)


def test_tokens_that_a_stop_string_cuts_off_have_none(
    engine: TransformersEngine,
) -> None:
    # One token is one byte, so the tokens that are told are the text.
    params = {"temperature": 1.0, "seed": 3, "logprobs": 1}
    whole = completed(engine, "hello", **params)
    stop = whole.text[4:6]
    cut = completed(engine, "hello", stop=(stop,), **params)
    assert joined(cut.logprobs) == cut.text == whole.text[:4]
    # What might have been the beginning of one is told.
    cut = completed(engine, "hello", stop=(whole.text[-1] + "~~",), **params)
    assert joined(cut.logprobs) == joined(whole.logprobs)


def joined(told: list[TokenLogprobs]) -> str:
    return b"".join(one.token for one in told).decode(errors="ignore")


def test_every_path_gives_the_same_numbers(builds: Path) -> None:
    native = NativeForward(random_decoder(), "fp32", 2, folder=builds)
    generator = torch.Generator().manual_seed(1)
    logits = torch.randn(3, 5000, generator=generator) * 3
    settings = [
        SamplingParams(logprobs=5, logit_bias={7: 50}),
        SamplingParams(),
        SamplingParams(logprobs=0, temperature=0),
    ]
    samplers = [Sampler(one) for one in settings]
    history = TokenHistory(torch.zeros((3, 1)).long(), torch.ones(3).long())
    exact = logits.double().log_softmax(-1).numpy()
    for wrap in (native.wrap_logits, CPULogits, DeviceLogits):
        wrapped = wrap(logits.clone())
        raw = RawLogprobs(wrapped, samplers)
        tokens = sample(wrapped, samplers, history)
        first, second, third = raw.of(tokens)
        assert second is None
        assert first is not None
        assert third is not None
        assert tokens[0] == 7
        assert first.logprob == pytest.approx(exact[0, 7], abs=1e-5)
        assert third.logprob == pytest.approx(exact[2].max(), abs=1e-5)
        assert third.top == ()
        likeliest = np.argsort(-exact[0])[:5]
        assert [token for token, _ in first.top] == likeliest.tolist()
        found = [logprob for _, logprob in first.top]
        assert found == pytest.approx(exact[0, likeliest].tolist(), abs=1e-5)
