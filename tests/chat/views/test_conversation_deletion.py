"""Deleting one conversation or all, the note, and the way back."""

from __future__ import annotations

import uuid

import pytest
from django.test import Client

from chat.models import Conversation, User
from chatsite.mailbox import Mailbox, open_mailbox
from tests.chat.conversation_data import make_conversations
from tests.chat.pages import form_data, known, poll_url, text_of
from tests.dom import dom

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


def not_deleted() -> int:
    return Conversation.objects.not_deleted().count()


def test_without_a_script_one_is_deleted_noted_and_brought_back(
    tab: Client, owner: User
) -> None:
    [talk, _] = make_conversations(owner, 2)
    answer = tab.post(f"/c/{talk.pk}/delete/", {"c": str(talk.pk)})
    assert (answer.status_code, answer["Location"]) == (303, f"/?deleted={talk.pk}")
    home = dom(tab.get(answer["Location"]))
    assert "Deleted “Talk 0”." in home.text
    assert f'form[action="/c/{talk.pk}/restore/"]' in home
    assert f"#entry-{talk.pk}" not in home
    assert tab.get(f"/c/{talk.pk}/").status_code == 404
    back = tab.post(f"/c/{talk.pk}/restore/")
    assert (back.status_code, back["Location"]) == (303, f"/c/{talk.pk}/")
    assert tab.get(f"/c/{talk.pk}/").status_code == 200
    assert "Deleted" not in text_of(tab.get(f"/?deleted={talk.pk}"))


def test_who_looks_at_another_one_stays_there(tab: Client, owner: User) -> None:
    talk, other = make_conversations(owner, 2)
    answer = tab.post(f"/c/{talk.pk}/delete/", {"c": str(other.pk)})
    assert answer["Location"] == f"/c/{other.pk}/?deleted={talk.pk}"
    assert "Deleted “Talk 0”." in dom(tab.get(answer["Location"])).text


def test_in_the_page_the_entry_goes_and_the_note_comes(
    tab: Client, owner: User, sent
) -> None:
    [talk] = make_conversations(owner, 1)
    page = tab.get(f"/c/{sent(owner).message.conversation_id}/")
    url = f"/c/{talk.pk}/delete/"
    answer = tab.post(url, form_data(page, ""), headers=HTMX)
    deleted = dom(answer)
    assert "Deleted “Talk 0”." in deleted.one("#undo[hx-swap-oob=true]").text
    assert f"#entry-{talk.pk}" not in deleted
    data = dict(known(answer))
    undone = dom(tab.post(f"/c/{talk.pk}/restore/", data, headers=HTMX))
    assert f"#entry-{talk.pk}" in undone
    assert undone.one("#undo[hx-swap-oob=true]").text == ""


def test_in_the_page_that_shows_it_deleting_leads_home(
    tab: Client, owner: User, sent
) -> None:
    talk = sent(owner).message.conversation_id
    page = tab.get(f"/c/{talk}/")
    answer = tab.post(f"/c/{talk}/delete/", form_data(page, ""), headers=HTMX)
    assert answer.headers["HX-Redirect"] == f"/?deleted={talk}"


def test_deleting_or_restoring_again_changes_nothing(tab: Client, owner: User) -> None:
    [talk] = make_conversations(owner, 1)
    for _ in range(2):
        assert tab.post(f"/c/{talk.pk}/delete/").status_code == 303
    first = Conversation.objects.get().deleted_at
    tab.post(f"/c/{talk.pk}/delete/")
    assert Conversation.objects.get().deleted_at == first
    for _ in range(2):
        assert tab.post(f"/c/{talk.pk}/restore/").status_code == 303
    assert not_deleted() == 1


def test_nobody_deletes_restores_or_hears_of_what_is_not_theirs(
    tab: Client, owner: User, client_of, box: Mailbox
) -> None:
    deleted, talk = make_conversations(owner, 2)
    tab.post(f"/c/{deleted.pk}/delete/")
    for who in (client_of(User.objects.guest(uuid.uuid4())), Client()):
        assert who.post(f"/c/{talk.pk}/delete/").status_code == 404
        assert who.post(f"/c/{deleted.pk}/restore/").status_code == 404
        assert "Talk" not in text_of(who.get(f"/?deleted={deleted.pk}"))
        who.post("/delete-all/")
    assert not_deleted() == 1


