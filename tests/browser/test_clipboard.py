"""What is copied is what was written: of replies, code and prompts, by button and hand.

``make soak`` copies more of what nobody thought of.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Worker
from tests.browser.stored_texts import StoredTexts
from tests.browser.user_actions import becomes_true, begin
from tests.environment import IS_SOAK
from tests.everyday_replies import REPLIES

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


@pytest.fixture
def shelf(home: Page, worker: Worker) -> StoredTexts:
    home.context.grant_permissions(["clipboard-read", "clipboard-write"])
    begin(home, "one")
    worker.finish(worker.claim(), "two")
    expect(home.locator(".reply.done")).to_be_visible()
    return StoredTexts(urlsplit(home.url).path.split("/")[2])


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
    home: Page, shelf: StoredTexts
) -> None:
    replies = [*REPLIES, "".join(ODD)]
    prompts = look_at(home, shelf, replies)
    for number, reply in enumerate(replies):
        assert prompts[number].split() == f"said {reply}".split()
        home.get_by_role("button", name="Copy this reply").nth(number).click()
        is_copied(home, reply)
        home.get_by_role("button", name="Copy what you said").nth(number).click()
        is_copied(home, prompts[number])
        copy_by_hand(home, home.locator(".message .text").nth(number))
        is_copied(home, prompts[number])


@pytest.mark.parametrize("language", ["python", ""])
def test_code_is_copied_as_it_was_written(
    home: Page, shelf: StoredTexts, language: str
) -> None:
    look_at(home, shelf, [f"```{language}\n{code}```" for code in CODES])
    for number, code in enumerate(CODES):
        box = home.locator(".code").nth(number)
        box.get_by_role("button", name="Copy this code").click()
        is_copied(home, code)
        copy_by_hand(home, box.locator("code"))
        is_copied(home, code)


def test_code_within_a_line_is_copied_by_hand(home: Page, shelf: StoredTexts) -> None:
    look_at(home, shelf, ["see `a\u00a0\u202eb`"])
    copy_by_hand(home, home.locator(".markdown code"))
    is_copied(home, "a\u00a0\u202eb")


def test_a_control_in_code_is_named_and_moves_no_letter(
    home: Page, shelf: StoredTexts
) -> None:
    look_at(home, shelf, ["```\nab\u202ecd\u2069ef\n```"])
    places = home.locator("pre code").evaluate(LEFT_EDGES)
    assert places == sorted(places)
    assert len(places) == len("abcdef")
    control = home.locator(".control").first
    named = control.evaluate("it => getComputedStyle(it, '::before').content")
    assert named == '"U+202E"'
    assert control.bounding_box()["width"] > 30


def test_what_is_selected_around_code_holds_no_words_of_the_site(
    home: Page, shelf: StoredTexts
) -> None:
    look_at(home, shelf, [f"above\n\n```python\n{CODES[0]}```\n\nbelow"])
    copy_by_hand(home, home.locator(".reply .markdown"))
    becomes_true(home, f"{READ}.then(said => said !== '')")
    said = home.evaluate(READ)
    assert said.split() == ["above", *CODES[0].split(), "below"]


@pytest.mark.parametrize("box", [".code", ".code pre"])
def test_a_selection_that_is_a_block_of_code_is_copied_as_written(
    home: Page, shelf: StoredTexts, box: str
) -> None:
    look_at(home, shelf, [f"```python\n{CODES[2]}```"])
    copy_by_hand(home, home.locator(box))
    is_copied(home, CODES[2])


def test_copying_without_the_clipboard_leaves_the_focus_at_the_button(
    home: Page, shelf: StoredTexts
) -> None:
    look_at(home, shelf, ["```\nx = 1\n```"])
    home.evaluate(
        "() => { navigator.clipboard.writeText = () => Promise.reject(new Error()); }"
    )
    button = home.get_by_role("button", name="Copy this code")
    button.press("Enter")
    becomes_true(home, f"{READ}.then(said => said === 'x = 1\\n')")
    expect(button).to_be_focused()


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
    max_examples=100 if IS_SOAK else 3,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(texts=st.lists(TEXTS, min_size=8, max_size=8))
def test_whatever_is_written_is_copied(
    home: Page, shelf: StoredTexts, texts: list[str]
) -> None:
    codes = [re.sub("`", " ", text) + "\n" for text in texts]
    look_at(home, shelf, [f"```js\n{code}```" for code in codes])
    for number, code in enumerate(codes):
        home.get_by_role("button", name="Copy this code").nth(number).click()
        is_copied(home, code)
        home.get_by_role("button", name="Copy this reply").nth(number).click()
        is_copied(home, f"```js\n{code}```")
