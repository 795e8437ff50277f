"""Drafts change nothing but the number of steps."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatsite.wire import Ending, Outcome, Request
from tests.environment import IS_SOAK
from tests.worker.engine.wrapped_models import FaultyModel
from tests.worker.recording_listener import RecordingListener
from tests.worker.sample_requests import request_for
from tests.worker.tiny_models import entry_for
from worker.engine.drafts import (
    MAX_DRAFT_TOKENS,
    PROBE_CHANCES,
    PROBE_TOKENS,
    DraftPolicy,
)
from worker.engine.engine import TransformersEngine
from worker.engine.interface import Engine
from worker.engine.model import LanguageModel
from worker.engine.prompt_lookup import MATCHED_TOKENS, PromptLookup
from worker.engine.running_request import RunningRequest
from worker.engine.sequence import Chunk, Sequence

REQUESTS = 120 if IS_SOAK else 24


class EveryDraft(DraftPolicy):
    """Reads every draft that there is, at full length, whatever it costs."""

    def __init__(self) -> None:
        super().__init__()
        self.drafted = self.right = 0

    def _length(self, hit_rate: float, replies: int) -> int:
        return MAX_DRAFT_TOKENS

    def add(self, seconds: float, chunks: list[Chunk]) -> None:
        for chunk in chunks:
            self.drafted += len(chunk.draft)
            # One token comes in any case.
            kept = len(chunk.sequence.ids) - chunk.known_stop
            self.right += max(0, kept - 1) if chunk.draft else 0


class KnownReplies(EveryDraft):
    """Drafts from replies that are known, with an error here and there."""

    def __init__(self, known: dict[int, list[int]]) -> None:
        """``known``: by the seed of the request."""
        super().__init__()
        self._known = known
        self._rng = random.Random(1)

    def with_drafts(self, chunks: list[Chunk]) -> list[Chunk]:
        if not all(chunk.is_decode for chunk in chunks):
            return chunks
        return [self._guessed(chunk) for chunk in chunks]

    def _guessed(self, chunk: Chunk[RunningRequest]) -> Chunk[RunningRequest]:
        request = chunk.sequence
        rest = self._known[request.sampler.seed][request.new_tokens :]
        most = min(request.max_draft_tokens, self._rng.randint(0, MAX_DRAFT_TOKENS))
        draft = [t if self._rng.random() < 0.8 else 65 for t in rest[:most]]
        return replace(chunk, stop=chunk.stop + len(draft), draft=tuple(draft))


class StoppingListener(RecordingListener):
    """Stops its reply at the first text after ``run`` was set."""

    run: RunningRequest | None = None

    def on_text(self, text: str, new_tokens: int, logprobs: object = ()) -> None:
        super().on_text(text, new_tokens)
        if self.run:
            self.run.stop()


def requests(rng: random.Random) -> list[Request]:
    """Short prompts that repeat themselves, with all kinds of settings."""
    found = []
    for number in range(REQUESTS):
        words = " ".join(rng.choices(["one", "two", "bees"], k=rng.randint(1, 4)))
        one = request_for(
            f"{words} {words}",
            max_new_tokens=rng.randint(1, 40),
            temperature=rng.choice([0, 0, 0.3, 1.0]),
            top_k=rng.choice([0, 20]),
            # Below 1 it rewards repetition, which random weights do not write else.
            repetition_penalty=rng.choice([0.05, 0.2, 1.0, 1.2]),
            stop=rng.choice([(), ("a",), ("th", "e")]),
            # So does one below 0.
            frequency_penalty=rng.choice([0, -1, 0.5]),
            logit_bias=rng.choice([{}, {65: 3, 70: -100}]),
            seed=number,
        )
        found.append(one)
    return found


def results(
    engine: TransformersEngine, asked: list[Request], at_once: int
) -> list[tuple[list[int], str, Ending]]:
    """Tokens, text and end of each reply, some at a time."""
    found = []
    for start in range(0, len(asked), at_once):
        listeners = [RecordingListener() for _ in asked[start : start + at_once]]
        runs = [
            engine.submit(one, listener)
            for one, listener in zip(asked[start:], listeners, strict=False)
        ]
        for run, listener in zip(runs, listeners, strict=True):
            ending = listener.ending()
            assert ending.error is None
            found.append((run.new_ids, listener.text, ending))
    return found


@pytest.mark.parametrize("name", ["gpt2", "llama"])
def test_replies_are_the_same_with_and_without_drafts(
    request: pytest.FixtureRequest, closing: list[Engine], name: str
) -> None:
    model: LanguageModel = request.getfixturevalue(name)
    every = EveryDraft()
    off, on = (
        TransformersEngine(model, entry_for(), rows=2, drafts=drafts)
        for drafts in (DraftPolicy(is_on=False), every)
    )
    closing += [off, on]
    asked = requests(random.Random(3))
    assert results(on, asked, 2) == results(off, asked, 2)
    # The test would prove nothing if no draft was right.
    assert every.drafted > 100
    assert every.right > 10


def test_wrong_tokens_of_a_draft_leave_no_trace(
    gpt2: LanguageModel, closing: list[Engine]
) -> None:
    """Neither in the reply nor in the row, from which later replies begin."""
    off = TransformersEngine(gpt2, entry_for(), rows=1, drafts=DraftPolicy(is_on=False))
    known: dict[int, list[int]] = {}
    guessing = KnownReplies(known)
    on = TransformersEngine(gpt2, entry_for(), rows=1, drafts=guessing)
    closing += [off, on]
    asked = requests(random.Random(5))
    for one in asked:
        listener = RecordingListener()
        run = off.submit(one, listener)
        listener.ending()
        known[one.settings.seed] = [*run.new_ids, min(gpt2.eos_ids)]
        # Twice: the second time most of the row of the first is taken over.
        for _ in range(2):
            (found,) = results(on, [one], 1)
            assert found == (run.new_ids, listener.text, listener.endings[0])
    assert guessing.drafted > 100


def test_drafts_are_exact_beside_stops_and_faults(
    gpt2: LanguageModel, closing: list[Engine]
) -> None:
    off = TransformersEngine(gpt2, entry_for(), rows=1, drafts=DraftPolicy(is_on=False))
    asked = requests(random.Random(7))
    expected = results(off, asked, 1)
    known = {n: [*ids, min(gpt2.eos_ids)] for n, (ids, _, _) in enumerate(expected)}
    rng, guessing = random.Random(7), KnownReplies(known)

    def is_due(chunks: list[Chunk[RunningRequest]]) -> bool:
        # A second fault in a row would rightly end a reply.
        is_suspect = any(chunk.sequence.is_suspect for chunk in chunks)
        return not is_suspect and rng.random() < 0.05

    faulty = FaultyModel(gpt2, is_due, RuntimeError())
    faulty.open()
    on = TransformersEngine(faulty, entry_for(), rows=2, drafts=guessing)  # type: ignore[arg-type]
    closing += [off, on]
    listeners = [
        RecordingListener() if n % 4 else StoppingListener() for n in range(REQUESTS)
    ]
    runs = [on.submit(*pair) for pair in zip(asked, listeners, strict=True)]
    for listener, run in zip(listeners, runs, strict=True):
        if isinstance(listener, StoppingListener):
            listener.run = run
    for run, listener, (ids, text, ending) in zip(
        runs, listeners, expected, strict=True
    ):
        if listener.ending().outcome == Outcome.STOPPED:
            assert run.new_ids == ids[: len(run.new_ids)]
            assert text.startswith(listener.text)
        else:
            assert (run.new_ids, listener.text) == (ids, text)
            assert listener.endings == [ending]
    assert guessing.right > 50
    assert Outcome.STOPPED in {one.endings[0].outcome for one in listeners}


@given(st.lists(st.integers(0, 3), min_size=1, max_size=60), st.integers(1, 7))
def test_a_draft_is_what_followed_last_time(ids: list[int], most: int) -> None:
    lookup = PromptLookup()
    for length in range(1, len(ids) + 1):
        found = lookup.draft(ids[:length], most)
        assert found == searched(ids[:length], most)


def searched(ids: list[int], most: int) -> list[int]:
    """The draft, by looking at every place."""
    for size in MATCHED_TOKENS:
        for start in range(len(ids) - 1, size - 1, -1):
            if ids[start - size : start] == ids[-size:] and len(ids) > size:
                text = list(ids)
                for n in range(most):
                    text.append(text[start + n])
                return text[len(ids) :]
    return []


class Repeating(Sequence):
    """A sequence whose next tokens are always guessed."""

    @property
    def max_draft_tokens(self) -> int:
        return 100


def chunk_of(hit_rate: float) -> Chunk[Sequence]:
    sequence = Repeating([1, 2, 3] * 5)
    sequence.cached_tokens = 14
    sequence.lookup.hit_rate = hit_rate
    return Chunk(sequence, 0, 14, 15)


def measured(step: float, token: float, replies: int = 1) -> DraftPolicy:
    """A policy on a machine where a step and a drafted token take so many seconds."""
    policy = DraftPolicy()
    for _ in range(20):
        plain = [chunk_of(1.0) for _ in range(replies)]
        policy.add(step, plain)
        drafted = policy.with_drafts(plain)
        policy.add(step + token * sum(len(c.draft) for c in drafted), drafted)
    return policy


@pytest.mark.parametrize(
    ("hit_rate", "token", "replies", "length"),
    [
        (0.9, 0.01, 1, MAX_DRAFT_TOKENS),  # cheap and mostly right
        (0.5, 0.01, 1, 3),  # 0.5 ³ saves 0.0125 s, 0.5 ⁴ half of it
        (0.5, 0.01, 2, 2),  # with two replies a step is half as dear for each
        (0.3, 0.04, 1, 0),  # saves 0.03 s and costs 0.04
        (0.0, 0.0001, 1, 0),  # never right
    ],
)
def test_a_draft_is_as_long_as_it_pays(
    hit_rate: float, token: float, replies: int, length: int
) -> None:
    policy = measured(0.1, token, replies)
    found = policy.with_drafts([chunk_of(hit_rate) for _ in range(replies)])
    assert [len(chunk.draft) for chunk in found] == [length] * replies


def test_wrong_drafts_end_but_are_tried_again_now_and_then() -> None:
    policy, chunk = measured(0.1, 0.01), chunk_of(0.9)
    for _ in range(12):
        chunk.sequence.lookup.add(MAX_DRAFT_TOKENS, 0)
    lengths = [len(policy.with_drafts([chunk])[0].draft) for _ in range(32)]
    assert sum(length > 0 for length in lengths) == len(lengths) // PROBE_CHANCES
    assert max(lengths) == PROBE_TOKENS


def test_nothing_is_drafted_beside_prompts_or_many_replies_or_unmeasured() -> None:
    policy = measured(0.1, 0.01)
    prompt = Chunk(Repeating([1, 2, 3] * 5), 1, 0, 15)
    for chunks in ([chunk_of(1.0), prompt], [chunk_of(1.0)] * 3):
        assert policy.with_drafts(chunks) == chunks
    alone = [chunk_of(1.0)]
    assert DraftPolicy().with_drafts(alone) == alone
    alone[0].sequence.is_suspect = True
    assert policy.with_drafts(alone) == alone
