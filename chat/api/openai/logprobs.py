"""Log probabilities of tokens, as clients of OpenAI read them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from chatsite.logprobs import Chance, TokenLogprobs, read_lines
from chatsite.mailbox import MailboxAway, open_mailbox


class LogprobsReader:
    """Reads the log probabilities of one reply bit by bit, while and after it grows."""

    def __init__(self, pk: UUID) -> None:
        self._pk = str(pk)
        self._run = 0
        self._offset = 0
        #: Tokens that were read in all, and those of them that this run has had.
        self._count = 0
        self._count_of_run = 0

    def more(self, run: int) -> list[TokenLogprobs]:
        """Return the tokens that are new; none while the mailbox is away.

        A run that begins after a lost worker repeats those of the run before.
        """
        if run != self._run:
            self._run, self._offset, self._count_of_run = run, 0, 0
        try:
            lines = open_mailbox().logprobs(self._pk, self._offset)
        except MailboxAway:
            return []
        whole = lines[: lines.rfind("\n") + 1]
        self._offset += len(whole)  # in ASCII
        tokens = read_lines(whole)
        known = max(0, self._count - self._count_of_run)
        self._count_of_run += len(tokens)
        self._count = max(self._count, self._count_of_run)
        return tokens[known:]

    def rest(self) -> list[TokenLogprobs]:
        """Return the tokens that are new at the end of the reply."""
        return self.more(self._run)


def of_chat(tokens: Sequence[TokenLogprobs]) -> dict[str, Any]:
    """Return the object of a chat completion, or of a chunk of one."""
    content = [
        {
            **_chance(token.token, token.logprob),
            "top_logprobs": [_chance(*chance) for chance in token.top],
        }
        for token in tokens
    ]
    return {"content": content, "refusal": None}


def of_completion(tokens: Sequence[TokenLogprobs], length: int) -> dict[str, Any]:
    """Return the object of a completion; ``length`` characters came before these."""
    texts = [_text(token.token) for token in tokens]
    offsets = [length + len("".join(texts[:number])) for number in range(len(texts))]
    return {
        "tokens": texts,
        "token_logprobs": [token.logprob for token in tokens],
        "top_logprobs": [_top(token.top) for token in tokens],
        "text_offset": offsets,
    }


def _chance(token: bytes, logprob: float) -> dict[str, Any]:
    return {"token": _text(token), "logprob": logprob, "bytes": [*token]}


def _top(chances: Sequence[Chance]) -> dict[str, float]:
    return {_text(token): logprob for token, logprob in chances}


def _text(token: bytes) -> str:
    return token.decode(errors="replace")
