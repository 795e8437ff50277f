"""Chat templates: write the turns of a conversation as the tokens of one prompt."""

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


class InvalidTurns(ValueError):
    """Turns that no prompt can be made of. The message holds none of their text."""


class TextTokenizer(Protocol):
    """What a chat template needs of a tokenizer; see ``Tokenizer``."""

    def encode(self, text: str) -> list[int]:
        """Return the tokens of plain text; special strings in it stay plain text."""

    def token_starts(self, text: str) -> list[int]:
        """Return the first character of each token of ``encode(text)``."""


class ChatTokenizer(TextTokenizer, Protocol):
    """A tokenizer that may bring a chat template; see ``Tokenizer``."""

    @property
    def has_chat_template(self) -> bool:
        """Whether the tokenizer brings a chat template."""

    def render(
        self, messages: list[dict[str, str]], *, add_generation_prompt: bool
    ) -> str:
        """Return the chat template filled with messages.

        Raises ``jinja2.TemplateError`` if the template refuses them.
        """

    def special_tokens(self) -> dict[str, int]:
        """Return the special strings with their tokens."""

    def special_pattern(self) -> re.Pattern[str] | None:
        """Return a pattern of these strings, with the white space they absorb."""


class ChatTemplate(Protocol):
    """Writes turns as tokens, up to where the assistant is to speak.

    If the newest turn is the assistant's, the prompt ends with its text, to be
    continued.
    """

    @property
    def stop_strings(self) -> tuple[str, ...]:
        """Strings that end a reply in this format."""

    @property
    def strips_reply(self) -> bool:
        """Whether white space at the beginning of a reply belongs to the format."""

    def encode_turns(self, turns: Sequence[Turn]) -> list[list[int]]:
        """Return the tokens of the opening, then of each turn.

        All lists joined are the prompt. Raises ``InvalidTurns``.
        """
        ...


class TranscriptTemplate:
    """For models without a chat template: a transcript with markers at line starts.

    System text is a paragraph of its own after the examples of the opening. Such
    models ignore it before them, or in place of their first paragraph.
    """

    strips_reply = True

    def __init__(self, template: Template, tokenizer: TextTokenizer) -> None:
        """``template``: opening and markers, from the catalogue."""
        self._template = template
        self._tokenizer = tokenizer
        self._markers = {Role.USER: template.user, Role.ASSISTANT: template.assistant}
        typed = "|".join(re.escape(m) for m in self._markers.values())
        self._typed_marker = re.compile(rf"(?mi)^(?=\s*(?:{typed}))")
        self.stop_strings = tuple(f"\n{marker}" for marker in self._markers.values())

    def encode_turns(self, turns: Sequence[Turn]) -> list[list[int]]:
        """Implement ``ChatTemplate``."""
        encode = self._tokenizer.encode
        *pieces, cue = self.pieces(turns)
        encoded = [encode(piece) for piece in pieces]
        encoded[-1] = encoded[-1] + (encode(cue) if cue else [])
        return encoded

    def pieces(self, turns: Sequence[Turn]) -> list[str]:
        """Return the text of the opening, of each turn, and of the cue at the end.

        The cue is empty where a reply is to be continued.
        """
        is_begun = turns[-1].role == Role.ASSISTANT
        cue = "" if is_begun else f"\n{self._template.assistant}"
        return [self._template.opening, *map(self._formatted, turns), cue]

    def _formatted(self, turn: Turn) -> str:
        text = self._with_quoted_markers(turn.text)
        match turn.role:
            case Role.SYSTEM:
                return f"\n\n{text}"
            case Role.USER:
                return f"\n\n{self._template.user} {text}"
        return f"\n{self._template.assistant} {text}".rstrip()

    def _with_quoted_markers(self, text: str) -> str:
        """Return the text with typed turn markers quoted: none begins a line then."""
        lines = re.sub(r"\r\n?|[\v\f\x85\u2028\u2029]", "\n", text).strip()
        return self._typed_marker.sub("> ", lines)


#: Replaces the text of a turn while a chat template is rendered: private characters.
PLACEHOLDER = re.compile("\ue000([0-9]+)\ue001")


