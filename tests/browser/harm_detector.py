"""Detects what a text does to the page that shows it.

It does not look at the texts. It finds scripts that run, requests, dialogs, and elements
that must not be there or that leave their place.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, ConsoleMessage, Page, Route

#: What our own pages ask for by themselves.
OWN = re.compile(
    r"/static/.+|/poll/|/c/[0-9a-f-]{36}/(earlier/)?|/s/[\w-]{32}/|/search/|/"
)
SENDS = re.compile(r"/send/|/c/[0-9a-f-]{36}/send/")

NOTES = """
window.noted = [];
window.acted = () => noted.push("acted");
addEventListener("securitypolicyviolation", (event) => {
  noted.push(`policy: ${event.effectiveDirective} ${event.blockedURI}`);
});
"""

LOOK = r"""
() => {
  const found = [...noted];
  const tags = new Set(
    ("p em strong s a code pre ul ol li blockquote h4 h5 h6 table thead tbody tr th td " +
     "div span figure figcaption button br hr mark bdi input").split(" "));
  const drawn = new Set(
    ("math mrow mi mn mo mtext mspace mfrac msqrt mroot msub msup msubsup munder mover munderover " +
     "mtable mtr mtd").split(" "));
  const bad = /^(on|hx-|data-|style$|src|srcset$|action|formaction|id$|name$|form$|target$)/i;
  const isInside = (part, whole) =>
    part.left >= whole.left - 1 && part.right <= whole.right + 1 &&
    part.top >= whole.top - 1 && part.bottom <= whole.bottom + 1;

  const lookInto = (box) => {
    const edge = box.getBoundingClientRect();
    for (const part of box.querySelectorAll("*")) {
      const isDrawn = part.closest("math") && drawn.has(part.localName);
      if (!tags.has(part.localName) && !isDrawn) found.push(`tag: ${part.localName}`);
      for (const { name } of part.attributes) {
        if (name === "data-tex" && part.matches(".math")) continue;
        if (name === "data-ahead") continue; // static/chat/growing.js, without a value
        if (bad.test(name)) found.push(`attribute: ${part.localName} ${name}`);
      }
      if (part.matches("a") && !/^https?:/.test(part.protocol)) {
        found.push(`link: ${part.href}`);
      }
      if (part.closest(".code .buttons") && !part.checkVisibility()) continue;
      const place = getComputedStyle(part).position;
      if (place !== "static" && !part.matches(".visually-hidden")) found.push(`position: ${place}`);
      // What scrolls by itself shows no more than its own box.
      const scroller = part.parentElement.closest(".table, pre, .math.display, .math.long");
      if (scroller && box.contains(scroller)) continue;
      // Of a line, as wide and tall as its letters, nothing is painted outside: see clip.
      if (getComputedStyle(part).display === "inline") continue;
      if (!part.getClientRects().length) continue; // not displayed, as the cursor of a reply that pauses
      if (!isInside(part.getBoundingClientRect(), edge)) {
        found.push(`outside: ${part.outerHTML.slice(0, 120)}`);
      }
    }
    for (const scroller of box.querySelectorAll(".table, pre, .math.display, .math.long")) {
      if (getComputedStyle(scroller).overflowX !== "auto") found.push("scroller");
    }
    if (getComputedStyle(box).overflowX === "visible") found.push(`clip: ${box.className}`);
    const frame = box.closest(".item, .hit, .palette-item, .turn, .main-header, .shared > header");
    if (!isInside(edge, frame.getBoundingClientRect())) found.push(`frame: ${box.className}`);
  };
  const shown = (box) => box.checkVisibility();
  const boxes = ".turn .text, .entry .title, .hit b, .hit .snippet, .palette-item .title, .palette-item .snippet, #heading, .shared h1";
  const all = [...document.querySelectorAll(boxes)].filter(shown);
  all.forEach(lookInto);

  for (const part of document.querySelectorAll("html, .content, .sidebar-list, .hits, .options, .main, .composer-area")) {
    if (part.scrollWidth > part.clientWidth + 1 && shown(part)) {
      found.push(`wide: ${part.className || part.localName}`);
    }
  }

  // Words of ours stand in their order, wherever the words of others go.
  const isInOrder = (part) => {
    const walker = document.createTreeWalker(part, NodeFilter.SHOW_TEXT);
    let left = -1, top = -1;
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      if (node.parentElement.closest(".visually-hidden")) continue;
      for (let place = 0; place < node.length; place += 1) {
        const range = document.createRange();
        range.setStart(node, place);
        range.setEnd(node, place + 1);
        const [box] = range.getClientRects();
        if (!box || !box.width) continue;
        if (Math.abs(box.top - top) > 4) [left, top] = [-1, box.top];
        if (box.left < left - 0.5) return false;
        left = box.left;
      }
    }
    return true;
  };
  const ours = ".author h3, .made, .when, .tools .choices, .hit small, .period h2, .chip, .sidebar-foot .entry";
  const words = [...document.querySelectorAll(ours)].filter(shown);
  for (const part of words) {
    if (!isInOrder(part)) found.push(`order: ${part.textContent.slice(0, 80)}`);
  }
  // A shared copy does not poll.
  const ids = document.querySelector("main.shared") ? 1 : 3;
  if (document.querySelectorAll("#poller, #main, #status").length !== ids) found.push("ids");
  return { found, boxes: all.length, words: words.length };
}
"""


class HarmDetector:
    """All that happened in a browser; ``found`` stays empty while nothing acts."""

    def __init__(self, context: BrowserContext, url: str) -> None:
        self.found: list[str] = []
        self.looked_at = 0
        self.own_url = url
        self._own = urlsplit(url).netloc
        context.add_init_script(NOTES)
        context.route("**/*", self._route)
        context.on("page", self._open)

    def _open(self, page: Page) -> None:
        if len(page.context.pages) > 1:
            self.found.append("page")
        page.on(
            "dialog", lambda dialog: (self.found.append("dialog"), dialog.dismiss())
        )
        page.on("download", lambda _: self.found.append("download"))
        page.on("pageerror", lambda error: self.found.append(f"error: {error}"))
        page.on("console", self._said)

    def _said(self, message: ConsoleMessage) -> None:
        if message.type == "error" and "Content Security Policy" in message.text:
            self.found.append(f"policy: {message.text[:200]}")

    def _route(self, route: Route) -> None:
        request = route.request
        parts = urlsplit(request.url)
        known = OWN if request.method == "GET" else SENDS
        if parts.netloc == self._own and known.fullmatch(parts.path):
            route.continue_()
            return
        self.found.append(f"request: {request.method} {request.url[:200]}")
        route.abort()

    def look(self, page: Page) -> None:
        """Note what can be seen now; fails where there is nothing to look at."""
        seen = page.evaluate(LOOK)
        self.found += seen["found"]
        self.looked_at += seen["boxes"]
        assert seen["boxes"], "no text is shown"
        assert seen["words"], "no words of ours are shown"
