"""Pinning, archiving and the way back, with a script and without."""

from __future__ import annotations

import uuid

import pytest
from django.test import Client

from chat.models import Conversation, User
from chat.services import conversation_list
from chatsite.mailbox import Mailbox, open_mailbox
from tests.chat.conversation_data import make_conversations
from tests.chat.pages import form_data, known, poll_url, text_of
from tests.chat.views.list_requests import listed
from tests.dom import dom

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}
ACTIONS = ("pin", "unpin", "archive", "unarchive")


def state(conversation: Conversation) -> tuple[bool, bool]:
    conversation.refresh_from_db()
    return conversation.is_pinned, conversation.is_archived


def test_without_a_script_one_is_pinned_above_the_others_and_unpinned(
    tab: Client, owner: User
) -> None:
    first, second = make_conversations(owner, 2)
    changed = second.updated_at
    answer = tab.post(f"/c/{second.pk}/pin/")
    assert (answer.status_code, answer["Location"]) == (303, "/")
    page = tab.get("/")
    assert listed(page) == [str(second.pk), str(first.pk)]
    assert dom(page).texts("li.period h2") == ["Pinned", "Today"]
    assert f'[formaction="/c/{second.pk}/unpin/"]' in dom(page)
    assert f'[formaction="/c/{second.pk}/pin/"]' not in dom(page)
    tab.post(f"/c/{second.pk}/unpin/")
    assert listed(tab.get("/")) == [str(first.pk), str(second.pk)]
    second.refresh_from_db()
    assert second.updated_at == changed


def test_pinning_brings_the_new_list_and_the_new_menu(
    tab: Client, owner: User, sent
) -> None:
    [other] = make_conversations(owner, 1)
    talk = sent(owner).message.conversation_id
    page = tab.get(f"/c/{talk}/")
    answer = tab.post(f"/c/{other.pk}/pin/", form_data(page, ""), headers=HTMX)
    assert listed(answer) == [str(other.pk), str(talk)]
    answer = tab.post(f"/c/{talk}/pin/", dict(known(answer)), headers=HTMX)
    menu = '[hx-swap-oob="innerHTML:#head-menu"]'
    assert f'{menu} [formaction="/c/{talk}/unpin/"]' in dom(answer)
    assert f'{menu} [formaction="/c/{talk}/pin/"]' not in dom(answer)


def test_without_a_script_one_is_archived_noted_and_brought_back(
    tab: Client, owner: User
) -> None:
    talk, other = make_conversations(owner, 2)
    answer = tab.post(f"/c/{talk.pk}/archive/", {"c": str(talk.pk)})
    assert (answer.status_code, answer["Location"]) == (303, f"/?archived={talk.pk}")
    home = tab.get(answer["Location"])
    assert "Archived “Talk 0”." in dom(home).text
    assert listed(home) == [str(other.pk)]
    shown = dom(tab.get(f"/c/{talk.pk}/"))
    assert "This conversation is archived." in shown.text
    undo = dom(home).one("form.undo")["action"]
    back = tab.post(undo)
    assert (back.status_code, back["Location"]) == (303, f"/c/{talk.pk}/")
    assert listed(tab.get("/")) == [str(talk.pk), str(other.pk)]
    assert "Archived “" not in text_of(tab.get(f"/?archived={talk.pk}"))


def test_in_the_page_the_entry_goes_and_the_note_comes(
    tab: Client, owner: User, sent
) -> None:
    [talk] = make_conversations(owner, 1)
    page = tab.get(f"/c/{sent(owner).message.conversation_id}/")
    url = f"/c/{talk.pk}/archive/"
    answer = tab.post(url, form_data(page, ""), headers=HTMX)
    gone = dom(answer)
    assert "Archived “Talk 0”." in gone.one("#undo[hx-swap-oob=true]").text
    assert f"#entry-{talk.pk}" not in gone
    undo, data = f"/c/{talk.pk}/unarchive/", dict(known(answer))
    assert f'#undo form[action="{undo}"]' in gone
    undone = dom(tab.post(undo, data, headers=HTMX))
    assert f"#entry-{talk.pk}" in undone
    assert undone.one("#undo[hx-swap-oob=true]").text == ""


