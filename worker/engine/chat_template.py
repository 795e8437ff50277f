"""Lays out the turns of a conversation as the tokens of one prompt."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Protocol

from jinja2 import TemplateError

from chatsite.catalog import Template
from chatsite.wire import Role, Turn


class BadTurns(ValueError):
    """Turns that no prompt can be made of. The message holds none of their text."""


class Tokens(Protocol):
    """What a layout needs of a tokenizer."""

    def encode(self, text: str) -> list[int]:
        """Tokens of plain text: special tokens in it stay plain text."""

    def starts(self, text: str) -> list[int]:
        """For each token of ``encode(text)``, the character where it begins."""


class ChatTokens(Tokens, Protocol):
    """What the choice of a layout needs besides."""

    @property
    def has_chat_template(self) -> bool: ...

    def render(self, messages: list[dict[str, str]], *, has_cue: bool) -> str:
        """The chat template filled with messages, and the cue to reply where asked.

        Raises ``jinja2.TemplateError`` where the template refuses them.
        """

    def special_tokens(self) -> dict[str, int]:
        """The strings that stand for special tokens, with their tokens."""

    def special_pattern(self) -> re.Pattern[str] | None:
        """Matches exactly these strings, with the white space they swallow."""


class Layout(Protocol):
    """Writes turns as tokens and ends with the cue for the assistant to speak.

    Where the newest turn is the assistant's, its text is the end, to be continued.
    """

    @property
    def stop(self) -> tuple[str, ...]:
        """Strings that end a reply in this layout."""

    @property
    def trims_reply(self) -> bool:
        """Whether white space at the beginning of a reply belongs to the layout."""

    def pieces(self, turns: Sequence[Turn]) -> list[list[int]]:
        """The opening, then one piece for each turn; together they are the prompt.

        Raises ``BadTurns``.
        """
        ...


class TranscriptLayout:
    """For models that only continue text: a transcript with markers at line starts.

    System text is a paragraph of its own behind the examples of the opening: in front
    of them, or instead of their first paragraph, such models do not mind it.
    """

    trims_reply = True

    def __init__(self, template: Template, tokens: Tokens) -> None:
        self._template = template
        self._tokens = tokens
        self._markers = {Role.USER: template.user, Role.ASSISTANT: template.assistant}
        typed = "|".join(re.escape(m) for m in self._markers.values())
        self._typed_marker = re.compile(rf"(?mi)^(?=\s*(?:{typed}))")
        self.stop = tuple(f"\n{marker}" for marker in self._markers.values())

    def pieces(self, turns: Sequence[Turn]) -> list[list[int]]:
        cue = self._tokens.encode(f"\n{self._template.assistant}")
        written = [self._tokens.encode(self._written(turn)) for turn in turns]
        pieces = [self._tokens.encode(self._template.opening), *written]
        if turns[-1].role != Role.ASSISTANT:
            pieces[-1] = pieces[-1] + cue
        return pieces

    def _written(self, turn: Turn) -> str:
        text = self._neutral(turn.text)
        match turn.role:
            case Role.SYSTEM:
                return f"\n\n{text}"
            case Role.USER:
                return f"\n\n{self._template.user} {text}"
        return f"\n{self._template.assistant} {text}".rstrip()

    def _neutral(self, text: str) -> str:
        """The text with typed turn markers quoted, so that they begin no line."""
        lines = re.sub(r"\r\n?|[\v\f\x85\u2028\u2029]", "\n", text).strip()
        return self._typed_marker.sub("> ", lines)


#: Stand for the text of a turn while a chat template is rendered: private characters.
PLACEHOLDER = re.compile("\ue000([0-9]+)\ue001")


@dataclass(frozen=True)
class ChatLayout:
    """For models with a chat template, whose markers are special tokens.

    The template is rendered around placeholders; then the marks of the template are
    special tokens, and people's text between them is not, whatever it spells. Text
    without such marks gives exactly the tokens of ``apply_chat_template``.

    Where the template refuses a system turn, or passes over it, its text stands in
    front of the person's turn behind it.
    """

    tokens: ChatTokens
    #: Tokens of the special strings that a template may contain.
    special: dict[str, int]
    #: Matches exactly these strings, with the white space that they swallow.
    special_pattern: re.Pattern[str] | None
    stop = ()
    trims_reply = False

    def pieces(self, turns: Sequence[Turn]) -> list[list[int]]:
        pieces: list[list[int]] = [[] for _ in range(len(turns) + 1)]
        latest = 0
        for part in self._parts(self._rendered(turns)):
            for number, ids in self._encoded(part, turns):
                latest = max(latest, number)
                pieces[latest].extend(ids)
        return pieces

    def _rendered(self, turns: Sequence[Turn]) -> str:
        """The template around placeholders, cut behind that of a turn to continue."""
        marks = [f"\ue000{i}\ue001" for i in range(len(turns))]
        messages = [
            {"role": str(turn.role), "content": mark}
            for turn, mark in zip(turns, marks, strict=True)
        ]
        is_begun = turns[-1].role == Role.ASSISTANT
        rendered = self._filled(messages, has_cue=not is_begun)
        if not is_begun:
            return rendered
        before, mark, _ = rendered.rpartition(marks[-1])
        if not mark:
            raise BadTurns("the chat template leaves out the reply to be continued")
        return before + mark

    def _filled(self, messages: list[dict[str, str]], *, has_cue: bool) -> str:
        system = [m["content"] for m in messages if m["role"] == Role.SYSTEM]
        try:
            rendered = self.tokens.render(messages, has_cue=has_cue)
        except TemplateError:
            if not system:
                raise
        else:
            if all(mark in rendered for mark in system):
                return rendered
        return self.tokens.render(_without_system(messages), has_cue=has_cue)

    def _parts(self, rendered: str) -> Iterator[str]:
        """Special strings and what stands between them, in order."""
        if self.special_pattern is None:
            yield rendered
            return
        for part in self.special_pattern.split(rendered):
            if part:
                yield part

    def _encoded(
        self, part: str, turns: Sequence[Turn]
    ) -> Iterator[tuple[int, list[int]]]:
        """The tokens of a part, in order, each run with the number of its piece.

        0 stands for no turn. A part is encoded as a whole: where it holds several
        turns, a token belongs to the one in whose text it begins, or behind it.
        """
        token = self.special.get(part.strip())
        if token is not None:
            yield 0, [token]
            return
        filled, begins = "", [(0, 0)]
        for i, words in enumerate(PLACEHOLDER.split(part)):
            # Every other one is the number of a turn.
            if i % 2:
                begins.append((len(filled), int(words) + 1))
            filled += turns[int(words)].text if i % 2 else words
        ids = self.tokens.encode(filled)
        if len(begins) <= 2:
            yield begins[-1][1], ids
            return
        starts = self.tokens.starts(filled)
        bounds = [bisect_left(starts, begin) for begin, _ in begins]
        for (_, number), (start, stop) in zip(
            begins, pairwise([*bounds, len(ids)]), strict=True
        ):
            yield number, ids[start:stop]


def _without_system(messages: list[dict[str, str]]) -> list[dict[str, str]]:
    """System text stands in front of the next person's."""
    merged, ahead = [], ""
    for message in messages:
        if message["role"] == Role.SYSTEM:
            ahead += f"{message['content']}\n\n"
        elif message["role"] == Role.USER:
            merged.append({**message, "content": ahead + message["content"]})
            ahead = ""
        else:
            merged.append(message)
    return merged


def layout_for(
    tokens: ChatTokens, template: Template | None, context_tokens: int
) -> Layout:
    """The tokenizer's own chat template where there is one, else a transcript.

    An opening that would fill a quarter of the context is left out. Raises
    ``ValueError`` where there is neither template.
    """
    if tokens.has_chat_template:
        return ChatLayout(
            tokens,
            special=tokens.special_tokens(),
            special_pattern=tokens.special_pattern(),
        )
    if template is None:
        raise ValueError(
            "The tokenizer has no chat template and the catalogue no template for it."
        )
    if len(tokens.encode(template.opening)) > context_tokens // 4:
        template = replace(template, opening="")
    return TranscriptLayout(template, tokens)
