"""Fits the turns of a conversation into the model's context window."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain, takewhile
from typing import Protocol

from jinja2 import TemplateError

from chatsite.wire import Request, Role, Turn
from worker.engine.chat_template import ChatTemplate, InvalidTurns, TextTokenizer

#: Turns are dropped in steps of this share of the budget. Big steps leave the beginning
#: of the prompt unchanged for many turns, so that the prefix cache serves it.
DROP_STEP_SHARE = 0.5


class PromptTooLong(ValueError):
    """A prompt that leaves no room for a reply, of which nothing may be left out."""

    def __init__(self, tokens: int, context_tokens: int) -> None:
        """``tokens``: the length of the prompt."""
        super().__init__(f"{tokens} tokens for a context of {context_tokens}")
        self.tokens = tokens


class PromptTokenizer(TextTokenizer, Protocol):
    """What prompts need of a tokenizer; see ``Tokenizer``."""

    @property
    def opening(self) -> list[int]:
        """The tokens that a text by itself begins with, such as BOS; often none."""

    @property
    def bos_id(self) -> int | None:
        """The token that a text begins with, if the tokenizer has one."""

    @property
    def eos_id(self) -> int | None:
        """The token that ends a text, if the tokenizer has one."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """A prompt that fits, and what was left out for it."""

    ids: list[int]
    dropped_turns: int = 0
    #: Tokens cut from the beginnings of the newest turns.
    cut_tokens: int = 0
    #: The turns that fit, for an engine that sends text. Empty for a raw prompt.
    turns: tuple[Turn, ...] = ()


def fit_request(
    request: Request,
    template: ChatTemplate,
    tokenizer: PromptTokenizer,
    context_tokens: int,
) -> tuple[Prompt, int]:
    """Return the prompt of a request, and how many tokens the reply may have.

    Raises ``PromptTooLong`` and ``InvalidTurns``.
    """
    turns, params = request.turns, request.settings
    if not turns:
        raise InvalidTurns("a prompt needs a turn")
    raw = _encode_raw(tokenizer, turns[-1].text) if request.is_raw else None
    if request.is_cut_refused:
        ids = _encode_all(template, turns) if raw is None else raw
        if len(ids) >= context_tokens:
            raise PromptTooLong(len(ids), context_tokens)
        return Prompt(ids), min(params.max_new_tokens, context_tokens - len(ids))
    reply_tokens = reply_budget(params.max_new_tokens, context_tokens)
    budget_tokens = context_tokens - reply_tokens
    if raw is not None:
        return _cut_raw(raw, tokenizer.opening, budget_tokens), reply_tokens
    return fit_prompt(template, tokenizer, turns, budget_tokens), reply_tokens


def _encode_raw(tokenizer: PromptTokenizer, text: str) -> list[int]:
    """Return the tokens of a text by itself, at least one."""
    if ids := [*tokenizer.opening, *tokenizer.encode(text)]:
        return ids
    for first in (tokenizer.bos_id, tokenizer.eos_id):
        if first is not None:
            return [first]
    raise InvalidTurns("the prompt is empty")


def _cut_raw(ids: list[int], opening: list[int], budget_tokens: int) -> Prompt:
    """Return a raw prompt that fits: what it begins with, and the end of its text."""
    excess_tokens = max(0, len(ids) - budget_tokens)
    rest = ids[len(opening) + excess_tokens :]
    return Prompt([*opening, *rest], cut_tokens=excess_tokens)


def _encode_all(template: ChatTemplate, turns: Sequence[Turn]) -> list[int]:
    """Return the tokens of all turns, in any order of their roles."""
    *before, newest = turns
    if newest.role == Role.ASSISTANT:
        newest = replace(newest, text=newest.text.rstrip())
    try:
        encoded = template.encode_turns([*before, newest])
    except TemplateError as error:
        raise InvalidTurns("the chat template refuses these turns") from error
    return [*chain.from_iterable(encoded)]


def count_dropped_turns(turn_tokens: Sequence[int], budget_tokens: int) -> int:
    """Return how many of the oldest turns to drop so that the rest fits the budget.

    The tokens to drop are rounded up to a whole step, so that the number changes rarely
    as a conversation grows. The newest turn always stays.
    """
    excess = sum(turn_tokens) - budget_tokens
    if excess <= 0:
        return 0
    step = max(1, int(budget_tokens * DROP_STEP_SHARE))
    to_drop = -(-excess // step) * step
    dropped_tokens = 0
    for index, count in enumerate(turn_tokens):
        if dropped_tokens >= to_drop:
            return index
        dropped_tokens += count
    return max(0, len(turn_tokens) - 1)


def reply_budget(max_new_tokens: int, context_tokens: int) -> int:
    """Return the tokens reserved for the reply: at most half of the context."""
    return max(1, min(max_new_tokens, context_tokens // 2))


def fit_prompt(
    template: ChatTemplate,
    tokenizer: TextTokenizer,
    turns: Sequence[Turn],
    budget_tokens: int,
) -> Prompt:
    """Return a prompt of the system turns and the newest turns that fit the budget.

    White space at the end of a reply to be continued is left out: most tokenizers join
    a word with the space before it, so the model writes the space again, and
    ``ReplyText`` does not show it twice.

    Raises ``InvalidTurns`` if the newest turn is neither a user's nor the reply to one,
    or if not even an empty prompt fits.
    """
    system, older, newest = _split_turns(turns)
    system = _fit_system(template, system, newest, budget_tokens)
    older = _fit_older(template, system, older, newest, budget_tokens)
    kept = [*system, *older]
    ids, newest, cut_tokens = _cut_newest(
        template, tokenizer, kept, newest, budget_tokens
    )
    dropped = len(turns) - len(kept) - len(newest)
    return Prompt(ids, dropped, cut_tokens, turns=(*kept, *newest))


def _split_turns(
    turns: Sequence[Turn],
) -> tuple[list[Turn], list[Turn], list[Turn]]:
    """Split turns into the leading system turns, older turns, and the newest.

    The newest turns always stay: the user's, and the beginning of a reply to it that is
    to be continued.
    """
    match [turn.role for turn in turns[-2:]]:
        case [*_, Role.USER]:
            newest = [turns[-1]]
        case [Role.USER, Role.ASSISTANT]:
            begun = turns[-1]
            newest = [turns[-2], replace(begun, text=begun.text.rstrip())]
        case _:
            raise InvalidTurns("the newest turn must be a user's, or the reply to one")
    before = list(turns[: -len(newest)])
    system = list(takewhile(lambda turn: turn.role == Role.SYSTEM, before))
    return system, before[len(system) :], newest


def _fit_system(
    template: ChatTemplate, system: list[Turn], newest: list[Turn], budget_tokens: int
) -> list[Turn]:
    """Drop leading system turns while they take more than half of the budget."""
    empty = [replace(turn, text="") for turn in newest]
    while system and _count_tokens(template, [*system, *empty]) > budget_tokens // 2:
        system = system[1:]
    return system


def _fit_older(
    template: ChatTemplate,
    system: list[Turn],
    older: list[Turn],
    newest: list[Turn],
    budget_tokens: int,
) -> list[Turn]:
    """Return the older turns that fit, beginning with a user's."""
    encoded = template.encode_turns([*system, *older, *newest])
    counts = [len(ids) for ids in encoded]
    fixed = sum(counts[: 1 + len(system)])
    first = count_dropped_turns(counts[1 + len(system) :], budget_tokens - fixed)
    while older[first:]:
        kept = older[first:]
        # Where turns were dropped, the tokens at the seam may differ: count again.
        if kept[0].role == Role.USER and (
            _count_tokens(template, [*system, *kept, *newest]) <= budget_tokens
        ):
            return kept
        first += 1
    return []