@pytest.mark.parametrize(
    "raw", ["x", "", "\x00", "00000000-0000-4000-8000-000000000000"]
)
def test_a_note_for_nothing_is_not_shown(raw: str, tab: Client) -> None:
    page = tab.get("/", {"deleted": raw})
    assert page.status_code == 200
    assert "Undo" not in text_of(page)


def test_another_page_that_shows_it_says_so_and_hears_when_it_is_back(
    tab: Client, owner: User, worker, sent, committed
) -> None:
    talk = sent(owner).message.conversation_id
    claim = worker.claim()
    worker.write(claim, "So far")
    page = tab.get(f"/c/{talk}/")
    with committed():
        tab.post(f"/c/{talk}/delete/")
    told = tab.get(poll_url(page))
    assert told.status_code == 200
    assert "This conversation was deleted." in text_of(told)
    assert f"#entry-{talk}" not in dom(told)
    assert not [value for name, value in known(told) if name == "r"]
    # The page's own form is refused, so nothing typed is lost.
    data = form_data(page, "Typed meanwhile")
    assert tab.post(f"/c/{talk}/send/", data, headers=HTMX).status_code == 404
    again = tab.get(poll_url(told))
    assert "This conversation was deleted." in text_of(again)
    with committed():
        tab.post(f"/c/{talk}/restore/")
    restored = text_of(tab.get(poll_url(again)))
    assert '[hx-swap-oob="innerHTML:#messages"]' in dom(restored)


def test_a_page_whose_conversation_was_removed_for_good_finds_nothing(
    tab: Client, owner: User, sent
) -> None:
    talk = sent(owner).message.conversation_id
    page = tab.get(f"/c/{talk}/")
    Conversation.objects.filter(pk=talk).delete()
    open_mailbox().touch(str(owner.pk))
    assert tab.get(poll_url(page)).status_code == 404


def test_all_are_deleted_once_asked_and_restored_together(
    tab: Client, owner: User, client_of
) -> None:
    earlier, *_ = make_conversations(owner, 4)
    make_conversations(User.objects.guest(uuid.uuid4()), 2)
    tab.post(f"/c/{earlier.pk}/delete/")
    assert "Delete all 3 conversations?" in text_of(tab.get("/delete-all/"))
    assert not_deleted() == 5
    answer = tab.post("/delete-all/")
    assert not_deleted() == 2
    home = text_of(tab.get(answer["Location"]))
    assert "3 conversations were deleted." in home
    one = answer["Location"].partition("deleted=")[2]
    assert tab.post(f"/c/{one}/restore/")["Location"] == "/"
    # What was deleted before by itself stays so.
    assert not_deleted() == 5
    assert not Conversation.objects.not_deleted().filter(pk=earlier.pk).exists()


def test_where_there_is_nothing_nothing_is_deleted(tab: Client) -> None:
    assert "There is nothing to delete" in text_of(tab.get("/delete-all/"))
    assert tab.post("/delete-all/")["Location"] == "/"


def test_a_page_out_of_date_is_told_so(tab: Client, owner: User) -> None:
    [talk] = make_conversations(owner, 1)
    for call in ("delete", "restore"):
        url = f"/c/{talk.pk}/{call}/"
        assert tab.post(url, {"r": "x"}, headers=HTMX).status_code == 400
        assert tab.get(url).status_code == 405
    assert not_deleted() == 1


def test_the_program_interface_deletes_and_restores(tab: Client, owner: User) -> None:
    [talk] = make_conversations(owner, 1)
    url = f"/api/v1/conversations/{talk.pk}"
    answer = tab.post(f"{url}/delete")
    assert (answer.status_code, answer.json()) == (
        200,
        {"id": str(talk.pk), "deleted": True},
    )
    assert tab.post(f"{url}/delete").status_code == 200
    assert not_deleted() == 0
    assert tab.post(f"{url}/restore").json() == {"id": str(talk.pk), "deleted": False}
    assert tab.post(f"{url}/restore").status_code == 200
    assert not_deleted() == 1
    assert Client().post(f"{url}/delete").status_code == 404


def test_other_pages_hear_of_it(tab: Client, owner: User) -> None:
    talk, _ = make_conversations(owner, 2)
    page = tab.get("/")
    tab.post(f"/c/{talk.pk}/delete/")
    answer = tab.get(poll_url(page))
    assert "#conversations" in dom(answer)
    assert f"#entry-{talk.pk}" not in dom(answer)
    assert open_mailbox().started([]) == set()
