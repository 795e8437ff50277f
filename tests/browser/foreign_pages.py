"""A page in another language: what a longer one makes too wide for a phone."""

from __future__ import annotations

from urllib.parse import urljoin

from playwright.sync_api import Page

from tests.cookie_names import LANGUAGE

#: Elements in sight, but for what scrolls, what a person wrote, and pictures.
_SHOWN = """() => [...document.body.querySelectorAll("*")].filter((it) =>
    it.checkVisibility({ visibilityProperty: true, opacityProperty: true }) &&
    !it.closest(".visually-hidden, .skip-link, svg, pre, .text, .math, .scrolled, noscript"))"""
#: Elements that are cut off, or wider than what they stand in.
SPILLING = f"""() => ({_SHOWN})().filter((it) => {{
    const style = getComputedStyle(it);
    const isText = [...it.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
    const isCut = style.overflowX !== "visible" && (!isText || style.textOverflow === "ellipsis");
    if (style.display === "inline" || isCut || it.matches("input, textarea, select")) return false;
    const {{ left, right }} = it.getBoundingClientRect();
    const isFull = isText && it.scrollWidth > it.clientWidth + 1;
    return isFull || right > innerWidth + 0.5 || left < -0.5;
  }})
  .map((it) => `${{it.outerHTML.slice(0, 120)}}: ${{it.scrollWidth}} in ${{it.clientWidth}}`)"""
#: Buttons whose words take more than one line.
WRAPPED = f"""() => ({_SHOWN})().filter((it) => it.matches("button, .button, .chip")).filter((it) => {{
    const words = document.createTreeWalker(it, NodeFilter.SHOW_TEXT);
    const tops = [];
    while (words.nextNode()) {{
      const node = words.currentNode;
      if (!node.data.trim() || node.parentElement.closest(".visually-hidden, small")) continue;
      const range = document.createRange();
      range.selectNodeContents(node);
      tops.push(...[...range.getClientRects()].filter(({{ width }}) => width > 1).map(({{ bottom }}) => bottom));
    }}
    return Math.max(...tops) - Math.min(...tops) > 12;
  }})
  .map((it) => it.outerHTML.replace(/\\s+/g, " ").slice(0, 160))"""
OPEN = "name => { const it = document.getElementById(name); it.showModal ? it.showModal() : it.showPopover(); }"
SHUT = "name => { const it = document.getElementById(name); it.showModal ? it.close() : it.hidePopover(); }"
CLOSED = """() => [...document.querySelectorAll("[popover], dialog")]
  .filter((it) => !it.matches(":popover-open, [open]")).map(({ id }) => id)"""


def translate(page: Page, language: str) -> None:
    """Load the page once more, in another language."""
    cookie = {"name": LANGUAGE, "value": language, "url": urljoin(page.url, "/")}
    page.context.add_cookies([cookie])  # type: ignore[list-item]
    page.unroute_all()  # of scenes that a second load would not leave
    page.reload()
    assert page.get_attribute("html", "lang") == language


def too_wide(page: Page) -> list[str]:
    """What does not fit: of the page, and of each menu and dialog in it."""
    found = page.evaluate(SPILLING) + page.evaluate(WRAPPED)
    for name in page.evaluate(CLOSED):
        page.evaluate(OPEN, name)
        found += page.evaluate(SPILLING) + page.evaluate(WRAPPED)
        page.evaluate(SHUT, name)
    return list(dict.fromkeys(found))
