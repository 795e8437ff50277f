r"""Formulas in TeX as MathML, which browsers draw and screen readers read.

A model's formula is not trusted. math-core converts it and fails at a command that it
does not know; of its output only the elements and attributes named here remain. A
formula that fails, is too deep, or would hide a letter or digit is not drawn.
"""

from __future__ import annotations

import re
from collections import Counter
from functools import lru_cache
from html import escape, unescape
from unicodedata import normalize

from django.utils.safestring import SafeString
from math_core import LatexError, LatexToMathML

#: Longer formulas are not drawn.
TEX_CHARACTERS_MAX = 2000
#: math-core takes up to 3 kB of the stack for each level, and a stack that is too small
#: ends the process.
DEPTH_MAX = 40
#: Characters of MathML for each one of TeX, and for a formula of any length.
GROWTH_MAX, MATHML_CHARACTERS_MAX = 40, 20_000
#: Formulas in the memory of a process: a poll asks again for those of a growing text.
DRAWN_MAX = 128
#: Tags of the converter in the memory of a process; there are few that are usual.
TAGS_MAX = 512

_MACROS = {
    "mbox": r"\text{#1}",
    "substack": r"\begin{matrix}#1\end{matrix}",
    "dotsc": r"\ldots",
    "abs": r"\left|#1\right|",
    "norm": r"\left\|#1\right\|",
    "qed": r"\square",
    "widetilde": r"\tilde{#1}",
    "mathds": r"\mathbb{#1}",
    "mathbbm": r"\mathbb{#1}",
    "smash": "#1",
}
_converter = LatexToMathML(fancy_error=False, max_expansions=100, macros=_MACROS)

#: Definitions could repeat and hide what they hold, and the others refer to a page.
_REFUSED = re.compile(
    r"\\(?:[egx]?def|(?:future)?let|global|(?:re|provide)?newcommand|providecommand"
    r"|DeclareMathOperator|label|(?:eq)?ref)(?![a-zA-Z])"
)
#: Commands, letters and digits, and everything else.
_TOKEN = re.compile(r"\\(?:[a-zA-Z]+\*?|.)|[^\W_]+|\S", re.DOTALL)
_CLOSES = {"}": "{", "]": "[", "\\right": "\\left", "\\end": "\\begin"}
_OPENS = frozenset(_CLOSES.values())
_PLAIN_MARKS = frozenset(",.;=+&")

#: What math-core has no word for, and what does the same.
_REPLACEMENTS = (
    (re.compile(r"\\(begin|end)\{split\}"), r"\\\1{aligned}"),
    (re.compile(r"\\(begin|end)\{smallmatrix\}"), r"\\\1{matrix}"),
    (re.compile(r"\\begin\{eqnarray\*?\}"), r"\\begin{array}{rcl}"),
    (re.compile(r"\\end\{eqnarray\*?\}"), r"\\end{array}"),
    (re.compile(r"\\begin\{alignat(?:ed)?\*?\}\{\d\}"), r"\\begin{aligned}"),
    (re.compile(r"\\end\{alignat(?:ed)?\*?\}"), r"\\end{aligned}"),
    # Equations are numbered where a tag says so; the others would all be number one.
    (
        re.compile(r"\\(begin|end)\{(align|equation|gather|multline)\}"),
        r"\\\1{\2*}",
    ),
    (re.compile(r"\\(?:nonumber|notag)(?![a-zA-Z])"), ""),
    # A formula within a text.
    (
        re.compile(r"\\text\{([^{}$]*)\$([^{}$]+)\$([^{}$]*)\}"),
        r"{\\text{\1}\2\\text{\3}}",
    ),
    # The distance of two rows.
    (re.compile(r"\\\\\s*\[-?[\d.]{1,6}\s*(?:pt|em|ex|mm|cm)\]"), r"\\\\ "),
)
_TAG = re.compile(r"\\tag\*?\{")