def test_in_the_page_that_shows_it_archiving_leads_home(
    tab: Client, owner: User, sent
) -> None:
    talk = sent(owner).message.conversation_id
    page = tab.get(f"/c/{talk}/")
    answer = tab.post(f"/c/{talk}/archive/", form_data(page, ""), headers=HTMX)
    assert answer.headers["HX-Redirect"] == f"/?archived={talk}"


def test_the_archive_is_a_page_with_parts_and_a_way_back(
    tab: Client, owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conversation_list, "PART", 2)
    made = make_conversations(owner, 4)
    for talk in made[1:]:
        tab.post(f"/c/{talk.pk}/archive/")
    first = dom(tab.get("/archive/"))
    more = first.one('a[href^="/archive/?before="]')["href"]
    assert "Talk 1" in first.text
    assert "Talk 0" not in first.text
    assert "Talk 3" in dom(tab.get(more)).text
    button = f'button[formaction="/c/{made[1].pk}/unarchive/"]'
    back = tab.post(first.one(button)["formaction"], {"archive": ""})
    assert (back.status_code, back["Location"]) == (303, "/archive/")
    assert "Talk 1" not in dom(tab.get("/archive/")).text
    assert tab.get("/archive/?before=x").status_code == 400
    assert "Nothing is archived." in dom(Client().get("/archive/")).text


def test_a_message_brings_an_archived_conversation_back_and_a_reply_does_not(
    tab: Client, owner: User, worker, sent, committed
) -> None:
    talk = sent(owner).message.conversation
    with committed():
        tab.post(f"/c/{talk.pk}/archive/")
    worker.answer("late")
    tab.get("/archive/")
    assert state(talk) == (False, True)
    page = tab.get(f"/c/{talk.pk}/")
    with committed():
        tab.post(f"/c/{talk.pk}/send/", form_data(page, "and now?"), headers=HTMX)
    assert state(talk) == (False, False)
    told = dom(tab.get(poll_url(page)))
    assert told.one("#archived-note").text.strip() == ""


def test_a_pin_survives_the_archive(tab: Client, owner: User) -> None:
    [talk] = make_conversations(owner, 1)
    for action in ("pin", "archive", "archive", "unarchive"):
        tab.post(f"/c/{talk.pk}/{action}/")
    assert state(talk) == (True, False)


def test_search_finds_what_is_archived_and_delete_all_takes_it_along(
    tab: Client, owner: User
) -> None:
    [talk] = make_conversations(owner, 1)
    tab.post(f"/c/{talk.pk}/archive/")
    assert "Talk" in dom(tab.get("/search/?q=talk")).one("#hits").text
    tab.post("/delete-all/")
    assert not Conversation.objects.not_deleted().exists()


def test_nobody_pins_or_archives_what_is_not_theirs(
    tab: Client, owner: User, client_of, box: Mailbox
) -> None:
    [talk] = make_conversations(owner, 1)
    for who in (client_of(User.objects.guest(uuid.uuid4())), Client()):
        for action in ACTIONS:
            assert who.post(f"/c/{talk.pk}/{action}/").status_code == 404
        assert "Talk" not in text_of(who.get(f"/?archived={talk.pk}"))
        assert "Talk" not in text_of(who.get("/archive/"))
    assert state(talk) == (False, False)
    for action in ACTIONS:
        assert tab.get(f"/c/{talk.pk}/{action}/").status_code == 405


def test_other_pages_hear_of_it(tab: Client, owner: User, committed) -> None:
    first, second = make_conversations(owner, 2)
    open_mailbox().touch(str(owner.pk))
    page = tab.get("/")
    with committed():
        tab.post(f"/c/{second.pk}/pin/")
    assert listed(tab.get(poll_url(page))) == [str(second.pk), str(first.pk)]
