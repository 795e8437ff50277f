"""The HTML that the renderer may produce: a strict parser that fails on anything else."""

from __future__ import annotations

import re
from html.parser import HTMLParser

VOID = {"br", "hr"}
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
#: Values that an attribute of an element may have; all others are refused.
ATTRIBUTES = {
    ("a", "href"): r"https?://([a-z0-9_.-]+|\[[0-9a-f:.]+\])(:\d+)?([/?#][!-~]*)?",
    ("a", "rel"): "noopener noreferrer nofollow ugc",
    ("ol", "start"): r"\d{1,9}",
    ("li", "value"): r"\d{1,9}",
    ("ul", "class"): "contains-task-list",
    ("ol", "class"): "(contains-task-list ?)?(digits-[2-9])?",
    ("li", "class"): "task-list-item",
    **dict.fromkeys([(tag, "dir") for tag in DIRECTED], "rtl|ltr"),
    ("th", "class"): "left|right|center",
    ("td", "class"): "left|right|center",
    ("div", "class"): "table|as-written|math",
    ("div", "role"): "group",
    ("div", "aria-label"): "Table",
    ("div", "tabindex"): "0",
    ("figure", "class"): "code",
    ("pre", "tabindex"): "0",
    ("button", "class"): "ghost copy wide",
    ("button", "type"): "button",
    (
        "span",
        "class",
    ): r"host|control|math|box|visually-hidden|hl-[a-z0-9]+( hl-[a-z0-9]+)*",
    ("span", "dir"): "auto",
    ("span", "role"): "img",
    ("span", "aria-label"): r"U\+[0-9A-F]{4,6}|Done|To do",
}


class AllowedHtml(HTMLParser):
    """Raises ``AssertionError`` for what is not allowed, or does not end."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.links: list[str] = []
        self.text = ""
        self.feed(html)
        self.close()
        assert not self.open, self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in TAGS, tag
        assert len(dict(attrs)) == len(attrs)
        for name, value in attrs:
            allowed = ATTRIBUTES.get((tag, name))
            assert allowed, (tag, name)
            assert re.fullmatch(allowed, value or "", re.IGNORECASE), (tag, name, value)
            if name == "href":
                self.links.append(value or "")
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_comment(self, data: str) -> None:
        raise AssertionError(data)

    def handle_decl(self, decl: str) -> None:
        raise AssertionError(decl)

    def unknown_decl(self, data: str) -> None:
        raise AssertionError(data)

    def handle_pi(self, data: str) -> None:
        raise AssertionError(data)