#: No negative ones, which could put letters upon each other.
_LENGTH = re.compile(r"\d{0,2}(?:\.\d{1,9})?(?:em)?")
_BOOLEAN = re.compile("true|false")
#: Each element, with the form of each attribute that remains.
_ELEMENTS: dict[str, dict[str, re.Pattern[str]]] = {
    "math": {"display": re.compile("block")},
    "mrow": {"displaystyle": _BOOLEAN, "scriptlevel": re.compile("[0-3]")},
    "mi": {"mathvariant": re.compile("normal")},
    "mn": {},
    "mo": {
        **dict.fromkeys(("lspace", "rspace", "minsize", "maxsize"), _LENGTH),
        **dict.fromkeys(
            ("stretchy", "symmetric", "largeop", "movablelimits", "fence", "separator"),
            _BOOLEAN,
        ),
        "form": re.compile("prefix|infix|postfix"),
    },
    "mtext": {},
    "mspace": {"width": _LENGTH},
    "mfrac": {
        "displaystyle": _BOOLEAN,
        "scriptlevel": re.compile("[0-3]"),
        "linethickness": _LENGTH,
    },
    "munder": {"accentunder": _BOOLEAN},
    "munderover": {"accentunder": _BOOLEAN},
    "mover": {"accent": _BOOLEAN},
    "mtable": {"displaystyle": _BOOLEAN, "scriptlevel": re.compile("[0-3]")},
    **{name: {} for name in ("msqrt", "mroot", "msub", "msup", "msubsup")},
    **{name: {} for name in ("mtr", "mtd")},
    **{name: {} for name in ("strong", "em", "code", "span")},  # within mtext
}
#: Elements that get another name, since browsers differ in them or it is another one
#: in the rest of a text.
_RENAMED = {"menclose": "mrow", "mpadded": "mrow", "b": "strong", "i": "em"}
#: Lines around and through a formula, and their classes.
_NOTATIONS = {
    "box": "boxed",
    "updiagonalstrike": "struck-up",
    "downdiagonalstrike": "struck-down",
    "horizontalstrike": "struck",
}
#: Styles of cells, which the page's policy allows as classes only; others are dropped.
_CLASSES = {
    "width:100%": "full",
    "width:50%": "half",
    "text-align:left": "left",
    "text-align:right": "right",
    "padding-left:0": "joined-left",
    "padding-right:0": "joined-right",
    "padding-left:1em": "apart",
    **{
        f"border-{side}:0.05em {kind} currentcolor": f"{kind}-{side}"
        for side in ("left", "right", "top", "bottom")
        for kind in ("solid", "dashed")
    },
}

_PIECE = re.compile("<[^<>]*>|[^<>]+")
_ELEMENT_TAG = re.compile(r'<(/?)([a-z]+)((?: [a-z-]+="[^"<>]*")*)(/?)>')
_ATTRIBUTE = re.compile(r'([a-z-]+)="([^"]*)"')
#: In TeX, what is a name or a measure rather than a letter that is shown.
_UNSHOWN = re.compile(
    r"\\begin\{array\}\s*\{[^{}]*\}|\\(?:begin|end)\{[a-zA-Z]+\*?\}"
    r"|\\(?:text)?color\{[a-zA-Z]+\}|\\h(?:skip|space)\{[^{}]*\}|\\[a-zA-Z]+"
)
_SHOWN = re.compile(r"[^\W_]")


class _NotAllowed(Exception):
    """The converter's output has what a page should not show."""


@lru_cache(DRAWN_MAX)
def draw(tex: str, *, is_block: bool) -> SafeString:
    """Return a formula, without its delimiters, as MathML; empty if it is not drawn."""
    if len(tex) > TEX_CHARACTERS_MAX or _REFUSED.search(tex) or not tex.strip():
        return SafeString("")
    for found, replacement in _REPLACEMENTS:
        tex = found.sub(replacement, tex)
    if _depth(tex) > DEPTH_MAX:
        return SafeString("")
    try:
        mathml = _allowed(_converted(tex, is_block))
    except (LatexError, _NotAllowed):
        return SafeString("")
    return mathml if _shows_everything(tex, mathml) else SafeString("")


