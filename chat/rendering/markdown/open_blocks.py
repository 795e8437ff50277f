"""Which blocks of a growing text are open, and a short text that opens them again.

By CommonMark, further lines change the last block of a text alone: its last list, in
it the last item, and so on. What is before it is settled. Exceptions are ours: a
formula may enclose blank lines, and the title of a definition may be on further lines.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from markdown_it.token import Token

from chat.rendering.markdown.code import language_of
from chat.rendering.markdown.math import BEGIN, LINES_MAX, closing_mark
from chat.rendering.markdown.nesting import DEPTH_MAX

#: Code settles in parts of about so many characters: at a line without indentation
#: behind a blank one, or after twice as many wherever a line ends.
CODE_CHARACTERS = 250
#: A table with more columns settles as a whole.
COLUMNS_MAX = 40
#: The text of a paragraph or cell that stands for settled ones: neither a letter nor,
#: with what follows, another block.
FILLER = "0"

_LISTS = ("bullet_list_open", "ordered_list_open")
_PATH = ("list_item_open", "blockquote_open", "table_open")
_QUOTE = re.compile(r" *> ?")
_ITEM = re.compile(r"( *)(\d{1,9}[.)]|[-+*])( *)(.*)")
_ALIGNMENTS = {
    "": "-",
    "text-align:left": ":-",
    "text-align:center": ":-:",
    "text-align:right": "-:",
}
_LANGUAGE = re.compile(r"[\w+#-]{1,20}")


class UnknownPrefix(ValueError):
    """A line does not begin as its blocks let expect."""


@dataclass(frozen=True, slots=True)
class Cut:
    """The end of what is settled: the line behind it, and the blocks open there.

    The path leads from the outermost block to the innermost one. Items are in it
    without their lists; a list is open within its last item.
    """

    line: int
    path: tuple[Token, ...] = ()


def find_cut(tokens: Sequence[Token], first: int, last: int) -> Cut | None:
    """Return the last cut behind line ``first`` and not behind line ``last``.

    ``tokens`` are the blocks of whole lines. None if nothing can settle.
    """
    begin, end = 0, len(tokens)
    path: list[Token] = []
    best: Cut | None = None
    while blocks := _blocks(tokens, begin, end):
        opened, closed = blocks[-1]
        block = tokens[opened]
        line = _line(block)
        if len(blocks) > 1:
            before = tokens[blocks[-2][0]]
            is_item = block.type == "list_item_open"
            # Behind an empty item the next one may be indented further, which would put
            # it into an item with a filler.
            is_behind_empty = is_item and blocks[-2][1] == blocks[-2][0] + 1
            if before.info == "definitions" and before.map and before.map[1] == line:
                line = before.map[0]
            if first < line <= last and not is_behind_empty:
                best = Cut(line, (*path, before) if is_item else (*path,))
            if line < _line(block):
                break
        if block.type in _PATH:
            path.append(block)
        if block.type == "table_open":
            opened, closed = _body(tokens, opened, closed)
        elif block.type == "fence":
            code = _code_line(block, first)
            return Cut(code, (*path, block)) if first < code <= last else best
        begin, end = opened + 1, closed
        is_open = block.type in _PATH or block.type in _LISTS
        if not is_open or block.level + 1 >= DEPTH_MAX:
            break
    return best


def _line(block: Token) -> int:
    return block.map[0] if block.map else 0


def _blocks(tokens: Sequence[Token], begin: int, end: int) -> list[tuple[int, int]]:
    """Return the indices of the first and last token of each block in a range."""
    found = []
    index = begin
    while index < end:
        opened, depth = index, int(tokens[index].nesting)
        while depth > 0:
            index += 1
            depth += tokens[index].nesting
        found.append((opened, index))
        index += 1
    return found


def _body(tokens: Sequence[Token], opened: int, closed: int) -> tuple[int, int]:
    """Return where the rows of a table are; nowhere if there are too many columns."""
    columns = 0
    for index in range(opened, closed):
        columns += int(tokens[index].type == "th_open")
        if tokens[index].type == "tbody_open" and columns <= COLUMNS_MAX:
            return index, closed - 1
    return closed, closed


def _code_line(fence: Token, first: int) -> int:
    """Return the line before which the code of an open fence settles."""
    begin = max(_line(fence) + 1, first)
    code = fence.content.split("\n")[:-1]
    best, size, settled = begin, 0, 0
    for number, text in enumerate(code):
        is_good = bool(text[:1].strip()) and number > 0 and not code[number - 1].strip()
        if size - settled >= (CODE_CHARACTERS if is_good else 2 * CODE_CHARACTERS):
            best, settled = begin + number, size
        size += len(text) + 1
    if size - settled >= 2 * CODE_CHARACTERS:
        best = begin + len(code)
    return best


def open_formula(tokens: Sequence[Token], lines: Sequence[str]) -> int:
    """Return the first line of the block in which an unfinished formula begins.

    Its end may come, and enclose what now is other blocks. Or it may turn out to be
    none, and its lines belong to the paragraph before it. Without one, the number of
    lines.
    """
    before, before_end = 0, -1
    for token in tokens:
        if token.type not in ("inline", "math_block") or not token.map:
            continue
        begin, end = token.map
        text = "\n".join(lines[begin:end])
        behind = "\n".join(lines[end : begin + LINES_MAX])
        if len(lines) - begin <= LINES_MAX and _is_open(text, behind):
            is_in_paragraph = token.type == "math_block" and before_end == begin
            return before if is_in_paragraph else begin
        before, before_end = begin, end
    return len(lines)


def _is_open(text: str, behind: str) -> bool:
    place = 0
    while opened := BEGIN.search(text, place):
        mark = closing_mark(opened)
        found = text.find(mark, opened.end())
        if found < 0 and mark not in behind:
            return True
        place = found + len(mark) if found >= 0 else opened.end()
    return False


def head_of(cut: Cut, tokens: Sequence[Token], lines: Sequence[str]) -> str:
    """Return lines that open the blocks of ``cut.path``, for those from the cut on.

    Each has a filler in place of what is settled. Raises ``UnknownPrefix``.
    """
    prefix = ""
    head = ""
    outer: list[tuple[int, int]] = []
    for block in cut.path:
        line = _line(block)
        inside = _inside(lines[line], line, outer)
        width = 0
        if block.type == "list_item_open":
            opening, width = _item(inside)
        elif block.type == "blockquote_open":
            opening = "> "
        elif block.type == "table_open":
            return head + _table(prefix, block, tokens)
        else:
            return head + prefix + _fence(inside, block)
        blank = prefix + (width * " " if width else opening)
        head += f"{prefix}{opening}{FILLER}\n{blank.rstrip()}\n"
        prefix = blank
        outer.append((line, width))
    return head


def _inside(text: str, line: int, outer: Sequence[tuple[int, int]]) -> str:
    """Return a line without the marks and the indentation of ``outer`` blocks."""
    text = text.expandtabs(4)
    for begin, width in outer:
        if width:
            if begin < line and text[:width].strip():
                raise UnknownPrefix
            text = text[width:]
        elif quote := _QUOTE.match(text):
            text = text[quote.end() :]
        else:
            raise UnknownPrefix
    return text


def _item(text: str) -> tuple[str, int]:
    """Return the mark of an item with the spaces around it, and their width."""
    found = _ITEM.match(text)
    if not found:
        raise UnknownPrefix
    lead, mark, spaces, words = found.groups()
    room = len(spaces) if words and len(spaces) <= 4 else 1
    opening = lead + mark + room * " "
    return opening, len(opening)


def _table(prefix: str, table: Token, tokens: Sequence[Token]) -> str:
    begin = next(index for index, token in enumerate(tokens) if token is table)
    marks = []
    for token in tokens[begin:]:
        if token.type == "thead_close":
            break
        if token.type == "th_open":
            marks.append(_ALIGNMENTS[str(token.attrs.get("style", ""))])
    row = f"{prefix}|{'|'.join([FILLER] * len(marks))}|\n"
    return f"{row}{prefix}|{'|'.join(marks)}|\n{row}"


def _fence(text: str, fence: Token) -> str:
    indentation = text[: len(text) - len(text.lstrip(" "))]
    language = language_of(fence.info)
    known = language if _LANGUAGE.fullmatch(language) else ""
    return f"{indentation}{fence.markup}{known}\n"
