"""How much of a model's context a conversation takes, and what falls out next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from chat.models import Message, Reply
from chat.models.conversation import title_from
from chat.services.effective_settings import EffectiveSettings
from chat.services.jobs.request import CHARACTERS_PER_TOKEN

#: From this share on it is worth knowing what falls out next.
HIGH_SHARE = 0.75
BEGINNING_CHARACTERS = 40


@dataclass(frozen=True, slots=True)
class ContextUsage:
    """Tokens of the messages so far, of those that are left beside a reply."""

    tokens: int
    budget_tokens: int
    #: Old messages that the latest reply was made without.
    dropped_messages: int = 0
    #: How the oldest message begins that is still read; empty while there is room.
    next_out: str = ""

    @property
    def share(self) -> float:
        return min(1.0, self.tokens / self.budget_tokens)

    @property
    def high_tokens(self) -> int:
        return int(HIGH_SHARE * self.budget_tokens)


def context_usage(
    messages: Sequence[Message], chosen: EffectiveSettings, *, has_earlier: bool
) -> ContextUsage | None:
    """From the newest messages of a path, whose replies are loaded; None without any.

    Exact up to the latest reply that was counted, estimated from there on.
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
    return ContextUsage(tokens, budget, dropped, _next_out(messages, dropped))


def _tokens_up_to(latest: Reply | None) -> int:
    if latest is None:
        return 0
    return (latest.prompt_tokens or 0) + (latest.new_tokens or 0)


def _tokens_after(latest: Reply | None, messages: Sequence[Message]) -> int:
    ids = [message.pk for message in messages]
    start = ids.index(latest.pk) + 1 if latest else 0
    characters = sum(len(message.text) for message in messages[start:])
    return characters // CHARACTERS_PER_TOKEN


def _next_out(messages: Sequence[Message], dropped: int) -> str:
    said = [message.text for message in messages if message.text]
    return (
        title_from(said[dropped], BEGINNING_CHARACTERS) if dropped < len(said) else ""
    )
