"""HTML in tests: parsed as browsers parse it, and asked by CSS selectors.

Assertions name an element and its text, attributes or number, so that a change of
markup around it breaks no test::

    page = dom(client.get("/"))
    assert page.one("h1").text == "Ask, and carry on"
    assert page.one("input[name=next]")["value"] == "/settings/"
    assert "#undo" in page
"""

from __future__ import annotations

from typing import Any

from selectolax.lexbor import LexborHTMLParser, LexborNode

#: How much of the HTML a failure shows.
MESSAGE_CHARACTERS = 1_000


class Element:
    """One element: its text, its attributes, and what lies in it."""

    def __init__(self, node: LexborNode) -> None:
        self._node = node

    @property
    def tag(self) -> str:
        return str(self._node.tag)

    @property
    def text(self) -> str:
        """The text inside, with every run of white space as one space."""
        return " ".join(self.raw_text.split())

    @property
    def raw_text(self) -> str:
        """The text inside as it stands, line breaks included."""
        return str(self._node.text())

    @property
    def html(self) -> str:
        """The element as the browser would write it."""
        return str(self._node.html)

    @property
    def classes(self) -> set[str]:
        return set((self.get("class") or "").split())

    def __getitem__(self, attribute: str) -> str:
        """The value of an attribute; empty for one without a value.

        Raises ``KeyError`` where the element has no such attribute.
        """
        return self._node.attributes[attribute] or ""

    def get(self, attribute: str) -> str | None:
        """The value of an attribute, or ``None`` where it is absent."""
        return self[attribute] if self.has(attribute) else None

    def has(self, attribute: str) -> bool:
        return attribute in self._node.attributes

    def all(self, selector: str) -> list[Element]:
        """Every element inside that matches, in the order of the document."""
        return [Element(node) for node in self._node.css(selector)]

    def one(self, selector: str) -> Element:
        """The only element that matches; fails unless there is exactly one."""
        found = self.all(selector)
        assert len(found) == 1, f"{len(found)} of {selector!r} in {self._shown()}"
        return found[0]

    def first(self, selector: str) -> Element:
        """The first element that matches; fails where there is none."""
        found = self.all(selector)
        assert found, f"no {selector!r} in {self._shown()}"
        return found[0]

    def texts(self, selector: str) -> list[str]:
        """The text of every element that matches."""
        return [element.text for element in self.all(selector)]

    def raw_texts(self, selector: str) -> list[str]:
        """The same with white space as it stands, as what was typed into a form."""
        return [element.raw_text for element in self.all(selector)]

    def values(self, selector: str, attribute: str) -> list[str]:
        """An attribute of every element that matches."""
        return [element[attribute] for element in self.all(selector)]

    def _shown(self) -> str:
        """The beginning of the body or of the element, for the message of a failure."""
        body = self._node.css_first("body") or self._node
        return str(body.html)[:MESSAGE_CHARACTERS]

    def __contains__(self, selector: str) -> bool:
        return bool(self._node.css(selector))


def is_whole_page(html: Any) -> bool:
    """Whether a response is a document of its own, not a part to be swapped in."""
    text = html if isinstance(html, str) else html.content.decode()
    return text.lstrip().lower().startswith("<!doctype html>")


def dom(html: Any) -> Element:
    """The document in a response of the test client, or in a string.

    A fragment is parsed as the body of a document.
    """
    text = html if isinstance(html, str) else html.content.decode()
    root = LexborHTMLParser(text).root
    assert root is not None
    return Element(root)
