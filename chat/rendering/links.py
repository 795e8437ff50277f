"""Links in a model's text: which ones work, and where each of them leads.

A link leads to a web server only, by an address whose host a reader can check: no name
and password before the host, and letters of other scripts in their ASCII form. Its true
host is shown behind it, whatever its text says.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from django.utils.html import escape
from markdown_it import MarkdownIt
from markdown_it.common.normalize_url import normalizeLink
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token
from markdown_it.utils import OptionsDict

from chat.text_cleanup import as_line

#: Longer addresses are not links, which also bounds the time to look at one.
ADDRESS_CHARACTERS_MAX = 2000

_HOST = re.compile(
    r"([a-z0-9_-]+(\.[a-z0-9_-]+)*\.?|\[[0-9a-f:.]+\])(:[0-9]{1,5})?", re.IGNORECASE
)
_SCHEME = re.compile(r"(?:^|[^a-z0-9.+-])(https?)$", re.IGNORECASE)
#: Brackets, quotes and stops that addresses never contain unescaped. In scripts without
#: spaces, a sentence goes on directly behind them.
_MARKS = (
    "\xab\xbb\u201c-\u201f\u2039\u203a\u2045\u2046\u2768-\u2775\u3000-\u3002"
    "\u3008-\u3011\u3014-\u301f\ufe10-\ufe19\ufe35-\ufe44\ufe47\ufe48\ufe59-\ufe5e"
    "\uff01\uff08\uff09\uff0c\uff1a\uff1b\uff1f\uff3b\uff3d\uff5b\uff5d\uff5f-\uff64"
)
#: Up to a space, a mark that ends addresses, or an invisible character.
_REST = re.compile(
    r"://(?=[\w\[])[^\s<>\"`*|\\^{}\x00-\x20\x7f-\xa0\xad\u200b-\u200f"
    rf"\u2028-\u202f\u2060-\u206f\ufeff\ufff0-\uffff{_MARKS}]"
    rf"{{1,{ADDRESS_CHARACTERS_MAX}}}"
)
#: Characters that end a sentence rather than an address.
_ENDS = ".,:;!?'_~…\u2019\u060c\u061b\u061f\u06d4\u0964\u0965\uff0e\uff5e"
_BRACKETS = re.compile(r"[()\[\]]")
_PAIRS = {")": "(", "]": "["}


def add_rules(md: MarkdownIt) -> None:
    """Add the rules for links to the parser."""
    md.core.ruler.disable("linkify")
    md.inline.ruler.at("linkify", bare_link)
    # An instance's own functions take the place of methods.
    ways = {"normalizeLink": normalize, "validateLink": is_allowed}
    vars(md).update(ways, normalizeLinkText=str)
    md.add_render_rule("link_open", _render_link_open)
    md.add_render_rule("link_close", _render_link_close)


#: A paragraph that grows is rendered again with each poll, and so are its links.
@lru_cache(maxsize=2048)
def normalize(address: str) -> str:
    """Return the address in ASCII, or an empty string if it is too long."""
    return normalizeLink(address) if len(address) <= ADDRESS_CHARACTERS_MAX else ""


def is_allowed(address: str) -> bool:
    """Whether a link may lead to this address."""
    return len(address) <= ADDRESS_CHARACTERS_MAX and host_of(address) != ""


@lru_cache(maxsize=2048)
def host_of(address: str) -> str:
    """Return host and port of a web address; empty for other addresses."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return ""
    is_web = parts.scheme in ("http", "https") and _HOST.fullmatch(parts.netloc)
    return parts.netloc.lower() if is_web else ""


def bare_link(state: StateInline, silent: bool) -> bool:
    """Find an address in running text when the parser meets its colon.

    It replaces the library's rule, which searches all text before each ``://`` again.
    """
    if silent or state.linkLevel > 0 or state.src[state.pos] != ":":
        return False
    scheme = _SCHEME.search(state.pending[-6:])
    rest = scheme and _REST.match(state.src, state.pos, state.posMax)
    if not scheme or not rest:
        return False
    text = scheme[1] + _trim(rest[0])
    address = state.md.normalizeLink(text)
    if not state.md.validateLink(address):
        return False
    state.pending = state.pending[: -len(scheme[1])]
    state.push("link_open", "a", 1).attrs = {"href": address}
    state.push("text", "", 0).content = text
    state.push("link_close", "a", -1)
    state.pos += len(text) - len(scheme[1])
    return True


def _trim(rest: str) -> str:
    """Cut off what belongs to the sentence, from its closing bracket on."""
    opened = dict.fromkeys(_PAIRS.values(), 0)
    for found in _BRACKETS.finditer(rest):
        opens = _PAIRS.get(found[0], "")
        if opens and not opened[opens]:
            rest = rest[: found.start()]
            break
        opened[opens or found[0]] += -1 if opens else 1
    return rest.rstrip(_ENDS)


def _render_link_open(
    renderer: Any, tokens: Sequence[Token], index: int, options: OptionsDict, _env: Any
) -> str:
    """Begin a link; show its address if it has no text to click on."""
    token = tokens[index]
    # As an attribute, a browser would show the title as if it were the target.
    token.meta["title"] = token.attrs.pop("title", "")
    if not token.attrs["href"]:  # CommonMark lets it lead to this page
        return "["
    token.attrSet("rel", "noopener noreferrer nofollow ugc")
    html = str(renderer.renderToken(tokens, index, options, _env))
    return html if _link_text(tokens, index) else html + escape(token.attrs["href"])


def _render_link_close(_: Any, tokens: Sequence[Token], index: int, *__: Any) -> str:
    """End a link, followed by what its text does not say.

    This is the label of a reference, the host unless the text is an address at this
    host, and the title.
    """
    begin = index - 1
    while tokens[begin].type != "link_open":
        begin -= 1
    meta = tokens[index].meta
    label, title = meta.get("label"), tokens[begin].meta["title"]
    host = host_of(str(tokens[begin].attrs.get("href", "")))
    behind = [
        f"[{label}]" if label else "",
        f"({host})"
        if host and not _is_address_at(host, _link_text(tokens, begin))
        else "",
        # The title of a reference is shown at its definition.
        f'"{title}"' if title and not meta.get("is_reference") else "",
    ]
    shown = [escape(as_line(text)) for text in behind if text]
    spans = [f' <span class="host">{text}</span>' for text in shown]
    return ("</a>" if host else "]()") + "".join(spans)


def _link_text(tokens: Sequence[Token], index: int) -> str:
    """The text of the link that begins at ``index``."""
    parts = []
    # A slice would copy all tokens behind each link.
    while tokens[index := index + 1].type != "link_close":
        parts.append(tokens[index].content)
    return "".join(parts).strip()


def _is_address_at(host: str, text: str) -> bool:
    """Whether a text is empty, or an address at ``host``."""
    address = text.lower().removeprefix("https://").removeprefix("http://")
    return address in ("", host) or address.startswith(
        (f"{host}/", f"{host}?", f"{host}#")
    )
