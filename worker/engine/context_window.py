"""Makes the turns of a conversation one prompt that fits into the context."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import takewhile

from chatsite.wire import Role, Turn
from worker.engine.chat_template import BadTurns, Layout, Tokens

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

    White space at the end of a reply to be continued is left out: a word mostly brings
    the space before it along, so the model writes it again, and ``ReplyText`` does not
    show it twice.

    Raises ``BadTurns`` when the newest turn is neither a person's nor the reply to one,
    or when not even an empty prompt fits.
    """
    opening, older, newest = _parted(turns)
    opening = _fitting_opening(layout, opening, newest, budget_tokens)
    older = _fitting_older(layout, opening, older, newest, budget_tokens)
    kept = [*opening, *older]
    ids, cut_tokens = _cut_fronts(layout, tokens, kept, newest, budget_tokens)
    dropped = len(turns) - len(kept) - len(newest)
    return Prompt(ids, dropped_turns=dropped, cut_tokens=cut_tokens)


def _parted(turns: Sequence[Turn]) -> tuple[list[Turn], list[Turn], list[Turn]]:
    """System turns at the front, old turns, and the newest, which stays in any case.

    That is a person's, or two: with it the beginning of the reply to be continued.
    """
    match [turn.role for turn in turns[-2:]]:
        case [*_, Role.USER]:
            newest = [turns[-1]]
        case [Role.USER, Role.ASSISTANT]:
            begun = turns[-1]
            newest = [turns[-2], replace(begun, text=begun.text.rstrip())]
        case _:
            raise BadTurns("the newest turn must be a person's, or the reply to one")
    before = list(turns[: -len(newest)])
    opening = list(takewhile(lambda turn: turn.role == Role.SYSTEM, before))
    return opening, before[len(opening) :], newest


def _fitting_opening(
    layout: Layout, opening: list[Turn], newest: list[Turn], budget_tokens: int
) -> list[Turn]:
    """System turns at the front stay, unless they alone fill half of the budget."""
    empty = [replace(turn, text="") for turn in newest]
    while opening and _length(layout, [*opening, *empty]) > budget_tokens // 2:
        opening = opening[1:]
    return opening


def _fitting_older(
    layout: Layout,
    opening: list[Turn],
    older: list[Turn],
    newest: list[Turn],
    budget_tokens: int,
) -> list[Turn]:
    pieces = layout.pieces([*opening, *older, *newest])
    counts = [len(piece) for piece in pieces]
    fixed = sum(counts[: 1 + len(opening)])
    first = first_kept(counts[1 + len(opening) :], budget_tokens - fixed)
    while older[first:]:
        kept = older[first:]
        # A conversation begins with a person, and tokens at the seam may differ.
        if kept[0].role == Role.USER and (
            _length(layout, [*opening, *kept, *newest]) <= budget_tokens
        ):
            return kept
        first += 1
    return []


def _length(layout: Layout, turns: list[Turn]) -> int:
    return sum(map(len, layout.pieces(turns)))


class _Front:
    """A turn whose front can be cut off, between characters."""

    def __init__(self, turn: Turn, tokens: Tokens) -> None:
        self._turn = turn
        self._starts = tokens.starts(turn.text)
        self.cut_tokens = 0

    @property
    def left_tokens(self) -> int:
        return len(self._starts) - self.cut_tokens

    @property
    def rest(self) -> Turn:
        begins = [*self._starts, len(self._turn.text)]
        return replace(self._turn, text=self._turn.text[begins[self.cut_tokens] :])


def _cut_fronts(
    layout: Layout,
    tokens: Tokens,
    kept: list[Turn],
    newest: list[Turn],
    budget_tokens: int,
) -> tuple[list[int], int]:
    """The prompt, with the fronts of the newest turns cut off as far as needed.

    Whoever reads the end sees the question, because people mostly paste first and ask
    last, and sees where the reply goes on. Of both, the longer one is cut first.
    """
    fronts: list[_Front] = []
    while True:
        pieces = layout.pieces([*kept, *newest])
        ids = [token for piece in pieces for token in piece]
        excess = len(ids) - budget_tokens
        if excess <= 0:
            return ids, sum(front.cut_tokens for front in fronts)
        fronts = fronts or [_Front(turn, tokens) for turn in newest]
        *others, longest = sorted(fronts, key=lambda front: front.left_tokens)
        if not longest.left_tokens:
            raise BadTurns("the context of the model is too small for any prompt")
        ahead = longest.left_tokens - sum(other.left_tokens for other in others)
        longest.cut_tokens += min(excess, ahead or -(-excess // 2), longest.left_tokens)
        newest = [front.rest for front in fronts]
