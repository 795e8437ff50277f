"""What a page makes of a growing text: settled parts and tails put at their places."""

from __future__ import annotations

from dataclasses import dataclass, field
from html import escape
from html.parser import HTMLParser

from chat.rendering.markdown.fragments import Fragment
from chat.rendering.markdown.growing import grow
from chat.rendering.markdown.text_state import TextState
from tests.chat.rendering.allowed_html import VOID, AllowedHtml


@dataclass
class Node:
    """An element with its children, which are elements and texts."""

    tag: str = ""
    attributes: dict[str, str | None] = field(default_factory=dict)
    children: list[Node | str] = field(default_factory=list)

    @property
    def elements(self) -> list[Node]:
        return [child for child in self.children if isinstance(child, Node)]

    def add(self, child: Node | str) -> None:
        last = self.children[-1] if self.children else None
        if isinstance(child, str) and isinstance(last, str):
            self.children[-1] = last + child
        else:
            self.children.append(child)

    def graft(self, source: Node, depth: int) -> None:
        """Add what ``source`` holds at the ends of the last elements, ``depth`` deep."""
        rest = source.children
        if depth:
            first = source.elements[0]
            self.elements[-1].graft(first, depth - 1)
            rest = rest[rest.index(first) + 1 :]
        for child in rest:
            self.add(child)

    def copy(self) -> Node:
        children = [c if isinstance(c, str) else c.copy() for c in self.children]
        return Node(self.tag, self.attributes, children)

    def html(self, without: frozenset[str] = frozenset()) -> str:
        """The HTML, without white space between blocks and without some attributes.

        A ``span`` that has no other ones is left out as well.
        """
        inner = ""
        for child in self.children:
            if isinstance(child, Node):
                inner += child.html(without)
            elif child.strip() or self.tag in ("code", "span"):
                inner += escape(child)
        given = [
            f' {name}="{escape(value or "")}"'
            for name, value in self.attributes.items()
            if name not in without
        ]
        if not self.tag or (self.tag == "span" and without and not given):
            return inner
        end = "" if self.tag in VOID else f"</{self.tag}>"
        return f"<{self.tag}{''.join(given)}>{inner}{end}"


class _Reader(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.path = [Node()]
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        node = Node(tag, dict(attrs))
        self.path[-1].add(node)
        if tag not in VOID:
            self.path.append(node)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            self.path.pop()

    def handle_data(self, data: str) -> None:
        self.path[-1].add(data)


def read(html: str) -> Node:
    """Return the elements of a fragment of HTML, in one without a tag."""
    return _Reader(html).path[0]


@dataclass
class GrowingPage:
    """A page that has got a text up to some place."""

    state: TextState = field(default_factory=TextState)
    settled: Node = field(default_factory=Node)
    tail: Fragment = field(default_factory=Fragment)
    #: Where what is settled ends in the text.
    offset: int = 0

    def show(self, text: str) -> None:
        """Show a longer text than before. Nothing that is settled changes."""
        state = TextState.load(self.state.dump())
        grown = grow(state, text[self.offset :])
        for fragment in (grown.settled, grown.tail):
            AllowedHtml(fragment.html)
        self.settled.graft(read(grown.settled.html), grown.settled.depth)
        self.tail, self.state = grown.tail, grown.state
        self.offset += grown.settled_characters

    @property
    def shown(self) -> Node:
        """Settled part and tail."""
        page = self.settled.copy()
        page.graft(read(self.tail.html), self.tail.depth)
        return page
