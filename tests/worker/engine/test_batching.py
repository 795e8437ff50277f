"""Many replies at once are the same as each by itself, and nobody hears another's."""

from __future__ import annotations

import random
import resource
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch

from chatsite.wire import Outcome, Request
from tests.environment import IS_SOAK
from tests.worker.conftest import RecordingListener, entry_for, request_for
from tests.worker.engine.test_exactness import WORDS, generated, reference
from worker.engine.engine import TransformersEngine
from worker.engine.interface import Engine
from worker.engine.model import LanguageModel
from worker.engine.running_request import RunningRequest
from worker.engine.sampling import Sampler, TokenHistory, sample
from worker.engine.sequence import Chunk, Sequence, common_prefix_tokens

#: Of so many texts, this share may differ because two tokens were as likely.
TIES = 0.005
#: Logits of these models lie some tens apart; float32 rounds them at about the sixth
#: digit, and every layer does so anew.
ROUNDING = 1e-4


def conversation(dice: random.Random) -> list[str]:
    """Some turns; many begin alike, so that rows are taken over and copied."""
    openings = ["tell me about bees", "why is the sea blue and", "x"]
    texts = [dice.choice(openings)]
    for _ in range(dice.choice([0, 0, 2, 4])):
        texts.append(" ".join(dice.choices(WORDS, k=dice.randint(1, 3))))
    texts[-1] += " " + " ".join(dice.choices(WORDS, k=dice.randint(0, 6)))
    return texts


@pytest.mark.parametrize("name", ["gpt2", "llama"])
def test_replies_that_join_and_leave_at_random_equal_generate(
    request: pytest.FixtureRequest, closing: list[Engine], name: str
) -> None:
    model: LanguageModel = request.getfixturevalue(name)
    engine = TransformersEngine(model, entry_for(), rows=6, prefill_tokens=9)
    closing.append(engine)
    dice, runs = random.Random(3), []
    for _ in range(200):
        heard = RecordingListener()
        asked = request_for(*conversation(dice), max_new_tokens=dice.randint(1, 24))
        runs.append((engine.submit(asked, heard), heard, asked))
        # Some come together, others when those before are half-way.
        if dice.random() < 0.3:
            runs[max(0, len(runs) - 4)][1].ending()
    plain = reference(request.getfixturevalue(f"{name}_folder"))
    for run, heard, asked in runs:
        assert heard.ending().error is None
        most = min(asked.settings.max_new_tokens, 64)
        assert run.new_ids == generated(plain, run.prompt_ids, max_new_tokens=most)


@dataclass(frozen=True)
class Solo:
    """A request, and what it gets with nobody beside it."""

    request: Request
    ids: list[int]
    text: str


def solos(model: LanguageModel, closing: list[Engine], count: int) -> list[Solo]:
    engine = TransformersEngine(model, entry_for(), rows=1)
    closing.append(engine)
    dice, found = random.Random(9), []
    for number in range(count):
        asked = request_for(
            *conversation(dice),
            max_new_tokens=dice.randint(1, 12),
            temperature=dice.choice([0, 0.7, 1.0]),
            top_k=dice.choice([0, 20]),
            top_p=dice.choice([0.9, 1.0]),
            repetition_penalty=dice.choice([1.0, 1.2]),
            seed=number,
        )
        heard = RecordingListener()
        run = engine.submit(asked, heard)
        heard.ending()
        found.append(Solo(asked, run.new_ids, heard.text))
    return found


def test_no_text_crosses_over(gpt2: LanguageModel, closing: list[Engine]) -> None:
    count, distinct = (10_000, 400) if IS_SOAK else (500, 100)
    alone = solos(gpt2, closing, distinct)
    engine = TransformersEngine(gpt2, entry_for(), rows=16, prefill_tokens=16)
    closing.append(engine)
    dice = random.Random(4)
    live: list[tuple[Solo, RunningRequest, RecordingListener]] = []
    ties, memory = 0, 0
    for number in range(count):
        solo, heard = dice.choice(alone), RecordingListener()
        live.append((solo, engine.submit(solo.request, heard), heard))
        if dice.random() < 0.2:
            dice.choice(live)[1].stop()
        while len(live) > 40:
            ties += parts_by_a_tie(gpt2, *live.pop(dice.randrange(20)))
        if number == count // 5:
            memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    ties += sum(parts_by_a_tie(gpt2, *one) for one in live)
    print(f"{ties} of {count} replies part from their solo run by a tie")
    assert ties <= TIES * count
    grown_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory
    assert grown_kb < 60_000


