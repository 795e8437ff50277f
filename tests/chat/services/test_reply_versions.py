"""Another reply to a prompt: variants, run again, gone on with; and choosing one."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import replace

import pytest
from django.test import Client

from chat.models import Reply, User
from chat.services import reply_versions
from chat.services.errors import MessageRefused
from chat.services.jobs.collect import collect
from chat.services.jobs.publish import release_next
from chat.services.jobs.request import request_for
from chatsite import wire
from chatsite.mailbox import Mailbox
from chatsite.wire import Announcement, Stage
from tests.chat.conftest import Worker
from tests.chat.pages import form_data, poll_url, text_of
from tests.chat.services.version_actions import collected, texts
from tests.dom import dom, is_whole_page

pytestmark = pytest.mark.django_db


HTMX = {"HX-Request": "true"}


def test_a_variant_answers_the_same_prompt_and_is_shown(
    done: Reply, worker: Worker, committed
) -> None:
    with committed():
        fresh = reply_versions.vary(done)
    assert fresh.message.parent_id == done.message.parent_id
    assert fresh.seed != done.seed
    collected(worker, fresh, "second")
    assert texts(done) == ["one", "second"]
    reply_versions.choose(done.message)
    assert texts(done) == ["one", "first"]


def test_several_at_once_are_jobs_of_their_own(
    done: Reply, worker: Worker, committed
) -> None:
    with committed():
        first = reply_versions.vary(done, 3)
    batch = Reply.objects.filter(batch=first.batch)
    assert batch.count() == len({reply.seed for reply in batch}) == 3
    claims = {worker.claim().reply for _ in range(3)}
    assert claims == {str(reply.pk) for reply in batch}
    assert (
        reply_versions.vary(done, 3).batch == first.batch
    )  # a double click asks no more
    assert batch.count() == 3


def test_a_fixed_seed_does_not_make_variants_alike(done: Reply) -> None:
    conversation = done.message.conversation
    conversation.settings = {"seed": 7}
    conversation.save()
    reply_versions.vary(done, 2)
    seeds = Reply.objects.exclude(batch=None).values_list("seed", flat=True)
    assert len(set(seeds)) == 2


@pytest.mark.parametrize("count", [0, -1, 5])
def test_too_many_at_once_are_refused(count: int, done: Reply) -> None:
    with pytest.raises(MessageRefused, match="1 to 4"):
        reply_versions.vary(done, count)


def test_variants_count_against_the_limits(done: Reply, settings) -> None:
    settings.GUEST_REPLIES_WAITING = 2
    with pytest.raises(MessageRefused, match="2 messages waiting"):
        reply_versions.vary(done, 3)
    assert Reply.objects.count() == 1


def test_a_reply_is_run_again_exactly(done: Reply) -> None:
    conversation = done.message.conversation
    conversation.settings = {"temperature": 1.5}
    conversation.save()
    fresh = reply_versions.repeat(done)
    assert request_for(fresh) == request_for(done)
    assert fresh.is_model_picked


def test_a_model_that_is_gone_cannot_run_a_reply_again(done: Reply) -> None:
    Reply.objects.filter(pk=done.pk).update(model="retired")
    done.refresh_from_db()
    with pytest.raises(MessageRefused, match="retired is no longer offered"):
        reply_versions.repeat(done)


def test_a_branch_keeps_what_followed_the_other_version(
    done: Reply, owner: User, worker: Worker, sent, committed
) -> None:
    follow_up = sent(owner, "two", done.message.conversation)
    collected(worker, follow_up, "zwei")
    with committed():
        fresh = reply_versions.vary(done)
    collected(worker, fresh, "other")
    assert texts(done) == ["one", "other"]
    reply_versions.choose(done.message)
    assert texts(done) == ["one", "first", "two", "zwei"]


def test_choosing_a_version_shown_already_changes_nothing(
    done: Reply, owner: User, worker: Worker, sent
) -> None:
    collected(worker, sent(owner, "two", done.message.conversation), "zwei")
    reply_versions.choose(done.message)
    assert texts(done) == ["one", "first", "two", "zwei"]


def test_the_next_prompt_waits_only_for_the_chosen_variant(
    done: Reply, owner: User, worker: Worker, sent, committed
) -> None:
    with committed():
        first = reply_versions.vary(done, 2)
    conversation = done.message.conversation
    conversation.refresh_from_db()
    behind = sent(owner, "two", conversation)
    assert behind.state == "held"
    claims = [worker.claim(), worker.claim()]
    other = next(c for c in claims if c.reply != str(first.pk))
    worker.finish(other, "not this")
    collect(other.reply)
    behind.refresh_from_db()
    assert behind.state == "held"
    mine = next(c for c in claims if c.reply == str(first.pk))
    worker.finish(mine, "this")
    collect(mine.reply)
    behind.refresh_from_db()
    assert behind.state == "queued"
    assert [turn.text for turn in request_for(behind).turns] == ["one", "this", "two"]


def test_a_page_is_told_of_a_variant_without_a_new_page(
    tab: Client, done: Reply, worker: Worker, committed
) -> None:
    page = tab.get(f"/c/{done.message.conversation_id}/")
    other = tab.get(f"/c/{done.message.conversation_id}/")
    data = form_data(page, "") | {"count": "2"}
    with committed():
        answer = tab.post(f"/r/{done.pk}/vary/", data, headers=HTMX)
    fragment = dom(answer)
    assert '[hx-swap-oob="innerHTML:#messages"]' in fragment
    assert len(fragment.all(".pending.queued")) == 2
    assert len(fragment.all("[name=r]")) == 2
    assert fragment.text.count("Your message is waiting for its turn.") == 1
    assert ".pending.queued" in dom(tab.get(poll_url(other)))


def test_stop_ends_all_that_were_asked_for_together(
    tab: Client, done: Reply, worker: Worker, committed
) -> None:
    with committed():
        first = reply_versions.vary(done, 3)
    tab.post(f"/r/{first.pk}/stop/", {"together": "1"})
    assert Reply.objects.filter(state="stopped").count() == 3


def test_without_htmx_one_is_led_back_to_the_reply(tab: Client, done: Reply) -> None:
    answer = tab.post(f"/r/{done.pk}/vary/", {"count": "1"})
    fresh = Reply.objects.queued().get()
    assert answer.status_code == 303
    assert answer.headers["Location"].endswith(f"#reply-{fresh.pk}")
    answer = tab.post(f"/m/{done.pk}/choose/")
    assert answer.headers["Location"].endswith(f"/#reply-{done.pk}")


def test_a_refusal_is_said_on_the_page_or_beside_the_box(
    tab: Client, done: Reply
) -> None:
    answer = tab.post(f"/r/{done.pk}/vary/", {"count": "99"})
    assert answer.status_code == 422
    assert "Ask for 1 to 4 replies at once." in text_of(answer)
    answer = tab.post(f"/r/{done.pk}/vary/", {"count": "x"}, headers=HTMX)
    assert answer.status_code == 422
    assert '[hx-swap-oob="innerHTML:#refusal"]' in dom(answer)


@pytest.mark.parametrize("act", ["vary", "repeat", "resume", "retry"])
def test_nobody_asks_for_replies_in_anothers_conversation(
    act: str, done: Reply, client_of: Callable[[User], Client]
) -> None:
    stranger = client_of(User.objects.guest(uuid.uuid4()))
    assert stranger.post(f"/r/{done.pk}/{act}/").status_code == 404
    assert stranger.post(f"/m/{done.pk}/choose/").status_code == 404
    assert stranger.get(f"/r/{done.pk}/{act}/").status_code == 405
    assert Reply.objects.count() == 1


def test_the_details_of_a_reply_are_told(tab: Client, done: Reply) -> None:
    Reply.objects.filter(pk=done.pk).update(precision="int8")
    text = text_of(tab.get(f"/r/{done.pk}/details/"))
    assert is_whole_page(text)
    assert not is_whole_page(tab.get(f"/r/{done.pk}/details/", headers=HTMX))
    for said in ("Seed", str(done.seed), "Worker", "Attempt", "2 tokens", "int8"):
        assert said in text


def test_the_details_say_when_the_model_computes_in_another_precision(
    tab: Client, done: Reply, box: Mailbox
) -> None:
    def said() -> str:
        return text_of(tab.get(f"/r/{done.pk}/details/", headers=HTMX))

    computing = Announcement("w", "scripted", "", Stage.READY, precision="int8")
    box.announce(computing)
    assert "The model now" not in said()  # In what the reply was computed is unknown.
    Reply.objects.filter(pk=done.pk).update(precision="fp32")
    assert "was computed in fp32. The model now computes in int8, so" in said()
    box.announce(replace(computing, precision="fp32"))
    assert "The model now" not in said()


def test_on_another_part_of_a_conversation_an_action_leads_to_its_end(
    tab: Client, done: Reply
) -> None:
    page = tab.get(f"/c/{done.message.conversation_id}/")
    data = form_data(page, "") | {"count": "1", "leaf": [""]}
    answer = tab.post(f"/r/{done.pk}/vary/", data, headers=HTMX)
    fresh = Reply.objects.queued().get()
    page = f"/c/{done.message.conversation_id}/"
    assert answer.headers["HX-Redirect"] == f"{page}#reply-{fresh.pk}"


def test_held_variants_are_all_told_of_when_their_turn_comes(
    tab: Client, owner: User, worker: Worker, sent, committed
) -> None:
    first = collected(worker, sent(owner, "one"), "eins")
    second = sent(owner, "two", first.message.conversation)
    collected(worker, second, "zwei")
    Reply.objects.filter(pk=first.pk).update(state="queued", queued_at=first.queued_at)
    with committed():
        reply_versions.vary(Reply.objects.with_path().get(pk=second.pk), 2)
    page = tab.get(f"/c/{first.message.conversation_id}/")
    assert len(dom(page).all("[name=h]")) == 2
    Reply.objects.filter(pk=first.pk).update(state="done")
    with committed():
        release_next(first.message.conversation)
    fragment = dom(tab.get(poll_url(page)))
    assert len(fragment.all(".pending.queued")) == 2
    assert "[name=h]" not in fragment


def test_the_page_tells_about_the_model_of_what_is_to_come(
    tab: Client, done: Reply, committed
) -> None:
    Reply.objects.filter(pk=done.pk).update(model="smollm2")
    with committed():
        reply_versions.repeat(Reply.objects.with_path().get(pk=done.pk))
    text = text_of(tab.get(f"/c/{done.message.conversation_id}/"))
    assert "SmolLM2 135M Instruct is offline." in text


def test_a_retry_asked_for_again_gives_the_reply_that_went_well_meanwhile(
    owner: User, sent, worker, committed
) -> None:
    old = sent(owner)
    worker.finish(worker.claim(), "half", wire.Outcome.FAILED)
    collect(str(old.pk))
    old = Reply.objects.with_path().get(pk=old.pk)
    with committed():
        fresh = reply_versions.retry(old)
    worker.answer("whole")
    collect(str(fresh.pk))
    assert reply_versions.retry(old).pk == fresh.pk
    assert Reply.objects.count() == 2
