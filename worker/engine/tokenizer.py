"""Text to tokens and back, for one model."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import cached_property, partial
from typing import Any

from transformers import PreTrainedTokenizerFast

#: Returns the text of tokens.
Decode = Callable[[Sequence[int]], str]


SENTENCEPIECE_SPACE = "▁"


def _byte_characters() -> dict[str, bytes]:
    """Return the bytes that byte-level tokens write as characters.

    Printable ones of Latin-1 stand for themselves, the others for the characters from
    256 on, in their order. Source: GPT-2, Radford et al. 2019.
    """
    printable = {*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)}
    others = (byte for byte in range(256) if byte not in printable)
    shifted = {chr(256 + n): bytes([byte]) for n, byte in enumerate(others)}
    return {chr(byte): bytes([byte]) for byte in printable} | shifted


BYTES = _byte_characters()


class Tokenizer:
    """The tokenizer of one model. Text never produces special tokens by accident."""

    def __init__(self, tokenizer: Any) -> None:
        """``tokenizer``: a fast tokenizer of transformers."""
        self._tokenizer = tokenizer
        self._decode = _decoder_of(tokenizer)
        #: The bytes of tokens that were asked for.
        self._bytes: dict[int, bytes] = {}

    def encode(self, text: str) -> list[int]:
        """Return the tokens of plain text; special strings in it stay plain text."""
        return list(self._encode(text)["input_ids"])

    @cached_property
    def opening(self) -> list[int]:
        """The tokens that a text by itself begins with, such as BOS; often none."""
        plain, whole = self.encode("a"), self._tokenizer("a")["input_ids"]
        return list(whole[: whole.index(plain[0])]) if plain[0] in whole else []

    def token_starts(self, text: str) -> list[int]:
        """Return the first character of each token of ``encode(text)``."""
        encoded = self._encode(text, return_offsets_mapping=True)
        return [start for start, _ in encoded["offset_mapping"]]

    def decode(self, ids: Sequence[int]) -> str:
        """Return the text of tokens, without special ones."""
        return self._decode(ids)

    def token_bytes(self, token: int) -> bytes:
        """Return the bytes that a token stands for, which may be part of a character.

        Those of all tokens of a text, joined, are the text; SentencePiece may put a
        space before it. A special token stands for its name, and a token that the
        tokenizer does not know for nothing.
        """
        if token not in self._bytes:
            self._bytes[token] = self._spell(token)
        return self._bytes[token]

    def _spell(self, token: int) -> bytes:
        if added := self._tokenizer.added_tokens_decoder.get(token):
            return str(added.content).encode()
        piece = self._tokenizer.convert_ids_to_tokens(token) or ""
        if self._is_byte_level:
            return b"".join(BYTES.get(c, c.encode()) for c in piece)
        if byte := re.fullmatch("<0x([0-9A-F]{2})>", piece):
            return bytes.fromhex(byte[1])
        return str(piece).replace(SENTENCEPIECE_SPACE, " ").encode()

    @cached_property
    def _is_byte_level(self) -> bool:
        """Whether each character of its tokens stands for a byte, as in GPT-2."""
        pieces = self._tokenizer.convert_ids_to_tokens(self.encode("é"))
        return "".join(pieces).endswith("Ã©")

    @property
    def eos_id(self) -> int | None:
        """The token that ends a text, if the tokenizer has one."""
        value = self._tokenizer.eos_token_id
        return None if value is None else int(value)

    @property
    def bos_id(self) -> int | None:
        """The token that a text begins with, if the tokenizer has one."""
        value = self._tokenizer.bos_token_id
        return None if value is None else int(value)

    @property
    def has_chat_template(self) -> bool:
        """Whether the tokenizer brings a chat template."""
        return bool(self._tokenizer.chat_template)

    def render(
        self, messages: list[dict[str, str]], *, add_generation_prompt: bool
    ) -> str:
        """Return the chat template filled with messages.

        Raises ``jinja2.TemplateError`` if the template refuses them.
        """
        return str(
            self._tokenizer.apply_chat_template(
                messages, tokenize=False, add_generation_prompt=add_generation_prompt
            )
        )

    def special_tokens(self) -> dict[str, int]:
        """Return the special strings with their tokens."""
        added = self._tokenizer.added_tokens_decoder
        return {token.content: i for i, token in added.items() if token.special}

    def special_pattern(self) -> re.Pattern[str] | None:
        """Return a pattern that matches the special strings and nothing else.

        A match includes the white space that a special token absorbs.
        """
        added = self._tokenizer.added_tokens_decoder.values()
        special = sorted(
            (token for token in added if token.special), key=lambda t: -len(t.content)
        )
        if not special:
            return None
        return re.compile(
            "("
            + "|".join(
                (r"\s*" if token.lstrip else "")
                + re.escape(token.content)
                + (r"\s*" if token.rstrip else "")
                for token in special
            )
            + ")"
        )

    def _encode(self, text: str, **options: Any) -> Any:
        return self._tokenizer(
            text,
            add_special_tokens=False,
            split_special_tokens=True,
            # The context window shortens long prompts; no warning is needed.
            verbose=False,
            **options,
        )


def _decoder_of(tokenizer: Any) -> Decode:
    """Return what decodes tokens, without special ones.

    If the class of the tokenizer adds nothing, that is the method of its backend, which
    takes a third of the time.
    """
    kind, plain = type(tokenizer), PreTrainedTokenizerFast
    if kind.decode is plain.decode and kind._decode is plain._decode:
        return partial(tokenizer.backend_tokenizer.decode, skip_special_tokens=True)
    options = {"skip_special_tokens": True, "clean_up_tokenization_spaces": False}
    return lambda ids: str(tokenizer.decode(list(ids), **options))
