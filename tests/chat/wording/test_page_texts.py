"""Every text that a person sees went through gettext.

In the pseudo language a translated text stands between ⟦ and ⟧, so what was forgotten
stands bare. What people write in here has no letters: it is in no language.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.template.loader import render_to_string
from django.test import Client
from django.utils import timezone

from chat.http.page_version import PAGE_VERSION
from chat.models import Conversation, Message, Reply, User
from chat.page import poll_fragments
from chat.page.announcements import announcement
from chat.page.context import worker_context
from chat.page.state import PageState
from chat.rendering.markdown import render
from chat.services import reply_versions
from chat.services.conversation_list import period_of
from chat.services.jobs.collect import collect
from chat.services.jobs.reply_status import PollSnapshot, ReplyStatus
from chat.wording.replies import duration, duration_range
from chatsite import wire
from chatsite.mailbox import Mailbox
from chatsite.model_choice import model_entry
from tests.chat.conftest import Worker
from tests.chat.conversation_data import long_conversation, make_conversations
from tests.chat.pages import form_data, poll_url, text_of
from tests.chat.wording.page_texts import texts_of
from tests.chat.wording.pseudo_language import spoken, untranslated
from tests.chat.wording.pseudo_pages import HTMX, NAMES, check, page_of
from tests.dom import dom

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _pseudo() -> Iterator[None]:
    with spoken():
        yield


def test_home(box: Mailbox, worker: Worker, tab: Client) -> None:
    check(Client().get("/"))
    worker.announce()
    page = check(tab.get("/"))
    ideas = dom(page).values('a[href^="?text="]', "href")
    assert len(ideas) == 3
    assert all(idea.startswith("?text=%E2%9F%A6") for idea in ideas)


def test_a_model_that_stands_in(
    tab: Client, owner: User, box: Mailbox, settings, tmp_path: Path
) -> None:
    settings.DATA_DIR, settings.CHAT_MODEL = tmp_path, ""
    chosen = {"model": "scripted", "wanted": "gpt2", "reason": "1 + 1"}
    (tmp_path / "model.json").write_text(json.dumps(chosen))
    check(Client().get("/"))
    User.objects.filter(pk=owner.pk).update(username="bee", is_staff=True)
    assert "1 + 1" in text_of(check(tab.get("/?welcome")))


def test_the_list_with_its_periods_and_marks(tab: Client, owner: User, sent) -> None:
    made = make_conversations(owner, 60, hours=30)
    Conversation.objects.update(title="1 + 1", has_unread=True)
    sent(owner, "2 + 2", conversation=made[1])
    page = check(tab.get("/"))
    assert {"⟦new reply⟧", "⟦reply on its way⟧", "⟦Older conversations⟧"} <= {
        *texts_of(text_of(page))
    }
    check(tab.get("/history/"))
    more = dom(page).first('a[href^="/history/?before="]')["href"]
    check(tab.get(more))
    check(tab.get(f"{more}&v={PAGE_VERSION}", headers=HTMX))


def test_renaming(tab: Client, owner: User) -> None:
    [talk] = make_conversations(owner, 1)
    Conversation.objects.update(title="1 + 1")
    address = f"/c/{talk.pk}/rename/"
    for headers in ({}, HTMX):
        check(tab.get(address, headers=headers))
        for title in ("", "1" * 201):
            check(tab.post(address, {"title": title}, headers=headers), 422)


def test_deleting(tab: Client, owner: User) -> None:
    check(tab.get("/delete-all/"))
    make_conversations(owner, 3)
    Conversation.objects.update(title="1 + 1")
    first, second, _ = Conversation.objects.all()
    page = tab.get("/")
    form = form_data(page, "")
    check(tab.post(f"/c/{first.pk}/delete/", form, headers=HTMX))
    check(tab.get("/delete-all/"))
    check(tab.get(tab.post(f"/c/{second.pk}/delete/")["Location"]))
    check(tab.get("/delete-all/"))
    for talk in (first, second):
        tab.post(f"/c/{talk.pk}/restore/")
    check(tab.get(tab.post("/delete-all/")["Location"]))


def test_settings(tab: Client, owner: User, worker: Worker, sent) -> None:
    reply = sent(owner, "1 + 1")
    worker.announce(free=0)
    addresses = ("/settings/", f"{page_of(reply)}settings/")
    wrong = {
        "temperature": "-1",
        "top_p": "2",
        "top_k": "1 + 1",
        "max_new_tokens": "0",
        "stop": "1\n2\n3\n4\n5",
        "model": "1 + 1",
        "instructions": "1" * 4001,
    }
    for address in addresses:
        check(tab.get(address))
        check(tab.post(address, wrong), 422)
    for menu in ("/model/", f"{page_of(reply)}model/"):
        check(tab.get(menu, headers=HTMX))
    check(tab.get("/settings/?saved"))
    worker.announce(wire.Stage.LOADING)
    check(tab.get("/settings/"))


def test_replies_to_come(tab: Client, owner: User, worker: Worker, sent) -> None:
    first = sent(owner, "1 + 1")
    held = sent(owner, "2 + 2", conversation=first.message.conversation)
    page = check(tab.get(page_of(first)))
    worker.announce(free=0)
    check(tab.get(poll_url(page)))
    check(tab.get(page_of(first)))
    check(tab.get(f"/r/{held.pk}/edit/"))
    for reply in (first, held):
        check(tab.get(f"/r/{reply.pk}/frame/"))
    claim = worker.claim()
    answer = check(tab.get(poll_url(page)))
    assert "⟦The reply has started.⟧" in texts_of(text_of(answer))
    worker.write(claim, "= 2")
    check(tab.get(page_of(first)))
    check(tab.get(f"/r/{first.pk}/frame/"))
    worker.finish(claim, "= 2", wire.Outcome.FAILED)
    answer = check(tab.get(poll_url(answer)))
    assert "⟦Send⟧" in texts_of(text_of(answer))
    check(tab.get(page_of(first)))
    check(tab.get(f"/r/{first.pk}/frame/"))
    check(tab.get(f"/r/{held.pk}/frame/"))


def test_a_reply_to_come_is_changed_too_late(
    tab: Client, owner: User, worker: Worker, sent
) -> None:
    reply = sent(owner, "1 + 1")
    check(tab.post(f"/r/{reply.pk}/edit/", {"text": "2"}), 409)
    check(tab.post(f"/r/{reply.pk}/edit/", {"text": ""}), 422)


ENDS: tuple[dict[str, Any], ...] = (
    *({"state": "failed", "error": code, "losses": 9} for code in wire.ErrorCode),
    *({"state": "failed", "error": code, "losses": 1} for code in ("worker_lost", "")),
    {"state": "stopped", "new_tokens": 1},
    {"state": "done", "is_length_limited": True, "new_tokens": 200, "cut_tokens": 1},
    {"state": "done", "cut_tokens": 9, "continued_characters": 1, "dropped_turns": 1},
)


@pytest.mark.parametrize("text", ["", "= 2"])
def test_replies_that_ended(text: str, tab: Client, owner: User, box: Mailbox) -> None:
    talk = long_conversation(owner, 2 * len(ENDS))
    Conversation.objects.update(title="1 + 1")
    Message.objects.filter(role="user").update(text="1 + 1")
    Message.objects.filter(role="assistant").update(text=text)
    now = timezone.now()
    replies = Reply.objects.order_by("message__created_at", "pk")
    for reply, end in zip(replies, ENDS, strict=True):
        times = {"queued_at": now, "started_at": now, "first_text_at": now}
        Reply.objects.filter(pk=reply.pk).update(**end, **times)
        check(tab.get(f"/r/{reply.pk}/frame/"))
        check(tab.get(f"/r/{reply.pk}/details/"), names=(*NAMES, "scripted"))
        check(tab.get(f"/r/{reply.pk}/details/", headers=HTMX), names=("scripted",))
    check(tab.get(f"/c/{talk.pk}/"))


def test_variants_and_versions(
    tab: Client, owner: User, worker: Worker, sent, committed
) -> None:
    reply = sent(owner, "1 + 1")
    worker.answer("= 2")
    page = tab.get(page_of(reply))
    with committed():
        fresh = reply_versions.vary(Reply.objects.with_path().get(), 2)
    check(tab.get(poll_url(page)))
    check(tab.get(page_of(reply)))
    for _ in range(2):
        worker.answer("= 3")
    collect(str(fresh.pk))
    check(tab.get(page_of(reply)))
    check(tab.get(f"{page_of(reply)}?at={reply.pk}"))
    check(tab.get(f"{page_of(reply)}?edit={reply.message.parent_id}"))
    refused = tab.post(f"/r/{reply.pk}/vary/", {"count": "9"})
    check(refused, 422)
    check(tab.post(f"/r/{reply.pk}/vary/", {"count": "9"}, headers=HTMX), 422)
    Reply.objects.update(model="1 + 1")
    check(tab.post(f"/r/{reply.pk}/repeat/"), 422)


def test_a_window_of_a_long_conversation(
    tab: Client, owner: User, box: Mailbox, settings
) -> None:
    settings.MESSAGES_SHOWN = 4
    talk = long_conversation(owner, 12)
    Conversation.objects.update(title="1 + 1")
    Message.objects.update(text="1 + 1 " * 900)
    Reply.objects.update(prompt_tokens=900, new_tokens=90)
    page = check(tab.get(f"/c/{talk.pk}/"))
    before = dom(page).first('a[href*="?before="]')["href"].partition("?")[2]
    check(tab.get(f"/c/{talk.pk}/?{before}"))
    check(tab.get(f"/c/{talk.pk}/earlier/?{before}", headers=HTMX))


def test_a_full_context(tab: Client, owner: User, box: Mailbox) -> None:
    talk = long_conversation(owner, 4)
    Conversation.objects.update(title="1 + 1", model="smollm2")
    Message.objects.update(text="1 + 1")
    Reply.objects.update(prompt_tokens=1900)
    assert "“1 + 1”" in text_of(check(tab.get(f"/c/{talk.pk}/")))
    Reply.objects.update(dropped_turns=2)
    check(tab.get(f"/c/{talk.pk}/"))


def test_a_conversation_deleted_elsewhere(
    tab: Client, owner: User, sent, committed
) -> None:
    reply = sent(owner, "1 + 1")
    page = tab.get(page_of(reply))
    with committed():
        tab.post(f"{page_of(reply)}delete/")
    assert "⟦Undo⟧" in text_of(check(tab.get(poll_url(page))))


SIGHTS: tuple[dict[str, Any], ...] = (
    {"state": wire.State.QUEUED},
    {"state": wire.State.QUEUED, "place": 3, "is_further": True},
    {"state": wire.State.QUEUED, "place": 1, "losses": 1, "seconds": 4000},
    {"state": wire.State.QUEUED, "is_stopping": True},
    {"state": wire.State.QUEUED, "is_stopping": True, "is_unpublished": True},
    {"state": wire.State.QUEUED, "is_unpublished": True},
    {"state": wire.State.RUNNING, "losses": 1, "seconds": 90},
    {"state": wire.State.RUNNING, "tokens": 1},
    {
        "state": wire.State.RUNNING,
        "tokens": 9,
        "seconds": 9,
        "started_at": 1,
        "first_text_at": 2,
    },
    {"state": wire.State.RUNNING, "is_stopping": True},
    {"state": wire.State.HELD},
    {"state": wire.State.HELD, "is_paused": True},
    {"state": wire.State.HELD, "is_paused": True, "is_after_failure": True},
    {"state": wire.State.QUEUED, "is_unpublished": True},
    {"state": wire.State.QUEUED, "is_unpublished": True, "is_cut_off": True},
)


def announced(stage: wire.Stage, **more: Any) -> tuple[wire.Announcement, ...]:
    return (wire.Announcement("w", "scripted", "Scripted", stage, **more),)


WORKERS: tuple[tuple[wire.Announcement, ...], ...] = (
    (),
    announced(wire.Stage.LOADING),
    announced(wire.Stage.FETCHING),
    announced(wire.Stage.FETCHING, progress=0.4),
    announced(wire.Stage.BROKEN, step="no file"),
    announced(wire.Stage.READY, free=1),
    announced(wire.Stage.READY, tokens_per_second=9.0, tokens_per_reply=90.0),
)


@pytest.mark.parametrize("status", SIGHTS, ids=str)
def test_every_state_of_a_reply(status: dict[str, Any], owner: User, sent) -> None:
    reply = sent(owner, "1 + 1")
    seen = ReplyStatus(reply.pk, **status)
    assert untranslated(announcement(seen)) == []
    for workers in WORKERS:
        snapshot = PollSnapshot("", (seen,), "", 0, workers)
        context = {
            "status": seen,
            "snapshot": snapshot,
            "label": "1",
            "message": reply.message,
        }
        for name in ("replies/_pending.html", "replies/frame.html"):
            html = render_to_string(name, context | {"reply": reply})
            assert untranslated(html) == []
        for is_pending in (False, True):
            shown = worker_context(snapshot, model_entry(), is_pending=is_pending)
            shown["label"] = "1"
            notice = poll_fragments.workers_notice(shown, is_oob=True)
            link = poll_fragments.model_link(shown, PageState(), is_oob=True)
            assert untranslated(notice + link) == []


@pytest.mark.parametrize("seconds", [0, 9, 72, 3600, 7500])
def test_durations(seconds: int) -> None:
    assert untranslated(duration(seconds)) == []
    for low in (0, seconds / 2):
        assert untranslated(duration_range(low, seconds)) == []


@pytest.mark.parametrize("days", [0, 1, 7, 30, 31, 400])
def test_periods(days: int) -> None:
    today = timezone.now().date()
    assert untranslated(period_of(today - timedelta(days=days), today)) == []


def test_code_and_tables() -> None:
    html = render("```\n1 + 1\n```\n\n|1|2|\n|-|-|\n|3|4|\n")
    assert untranslated(html) == []
    assert {"⟦text⟧", "⟦Table⟧"} <= {*texts_of(html)}
