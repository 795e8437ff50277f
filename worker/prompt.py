"""Makes the turns of a conversation one prompt that fits into the context."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from chatsite.wire import Role, Turn
from worker.transcript import BadTurns, Layout, Tokens

#: Share of the budget by which dropping goes ahead of need: big steps keep the
#: beginning of the prompt the same for many turns.
STEP_SHARE = 0.5


@dataclass(frozen=True, slots=True)
class Prompt:
    """A prompt that fits, and what it cost."""

    ids: list[int]
    dropped_turns: int
    cut_tokens: int


def first_kept(turn_tokens: Sequence[int], budget_tokens: int) -> int:
    """How many of the oldest turns to drop so that the rest fits the budget.

    Depends only on the turns, so that it moves rarely as a conversation grows: what is
    dropped is rounded up to a whole step. The newest turn always stays.
    """
    excess = sum(turn_tokens) - budget_tokens
    if excess <= 0:
        return 0
    step = max(1, int(budget_tokens * STEP_SHARE))
    to_drop = -(-excess // step) * step
    dropped_tokens = 0
    for index, count in enumerate(turn_tokens):
        if dropped_tokens >= to_drop:
            return index
        dropped_tokens += count
    return max(0, len(turn_tokens) - 1)


def reply_budget(max_new_tokens: int, context_tokens: int) -> int:
    """Tokens left for the reply: at most half of the context."""
    return max(1, min(max_new_tokens, context_tokens // 2))


def fit(
    layout: Layout, tokens: Tokens, turns: Sequence[Turn], budget_tokens: int
) -> Prompt:
    """The newest turns that fit into the budget, behind the opening.

    Raises ``BadTurns`` when the newest turn is not a person's, or when not even an
    empty prompt fits.
    """
    if not turns or turns[-1].role != Role.USER:
        raise BadTurns("the newest turn must be a person's")
    opening, spoken = _split_opening(layout, turns, budget_tokens)
    kept = _window(layout, opening, spoken, budget_tokens)
    ids, cut_tokens = _cut_newest(layout, tokens, [*opening, *kept], budget_tokens)
    dropped = len(turns) - len(opening) - len(kept)
    return Prompt(ids, dropped_turns=dropped, cut_tokens=cut_tokens)


def _split_opening(
    layout: Layout, turns: Sequence[Turn], budget_tokens: int
) -> tuple[list[Turn], list[Turn]]:
    """System turns at the front stay, unless they alone fill half of the budget."""
    count = 0
    while turns[count].role == Role.SYSTEM:
        count += 1
    opening, spoken = list(turns[:count]), list(turns[count:])
    while opening:
        pieces = layout.pieces([*opening, replace(spoken[-1], text="")])
        if sum(map(len, pieces)) <= budget_tokens // 2:
            break
        del opening[0]
    return opening, spoken


def _window(
    layout: Layout, opening: list[Turn], spoken: list[Turn], budget_tokens: int
) -> list[Turn]:
    pieces = layout.pieces([*opening, *spoken])
    counts = [len(piece) for piece in pieces]
    fixed = sum(counts[: 1 + len(opening)])
    first = first_kept(counts[1 + len(opening) :], budget_tokens - fixed)
    while first < len(spoken) - 1:
        kept = spoken[first:]
        # A conversation begins with a person, and tokens at the seam may differ.
        if kept[0].role == Role.USER and (
            _length(layout, [*opening, *kept]) <= budget_tokens
        ):
            return kept
        first += 1
    return spoken[-1:]


def _length(layout: Layout, turns: list[Turn]) -> int:
    return sum(map(len, layout.pieces(turns)))


def _cut_newest(
    layout: Layout, tokens: Tokens, turns: list[Turn], budget_tokens: int
) -> tuple[list[int], int]:
    """The prompt, with the front of the newest turn cut off as far as needed.

    The cut is between characters. Whoever reads the end sees the question: people
    mostly paste first and ask last.
    """
    newest, cut, starts = turns[-1], 0, None
    while True:
        ids = [token for piece in layout.pieces(turns) for token in piece]
        excess = len(ids) - budget_tokens
        if excess <= 0:
            return ids, cut
        starts = tokens.starts(newest.text) if starts is None else starts
        if cut >= len(starts):
            raise BadTurns("the context of the model is too small for any prompt")
        cut = min(cut + excess, len(starts))
        rest = newest.text[starts[cut] :] if cut < len(starts) else ""
        turns = [*turns[:-1], replace(newest, text=rest)]
