"""Sites without guests: every page requires a log-in."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.conf import LazySettings
from django.test import Client

from chat.models import AttemptCounter, Conversation, User
from tests.chat.accounts.conftest import PASSWORD, log_in
from tests.chat.pages import text_of
from tests.dom import dom

pytestmark = pytest.mark.django_db


@pytest.fixture
def _no_guests(settings: LazySettings) -> None:
    settings.GUESTS = False


@pytest.mark.usefixtures("_no_guests")
class TestWithoutGuests:
    def test_the_first_page_asks_to_log_in_and_says_why(self, visitor: Client) -> None:
        answer = visitor.get("/?text=Hi", follow=True)
        assert answer.redirect_chain == [("/account/log-in/?next=%2F%3Ftext%3DHi", 303)]
        assert "need an account to use this site" in text_of(answer)

    def test_an_account_can_use_the_site(
        self, tab: Client, say: Callable[..., None]
    ) -> None:
        assert tab.get("/").status_code == 200
        say(tab, "Hello")
        assert tab.get("/api/v1/search?q=hello").status_code == 200

    @pytest.mark.parametrize(
        "path", ["/", "/settings/", "/history/", "/search/", "/delete-all/"]
    )
    def test_no_page_is_shown_to_a_guest(
        self, path: str, owner: User, client_of: Callable[[User], Client]
    ) -> None:
        for client in (Client(), client_of(owner)):
            answer = client.get(path)
            assert answer.status_code == 303
            assert answer["Location"].startswith("/account/log-in/")

    def test_text_that_a_guest_sends_is_returned_and_not_saved(
        self, owner: User, client_of: Callable[[User], Client]
    ) -> None:
        for client in (Client(), client_of(owner)):
            answer = client.post("/send/", {"text": "Tell me\nall", "key": "k"})
            assert answer.status_code == 401
            assert "Tell me\nall" in dom(answer).raw_texts("textarea")
            data = {"text": "Tell me", "key": "k"}
            answer = client.post("/send/", data, headers={"HX-Request": "true"})
            assert answer["HX-Redirect"] == "/account/log-in/?next=%2F"
        assert not Conversation.objects.exists()
        assert User.objects.count() == 1

    def test_after_log_in_a_part_of_a_page_leads_back_to_the_page(self) -> None:
        page = "http://testserver/settings/"
        htmx = {"HX-Request": "true", "HX-Current-URL": page}
        for answer in (
            Client().get("/search/?q=bees", headers=htmx),
            Client().post("/send/", {"text": "Hi", "key": "k"}, headers=htmx),
        ):
            assert answer["HX-Redirect"] == "/account/log-in/?next=%2Fsettings%2F"

    def test_text_typed_before_the_log_in_can_be_sent_after(
        self, account: User, visitor: Client, settings: LazySettings
    ) -> None:
        settings.LOGIN_FAILURES_MAX = 2
        typed = {"name": "bee", "text": "Tell me\nall"}
        wrong = typed | {"password": "wrong"}
        for status in (422, 422, 429):
            answer = visitor.post("/account/log-in/", wrong)
            assert answer.status_code == status
            assert "Tell me\nall" in dom(answer).raw_texts("textarea")
        AttemptCounter.objects.all().delete()
        answer = visitor.post("/account/log-in/", typed | {"password": PASSWORD})
        assert answer.status_code == 200
        assert "Tell me\nall" in dom(answer).raw_texts("textarea")
        assert '[action="/send/"]' in dom(answer)
        assert visitor.get("/").status_code == 200

    def test_a_program_gets_the_error_as_json(
        self, owner: User, client_of: Callable[[User], Client]
    ) -> None:
        reply = "/api/v1/replies/00000000-0000-4000-8000-000000000000"
        for client in (Client(), client_of(owner)):
            for answer in (
                client.post("/api/v1/messages", {"text": "x"}, "application/json"),
                client.get("/api/v1/search?q=x"),
                client.get(reply),
                client.post(f"{reply}/stop"),
            ):
                assert answer.status_code == 401
                assert answer.json()["code"] == "log_in_first"

    def test_a_poll_sends_home(
        self, owner: User, client_of: Callable[[User], Client]
    ) -> None:
        for client in (Client(), client_of(owner)):
            answer = client.get("/poll/?nobody=1")
            assert answer.status_code in (400, 404)
            answer = client.get("/poll/")
            assert answer.status_code == 404
            assert answer["HX-Redirect"] == "/?ended"

    def test_pages_that_need_no_account_are_open(self, box) -> None:  # type: ignore[no-untyped-def]
        for path in ("/healthz", "/account/sign-up/", "/account/forgotten/"):
            assert Client().get(path).status_code == 200

    def test_a_guest_from_before_can_be_merged(
        self,
        account: User,
        visitor: Client,
        say: Callable[..., None],
        settings: LazySettings,
    ) -> None:
        settings.GUESTS = True
        say(visitor, "Hello")
        settings.GUESTS = False
        assert visitor.get("/").status_code == 303
        assert log_in(visitor)["Location"].startswith("/account/merge/")
        visitor.post("/account/merge/", {"choice": "take"})
        assert "Hello" in text_of(visitor.get("/"))
