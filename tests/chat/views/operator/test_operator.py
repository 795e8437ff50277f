"""The operator page: what it shows, what it orders, and to whom."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.utils import timezone

from chat.keeper import Keeper
from chat.models import PausedModel, Reply, Sample, SiteNotice, User
from chat.services.feedback import rate
from chat.services.jobs.collect import collect
from chat.services.sharing.links import make_link
from chatsite import wire
from chatsite.mailbox import Mailbox, open_mailbox
from tests.chat.admin.conftest import make_account
from tests.chat.conftest import Worker
from tests.chat.conversation_data import long_conversation
from tests.valkey import Valkey

pytestmark = pytest.mark.django_db

PAGE = "/operator/"
HTMX = {"HX-Request": "true"}


@pytest.fixture
def operator(box: Mailbox, client_of: Callable[[User], Client]) -> Client:
    """A browser of staff with the one permission that it needs."""
    account = make_account("ops", is_staff=True)
    account.user_permissions.add(Permission.objects.get(codename="operate_site"))
    return client_of(account)


def text_of(browser: Client, path: str = PAGE) -> str:
    answer = browser.get(path)
    assert answer.status_code == 200
    return answer.content.decode()


def announce(box: Mailbox, **fields: object) -> None:
    known = {"rows": 4, "free": 1, "takes_orders": True, "device": "cpu", **fields}
    said = wire.Announcement("w-1", "scripted", "", wire.Stage.READY, **known)  # type: ignore[arg-type]
    box.announce(said)


def test_the_page_shows_lines_workers_and_charts(
    operator: Client, box: Mailbox
) -> None:
    announce(box, tokens_per_second=31.0, losses=2)
    now = timezone.now()
    Sample.objects.create(at=now, model="scripted", done=3, tokens=900, waits=[1.5])
    page = text_of(operator)
    for part in ("w-1", "cpu", "Drain", "Pause", "<svg", "3 done, 0 stopped"):
        assert part in page
    table = text_of(operator, f"{PAGE}history/")
    assert "1.5 s" in table


def test_without_anything_the_page_says_so(operator: Client) -> None:
    page = text_of(operator)
    assert "no worker" in page
    assert "No keeper runs." in page
    assert page.count("Nothing yet.") == 4
    Keeper().sweep()
    assert "No keeper runs." not in text_of(operator)


def test_only_the_permission_opens_it(client_of: Callable[[User], Client]) -> None:
    for rights in ({}, {"is_staff": True}):
        browser = client_of(make_account(f"user{len(rights)}", **rights))
        assert browser.get(PAGE).status_code == 404
        assert browser.post(f"{PAGE}model/", {"model": "scripted"}).status_code == 404
        assert "/operator/" not in text_of(browser, "/account/")
    assert not PausedModel.objects.exists()
    root = client_of(make_account("root", is_staff=True, is_superuser=True))
    assert "/operator/" in text_of(root, "/account/")
    assert "/operator/" in text_of(root, "/admin/")


def test_a_worker_is_drained_and_then_ended(operator: Client, box: Mailbox) -> None:
    announce(box)
    fields = {"model": "scripted", "worker": "w-1", "order": "drain"}
    answer = operator.post(f"{PAGE}worker/", fields)
    assert (answer.status_code, answer.url) == (303, "/operator/?done=drain")  # type: ignore[attr-defined]
    assert "takes no others" in text_of(operator, "/operator/?done=drain")
    said = wire.Announcement("w-1", "scripted", "", wire.Stage.DRAINING)
    assert box.announce(said).order is wire.WorkerOrder.DRAIN
    live = operator.post(f"{PAGE}worker/", {**fields, "worker": "gone"}, headers=HTMX)
    assert live.content.decode().lstrip().startswith('<div class="live-part"')
    assert "no longer there" in live.content.decode()
    assert operator.post(f"{PAGE}worker/", {"order": "dance"}).status_code == 303


def test_a_worker_that_cannot_load_its_model_says_why_to_operators_alone(
    operator: Client, box: Mailbox, tab: Client, owner: User, sent: Callable[..., Reply]
) -> None:
    reason = "/models/a holds no config.json"
    broken = wire.Announcement(
        "worker-1@host", "scripted", "", wire.Stage.BROKEN, step=reason
    )
    box.announce(broken)
    page = text_of(operator)
    assert "cannot be loaded" in page
    assert reason in page
    assert "Busy rows" not in page
    conversation = sent(owner, "hello").message.conversation
    seen = text_of(tab, f"/c/{conversation.pk}/")
    assert "Your message keeps its place in line." in seen
    assert "config.json" not in seen + text_of(Client(), "/status/")


def test_a_worker_of_the_release_before_has_no_buttons(
    operator: Client, box: Mailbox
) -> None:
    announce(box, takes_orders=False)
    page = text_of(operator)
    assert "it takes no orders" in page
    assert 'value="drain"' not in page


def test_a_paused_model_says_so_on_the_pages_of_people(
    operator: Client, box: Mailbox, tab: Client, owner: User, sent: Callable[..., Reply]
) -> None:
    announce(box)
    reply = sent(owner, "hello")
    operator.post(f"{PAGE}model/", {"model": "scripted"})
    conversation = text_of(tab, f"/c/{reply.message.conversation_id}/")
    assert "is paused" in conversation
    assert "keeps its place in line" in conversation
    assert "is paused. You can still send" in text_of(tab, "/")
    operator.post(f"{PAGE}model/", {"model": "scripted", "resume": "1"})
    assert "is paused" not in text_of(tab, "/")


def test_failures_are_retried_from_the_page(
    operator: Client, owner: User, worker: Worker, sent: Callable[..., Reply]
) -> None:
    sent(owner, "hello")
    claim = worker.claim()
    worker.finish(claim, "", wire.Outcome.FAILED)
    collect(claim.reply)
    page = text_of(operator)
    assert "Error in the model" in page
    assert "hello" not in page
    fields = {"error": "model_error", "model": "scripted"}
    assert (
        "in line again"
        in operator.post(f"{PAGE}retry/", fields, headers=HTMX).content.decode()
    )
    assert Reply.objects.queued().count() == 1


def test_while_redis_is_away_the_page_says_what_to_do(
    operator: Client, valkey: Valkey
) -> None:
    valkey.stop()
    try:
        page = text_of(operator)
        operator.post(f"{PAGE}model/", {"model": "scripted"})
        fields = {"model": "scripted", "worker": "w-1", "order": "drain"}
        answer = operator.post(f"{PAGE}worker/", fields)
    finally:
        valkey.start()
        open_mailbox().connection.forgive()
    assert "Check Redis" in page
    assert answer.url.endswith("done=away")  # type: ignore[attr-defined]
    assert PausedModel.objects.exists()


def test_a_notice_is_on_every_page_until_its_time(
    operator: Client, tab: Client, valkey: Valkey
) -> None:
    until = timezone.now() + timedelta(hours=1)
    said = {"text": "Maintenance <at> ten", "until": until.strftime("%Y-%m-%dT%H:%M")}
    assert operator.post(f"{PAGE}notice/", said).status_code == 303
    pages = ("/", "/account/log-in/", "/status/", "/no-such-page")
    for path in pages:
        assert "Maintenance &lt;at&gt; ten" in tab.get(path).content.decode(), path
    valkey.stop()
    try:
        assert "Maintenance" in text_of(tab, "/status/")
    finally:
        valkey.start()
        open_mailbox().connection.forgive()
    valkey.client.flushall()
    Keeper().sweep()
    assert "Maintenance" in text_of(tab, "/")
    SiteNotice.objects.update(until=timezone.now())
    Keeper().sweep()
    assert "Maintenance" not in text_of(tab, "/")


def test_an_end_in_the_past_is_refused_and_an_empty_notice_clears(
    operator: Client, tab: Client
) -> None:
    past = {"text": "Late", "until": "2020-01-01T10:00"}
    refused = operator.post(f"{PAGE}notice/", past)
    assert refused.status_code == 422
    assert "This time is over." in refused.content.decode()
    operator.post(f"{PAGE}notice/", {"text": "Soon"})
    assert "Soon" in text_of(tab, "/")
    operator.post(f"{PAGE}notice/", {"text": ""})
    assert "Soon" not in text_of(tab, "/")


def test_the_page_counts_ratings_and_shows_no_reason(
    operator: Client, owner: User, worker: Worker, sent: Callable[..., Reply]
) -> None:
    assert "1 good, 0 bad" not in text_of(operator)
    reply = sent(owner)
    worker.answer("All of it")
    collect(str(reply.pk))
    rate(Reply.objects.with_path().get(pk=reply.pk), "up", "Nothing but yzzyva")
    page = text_of(operator)
    assert "1 good, 0 bad" in page
    assert "yzzyva" not in page


def test_the_page_counts_shared_links_and_shows_no_text(
    operator: Client, owner: User
) -> None:
    assert "0 shared links are open." in text_of(operator)
    link = make_link(long_conversation(owner, 2))
    page = text_of(operator)
    assert "1 shared link is open." in page
    assert link.title not in page
    assert link.secret not in page
