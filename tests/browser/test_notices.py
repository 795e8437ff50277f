"""How pages tell a person elsewhere that a reply is ready: title, mark, sound."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.browser.conftest import Worker
from tests.browser.test_comfort import HIDE
from tests.browser.user_actions import becomes_true, begin, say

#: Counts the notes of the real sound.
COUNT_NOTES = """
  window.notes = 0;
  const { start } = OscillatorNode.prototype;
  OscillatorNode.prototype.start = function (...moment) {
    window.notes += 1;
    return start.apply(this, moment);
  };
"""
HEARD = """() => JSON.parse(localStorage.getItem(
  Object.keys(localStorage).find((key) => key.endsWith(":heard"))) ?? "[]").length"""


def test_one_tab_plays_the_sound_of_a_reply_that_is_read_in_none(
    home: Page, worker: Worker
) -> None:
    home.context.add_init_script(COUNT_NOTES)
    home.goto("/settings/")
    home.get_by_label("Play a sound when a reply is ready").check()
    home.get_by_role("button", name="Try it").click()
    becomes_true(home, "() => window.notes === 2")
    expect(home.locator("#sound-blocked")).to_be_hidden()
    home.goto("/")
    begin(home, "one")
    worker.finish(worker.claim(), "First")
    becomes_true(home, f"() => ({HEARD})() === 1")
    assert home.evaluate("window.notes") == 0
    other = home.context.new_page()
    other.goto("/")
    say(home, "two")
    home.evaluate(HIDE, True)
    worker.finish(worker.claim(), "Second")
    other.evaluate("htmx.trigger('#poller', 'poll-now')")
    expect(other).to_have_title("(1) New conversation · chatsite")
    expect(home).to_have_title("(1) one · chatsite")
    becomes_true(home, f"() => ({HEARD})() === 2")
    home.evaluate(HIDE, False)
    expect(home.locator(".reply.done")).to_have_count(2)
    expect(other).to_have_title("New conversation · chatsite")
    assert sum(page.evaluate("window.notes") for page in (home, other)) == 2
