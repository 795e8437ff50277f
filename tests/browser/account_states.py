"""Every page of accounts, and how to come there."""

from __future__ import annotations

import json
import math
import secrets
import sqlite3
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta

from playwright.sync_api import expect

from chatsite import wire
from tests.browser.account_actions import become_account, fill_sign_up
from tests.browser.account_actions import log_in as fill_in_log_in
from tests.browser.conftest import DATABASE
from tests.browser.conversation_states import done, everything, failed
from tests.browser.sharing_actions import conversation_of, share
from tests.browser.stage import Stage
from tests.chat.services.imports.sample_files import SAMPLES


def sign_up(stage: Stage) -> None:
    """What was typed cannot be."""
    done(stage)
    stage.page.goto("/account/sign-up/")
    fill_sign_up(stage.page, "a b", "short")
    expect(stage.page.locator(".errorlist")).to_have_count(2)


def signed_up(stage: Stage, name: str = "") -> str:
    """Sign up under a new name and return it. The page shows nothing of it yet."""
    name = name or f"bee-{secrets.token_hex(4)}"
    become_account(stage.page, name)
    return name


def log_in(stage: Stage) -> None:
    """With a password that is not right."""
    fill_in_log_in(stage.page, f"bee-{secrets.token_hex(4)}")
    expect(stage.page.locator(".note.fail")).to_be_visible()


def locked(stage: Stage) -> None:
    """Once more often than the site takes."""
    name = f"bee-{secrets.token_hex(4)}"
    for _ in range(2):
        fill_in_log_in(stage.page, name)
        expect(stage.page.locator(".note.fail")).to_be_visible()
    fill_in_log_in(stage.page, name)
    expect(stage.page.get_by_role("heading")).to_contain_text("Too many")


def account(stage: Stage) -> None:
    """Logged in on several devices, under a name as long as names can be."""
    done(stage)
    name = signed_up(stage, f"donaudampfschifffahrts-{secrets.token_hex(8)}")
    with closing(sqlite3.connect(DATABASE, timeout=10)) as database, database:
        (pk,) = database.execute(
            "SELECT id FROM chat_user WHERE username = ?", [name]
        ).fetchone()
        database.execute(
            "UPDATE chat_user SET is_staff = 1, is_superuser = 1 WHERE id = ?", [pk]
        )
        for device in ("Firefox on Android", "Safari on iPhone", ""):
            database.execute(
                "INSERT INTO chat_session (session_key, session_data, expire_date,"
                " created_at, seen_at, device, user_id) VALUES (?, '', '2100-01-01',"
                " '2026-01-02', '2026-02-03', ?, ?)",
                [secrets.token_hex(16), device, pk],
            )
    stage.page.goto("/account/")
    expect(stage.page.get_by_text("Safari on iPhone").first).to_be_visible()


def account_of_guest(stage: Stage) -> None:
    done(stage)
    stage.page.goto("/account/")
    expect(stage.page.get_by_role("heading", name="You’re a guest")).to_be_visible()


def merge(stage: Stage) -> None:
    """A browser in which a guest wrote something before an account logged in."""
    name = signed_up(stage)
    stage.page.context.clear_cookies()
    done(stage)
    fill_in_log_in(stage.page, name)
    expect(stage.page.get_by_role("heading")).to_contain_text("to your account?")


def password(stage: Stage) -> None:
    signed_up(stage)
    stage.page.goto("/account/password/")


def email(stage: Stage) -> None:
    signed_up(stage)
    stage.page.goto("/account/email/")


def forgotten(stage: Stage) -> None:
    stage.page.goto("/account/forgotten/")


def reset(stage: Stage) -> None:
    """A link that is too old."""
    pk = "00000000-0000-4000-8000-000000000000"
    stage.page.goto(f"/account/reset/{pk}/old/")


def erase(stage: Stage) -> None:
    account(stage)
    stage.page.goto("/account/erase/")


def invited(stage: Stage) -> None:
    stage.page.goto("/account/invited/never/")


def invitations(stage: Stage) -> None:
    account(stage)
    stage.page.goto("/account/invitations/")
    for note in ("For the choir", "donaudampfschifffahrtsgesellschaft " * 4):
        stage.page.get_by_label("Note").fill(note)
        stage.page.get_by_role("button", name="Create link").click()
        expect(stage.page.locator("#link")).to_be_visible()


def keys(stage: Stage) -> None:
    """A key that was just made, and one before it with a long name."""
    signed_up(stage)
    stage.page.goto("/account/keys/")
    for name in ("donaudampfschifffahrtsgesellschaft " * 2, "For the choir"):
        stage.page.get_by_label("Name").fill(name[:60])
        stage.page.get_by_label("Run batches").check()
        stage.page.get_by_role("button", name="Make key").click()
        expect(stage.page.locator("#link")).to_be_visible()


def api_reference(stage: Stage) -> None:
    """With every call opened."""
    stage.page.goto("/api/v1/docs")
    stage.page.locator("details").evaluate_all("all => all.forEach(e => e.open = true)")