def parts_by_a_tie(
    model: LanguageModel, solo: Solo, run: RunningRequest, heard: RecordingListener
) -> bool:
    """Whether rounding made it another reply than by itself; fails if aught else did.

    A stopped one must be the beginning of what it is by itself.
    """
    ending = heard.ending()
    assert ending.error is None
    is_whole = ending.outcome == Outcome.DONE
    parting = common_prefix_tokens(run.new_ids, solo.ids)
    if parting < len(run.new_ids) or (is_whole and parting < len(solo.ids)):
        assert is_tie(model, solo, run, parting)
        return True
    assert heard.text == solo.text if is_whole else solo.text.startswith(heard.text)
    return False


def is_tie(model: LanguageModel, solo: Solo, run: RunningRequest, parting: int) -> bool:
    """Whether noise of the size of rounding makes both next tokens come."""
    ids = [*run.prompt_ids, *solo.ids[:parting]]
    chunk = Chunk(Sequence(ids), row=0, start=0, stop=len(ids))
    logits = model.forward([chunk], model.new_kv_cache(1, len(ids)))
    history = TokenHistory(torch.tensor([ids]), torch.tensor([len(ids)]))
    noise = torch.Generator().manual_seed(parting)
    sampler = Sampler(solo.request.settings)
    found = set()
    for _ in range(400):
        shaken = logits + ROUNDING * torch.randn(logits.shape, generator=noise)
        found |= set(sample(shaken, [sampler], history))
    # An end mark is no part of a reply.
    end = min(model.eos_ids)
    return {(ids[parting:] or [end])[0] for ids in (solo.ids, run.new_ids)} <= found


def test_what_is_no_tie_is_not_taken_for_one(
    gpt2: LanguageModel, closing: list[Engine]
) -> None:
    solo, other = solos(gpt2, closing, 2)
    engine = TransformersEngine(gpt2, entry_for(), rows=1)
    closing.append(engine)
    heard = RecordingListener()
    run = engine.submit(solo.request, heard)
    heard.ending()
    assert not parts_by_a_tie(gpt2, solo, run, heard)
    with pytest.raises(AssertionError):
        parts_by_a_tie(gpt2, other, run, heard)


def canaries(count: int) -> list[str]:
    """Words that nobody would say unasked."""
    dice = random.Random(2)
    syllables = ["zor", "quil", "mab", "tev", "dru", "fex", "gly", "nok", "pas", "wib"]
    words: dict[str, None] = {}
    while len(words) < count:
        words["".join(dice.choices(syllables, k=3))] = None
    return list(words)


def test_nobody_says_the_word_that_another_was_told(
    smollm2: LanguageModel, smollm2_folder: Path, closing: list[Engine]
) -> None:
    count = 200 if IS_SOAK else 12
    engine = TransformersEngine(smollm2, entry_for(context_tokens=128), rows=8)
    closing.append(engine)
    words = canaries(count)
    heard = [RecordingListener() for _ in words]
    for word, one in zip(words, heard, strict=True):
        engine.submit(request_for(f"Repeat this word: {word}", max_new_tokens=14), one)
    texts = [one.ending(600) and one.text.lower() for one in heard]
    foreign = [
        (word, text)
        for n, text in enumerate(texts)
        for m, word in enumerate(words)
        if m != n and word in text
    ]
    assert not foreign
    # The test would not notice anything if nobody repeated theirs.
    own = sum(word in text for word, text in zip(words, texts, strict=True))
    assert own >= count // 3
