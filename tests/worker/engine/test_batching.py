"""Replies generated in one batch equal those generated alone, and never mix."""

from __future__ import annotations

import random
import resource
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch

from chatsite.wire import Outcome, Request
from tests.environment import FORWARD, IS_SOAK
from tests.worker.conftest import Load
from tests.worker.engine.test_exactness import WORDS, generated, reference
from tests.worker.recording_listener import RecordingListener
from tests.worker.sample_requests import request_for
from tests.worker.tiny_models import entry_for
from worker.engine.cpu_logits import CPULogits
from worker.engine.engine import TransformersEngine
from worker.engine.interface import Engine
from worker.engine.logits import TokenHistory
from worker.engine.model import LanguageModel
from worker.engine.running_request import RunningRequest
from worker.engine.sampling import Sampler, sample
from worker.engine.sequence import Chunk, Sequence, common_prefix_tokens

#: Share of replies that may differ because two tokens were equally likely.
TIES = 0.005
#: Logits of these models differ by tens; float32 rounds them at about the sixth digit,
#: in every layer.
ROUNDING = 1e-4


def conversation(rng: random.Random) -> list[str]:
    """Some turns. Many begin alike, so that rows are reused and copied."""
    openings = ["tell me about bees", "why is the sea blue and", "x"]
    texts = [rng.choice(openings)]
    for _ in range(rng.choice([0, 0, 2, 4])):
        texts.append(" ".join(rng.choices(WORDS, k=rng.randint(1, 3))))
    texts[-1] += " " + " ".join(rng.choices(WORDS, k=rng.randint(0, 6)))
    return texts


@pytest.mark.parametrize("name", ["gpt2", "llama"])
def test_replies_that_join_and_leave_at_random_equal_generate(
    request: pytest.FixtureRequest, closing: list[Engine], name: str
) -> None:
    model: LanguageModel = request.getfixturevalue(name)
    engine = TransformersEngine(model, entry_for(), rows=6, prefill_tokens=9)
    closing.append(engine)
    rng, runs = random.Random(3), []
    for _ in range(400 if IS_SOAK else 100):
        listener = RecordingListener()
        wire_request = request_for(
            *conversation(rng), max_new_tokens=rng.randint(1, 24)
        )
        runs.append((engine.submit(wire_request, listener), listener, wire_request))
        # Some arrive together, others when earlier ones are half-way.
        if rng.random() < 0.3:
            runs[max(0, len(runs) - 4)][1].ending()
    plain = reference(request.getfixturevalue(f"{name}_folder"))
    for running, listener, wire_request in runs:
        assert listener.ending().error is None
        most = min(wire_request.settings.max_new_tokens, 64)
        assert running.new_ids == generated(
            plain, running.prompt_ids, max_new_tokens=most
        )


@dataclass(frozen=True)
class Solo:
    """A request, and its reply with no other beside it."""

    request: Request
    ids: list[int]
    text: str


def solo_replies(model: LanguageModel, closing: list[Engine], count: int) -> list[Solo]:
    engine = TransformersEngine(model, entry_for(), rows=1)
    closing.append(engine)
    rng, found = random.Random(9), []
    for number in range(count):
        wire_request = request_for(
            *conversation(rng),
            max_new_tokens=rng.randint(1, 12),
            temperature=rng.choice([0, 0.7, 1.0]),
            top_k=rng.choice([0, 20]),
            top_p=rng.choice([0.9, 1.0]),
            repetition_penalty=rng.choice([1.0, 1.2]),
            seed=number,
        )
        listener = RecordingListener()
        running = engine.submit(wire_request, listener)
        listener.ending()
        found.append(Solo(wire_request, running.new_ids, listener.text))
    return found