def webhooks(stage: Stage) -> None:
    """A webhook that was just made, and one before it with a long address."""
    signed_up(stage)
    stage.page.goto("/account/webhooks/")
    for host in ("donaudampfschifffahrt." * 6 + "invalid", "hooks.invalid"):
        stage.page.get_by_label("Address").fill(f"https://{host}/chat")
        stage.page.get_by_label("Description").fill("For the choir")
        stage.page.get_by_role("button", name="Make webhook").click()
        expect(stage.page.locator("#link")).to_be_visible()


def webhook(stage: Stage) -> None:
    """A test that failed, and the form that changes it."""
    webhooks(stage)
    stage.page.get_by_role("link", name="Show calls").first.click()
    stage.page.get_by_role("button", name="Send a test").click()
    failed = stage.page.get_by_text("There is no host with this name.")
    while not failed.is_visible():
        stage.page.goto(stage.page.url)
    stage.page.get_by_text("Change…").click()


def batches(stage: Stage) -> None:
    """A batch that waits, and one whose file was refused and has a long name."""
    signed_up(stage)
    stage.page.goto("/batches/")
    expect(stage.page.get_by_text("You have sent no batches yet.")).to_be_visible()
    for name in ("donaudampfschifffahrtsgesellschaft" * 3, "calls"):
        file = {"name": f"{name}.jsonl", "mimeType": "text/plain", "buffer": b"{}"}
        stage.page.get_by_label("File", exact=True).set_input_files(file)
        stage.page.get_by_role("button", name="Send file").click()
        expect(stage.page.get_by_text("The file was sent.")).to_be_visible()


def imports(stage: Stage) -> None:
    """What is in a file that was read, and cannot come; nothing is stored yet."""
    signed_up(stage)
    stage.page.goto("/imports/")
    sample = SAMPLES / "chatgpt/06-images-and-voice.json"
    stage.page.get_by_label("File", exact=True).set_input_files(sample)
    stage.page.get_by_role("button", name="Send file").click()
    expect(stage.page.get_by_role("button", name="Import them")).to_be_visible()


def operator(stage: Stage) -> None:
    """A worker that writes, one that was drained, a failure, and a day of minutes."""
    failed(stage)
    account(stage)
    stage.worker.leave(stage.worker.announce())
    for number, stage_of_worker in enumerate((wire.Stage.READY, wire.Stage.DRAINING)):
        stage.worker.announce_as(
            f"worker-{number + 1}@gpu-{number + 1}-4711-a1b2c3",
            stage_of_worker,
            rows=8,
            free=5 - 4 * number,
            tokens_per_second=180.0,
            device="cuda",
            precision="fp16",
            takes_orders=True,
            replies=640 + number,
            losses=number,
            started_at=time.time() - 9000,
        )
    stage.worker.announce_as(
        "worker-3@gpu-3",
        wire.Stage.BROKEN,
        step="/models/big: is incomplete or broken: model-00002-of-00004.safetensors.",
    )
    _note_a_day()
    stage.page.goto("/operator/")
    expect(stage.page.locator(".chart svg").first).to_be_visible()
    expect(stage.page.get_by_role("button", name="Retry").first).to_be_visible()


def _note_a_day() -> None:
    """Many come in the evening, and at night there is nobody."""
    now = datetime.now(UTC).replace(tzinfo=None)
    with closing(sqlite3.connect(DATABASE, timeout=10)) as database, database:
        for step in range(95):
            done = max(0, round(12 * math.sin(step / 12)))
            database.execute(
                "INSERT OR REPLACE INTO chat_sample (at, model, waiting, running, slots,"
                " tokens, done, stopped, failed, people, waits)"
                " VALUES (?, 'scripted', 1, 1, 4, ?, ?, ?, ?, ?, ?)",
                [
                    str(now - timedelta(minutes=15 * step)),
                    *(done * 9000, done, done // 5, done // 9, done),
                    json.dumps([0.2 * n * n for n in range(done)]),
                ],
            )


def operator_history(stage: Stage) -> None:
    operator(stage)
    stage.page.get_by_role("link", name="As a table").click()
    expect(stage.page.locator(".history")).to_be_visible()


def status(stage: Stage) -> None:
    stage.page.goto("/status/")


def share_page(stage: Stage) -> None:
    """With a link that is renewed, and the form for another."""
    everything(stage)
    conversation = conversation_of(stage.page)
    share(stage.page, conversation, has_details="on")
    stage.page.goto(f"/c/{conversation}/share/")
    stage.page.get_by_text("Renew…").click()
    expect(stage.page.get_by_role("button", name="Renew", exact=True)).to_be_visible()


def shared_links(stage: Stage) -> None:
    done(stage)
    share(stage.page, conversation_of(stage.page), expiry="7")
    stage.page.goto("/shared/")
    expect(stage.page.get_by_label("Link", exact=True)).to_be_visible()


def shared_copy(stage: Stage) -> None:
    """All that Markdown knows, and how it was made."""
    everything(stage)
    stage.page.goto(share(stage.page, conversation_of(stage.page), has_details="on"))
    stage.page.locator(".how summary").click()
    expect(stage.page.get_by_text("Seed")).to_be_visible()


ACCOUNT_STATES = (
    *(sign_up, log_in, locked, account, account_of_guest, merge, password, email),
    *(forgotten, reset, erase, invited, invitations, keys, api_reference),
    *(webhooks, webhook, batches, imports, operator, operator_history, status),
    *(share_page, shared_links, shared_copy),
)