@dataclass(frozen=True)
class TokenizerTemplate:
    """For models whose tokenizer brings a chat template with special tokens as markers.

    The template is rendered around placeholders. The markers of the template become
    special tokens; the text of turns between them never does, whatever it spells. Text
    without such markers gives exactly the tokens of ``apply_chat_template``.

    If the template refuses or ignores a system turn, its text is put before the next
    user's turn.
    """

    tokenizer: ChatTokenizer
    #: Tokens of the special strings that a template may contain.
    special: dict[str, int]
    #: Matches exactly these strings, with the white space that they absorb.
    special_pattern: re.Pattern[str] | None
    stop_strings = ()
    strips_reply = False

    def encode_turns(self, turns: Sequence[Turn]) -> list[list[int]]:
        """Implement ``ChatTemplate``."""
        encoded: list[list[int]] = [[] for _ in range(len(turns) + 1)]
        latest = 0
        for part in self._split(self._render(turns)):
            for number, ids in self._encode_part(part, turns):
                latest = max(latest, number)
                encoded[latest].extend(ids)
        return encoded

    def _render(self, turns: Sequence[Turn]) -> str:
        """Render the template around placeholders, up to a turn to be continued."""
        placeholders = [f"\ue000{i}\ue001" for i in range(len(turns))]
        messages = [
            {"role": str(turn.role), "content": placeholder}
            for turn, placeholder in zip(turns, placeholders, strict=True)
        ]
        is_begun = turns[-1].role == Role.ASSISTANT
        rendered = self._render_messages(messages, add_generation_prompt=not is_begun)
        if not is_begun:
            return rendered
        before, placeholder, _ = rendered.rpartition(placeholders[-1])
        if not placeholder:
            raise InvalidTurns("the chat template leaves out the reply to be continued")
        return before + placeholder

    def _render_messages(
        self, messages: list[dict[str, str]], *, add_generation_prompt: bool
    ) -> str:
        system = [m["content"] for m in messages if m["role"] == Role.SYSTEM]
        try:
            rendered = self.tokenizer.render(
                messages, add_generation_prompt=add_generation_prompt
            )
        except TemplateError:
            if not system:
                raise
        else:
            if all(placeholder in rendered for placeholder in system):
                return rendered
        return self.tokenizer.render(
            _merge_system_turns(messages), add_generation_prompt=add_generation_prompt
        )

    def _split(self, rendered: str) -> Iterator[str]:
        """Yield the special strings and the text between them, in order."""
        if self.special_pattern is None:
            yield rendered
            return
        for part in self.special_pattern.split(rendered):
            if part:
                yield part

    def _encode_part(
        self, part: str, turns: Sequence[Turn]
    ) -> Iterator[tuple[int, list[int]]]:
        """Yield the tokens of a part in order, with the number of their turn, from 1.

        0 stands for no turn. A part is encoded as a whole. If it holds several turns, a
        token belongs to the turn in whose text, or after whose text, it begins.
        """
        token = self.special.get(part.strip())
        if token is not None:
            yield 0, [token]
            return
        filled, begins = "", [(0, 0)]
        for i, words in enumerate(PLACEHOLDER.split(part)):
            # Odd items are the numbers of turns, even ones the text between.
            if i % 2:
                begins.append((len(filled), int(words) + 1))
            filled += turns[int(words)].text if i % 2 else words
        ids = self.tokenizer.encode(filled)
        if len(begins) <= 2:
            yield begins[-1][1], ids
            return
        starts = self.tokenizer.token_starts(filled)
        bounds = [bisect_left(starts, begin) for begin, _ in begins]
        for (_, number), (start, stop) in zip(
            begins, pairwise([*bounds, len(ids)]), strict=True
        ):
            yield number, ids[start:stop]


def _merge_system_turns(messages: list[dict[str, str]]) -> list[dict[str, str]]:
    """Return the messages with system text put before the next user's text."""
    merged, pending = [], ""
    for message in messages:
        if message["role"] == Role.SYSTEM:
            pending += f"{message['content']}\n\n"
        elif message["role"] == Role.USER:
            merged.append({**message, "content": pending + message["content"]})
            pending = ""
        else:
            merged.append(message)
    return merged


def chat_template_for(
    tokenizer: ChatTokenizer, template: Template | None, context_tokens: int
) -> ChatTemplate:
    """Return the tokenizer's own chat template, or else a transcript.

    ``template``: the catalogue's format for a transcript. Its opening is left out if it
    would fill a quarter of the context. Raises ``ValueError`` if neither exists.
    """
    if tokenizer.has_chat_template:
        return TokenizerTemplate(
            tokenizer,
            special=tokenizer.special_tokens(),
            special_pattern=tokenizer.special_pattern(),
        )
    if template is None:
        raise ValueError(
            "The tokenizer has no chat template and the catalogue no template for it."
        )
    if len(tokenizer.encode(template.opening)) > context_tokens // 4:
        template = replace(template, opening="")
    return TranscriptTemplate(template, tokenizer)
