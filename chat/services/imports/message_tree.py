"""Makes the messages of a file a tree as conversations of this site have it.

Prompts and replies alternate: neighbours of one role are joined by an empty line, and
an opening of the assistant hangs under an empty prompt. What is no turn of the talk is
taken out, and what followed it moves up. No text is lost.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime

from django.conf import settings

from chat.services.imports.source_messages import (
    ASSISTANT,
    USER,
    ImportRefused,
    SourceConversation,
    SourceMessage,
)

BETWEEN = "\n\n"
#: Where a file has no times.
NO_TIME = datetime(1990, 1, 2, tzinfo=UTC)
#: Kinds that are left out without a word.
NOT_COUNTED = ("empty", "failed")


@dataclass(slots=True)
class TreeMessage:
    """A message in its place."""

    role: str
    text: str
    created_at: datetime
    #: None for a first message.
    parent: TreeMessage | None
    source: SourceMessage | None = None
    #: Set once the tree is whole: counted from 0, parents first.
    number: int = -1
    parts: list[str] = field(default_factory=list)


@dataclass(slots=True)
class MessageTree:
    """All messages, those first that were written first; ``active`` ends the path."""

    messages: list[TreeMessage]
    active: TreeMessage | None
    #: What did not come, by its kind.
    left_out: Counter[str]

    @property
    def path_length(self) -> int:
        """How many messages are shown."""
        count, message = 0, self.active
        while message is not None:
            count, message = count + 1, message.parent
        return count


def tree_of(conversation: SourceConversation) -> MessageTree:
    """The messages of a conversation as a tree. Raises ``ImportRefused``."""
    return _Maker(conversation).tree()


class _Maker:
    def __init__(self, conversation: SourceConversation) -> None:
        self._conversation = conversation
        self._by_id: dict[str, SourceMessage] = {}
        self._anonymous: list[SourceMessage] = []
        for number, one in enumerate(conversation.messages):
            if one.id and self._is_other(one):
                one.id = f"{one.id} {number}"  # what follows it follows the first
            if one.id:
                self._by_id.setdefault(one.id, one)
            else:
                self._anonymous.append(one)
        self._left_out: Counter[str] = Counter()
        #: Where each message of the file went; None above the first turn.
        self._places: dict[int, TreeMessage | None] = {}
        self._made: list[TreeMessage] = []
        self._characters = 0

    def _is_other(self, one: SourceMessage) -> bool:
        """Whether it is no repetition of a message that has its id."""
        first = self._by_id.get(one.id, one)
        return (first.role, first.text) != (one.role, one.text)

    def tree(self) -> MessageTree:
        self._place_all()
        self._finish_texts()
        ordered = sorted(self._made, key=lambda one: one.created_at)
        for number, one in enumerate(ordered):
            one.number = number
        for message in (*self._by_id.values(), *self._anonymous):
            self._left_out += message.lost
            if message.kind and message.kind not in NOT_COUNTED:
                self._left_out[message.kind] += 1
        return MessageTree(ordered, self._active(ordered), self._left_out)

    def _place_all(self) -> None:
        """Place every message behind its parent; a circle is opened at its first."""
        children: dict[str, list[SourceMessage]] = defaultdict(list)
        roots = list(self._anonymous)
        for one in self._by_id.values():
            if one.parent in self._by_id and one.parent != one.id:
                children[one.parent or ""].append(one)
            else:
                roots.append(one)
        for one in (*roots, *self._by_id.values()):
            if id(one) not in self._places:
                self._place_below(one, children)

    def _place_below(
        self, root: SourceMessage, children: dict[str, list[SourceMessage]]
    ) -> None:
        waiting: list[tuple[SourceMessage, TreeMessage | None, bool]] = []
        waiting.append((root, None, False))
        while waiting:
            one, above, is_only = waiting.pop()
            if id(one) in self._places:
                continue
            place = self._placed(one, above, is_only=is_only)
            self._places[id(one)] = place
            below = children.get(one.id, []) if one.id else []
            # Kept in the order of the file: the last one is taken first.
            waiting += [(child, place, len(below) == 1) for child in reversed(below)]

    def _placed(
        self, one: SourceMessage, above: TreeMessage | None, *, is_only: bool
    ) -> TreeMessage | None:
        if one.kind or not one.role or not (one.text.strip() or one.reply):
            return above
        created_at = one.created_at or (above.created_at if above else self._begin())
        if above is not None and above.role == one.role:
            if is_only and one.reply is None:
                self._count(one.text)
                above.parts.append(one.text)
                return above
            texts = [*above.parts, one.text]
            return self._add(one, texts, created_at, above.parent)
        if above is None and one.role == ASSISTANT:
            above = self._add(None, [""], created_at, None)
        return self._add(one, [one.text], created_at, above)

    def _begin(self) -> datetime:
        return self._conversation.created_at or NO_TIME

    def _add(
        self,
        source: SourceMessage | None,
        texts: list[str],
        created_at: datetime,
        parent: TreeMessage | None,
    ) -> TreeMessage:
        for text in texts:
            self._count(text)
        if parent is not None:
            created_at = max(created_at, parent.created_at)
        role = source.role if source else USER
        made = TreeMessage(role, "", created_at, parent, source, parts=list(texts))
        self._made.append(made)
        return made

    def _count(self, text: str) -> None:
        """Copies of a text that other messages follow must not grow without end."""
        self._characters += len(text)
        if self._characters > settings.IMPORT_CONVERSATION_MAX_BYTES:
            raise ImportRefused("conversation_too_large")

    def _finish_texts(self) -> None:
        for one in self._made:
            one.text = BETWEEN.join(one.parts)
            one.parts = []

    def _active(self, ordered: list[TreeMessage]) -> TreeMessage | None:
        """The message at the end of the path: what the file says, or the newest end."""
        current = self._by_id.get(self._conversation.current or "")
        place = self._places.get(id(current)) if current is not None else None
        if place is not None:
            return place
        parents = {id(one.parent) for one in ordered}
        return next((one for one in reversed(ordered) if id(one) not in parents), None)