@pytest.mark.parametrize(
    ("name", "forward", "share"),
    [
        ("gpt2", FORWARD, 1.0),
        ("llama", "flat-fp16", 0.4),
        ("llama", "native-int8", 0.4),
    ],
)
def test_replies_in_one_batch_do_not_mix(
    request: pytest.FixtureRequest,
    load: Load,
    closing: list[Engine],
    name: str,
    forward: str,
    share: float,
) -> None:
    model = load(request.getfixturevalue(f"{name}_folder"), forward)
    count, distinct = (10_000, 400) if IS_SOAK else (int(500 * share), 100)
    alone = solo_replies(model, closing, distinct)
    engine = TransformersEngine(model, entry_for(), rows=16, prefill_tokens=16)
    closing.append(engine)
    rng = random.Random(4)
    live: list[tuple[Solo, RunningRequest, RecordingListener]] = []
    ties, memory = 0, 0
    for number in range(count):
        solo, listener = rng.choice(alone), RecordingListener()
        live.append((solo, engine.submit(solo.request, listener), listener))
        if rng.random() < 0.2:
            rng.choice(live)[1].stop()
        while len(live) > 40:
            ties += differs_by_a_tie(model, *live.pop(rng.randrange(20)))
        if number == count // 5:
            memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    ties += sum(differs_by_a_tie(model, *one) for one in live)
    print(f"{ties} of {count} replies differ from their solo run by a tie")
    # In C a token's logits have the same bits whatever else is in the step.
    assert ties <= (0 if model.forward_name == "native" else TIES * count)
    grown_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory
    assert grown_kb < 60_000


def differs_by_a_tie(
    model: LanguageModel,
    solo: Solo,
    running: RunningRequest,
    listener: RecordingListener,
) -> bool:
    """Whether the reply differs from the solo one by rounding; fails on other causes.

    A stopped reply must be a prefix of the solo one.
    """
    ending = listener.ending()
    assert ending.error is None
    is_whole = ending.outcome == Outcome.DONE
    parting = common_prefix_tokens(running.new_ids, solo.ids)
    if parting < len(running.new_ids) or (is_whole and parting < len(solo.ids)):
        assert is_tie(model, solo, running, parting)
        return True
    assert (
        listener.text == solo.text if is_whole else solo.text.startswith(listener.text)
    )
    return False


def is_tie(
    model: LanguageModel, solo: Solo, running: RunningRequest, parting: int
) -> bool:
    """Whether noise of the size of rounding produces both next tokens."""
    ids = [*running.prompt_ids, *solo.ids[:parting]]
    chunk = Chunk(Sequence(ids), row=0, start=0, stop=len(ids))
    logits = model.forward([chunk], model.new_kv_cache(1, len(ids)))
    history = TokenHistory(torch.tensor([ids]), torch.tensor([len(ids)]))
    noise = torch.Generator().manual_seed(parting)
    sampler = Sampler(solo.request.settings)
    found = set()
    for _ in range(400):
        shaken = logits + ROUNDING * torch.randn(logits.shape, generator=noise)
        found |= set(sample(CPULogits(shaken), [sampler], history))
    # ``new_ids`` leaves out the end mark.
    end = min(model.eos_ids)
    return {(ids[parting:] or [end])[0] for ids in (solo.ids, running.new_ids)} <= found


def test_a_difference_without_a_tie_is_reported(
    gpt2: LanguageModel, closing: list[Engine]
) -> None:
    solo, other = solo_replies(gpt2, closing, 2)
    engine = TransformersEngine(gpt2, entry_for(), rows=1)
    closing.append(engine)
    listener = RecordingListener()
    running = engine.submit(solo.request, listener)
    listener.ending()
    assert not differs_by_a_tie(gpt2, solo, running, listener)
    with pytest.raises(AssertionError):
        differs_by_a_tie(gpt2, other, running, listener)


def invented_words(count: int) -> list[str]:
    """Invented words, which a model writes only if a prompt contains them."""
    rng = random.Random(2)
    syllables = ["zor", "quil", "mab", "tev", "dru", "fex", "gly", "nok", "pas", "wib"]
    words: dict[str, None] = {}
    while len(words) < count:
        words["".join(rng.choices(syllables, k=3))] = None
    return list(words)


def test_no_reply_contains_a_word_of_another_prompt(
    smollm2: LanguageModel, smollm2_folder: Path, closing: list[Engine]
) -> None:
    count = 200 if IS_SOAK else 12
    engine = TransformersEngine(smollm2, entry_for(context_tokens=128), rows=8)
    closing.append(engine)
    words = invented_words(count)
    listeners = [RecordingListener() for _ in words]
    for word, one in zip(words, listeners, strict=True):
        engine.submit(request_for(f"Repeat this word: {word}", max_new_tokens=14), one)
    texts = [one.ending(600) and one.text.lower() for one in listeners]
    leaked = [
        (word, text)
        for n, text in enumerate(texts)
        for m, word in enumerate(words)
        if m != n and word in text
    ]
    assert not leaked
    # The test would prove nothing if the model did not repeat its words.
    own = sum(word in text for word, text in zip(words, texts, strict=True))
    assert own >= count // 3
