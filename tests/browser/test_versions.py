"""Variants, changed prompts, gone-on replies and long conversations in a browser."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Worker
from tests.browser.stage import open_menu
from tests.browser.user_actions import becomes_true, begin, box_of, say


def answered(home: Page, worker: Worker, prompt: str, answer: str) -> None:
    begin(home, prompt)
    worker.finish(worker.claim(), answer)
    expect(home.locator(".reply.done .text")).to_have_text(answer)


def test_another_reply_becomes_a_second_version_and_both_can_be_chosen(
    home: Page, worker: Worker
) -> None:
    answered(home, worker, "one", "First")
    home.get_by_role("button", name="Regenerate").click()
    expect(home.locator(".reply.pending")).to_have_count(1)
    worker.finish(worker.claim(), "Second")
    expect(home.locator(".reply.done .text")).to_have_text("Second")
    versions = home.locator(".reply .versions")
    expect(versions).to_contain_text("2/2")
    versions.get_by_role("button", name="Previous version").click()
    expect(home.locator(".reply.done .text")).to_have_text("First")
    expect(home.locator(".reply .versions")).to_contain_text("1/2")
    home.reload()
    expect(home.locator(".reply.done .text")).to_have_text("First")


def test_several_at_once_grow_beside_each_other_with_one_poll_at_a_time(
    home: Page, worker: Worker
) -> None:
    answered(home, worker, "one", "First")
    under_way: list[str] = []
    most = [0]

    def count(change: int) -> None:
        under_way.extend(["poll"] * max(change, 0))
        del under_way[: max(-change, 0)]
        most[0] = max(most[0], len(under_way))

    home.on("request", lambda asked: "/poll/" in asked.url and count(1))
    home.on("requestfinished", lambda asked: "/poll/" in asked.url and count(-1))
    home.on("requestfailed", lambda asked: "/poll/" in asked.url and count(-1))
    open_menu(home)
    home.get_by_role("menuitem", name="Write 4 variations").click()
    expect(home.locator(".side-by-side .reply.pending")).to_have_count(4)
    claims = [worker.claim() for _ in range(4)]
    for number, claim in enumerate(claims):
        worker.write(claim, f"Variant {number}")
    for number in range(4):
        expect(home.locator(".side-by-side .text").nth(number)).to_have_text(
            f"Variant {number}"
        )
    for claim in claims:
        worker.finish(claim, ".")
    expect(home.locator(".side-by-side .reply.done")).to_have_count(4)
    assert most[0] == 1
    home.locator(".side-by-side .reply").nth(2).get_by_role(
        "button", name="Use this"
    ).click()
    expect(
        home.locator(".side-by-side .reply").nth(2).locator(".chosen")
    ).to_be_visible()
    say(home, "two")
    expect(home.locator(".side-by-side")).to_have_count(0)
    expect(home.locator(".reply.done .text")).to_have_text("Variant 2.")
    expect(home.locator(".reply .versions").first).to_contain_text("4/5")
    worker.finish(worker.claim(), "Two")
    expect(home.locator(".reply.done .text")).to_have_text(["Variant 2.", "Two"])


def test_stop_beside_send_ends_all_that_were_asked_for_together(
    home: Page, worker: Worker
) -> None:
    answered(home, worker, "one", "First")
    worker.announce(free=0)
    open_menu(home)
    home.get_by_role("menuitem", name="Write 4 variations").click()
    expect(home.locator(".side-by-side .reply.pending")).to_have_count(4)
    home.locator("#stop").click()
    expect(home.locator(".side-by-side .reply.stopped")).to_have_count(4)


def test_a_changed_prompt_becomes_a_branch_and_the_old_one_is_reachable(
    home: Page, worker: Worker
) -> None:
    answered(home, worker, "What is a bee?", "An insect.")
    home.goto(home.locator(".message .change").get_attribute("href"))
    expect(box_of(home)).to_have_value("What is a bee?")
    expect(home.locator(".editing")).to_contain_text("kept as a version")
    box_of(home).fill("What is a bear?")
    home.keyboard.press("Enter")
    expect(home.locator(".message .text")).to_have_text("What is a bear?")
    expect(home).to_have_url(re.compile(r"/c/[0-9a-f-]{36}/$"))
    worker.finish(worker.claim(), "A mammal.")
    expect(home.locator(".reply.done .text")).to_have_text("A mammal.")
    home.locator(".message").get_by_role("button", name="Previous version").click()
    expect(home.locator(".message .text")).to_have_text("What is a bee?")
    expect(home.locator(".reply .text")).to_have_text("An insect.")


@pytest.mark.parametrize("is_in_menu", [False, True])
def test_a_reply_cut_by_its_limit_goes_on(
    home: Page, worker: Worker, is_in_menu: bool
) -> None:
    begin(home, "one")
    worker.finish(worker.claim(), "The cat sa", is_length_limited=True)
    expect(home.get_by_role("button", name="Continue")).to_be_visible()
    if is_in_menu:
        open_menu(home)
    kind = "menuitem" if is_in_menu else "button"
    home.get_by_role(kind, name="Continue").click()
    expect(home.locator(".reply.pending .text")).to_have_text("The cat sa")
    claim = worker.claim()
    assert '"role":"assistant","text":"The cat sa"' in claim.request
    worker.write(claim, "t on")
    expect(home.locator(".reply.pending .text")).to_have_text("The cat sat on")
    worker.finish(claim, " a mat.")
    expect(home.locator(".reply.done .text")).to_have_text("The cat sat on a mat.")
    expect(home.locator(".reply .versions")).to_contain_text("2/2")


def test_a_reply_and_its_code_can_be_copied(home: Page, worker: Worker) -> None:
    home.context.grant_permissions(["clipboard-read", "clipboard-write"])
    begin(home, "one")
    text = "**Bold**\n\n```python\nprint(1)\n```"
    worker.finish(worker.claim(), text)
    read = "navigator.clipboard.readText()"
    home.get_by_role("button", name="Copy reply").click()
    expect(home.locator("#status")).to_have_text("Copied.")
    assert home.evaluate(read) == text
    home.get_by_role("button", name="Copy this code").click()
    copied = home.locator(".code .if-copied")
    expect(copied).to_have_text("Copied")
    expect(copied).to_have_css("opacity", "1")
    becomes_true(home, f"{read}.then(said => said === 'print(1)\\n')")
    expect(copied).to_have_css("opacity", "0")
    home.get_by_role("button", name="Copy message").click()
    becomes_true(home, f"{read}.then(said => said === 'one')")


def test_code_is_wrapped_also_on_later_visits_and_saved(
    home: Page, worker: Worker
) -> None:
    begin(home, "one")
    worker.finish(worker.claim(), "```js title=\"a b.js\"\n'é'  \n```\n\n```\nx\n```")
    code = home.locator(".code pre").first
    expect(code).to_have_css("white-space-collapse", "preserve")
    expect(code).to_have_css("text-wrap-mode", "nowrap")
    home.get_by_role("button", name="Wrap lines").first.click()
    expect(home.locator("#status")).to_have_text("Long lines are wrapped.")
    home.reload()
    expect(code).to_have_css("text-wrap-mode", "wrap")
    button = home.get_by_role("button", name="Wrap lines: on").last
    button.press("Enter")
    expect(code).to_have_css("text-wrap-mode", "nowrap")
    with home.expect_download() as saved:
        home.get_by_role("button", name="Download a b.js").click()
    assert saved.value.suggested_filename == "a b.js"
    assert saved.value.path().read_text("utf-8") == "'é'  \n"
    expect(home.get_by_role("button", name="Download code.txt")).to_be_visible()


def test_a_reply_says_how_it_was_made_and_can_be_run_again(
    home: Page, worker: Worker
) -> None:
    answered(home, worker, "one", "First")
    open_menu(home)
    home.get_by_role("menuitem", name="Details").click()
    sheet = home.locator(".panel")
    expect(sheet).to_contain_text("Seed")
    expect(sheet).to_contain_text("Attempt")
    seed = sheet.locator("div:has(> dt:text-is('Seed')) dd").inner_text()
    sheet.get_by_role("button", name="Re-run with the same settings").click()
    claim = worker.claim()
    assert f'"seed":{seed}' in claim.request
    worker.finish(claim, "First")
    expect(home.locator(".reply .versions")).to_contain_text("2/2")