def _count_tokens(template: ChatTemplate, turns: list[Turn]) -> int:
    return sum(map(len, template.encode_turns(turns)))


class _CuttableTurn:
    """A turn whose beginning can be cut off, between characters."""

    def __init__(self, turn: Turn, tokenizer: TextTokenizer) -> None:
        self._turn = turn
        self._starts = tokenizer.token_starts(turn.text)
        self.cut_tokens = 0

    @property
    def left_tokens(self) -> int:
        return len(self._starts) - self.cut_tokens

    @property
    def rest(self) -> Turn:
        begins = [*self._starts, len(self._turn.text)]
        return replace(self._turn, text=self._turn.text[begins[self.cut_tokens] :])


def _cut_newest(
    template: ChatTemplate,
    tokenizer: TextTokenizer,
    kept: list[Turn],
    newest: list[Turn],
    budget_tokens: int,
) -> tuple[list[int], list[Turn], int]:
    """Return the prompt, the newest turns as they fit, and how many tokens they lost.

    Turns lose their beginning, because most people paste first and ask last, and
    because a reply continues at its end. The longer of the two is cut first.
    """
    cuttable: list[_CuttableTurn] = []
    while True:
        encoded = template.encode_turns([*kept, *newest])
        ids = [token for piece in encoded for token in piece]
        excess = len(ids) - budget_tokens
        if excess <= 0:
            return ids, newest, sum(turn.cut_tokens for turn in cuttable)
        cuttable = cuttable or [_CuttableTurn(turn, tokenizer) for turn in newest]
        *others, longest = sorted(cuttable, key=lambda turn: turn.left_tokens)
        if not longest.left_tokens:
            raise InvalidTurns("the context of the model is too small for any prompt")
        lead = longest.left_tokens - sum(other.left_tokens for other in others)
        longest.cut_tokens += min(excess, lead or -(-excess // 2), longest.left_tokens)
        newest = [turn.rest for turn in cuttable]
