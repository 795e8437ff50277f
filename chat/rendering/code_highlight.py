"""Highlights code as spans with classes; skips code that would take long."""

from __future__ import annotations

import re
from functools import lru_cache

import pygments
from django.utils.safestring import SafeString
from pygments.formatters import HtmlFormatter
from pygments.lexer import Lexer
from pygments.lexers import get_lexer_by_name
from pygments.util import ClassNotFound

#: Longer code, and code with more or longer lines, stays plain: the time of many lexers
#: grows with the square of each, for a text made to exploit that.
CODE_CHARACTERS_MAX = 6000
LINES_MAX = 300
LINE_CHARACTERS_MAX = 500
#: The languages people ask for. Among the hundreds of the library, some take minutes
#: for a page of text made to exploit them.
LANGUAGES = """
    bash c c# c++ clojure cmake console cpp cs csharp css dart diff docker dockerfile
    elixir erlang go golang graphql groovy haskell hs html http ini java javascript
    jinja jl js json julia jsx kotlin kt latex less lua make makefile markdown matlab
    md nginx objective-c ocaml patch perl php pl powershell properties ps1 py pycon
    python python3 r rb ruby rs rust sass scala scss sh shell sql svg swift tcl tex
    toml ts tsx typescript vb vim xml yaml yml zig zsh
""".split()  # noqa: SIM905 - a list of them would be a page long
#: Names that people write at a fence, and the library's names.
ALIASES = {"kt": "kotlin", "patch": "diff", "svg": "xml", "vb": "vb.net"}

_formatter = HtmlFormatter(nowrap=True, classprefix="hl-")
#: Characters that reorder the text around them, so that code would read other than it
#: runs, and characters that are invisible: line breaks of office programs, fillers,
#: spaces without width, tags. Joiners (U+200C, U+200D) and variation selectors are left
#: alone: emoji and words in strings need them.
_CONTROLS = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x85\xad\u034f\u061c\u115f\u1160\u17b4\u17b5"
    "\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb"
    "\U000e0000-\U000e007f]"
)
#: Patterns of Pygments that give a name, and languages that are named like their files.
_PATTERN = re.compile(r"\*\.\w+|\w+(\.\w+)?")
_EXTENSION = re.compile("[a-z0-9]{1,6}")


def highlight(code: str, language: str) -> SafeString:
    """Return ``code`` as HTML; empty if its language is unknown or it is too long."""
    lexer = _lexer(language.lower()) if _is_short(code) else None
    if not lexer:
        return SafeString("")
    tokens = [*lexer.get_tokens(code)]
    # Lexers add a line break at the end. Some remove a character, such as a byte order
    # mark, which a copy of the code must contain.
    read = "".join(text for _kind, text in tokens)
    if read.removesuffix("\n") != code.removesuffix("\n"):
        return SafeString("")
    html = pygments.format(tokens, _formatter)
    return SafeString(html if code.endswith("\n") else html.removesuffix("\n"))


def _is_short(code: str) -> bool:
    if len(code) > CODE_CHARACTERS_MAX:
        return False
    lines = code.split("\n")
    return len(lines) <= LINES_MAX and max(map(len, lines)) <= LINE_CHARACTERS_MAX


@lru_cache(256)
def _lexer(language: str) -> Lexer | None:
    if language not in LANGUAGES:
        return None
    try:
        return get_lexer_by_name(ALIASES.get(language, language), stripnl=False)
    except ClassNotFound:
        return None


def default_file_name(language: str) -> str:
    """Return a name for a file in a language, such as ``code.py`` or ``Dockerfile``."""
    name = language.lower()
    lexer = _lexer(name)
    patterns = lexer.filenames if lexer else []
    # Pygments names "*.S" first for R, and "*.mak" for a Makefile.
    own = (name, f"*.{name}" if len(name) <= 3 else "")
    for pattern in sorted(patterns, key=lambda one: one.lower() not in own):
        if _PATTERN.fullmatch(pattern):
            return pattern.replace("*", "code")
    is_extension = _EXTENSION.fullmatch(name) and name != "text"
    return f"code.{name}" if is_extension else "code.txt"


def show_controls(html: str) -> SafeString:
    """Put each control character into a box that shows its name.

    The character stays in the text, so that a copy is exact; it has no effect outside
    of the box.
    """
    return SafeString(_CONTROLS.sub(_box, html))


def _box(control: re.Match[str]) -> str:
    name = f"U+{ord(control[0]):04X}"
    return f'<span class="control" role="img" aria-label="{name}">{control[0]}</span>'
