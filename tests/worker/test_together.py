"""Many replies at once are the same as each by itself, and nobody hears another's."""

from __future__ import annotations

import random
import resource
from dataclasses import dataclass
from pathlib import Path

import pytest

from chatsite.wire import Outcome, Request
from tests.worker.conftest import Heard, entry_for, request_for
from tests.worker.test_exactness import IS_SOAK, WORDS, generated, reference
from worker.engine import TransformersEngine
from worker.generation import Generation
from worker.model import LanguageModel
from worker.protocol import Engine

#: Of so many texts, this share may differ because two tokens were as likely.
TIES = 0.005


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
        heard = Heard()
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
        heard = Heard()
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
    live: list[tuple[Solo, Generation, Heard]] = []
    ties, memory = 0, 0
    for number in range(count):
        solo, heard = dice.choice(alone), Heard()
        live.append((solo, engine.submit(solo.request, heard), heard))
        if dice.random() < 0.2:
            dice.choice(live)[1].stop()
        while len(live) > 40:
            ties += differs(*live.pop(dice.randrange(20)))
        if number == count // 5:
            memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    ties += sum(differs(*one) for one in live)
    print(f"{ties} of {count} replies differ from their solo run by a tie")
    assert ties <= TIES * count
    grown_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory
    assert grown_kb < 60_000


def differs(solo: Solo, run: Generation, heard: Heard) -> bool:
    """Whether it got something else than by itself, or no beginning of that."""
    ending = heard.ending()
    assert ending.error is None
    if ending.outcome == Outcome.STOPPED:
        expected = solo.ids[: len(run.new_ids)]
        is_same = run.new_ids == expected and solo.text.startswith(heard.text)
    else:
        is_same = run.new_ids == solo.ids and heard.text == solo.text
    return not is_same


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
    heard = [Heard() for _ in words]
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
