"""A formula in a reply that grows: as written while it is open, then drawn."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.browser.conftest import Worker
from tests.browser.user_actions import begin


def test_a_formula_is_drawn_as_soon_as_it_ends(home: Page, worker: Worker) -> None:
    begin(home, "one")
    claim = worker.claim()
    text = home.locator(".reply .text")
    worker.write(claim, "It costs $5, so \\(x^2")
    expect(text).to_contain_text("so \\(x^2")
    expect(text.locator("math")).to_have_count(0)
    worker.write(claim, " = 9\\) holds.\n\n$$\n\\frac{1}{2}")
    expect(text.locator("p math msup")).to_be_visible()
    expect(text).to_contain_text("\\frac{1}{2}")
    worker.write(claim, "\n$$\n\nAnd")
    expect(text.locator("div.math mfrac")).to_be_visible()
    expect(home.locator(".reply.pending")).to_have_count(1)
    worker.finish(claim, " on.")
    expect(home.locator(".reply.done math")).to_have_count(2)
    expect(text).to_contain_text("It costs $5, so")
