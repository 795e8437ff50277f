"""Where bullets and numbers of lists stand in a real page."""

from __future__ import annotations

from urllib.parse import urlsplit

from playwright.sync_api import Page, expect

from tests.browser.conftest import Worker
from tests.browser.stored_texts import StoredTexts
from tests.browser.user_actions import answered, begin

#: What the room before an item has beyond the width of its number.
ROOM = """lists => lists.map(list => {
  const ruler = document.createElement("span");
  list.closest(".text").append(ruler);
  ruler.textContent = `${list.start}. `;
  const width = ruler.getBoundingClientRect().width;
  ruler.remove();
  return parseFloat(getComputedStyle(list).paddingInlineStart) - width;
})"""

REPLY = """\
Python:

- HTML היא שפת סימון
- English
- שלום

```
code
```

- left
"""
#: Distances of the first letter from the left and the right edge of its list.
GAPS = """items => items.map(item => {
  const range = document.createRange();
  range.selectNodeContents(item);
  const letters = range.getBoundingClientRect();
  const list = item.parentElement.getBoundingClientRect();
  return [letters.left - list.left, list.right - letters.right].map(Math.round);
})"""


def test_items_stand_beside_their_bullets(home: Page, worker: Worker) -> None:
    answered(home, worker, "one", "two")
    shelf = StoredTexts(urlsplit(home.url).path.split("/")[2])
    home.goto(f"/c/{shelf.put('said', [REPLY])}/")
    gaps = home.locator(".markdown li").evaluate_all(GAPS)
    padding = 24
    assert [right for _, right in gaps[:3]] == [padding] * 3
    assert gaps[3][0] == padding
    assert home.locator(".markdown .code code").evaluate(
        "code => getComputedStyle(code).textAlign"
    ) in ("start", "left")


def test_no_number_of_a_list_is_cut_off(home: Page, worker: Worker) -> None:
    begin(home, "one")
    numbers = [10**power for power in range(1, 9)]
    items = "\n\ntext\n\n".join(f"{number}. x" for number in numbers)
    worker.finish(worker.claim(), items)
    expect(home.locator(".reply.done .text ol")).to_have_count(len(numbers))
    assert min(home.locator(".markdown ol").evaluate_all(ROOM)) >= 0
