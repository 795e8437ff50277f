"""What is copied is what was written: of replies, code and prompts, by button and hand.

``make soak`` copies more of what nobody thought of.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.conftest import PATIENCE_MS, Site, Worker, first_worker
from tests.browser.stored_texts import StoredTexts, begin_shelf
from tests.browser.user_actions import becomes_true
from tests.environment import IS_SOAK
from tests.everyday_replies import REPLIES
from tests.valkey import Valkey

#: Characters that pages, browsers and clipboards like to change.
ODD = (
    *(
        "\u202e\u2066x\u2069",
        "\u200f",
        "\u00a0",
        "\u3000",
        "\u200b",
        "\ufeff",
        "\u00ad",
    ),
    *(
        "\t",
        "  ",
        "\n",
        "\n\n",
        "\u2028",
        "\x0c",
        "\u0301",
        "👩‍🚀",
        "🏳️‍🌈",
        "\\",
        "<b>",
        "&amp;",
    ),
    *('"', "'", "`", "$&", "日本（語）", "עברית", "x"),
)
CODES = (
    "if a:\n\treturn 'b'\n",
    "\n\n  indented\n\n",
    "a\u00a0=\u00a01\n",
    "access = '\u202e \u2066user'\u2069 \u2066'\n",
    "👩‍🚀 <b>&amp;</b> \\n\n",
    "a\x0bb\x0cc\u2028d\x85e\x07f\n",
    "$ echo 'x'\nx\n",
)
TEXTS = st.lists(st.sampled_from(ODD), min_size=1, max_size=30).map("".join)
READ = "navigator.clipboard.readText()"


@pytest.fixture(scope="module")
def page(browser: Browser, site: Site) -> Iterator[Page]:
    """One for this file: each test opens a conversation of its own in it."""
    with browser.new_context(base_url=site.url) as context:
        context.set_default_timeout(PATIENCE_MS)
        context.grant_permissions(["clipboard-read", "clipboard-write"])
        yield context.new_page()


@pytest.fixture(scope="module")
def kept_shelf(page: Page, site: Site, valkey_server: Valkey) -> StoredTexts:
    expect.set_options(timeout=PATIENCE_MS)
    return begin_shelf(page, first_worker(site, valkey_server))


@pytest.fixture
def shelf(kept_shelf: StoredTexts, worker: Worker) -> StoredTexts:
    expect.set_options(timeout=PATIENCE_MS)
    return kept_shelf


def is_copied(page: Page, text: str) -> None:
    script = f"text => {READ}.then(said => said === text)"
    becomes_true(page, script, text)
    page.evaluate("navigator.clipboard.writeText('')")


def copy_by_hand(page: Page, box: Locator) -> None:
    box.evaluate("box => getSelection().selectAllChildren(box)")
    page.keyboard.press("Control+c")


def look_at(page: Page, shelf: StoredTexts, replies: list[str]) -> list[str]:
    """Opens a conversation of ``replies``; its prompts as the page keeps them."""
    conversation = shelf.put("said", replies)
    page.goto(f"/c/{conversation}/")
    return page.locator(".message .text").evaluate_all(
        "boxes => boxes.map(box => box.textContent)"
    )


def test_replies_and_prompts_are_copied_as_they_were_written(
    page: Page, shelf: StoredTexts
) -> None:
    replies = [*REPLIES, "".join(ODD)]
    prompts = look_at(page, shelf, replies)
    for number, reply in enumerate(replies):
        assert prompts[number].split() == f"said {reply}".split()
        page.get_by_role("button", name="Copy reply").nth(number).click()
        is_copied(page, reply)
        page.get_by_role("button", name="Copy message").nth(number).click()
        is_copied(page, prompts[number])
        copy_by_hand(page, page.locator(".message .text").nth(number))
        is_copied(page, prompts[number])


@pytest.mark.parametrize("language", ["python", ""])
def test_code_is_copied_as_it_was_written(
    page: Page, shelf: StoredTexts, language: str
) -> None:
    look_at(page, shelf, [f"```{language}\n{code}```" for code in CODES])
    for number, code in enumerate(CODES):
        box = page.locator(".code").nth(number)
        box.get_by_role("button", name="Copy this code").click()
        is_copied(page, code)
        copy_by_hand(page, box.locator("code"))
        is_copied(page, code)


def test_code_within_a_line_is_copied_by_hand(page: Page, shelf: StoredTexts) -> None:
    look_at(page, shelf, ["see `a\u00a0\u202eb`"])
    copy_by_hand(page, page.locator(".markdown code"))
    is_copied(page, "a\u00a0\u202eb")


def test_a_control_in_code_is_named_and_moves_no_letter(
    page: Page, shelf: StoredTexts
) -> None:
    look_at(page, shelf, ["```\nab\u202ecd\u2069ef\n```"])
    places = page.locator("pre code").evaluate(LEFT_EDGES)
    assert places == sorted(places)
    assert len(places) == len("abcdef")
    control = page.locator(".control").first
    named = control.evaluate("it => getComputedStyle(it, '::before').content")
    assert named == '"U+202E"'
    assert control.bounding_box()["width"] > 30


def test_what_is_selected_around_code_holds_no_words_of_the_site(
    page: Page, shelf: StoredTexts
) -> None:
    look_at(page, shelf, [f"above\n\n```python\n{CODES[0]}```\n\nbelow"])
    copy_by_hand(page, page.locator(".reply .markdown"))
    becomes_true(page, f"{READ}.then(said => said !== '')")
    said = page.evaluate(READ)
    assert said.split() == ["above", *CODES[0].split(), "below"]


@pytest.mark.parametrize("begin", [".reply .markdown", ".reply .math"])
def test_a_drawn_formula_is_copied_as_it_was_written(
    page: Page, shelf: StoredTexts, begin: str
) -> None:
    look_at(page, shelf, ["so \\(\\frac{1}{2}\\) and\n\n$$\nx^2 \\le 1\n$$\n\n- end"])
    expect(page.locator(".reply math")).to_have_count(2)
    page.evaluate(SELECT_FROM, begin)
    page.keyboard.press("Control+c")
    becomes_true(page, f"{READ}.then(said => said.endsWith('end'))")
    said = page.evaluate(READ)
    lines = [line for line in said.splitlines() if line]
    assert lines[0].removeprefix("so ") == "\\(\\frac{1}{2}\\) and"
    assert lines[1:4] == ["$$", "x^2 \\le 1", "$$"]


@pytest.mark.parametrize("box", [".code", ".code pre"])
def test_a_selection_that_is_a_block_of_code_is_copied_as_written(
    page: Page, shelf: StoredTexts, box: str
) -> None:
    look_at(page, shelf, [f"```python\n{CODES[2]}```"])
    copy_by_hand(page, page.locator(box))
    is_copied(page, CODES[2])


def test_copying_without_the_clipboard_leaves_the_focus_at_the_button(
    page: Page, shelf: StoredTexts
) -> None:
    look_at(page, shelf, ["```\nx = 1\n```"])
    page.evaluate(
        "() => { navigator.clipboard.writeText = () => Promise.reject(new Error()); }"
    )
    button = page.get_by_role("button", name="Copy this code")
    button.press("Enter")
    becomes_true(page, f"{READ}.then(said => said === 'x = 1\\n')")
    expect(button).to_be_focused()


#: Select from within the first element of a selector to the end of the reply.
SELECT_FROM = """selector => {
  const first = document.createTreeWalker(document.querySelector(selector), NodeFilter.SHOW_TEXT).nextNode();
  const reply = document.querySelector(".reply .markdown");
  getSelection().setBaseAndExtent(first, 0, reply, reply.childNodes.length);
}"""
LEFT_EDGES = r"""box => {
  const walker = document.createTreeWalker(box, NodeFilter.SHOW_TEXT);
  const edges = [];
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    for (let place = 0; place < node.length; place += 1) {
      if (!/[a-f]/.test(node.data[place])) continue;
      const range = document.createRange();
      range.setStart(node, place);
      range.setEnd(node, place + 1);
      edges.push(range.getBoundingClientRect().left);
    }
  }
  return edges;
}"""


@pytest.mark.timeout(1200 if IS_SOAK else 180)
@settings(
    max_examples=100 if IS_SOAK else 2,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(texts=st.lists(TEXTS, min_size=8, max_size=8))
def test_whatever_is_written_is_copied(
    page: Page, shelf: StoredTexts, texts: list[str]
) -> None:
    codes = [re.sub("`", " ", text) + "\n" for text in texts]
    look_at(page, shelf, [f"```js\n{code}```" for code in codes])
    for number, code in enumerate(codes):
        page.get_by_role("button", name="Copy this code").nth(number).click()
        is_copied(page, code)
        page.get_by_role("button", name="Copy reply").nth(number).click()
        is_copied(page, f"```js\n{code}```")