def _depth(tex: str) -> int:
    """Return a bound on how deep the converter recurses, in levels of one size.

    It recurses at each group, and at each command or mark directly behind another one.
    """
    opened: list[tuple[str, int]] = []
    level = chain = deepest = 0
    for token in _TOKEN.findall(tex):
        if token in _OPENS:
            opened.append((token, chain + 1))
            level, chain = level + chain + 1, 0
        elif token in _CLOSES:
            if opened and opened[-1][0] == _CLOSES[token]:
                level -= opened.pop()[1]
            chain = 0
        else:
            is_chain = not token.isalnum() and token not in _PLAIN_MARKS
            chain = chain + 1 if is_chain else 0
        deepest = max(deepest, level + chain)
    return deepest


def _converted(tex: str, is_block: bool) -> str:
    """Return the converter's MathML. Raises ``LatexError`` and ``_NotAllowed``."""
    if _TAG.search(tex) and "\\begin{" not in tex:
        tex = f"\\begin{{equation*}}{tex}\\end{{equation*}}"
    try:
        mathml = _converter.convert_with_local_state(tex, displaystyle=is_block)
    except BaseException as error:
        # Nothing exports the exceptions for a panic of Rust and a lock that it left.
        if type(error).__name__ in ("PanicException", "LockError"):
            raise _NotAllowed from error
        raise
    if len(mathml) > min(MATHML_CHARACTERS_MAX, GROWTH_MAX * (len(tex) + 10)):
        raise _NotAllowed
    return mathml


def _allowed(mathml: str) -> SafeString:
    """Return the MathML with what is allowed of it. Raises ``_NotAllowed``."""
    written: list[str] = []
    opened: list[str] = []
    pieces = _PIECE.findall(mathml)
    for piece in pieces:
        if piece[0] != "<":
            written.append(piece if piece.isalnum() else escape(unescape(piece)))
            continue
        html, name = _allowed_tag(piece)
        written.append(html)
        if html.startswith("</"):
            if not opened or opened.pop() != name:
                raise _NotAllowed
        elif not html.endswith(f"</{name}>"):
            opened.append(name)
    if opened or "".join(pieces) != mathml:
        raise _NotAllowed
    return SafeString("".join(written))


@lru_cache(TAGS_MAX)
def _allowed_tag(written: str) -> tuple[str, str]:
    """Return what remains of a tag, and the element's name. Raises ``_NotAllowed``."""
    tag = _ELEMENT_TAG.fullmatch(written)
    if not tag:
        raise _NotAllowed
    closes, written_name, attributes, is_empty = tag.groups()
    name = _RENAMED.get(written_name, written_name)
    if closes:
        return f"</{name}>", name
    begin = f"<{name}{_allowed_attributes(name, attributes)}>"
    return (f"{begin}</{name}>" if is_empty else begin), name


def _allowed_attributes(name: str, attributes: str) -> str:
    """Return an element's attributes, styles as classes. Raises ``_NotAllowed``."""
    if name not in _ELEMENTS:
        raise _NotAllowed
    kept, classes = [], []
    for key, value in _ATTRIBUTE.findall(attributes):
        if key == "style":
            styles = (re.sub(r":\s+", ":", style.strip()) for style in value.split(";"))
            classes += [_CLASSES[style] for style in styles if style in _CLASSES]
        elif key == "notation" and _NOTATIONS.keys() >= {*value.split()}:
            classes += [_NOTATIONS[line] for line in value.split()]
        elif key == "class" and value.startswith(("menclose-", "math-core-")):
            continue  # the library's style sheet, which the page does not have
        elif key in _ELEMENTS[name] and _ELEMENTS[name][key].fullmatch(value):
            kept.append(f' {key}="{value}"')
        else:
            raise _NotAllowed
    named = f' class="{" ".join(classes)}"' if classes else ""
    return "".join(kept) + named


def _shows_everything(tex: str, mathml: str) -> bool:
    """Whether each letter and digit of a formula is in what is drawn of it."""
    written = _SHOWN.findall(normalize("NFKD", _UNSHOWN.sub(" ", tex)))
    text = unescape(re.sub("<[^>]*>", "", mathml))
    return not Counter(written) - Counter(normalize("NFKD", text))
