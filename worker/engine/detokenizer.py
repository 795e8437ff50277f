"""From tokens to text that people may see, in O(new tokens)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

#: What a decoder writes for bytes that are no character, or not yet one.
BROKEN = "\ufffd"
#: A run of tokens without a whole character is cut here, so that a model that only
#: writes broken bytes stays linear. A character has at most four bytes.
LONGEST_WINDOW_TOKENS = 16

Decode = Callable[[Sequence[int]], str]


class TokenText:
    """Decodes a growing list of tokens bit by bit, whole characters only.

    Decoders may write a token differently at the very beginning of a text, and one
    character may span several tokens. So a short window is decoded: the tokens of the
    last whole piece, for context, and those after it. What stands before the broken
    end of the window is final. Broken bytes themselves and NUL are never shown.
    """

    def __init__(self, decode: Decode) -> None:
        self._decode = decode
        self._window: list[int] = []
        self._context_tokens = 0
        self._shown_characters = 0

    def push(self, token: int) -> str:
        """The text that ``token`` completes; often empty."""
        self._window.append(token)
        text = self._decode(self._window)
        whole = text.rstrip(BROKEN)
        new = whole[self._shown_characters :]
        self._shown_characters = max(self._shown_characters, len(whole))
        if whole == text and new:
            self._move_window(self._context_tokens)
        elif len(self._window) > LONGEST_WINDOW_TOKENS:
            self._move_window(len(self._window) - 4)
        return new.replace(BROKEN, "").replace("\0", "")

    def _move_window(self, start: int) -> None:
        """Keep the tokens from ``start`` as context; their text was shown."""
        del self._window[:start]
        self._context_tokens = len(self._window)
        self._shown_characters = len(self._decode(self._window).rstrip(BROKEN))


class StopFilter:
    """Passes text on up to the first stop string, never a part of one.

    The first is the one complete first; of two complete at once, the one that began
    first. So the result does not depend on how the text is cut into pieces.
    """

    def __init__(self, stops: Sequence[str], before: str = "") -> None:
        """``before``: text passed on earlier, at whose end a stop string may begin."""
        self._stops = tuple(s for s in stops if s)
        self._held = before
        self._held = before[len(before) - self._possible_characters() :]
        #: Characters at the beginning of what is held that were passed on earlier.
        self._old_characters = len(self._held)
        self.is_stopped = False

    def push(self, text: str) -> str:
        """The text that can no longer belong to a stop string."""
        if self.is_stopped:
            return ""
        self._held += text
        found = [
            (start + len(stop), start)
            for stop in self._stops
            if (start := self._held.find(stop)) >= 0
        ]
        if found:
            self.is_stopped = True
            return self._release(min(found)[1])
        return self._release(len(self._held) - self._possible_characters())

    def finish(self) -> str:
        """What was held back, now that nothing follows."""
        return "" if self.is_stopped else self._release(len(self._held))

    def _possible_characters(self) -> int:
        """Length of the longest end of the held text that begins a stop string."""
        return max(
            (
                size
                for stop in self._stops
                for size in range(min(len(stop) - 1, len(self._held)), 0, -1)
                if self._held.endswith(stop[:size])
            ),
            default=0,
        )

    def _release(self, end: int) -> str:
        text, self._held = self._held[:end], self._held[end:]
        old = min(self._old_characters, len(text))
        self._old_characters -= old
        return text[old:]


class Beginning:
    """Sees to the white space with which a reply begins."""

    def __init__(self, shown: str, *, trim: bool) -> None:
        """``shown``: white space that stands there already, or in its place.

        It is not shown twice: where the reply begins with it, only what goes beyond
        is passed on, and other white space gives way to it. ``trim`` drops all.
        """
        self._shown = shown
        self._trim = trim
        self._held = ""
        self._is_over = not (trim or shown)

    def push(self, text: str) -> str:
        if self._is_over:
            return text
        self._held += text
        rest = self._held.lstrip()
        if not rest:
            return ""
        self._held = self._held[: len(self._held) - len(rest)]
        return self.finish() + rest

    def finish(self) -> str:
        """What of the white space is to be shown, now that it is whole."""
        self._is_over = True
        held, self._held = self._held, ""
        is_more = held.startswith(self._shown) and not self._trim
        return held.removeprefix(self._shown) if is_more else ""


class ReplyText:
    """Tokens in, text for people out: decoded, stopped, joined to what was begun."""

    def __init__(
        self, decode: Decode, stops: Sequence[str], *, trim: bool, begun: str = ""
    ) -> None:
        """``begun``: text that the reply continues; see ``context_window.fit``.

        ``trim``: white space at the beginning of a reply is dropped.
        """
        written = begun.rstrip()
        self._tokens = TokenText(decode)
        self._filter = StopFilter(stops, before=written)
        shown = begun[len(written) :]
        self._beginning = Beginning(shown, trim=trim and not written)

    @property
    def is_stopped(self) -> bool:
        """True once a stop string is complete."""
        return self._filter.is_stopped

    def push(self, token: int) -> str:
        return self._beginning.push(self._filter.push(self._tokens.push(token)))

    def finish(self) -> str:
        return self._beginning.push(self._filter.finish()) + self._beginning.finish()
