"""Lays out the turns of a conversation as the tokens of one prompt."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

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

    def render(self, messages: list[dict[str, str]]) -> str:
        """The chat template filled with messages, ending with the cue to reply."""

    def special_tokens(self) -> dict[str, int]:
        """The strings that stand for special tokens, with their tokens."""

    def special_pattern(self) -> re.Pattern[str] | None:
        """Matches exactly these strings, with the white space they swallow."""


class Layout(Protocol):
    """Writes turns as tokens and ends with the cue for the assistant to speak."""

    @property
    def stop(self) -> tuple[str, ...]:
        """Strings that end a reply in this layout."""

    @property
    def trims_reply(self) -> bool:
        """Whether white space at the beginning of a reply belongs to the layout."""

    def pieces(self, turns: Sequence[Turn]) -> list[list[int]]:
        """The opening, then one piece for each turn; together they are the prompt."""
        ...


class TranscriptLayout:
    """For models that only continue text: a transcript with markers at line starts."""

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
        pieces[-1] = pieces[-1] + cue
        return pieces

    def _written(self, turn: Turn) -> str:
        text = self._neutral(turn.text)
        match turn.role:
            case Role.SYSTEM:
                return f"\n\n{text}"
            case Role.USER:
                return f"\n\n{self._template.user} {text}"
        return f"\n{self._template.assistant} {text}"

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
    """

    tokens: Tokens
    #: Renders (role, text) pairs with the cue for a reply.
    render: Callable[[list[dict[str, str]]], str]
    #: Tokens of the special strings that a template may contain.
    special: dict[str, int]
    #: Matches exactly these strings, with the white space that they swallow.
    special_pattern: re.Pattern[str] | None
    stop = ()
    trims_reply = False

    def pieces(self, turns: Sequence[Turn]) -> list[list[int]]:
        rendered = self.render(
            [
                {"role": str(turn.role), "content": f"\ue000{i}\ue001"}
                for i, turn in enumerate(turns)
            ]
        )
        pieces: list[list[int]] = [[] for _ in range(len(turns) + 1)]
        latest = 0
        for part in self._parts(rendered):
            shown = [int(n) for n in PLACEHOLDER.findall(part)]
            latest = max([latest, *(n + 1 for n in shown)])
            pieces[latest].extend(self._encode(part, turns))
        return pieces

    def _parts(self, rendered: str) -> Iterator[str]:
        """Special strings and what stands between them, in order."""
        if self.special_pattern is None:
            yield rendered
            return
        for part in self.special_pattern.split(rendered):
            if part:
                yield part

    def _encode(self, part: str, turns: Sequence[Turn]) -> list[int]:
        token = self.special.get(part.strip())
        if token is not None:
            return [token]
        filled = PLACEHOLDER.sub(lambda found: turns[int(found[1])].text, part)
        return self.tokens.encode(filled)


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
            render=tokens.render,
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
