"""Context-window usage, and which message will be dropped next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from chat.models import Message, Reply
from chat.models.conversation import title_from
from chat.services.effective_settings import EffectiveSettings
from chat.services.jobs.request import CHARACTERS_PER_TOKEN

#: From this share on the page shows the usage.
SHOWN_SHARE = 0.6
#: From this share on the page names the message that will be dropped next.
HIGH_SHARE = 0.75
BEGINNING_CHARACTERS = 40


@dataclass(frozen=True, slots=True)
class ContextUsage:
    """Tokens of the messages, against those that fit beside a reply."""

    tokens: int
    budget_tokens: int
    #: Old messages that the latest reply was generated without.
    dropped_messages: int = 0
    #: How the message begins that will be dropped next; empty while there is room.
    next_dropped: str = ""

    @property
    def share(self) -> float:
        """The used share of the budget, 0 to 1."""
        return min(1.0, self.tokens / self.budget_tokens)

    @property
    def is_shown(self) -> bool:
        """Whether it matters to the person who writes."""
        return self.share >= SHOWN_SHARE or self.dropped_messages > 0

    @property
    def shown_tokens(self) -> int:
        """The number of tokens at ``SHOWN_SHARE``; 0 where it is shown anyway."""
        return 0 if self.dropped_messages else int(SHOWN_SHARE * self.budget_tokens)

    @property
    def high_tokens(self) -> int:
        """The number of tokens at ``HIGH_SHARE``."""
        return int(HIGH_SHARE * self.budget_tokens)


def context_usage(
    messages: Sequence[Message], chosen: EffectiveSettings, *, has_earlier: bool
) -> ContextUsage | None:
    """The usage of a path, from its newest messages with loaded replies; None if empty.

    Exact up to the latest reply whose tokens were counted, an estimate from there on.
    ``has_earlier`` says that the path has messages before these.
    """
    if not messages:
        return None
    replies = [
        m.reply for m in messages if not m.is_from_user and m.reply.prompt_tokens
    ]
    latest = replies[-1] if replies else None
    tokens = _tokens_up_to(latest) + _tokens_after(latest, messages)
    context = chosen.entry.context_tokens
    budget = context - min(chosen.settings.max_new_tokens, context // 2)
    dropped = latest.dropped_turns if latest else 0
    found = ContextUsage(tokens, budget, dropped)
    if found.share < HIGH_SHARE or has_earlier:
        return found
    return ContextUsage(tokens, budget, dropped, _next_dropped(messages, dropped))


def _tokens_up_to(latest: Reply | None) -> int:
    if latest is None:
        return 0
    return (latest.prompt_tokens or 0) + (latest.new_tokens or 0)


def _tokens_after(latest: Reply | None, messages: Sequence[Message]) -> int:
    ids = [message.pk for message in messages]
    start = ids.index(latest.pk) + 1 if latest else 0
    characters = sum(len(message.text) for message in messages[start:])
    return characters // CHARACTERS_PER_TOKEN


def _next_dropped(messages: Sequence[Message], dropped: int) -> str:
    texts = [message.text for message in messages if message.text]
    if dropped >= len(texts):
        return ""
    return title_from(texts[dropped], BEGINNING_CHARACTERS)
