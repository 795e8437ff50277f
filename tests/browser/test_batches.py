"""The page of batches in a browser: the bar moves to its end, and the answers come."""

from __future__ import annotations

import json
from pathlib import Path

from playwright.sync_api import FilePayload, Page, expect

from tests.browser.account_actions import become_account
from tests.browser.conftest import Worker


def payload(lines: int) -> FilePayload:
    body = {"model": "scripted", "messages": [{"role": "user", "content": "Bees?"}]}
    call = {"method": "POST", "url": "/v1/chat/completions", "body": body}
    made = [json.dumps({"custom_id": f"line-{n}", **call}) for n in range(lines)]
    content = "\n".join(made).encode()
    return {"name": "calls.jsonl", "mimeType": "text/plain", "buffer": content}


def test_the_bar_moves_to_its_end_and_the_answers_are_downloaded(
    home: Page, worker: Worker, name: str
) -> None:
    become_account(home, name)
    home.goto("/batches/")
    field = home.get_by_label("File", exact=True)
    send = home.get_by_role("button", name="Send file")
    # A larger file would take long: the limit is made smaller in its place.
    field.evaluate("field => { field.dataset.maxBytes = 300 }")
    field.set_input_files(payload(lines=3))
    send.click()
    said = field.evaluate("field => field.validationMessage")
    assert "too large" in said and "32" in said
    field.set_input_files(payload(lines=1))
    assert field.evaluate("field => field.validationMessage") == ""
    field.evaluate("field => { field.dataset.maxBytes = 3000 }")
    field.set_input_files(payload(lines=2))
    send.click()
    expect(home.get_by_text("The file was sent.")).to_be_visible()
    bar = home.get_by_role("progressbar")
    download = home.get_by_role("link", name="Download answers")
    for ended in (1, 2):
        worker.finish(worker.claim(), f"Honey {ended}.")
        expect(bar).to_have_attribute("value", str(ended))
        expect(bar).to_have_attribute("max", "2")
    expect(download).to_be_visible()
    expect(home.get_by_role("button", name="Cancel")).to_have_count(0)
    with home.expect_download() as got:
        download.click()
    lines = Path(got.value.path()).read_text().splitlines()
    answers = [json.loads(line)["response"]["body"]["choices"][0] for line in lines]
    texts = [answer["message"]["content"] for answer in answers]
    assert texts == ["Honey 1.", "Honey 2."]
