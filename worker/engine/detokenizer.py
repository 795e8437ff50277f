"""Turns the tokens of a reply into text for the reader, in O(new tokens)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

#: What a decoder writes for bytes that are not, or not yet, a character.
REPLACEMENT_CHARACTER = "\ufffd"
#: A window without a whole character is cut at this length, so that a model that writes
#: only broken bytes still takes linear time. A character has at most four bytes.
MAX_WINDOW_TOKENS = 16
#: A window of whole characters is cut when it is longer. A cut takes a second decoding,
#: so most tokens are decoded once.
WHOLE_WINDOW_TOKENS = 8

Decode = Callable[[Sequence[int]], str]


class IncrementalDetokenizer:
    """Decodes a growing list of tokens, whole characters only.

    A decoder may write a token differently at the beginning of a text, and one
    character may span several tokens. So a short window is decoded: the tokens of the
    last complete piece at least, for context, and those after it. The text before the
    broken end of the window is final. Broken bytes and NUL are never returned.
    """

    def __init__(self, decode: Decode, before: Sequence[int] = ()) -> None:
        """``decode`` turns tokens into text. ``before``: those that they continue."""
        self._decode = decode
        self._window = [*before]
        self._returned_characters = 0
        self._move_window(0)
        #: Where the tokens after the last complete piece begin.
        self._complete_tokens = len(self._window)

    def push(self, token: int) -> str:
        """Add a token and return the text that it completes; often empty."""
        self._window.append(token)
        text = self._decode(self._window)
        whole = text.rstrip(REPLACEMENT_CHARACTER)
        new = whole[self._returned_characters :]
        self._returned_characters = max(self._returned_characters, len(whole))
        if whole == text and new:
            if len(self._window) > WHOLE_WINDOW_TOKENS:
                self._move_window(self._complete_tokens)
            self._complete_tokens = len(self._window)
        elif len(self._window) > MAX_WINDOW_TOKENS:
            self._move_window(len(self._window) - 4)
            self._complete_tokens = len(self._window)
        return new.replace(REPLACEMENT_CHARACTER, "").replace("\0", "")

    def _move_window(self, start: int) -> None:
        """Keep the tokens from ``start`` on as context; their text was returned."""
        del self._window[:start]
        decoded = self._decode(self._window) if self._window else ""
        self._returned_characters = len(decoded.rstrip(REPLACEMENT_CHARACTER))


class StopStringFilter:
    """Passes text on up to the first stop string, and never a part of one.

    The first stop string is the one completed first; of two completed at once, the one
    that began first. So the result does not depend on how the text is cut into pieces.
    """

    def __init__(self, stops: Sequence[str], before: str = "") -> None:
        """``before``: text passed on earlier, at whose end a stop string may begin."""
        self._stops = tuple(s for s in stops if s)
        self._held = before
        self._held = before[len(before) - self._partial_stop_characters() :]
        #: Characters at the beginning of the held text that were passed on earlier.
        self._old_characters = len(self._held)
        self.is_stopped = False

    def push(self, text: str) -> str:
        """Add text and return what can no longer belong to a stop string."""
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
        return self._release(len(self._held) - self._partial_stop_characters())

    def finish(self) -> str:
        """Return the text that was held back, now that none follows."""
        return "" if self.is_stopped else self._release(len(self._held))

    def _partial_stop_characters(self) -> int:
        """Return the length of the longest end of the held text that begins a stop."""
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


class LeadingWhitespaceFilter:
    """Drops or merges the white space at the beginning of a reply."""

    def __init__(self, shown: str, *, strip: bool) -> None:
        """Set what happens to the white space.

        ``shown``: white space at the end of the text that the reply continues. It is
        not repeated: if the reply begins with it, only the rest of the reply's white
        space is passed on; other white space is dropped. ``strip`` drops all.
        """
        self._shown = shown
        self._strip = strip
        self._held = ""
        self._is_over = not (strip or shown)

    def push(self, text: str) -> str:
        """Add text and return what is to be shown of it."""
        if self._is_over:
            return text
        self._held += text
        rest = self._held.lstrip()
        if not rest:
            return ""
        self._held = self._held[: len(self._held) - len(rest)]
        return self.finish() + rest

    def finish(self) -> str:
        """Return what is to be shown of the white space, now that it is complete."""
        self._is_over = True
        held, self._held = self._held, ""
        is_more = held.startswith(self._shown) and not self._strip
        return held.removeprefix(self._shown) if is_more else ""


class ReplyFilter:
    """Cuts the text of one reply at stop strings, and joins it to its beginning."""

    def __init__(
        self, stops: Sequence[str], *, strip: bool = False, begun: str = ""
    ) -> None:
        """Set up the filters of one reply.

        ``begun``: the text that the reply continues; see ``context_window.fit_prompt``.
        ``strip``: drop white space at the beginning of a reply.
        """
        written = begun.rstrip()
        self._stop_filter = StopStringFilter(stops, before=written)
        shown = begun[len(written) :]
        self._whitespace = LeadingWhitespaceFilter(shown, strip=strip and not written)

    @property
    def is_stopped(self) -> bool:
        """True once a stop string is complete."""
        return self._stop_filter.is_stopped

    def push(self, text: str) -> str:
        """Add text and return what is to be shown for it; often empty."""
        return self._whitespace.push(self._stop_filter.push(text))

    def finish(self) -> str:
        """Return the text that was held back, now that none follows."""
        rest = self._whitespace.push(self._stop_filter.finish())
        return rest + self._whitespace.finish()


class ReplyText:
    """The text of one reply: decoded, then filtered."""

    def __init__(
        self,
        decode: Decode,
        stops: Sequence[str],
        *,
        strip: bool = False,
        begun: str = "",
        before: Sequence[int] = (),
    ) -> None:
        """Set up the filters; see ``ReplyFilter``.

        ``before``: the last tokens of a raw prompt, whose text is not shown.
        """
        self._detokenizer = IncrementalDetokenizer(decode, before)
        self._filter = ReplyFilter(stops, strip=strip, begun=begun)

    @property
    def is_stopped(self) -> bool:
        """True once a stop string is complete."""
        return self._filter.is_stopped

    def push(self, token: int) -> str:
        """Add a token and return the text to show for it; often empty."""
        return self._filter.push(self._detokenizer.push(token))

    def finish(self) -> str:
        """Return the text that was held back, now that no token follows."""
        return self._filter.finish()
