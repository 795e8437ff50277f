"""The HTML that the renderer may produce: a strict parser that fails on anything else."""

from __future__ import annotations

import re
from html.parser import HTMLParser

VOID = {"br", "hr", "input"}
TAGS = {
    *("p", "em", "strong", "s", "a", "code", "pre", "ul", "ol", "li", "blockquote"),
    *("h4", "h5", "h6", "table", "thead", "tbody", "tr", "th", "td", "div", "span"),
    *("figure", "figcaption", "button", *VOID),
}
#: Elements that may have a direction.
DIRECTED = (
    *("p", "ul", "ol", "li", "blockquote", "h4", "h5", "h6", "table", "th", "td"),
    "div",
)
#: Elements of a formula.
MATHML = {
    *("math", "mrow", "mi", "mn", "mo", "mtext", "mspace", "mfrac", "msqrt", "mroot"),
    *("msub", "msup", "msubsup", "munder", "mover", "munderover"),
    *("mtable", "mtr", "mtd"),
}
#: Attributes of any of them.
MATHML_ATTRIBUTES = {
    "display": "block",
    "mathvariant": "normal",
    "scriptlevel": "[0-3]",
    "form": "prefix|infix|postfix",
    "class": "[a-z-]+( [a-z-]+)*",
    **dict.fromkeys(
        ("displaystyle", "stretchy", "symmetric", "largeop", "movablelimits", "fence"),
        "true|false",
    ),
    **dict.fromkeys(("separator", "accent", "accentunder"), "true|false"),
    **dict.fromkeys(
        ("lspace", "rspace", "minsize", "maxsize", "width", "linethickness"),
        r"\d{0,2}(\.\d+)?(em)?",
    ),
}
#: Values that an attribute of an element may have; all others are refused.
ATTRIBUTES = {
    ("a", "href"): r"https?://([a-z0-9_.-]+|\[[0-9a-f:.]+\])(:\d+)?([/?#][!-~]*)?",
    ("a", "rel"): "noopener noreferrer nofollow ugc",
    ("ol", "start"): r"\d{1,9}",
    ("li", "value"): r"\d{1,9}",
    ("li", "class"): "task-list-item|(task-list-item )?digits-[3-9]",
    **dict.fromkeys([(tag, "dir") for tag in DIRECTED], "rtl|ltr"),
    ("th", "class"): "left|right|center",
    ("td", "class"): "left|right|center",
    ("div", "class"): "table|as-written|math( display| long)?",
    ("div", "role"): "group",
    ("div", "aria-label"): "Table|Formula",
    ("div", "tabindex"): "0",
    ("div", "data-tex"): r"[\s\S]+",
    ("span", "data-tex"): r"[\s\S]+",
    ("span", "tabindex"): "0",
    ("figure", "class"): "code",
    ("pre", "tabindex"): "0",
    ("button", "class"): "ghost (wrap|download|copy wide)",
    ("button", "type"): "button",
    ("button", "title"): "Wrap lines|Download",
    ("button", "value"): r"[\w][\w.+ -]{0,400}",
    ("input", "class"): "box",
    ("input", "type"): "checkbox",
    ("input", "disabled"): "",
    ("input", "checked"): "",
    ("input", "aria-label"): "Done|To do",
    (
        "span",
        "class",
    ): r"host|control|math( display| long)?|visually-hidden|buttons|if-(new|copied|wrapped)|hl-[a-z0-9]+( hl-[a-z0-9]+)*",
    ("span", "dir"): "auto",
    ("span", "aria-hidden"): "true",
    ("span", "role"): "img|group",
    ("span", "aria-label"): r"U\+[0-9A-F]{4,6}|Formula",
}


class AllowedHtml(HTMLParser):
    """Raises ``AssertionError`` for what is not allowed, or does not end.

    ``text`` is what a copy of it gives, so it has a formula as it was written; what is
    drawn of each formula is in ``drawn``.
    """

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.links: list[str] = []
        self.text = ""
        self.drawn: list[tuple[str, str]] = []
        self._formula_depth = 0
        self.feed(html)
        self.close()
        assert not self.open, self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        is_formula = "math" in self.open or tag == "math"
        assert tag in (MATHML if is_formula else TAGS) or self.is_in_formula_text(tag)
        assert len(dict(attrs)) == len(attrs)
        for name, value in attrs:
            one = MATHML_ATTRIBUTES.get(name) if is_formula else None
            allowed = one or ATTRIBUTES.get((tag, name))
            assert allowed is not None, (tag, name)
            assert re.fullmatch(allowed, value or "", re.IGNORECASE), (tag, name, value)
            if name == "href":
                self.links.append(value or "")
            if name == "data-tex":
                self.text += value or ""
                self.drawn.append((value or "", ""))
                self._formula_depth = len(self.open) + 1
        if tag not in VOID:
            self.open.append(tag)

    def is_in_formula_text(self, tag: str) -> bool:
        return self.open[-1] == "mtext" and tag in ("strong", "em", "code", "span")

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag
            if len(self.open) < self._formula_depth:
                self._formula_depth = 0

    def handle_data(self, data: str) -> None:
        if self._formula_depth:
            tex, drawn = self.drawn.pop()
            self.drawn.append((tex, drawn + data))
        else:
            self.text += data

    def handle_comment(self, data: str) -> None:
        raise AssertionError(data)

    def handle_decl(self, decl: str) -> None:
        raise AssertionError(decl)

    def unknown_decl(self, data: str) -> None:
        raise AssertionError(data)

    def handle_pi(self, data: str) -> None:
        raise AssertionError(data)
