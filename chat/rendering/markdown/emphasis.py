"""Emphasis in scripts that put no spaces between words: ``**「強調」**です`` is bold.

CommonMark reads a mark between a punctuation mark and a letter as part of a word,
because in Latin text a space would follow the end of an emphasis. East Asian and Thai
text needs an amendment, as proposed in https://github.com/tats-u/markdown-cjk-friendly:
punctuation of these scripts counts as a letter, and a character of theirs on the outer
side counts as a space. Nothing changes for a mark without such a neighbour.
"""

from __future__ import annotations

import re

from markdown_it import MarkdownIt
from markdown_it.common.utils import isMdAsciiPunct, isPunctChar, isWhiteSpace
from markdown_it.parser_inline import ParserInline
from markdown_it.rules_inline import StateInline
from markdown_it.rules_inline.state_inline import Scanned
from markdown_it.token import Token
from markdown_it.utils import EnvType

#: Hangul, Han, kana and their punctuation, full width forms; Thai, Lao, Burmese, Khmer.
_UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1100-\u11ff\u1780-\u17ff\u1980-\u19ff\u1a20-\u1aaf"
    "\u2e80-\u303e\u3040-\ua4cf\ua960-\ua97f\ua9e0-\ua9ff\uaa60-\uaa7f\uac00-\ud7ff"
    "\uf900-\ufaff\ufe10-\ufe1f\ufe30-\ufe6f\uff01-\uffee"
    "\U00016fe0-\U0001b2ff\U00020000-\U0003ffff]"
)
#: All characters before this one belong to other scripts.
_FIRST = "\u0e00"
#: Variation selectors, which choose a form of the character before them.
_VARIATION = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef]")


class UnspacedInlineParser(ParserInline):
    """The library's parser of text within a block, with a state of its own."""

    def parse(
        self, src: str, md: MarkdownIt, env: EnvType, tokens: list[Token]
    ) -> list[Token]:
        """Parse the text of a block as the library does, with this module's state."""
        state = _State(src, md, env, tokens)
        self.tokenize(state)
        for rule in self.ruler2.getRules(""):
            rule(state)
        return state.tokens


class _State(StateInline):
    def scanDelims(self, start: int, canSplitWord: bool) -> Scanned:  # noqa: N802, N803 - the library's names
        """Whether the marks at ``start`` may open or close an emphasis."""
        scanned = super().scanDelims(start, canSplitWord)
        end = start + scanned.length
        before = self.src[start - 1] if start else " "
        after = self.src[end] if end < self.posMax else " "
        if before < _FIRST and after < _FIRST:
            return scanned
        form = start - 2 if _VARIATION.match(before) and start > 1 else start - 1
        is_unspaced_before = start > 0 and bool(_UNSPACED.match(self.src, form))
        is_unspaced_after = bool(_UNSPACED.match(after))
        if not is_unspaced_before and not is_unspaced_after:
            return scanned
        begins = _is_flanking(after, is_unspaced_after, before, is_unspaced_before)
        ends = _is_flanking(before, is_unspaced_before, after, is_unspaced_after)
        can_open = begins and (canSplitWord or not ends or _is_punctuation(before))
        can_close = ends and (canSplitWord or not begins or _is_punctuation(after))
        return Scanned(can_open, can_close, scanned.length)


def _is_flanking(
    inner: str, is_inner_unspaced: bool, outer: str, is_outer_unspaced: bool
) -> bool:
    """Whether marks belong to the text on their inner side: they flank it."""
    if isWhiteSpace(ord(inner)):
        return False
    if is_inner_unspaced or not _is_punctuation(inner):
        return True
    return is_outer_unspaced or isWhiteSpace(ord(outer)) or _is_punctuation(outer)


def _is_punctuation(character: str) -> bool:
    return isMdAsciiPunct(ord(character)) or isPunctChar(character)
