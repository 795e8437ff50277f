"""A site of the release before starts on this one, and nothing of it is lost."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import pytest

from tests.environment import FOLDER
from tests.processes import free_port
from tests.upgrade.earlier import Release, wait_for_page, wait_for_worker
from tests.upgrade.furnish import (
    ADMIN,
    SECRET_KEY,
    Furnished,
    furnish,
    left_of,
    log_in,
    sign_up,
)
from tests.upgrade.mail_server import MailServer
from tests.upgrade.tables import lost, rows_of
from tests.upgrade.visitor import Visitor
from tests.valkey import Valkey

pytestmark = pytest.mark.timeout(300)
DAILY = "100"
LONGEST_MESSAGE = 500
NEW_PASSWORD = "another long one"


@dataclass
class Upgraded:
    """A site of the earlier release that was started on this one."""

    url: str
    made: Furnished
    #: What stood in the database and is gone after its migration.
    lost: list[str]


@pytest.fixture
def upgraded(database_url: str, mails: MailServer) -> Iterator[Upgraded]:
    home = Path(mkdtemp(prefix="up-", dir=FOLDER))
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    valkey = Valkey(home / "v.sock", home / "data" / "valkey")
    environment = {
        "DATA_DIR": str(home / "data"),
        "PORT": str(port),
        "DATABASE_URL": database_url,
        "REDIS_URL": valkey.url,
        "EMAIL_URL": mails.url,
        "SITE_URL": url,
        "LOGIN_FAILURES_MAX": "2",
        # One comes back in a quarter of an hour.
        "ACCOUNT_PROMPTS_PER_DAY": DAILY,
        "NETWORK_PROMPTS_PER_DAY": DAILY,
        "GUEST_PROMPTS_PER_DAY": DAILY,
        # By the name that the earlier release has for it.
        "PROMPT_MAX_CHARACTERS": str(LONGEST_MESSAGE),
    }
    earlier = Release.earlier(**environment)
    current = Release.current(**environment)
    valkey.start(is_persistent=True)
    earlier.migrate("admin", **ADMIN)
    with earlier.web() as web, earlier.worker(WORKER_SLOTS="2") as worker:
        wait_for_page(url, web)
        wait_for_worker(worker)
        made = furnish(url, mails, valkey.client, worker)
        web.terminate()
    valkey.stop()
    before = rows_of(database_url, home / "data")
    current.migrate()
    missing = lost(before, rows_of(database_url, home / "data"))
    valkey.start(is_persistent=True)
    with current.web() as web, current.keeper(), current.worker() as worker:
        wait_for_page(url, web)
        yield Upgraded(url, made, missing)
    valkey.stop()


def test_a_site_of_the_release_before_has_lost_nothing(
    upgraded: Upgraded, subtests: pytest.Subtests
) -> None:
    made = upgraded.made
    with subtests.test("every row is kept by the migrations"):
        assert upgraded.lost == []
    for check in CHECKS:
        with subtests.test(check.__name__):
            check(made)


def sessions_go_on(made: Furnished) -> None:
    page = made.ann.get("/account/").text
    assert "ann" in page
    assert "Firefox on Linux This device" in page
    assert "Safari on iPhone" in page
    assert "Firefox on Linux" in made.ann_on_phone.get("/account/").text


def a_guest_goes_on_with_either_cookie(made: Furnished) -> None:
    path = f"/c/{made.conversations['guest']}/"
    assert "gulls and terns" in made.guest.get(path).text
    for kept in ("sessionid", "guest"):
        cookies = {
            name: value
            for name, value in made.guest.cookies.items()
            if name.startswith(kept)
        }
        assert len(cookies) == 1
        visitor = Visitor(made.guest.url, **cookies)
        assert "gulls and terns" in visitor.get(path).text


def passwords_log_in(made: Furnished) -> None:
    fresh = Visitor(made.ann.url)
    assert log_in(fresh, "ann").status == 303
    assert "Kitchen of ann" in fresh.get("/").text


def a_lock_holds(made: Furnished) -> None:
    page = log_in(Visitor(made.ann.url), "cid")
    assert page.status == 429
    assert log_in(Visitor(made.ann.url), "bob").status == 303


def invitations_stand(made: Furnished) -> None:
    used = made.links["used invitation"]
    assert Visitor(made.ann.url).get(used).status == 410
    page = made.root.get("/account/invitations/").text
    assert "unused invitation" in page
    assert "Used by bob" in page
    newcomer = Visitor(made.ann.url)
    sign_up(newcomer, "eve", path=made.links["unused invitation"])
    assert "eve" in newcomer.get("/account/").text


def links_in_mail_lead_on(made: Furnished) -> None:
    confirmed = made.ann.submit(made.links["email"])
    assert confirmed.status == 303
    assert "ann@example.org" in made.ann.get("/account/").text
    dan = Visitor(made.ann.url)
    chosen = dan.get(made.links["password"])
    assert chosen.status == 303
    assert dan.submit(chosen.location, new=NEW_PASSWORD).status == 303
    assert log_in(Visitor(made.ann.url), "dan", NEW_PASSWORD).status == 303


def everything_can_be_downloaded(made: Furnished) -> None:
    """Before anything else is changed: the first of the checks."""
    now = made.ann.get("/account/download/").json
    before = made.download
    assert (
        now["account"].items()
        >= {
            name: value
            for name, value in before["account"].items()
            if name != "seen_at"
        }.items()
    )
    assert now["preferences"] == before["preferences"]
    assert now["preferences"]["instructions"] == "Answer in rhyme."
    conversations = before["conversations"]
    assert told_before(now["conversations"], conversations) == conversations
    assert len(now["sessions"]) == len(before["sessions"]) == 2


def told_before(now: Any, before: Any) -> Any:
    """What this release tells, without the fields that the one before did not know."""
    if isinstance(before, dict):
        return {name: told_before(now[name], value) for name, value in before.items()}
    if isinstance(before, list):
        return [told_before(*pair) for pair in zip(now, before, strict=True)]
    return now


def limits_remember_what_was_used(made: Furnished) -> None:
    assert made.left[0].keys() == {"account"}
    assert "network" in made.left[1]
    for before, now in zip(
        made.left, map(left_of, (made.ann, made.guest)), strict=True
    ):
        assert now.keys() == before.keys()
        for whose, left in before.items():
            # One more may have come back meanwhile; more than one were taken.
            assert left <= now[whose] <= left + 1 < int(DAILY), whose
    limits = made.bob.call("allowances").json["allowances"]
    assert 77 in [one["limit"] for one in limits if one["kind"] == "prompts_per_day"]


def search_finds_what_was_said(made: Furnished) -> None:
    for words in ("creme brulee", "Kitchen", "earlier release"):
        query = words.replace(" ", "+")
        hits = made.ann.call(f"search?q={query}").json["hits"]
        found = {hit["conversation"] for hit in hits}
        assert made.conversations["versions"] in found, words
    assert made.bob.call("search?q=brulee").json["hits"] == []


def settings_hold_under_their_earlier_names(made: Furnished) -> None:
    answer = made.ann.call("messages", {"text": "x" * (LONGEST_MESSAGE + 1)})
    assert (answer.status, answer.json["code"]) == (422, "too_long")


def looks_are_kept(made: Furnished) -> None:
    """The theme of the browser, the instructions of a conversation."""
    page = made.ann.get("/settings/")
    assert re.search(r'<html[^>]*"dark"', page.body)
    assert page.form("/settings/").fields["temperature"] == ["0.5"]
    own = f"/c/{made.conversations['versions']}/settings/"
    fields = made.ann.get(own).form(own).fields
    assert fields["instructions"] == ["Be brief here."]


def an_open_page_goes_on(made: Furnished) -> None:
    """It polls, which makes it load again, and its form sends what was typed."""
    page, here = made.open_page, f"/c/{made.conversations['versions']}/"
    assert page is not None
    polled = made.ann.get(page.poll_path, **{"HX-Request": "true"})
    assert (polled.status, polled.body) == (200, "")
    form = page.form(f"{here}send/")
    sent = made.ann.post(form.action, form.filled(text="typed before the upgrade"))
    assert sent.status == 303
    assert "typed before the upgrade" in made.ann.get(here).text


def versions_can_be_chosen(made: Furnished) -> None:
    here, first = made.conversations["versions"], made.replies["first version"]
    (talk,) = [one for one in made.download["conversations"] if one["id"] == here]
    assert talk["active"] != first
    assert made.ann.press(f"/c/{here}/", f"/m/{first}/choose/").status == 303
    now = made.ann.get("/account/download/").json["conversations"]
    (talk,) = [one for one in now if one["id"] == here]
    assert talk["active"] == first
    texts = [one["text"] for one in talk["messages"] if one["role"] == "assistant"]
    assert len([text for text in texts if "Crème brûlée" in text]) == 2


def ends_are_told(made: Furnished) -> None:
    failed = made.ann.reply(made.replies["failed"])
    assert (failed["state"], failed["error"]["code"]) == ("failed", "model_error")
    assert "hit an error" in failed["error"]["message"]
    stopped = made.ann.reply(made.replies["stopped"])
    assert stopped["state"] == "stopped"
    assert stopped["text"]


def what_was_deleted_can_be_restored(made: Furnished) -> None:
    deleted = made.conversations["deleted"]
    assert made.ann.get(f"/c/{deleted}/").status == 404
    assert made.ann.call(f"conversations/{deleted}/restore", {}).status == 200
    assert "deleted by mistake" in made.ann.get(f"/c/{deleted}/").text


def a_paused_message_waits_for_its_owner(made: Furnished) -> None:
    paused = made.replies["paused"]
    reply = made.ann.reply(paused)
    assert (reply["state"], reply["is_paused"]) == ("held", True)
    assert made.ann.call(f"replies/{paused}/proceed", {}).status == 202
    assert made.ann.wait_for(paused)["state"] == "done"


def replies_under_way_are_finished(made: Furnished) -> None:
    for name in ("ended", "running", "held", "queued"):
        reply = made.bob.wait_for(made.replies[name], seconds=60)
        assert (name, reply["state"]) == (name, "done")
        assert reply["text"].startswith("You said:")


def keys_name_the_same_message(made: Furnished) -> None:
    text, key = "Crème brûlée of the earlier release", "ann's key"
    again = made.ann.send(text, key=key)
    assert again["id"] == made.replies["first version"]
    other = made.ann.call("messages", {"text": "another"}, key)
    assert (other.status, other.json["code"]) == (422, "key_reused")
    stranger = Visitor(made.ann.url)
    first = stranger.send("from a program", key=SECRET_KEY)
    assert first["id"] == made.first_call["id"]
    assert stranger.reply(first["id"])["text"].startswith("You said:")


def an_account_makes_a_key_for_a_program(made: Furnished) -> None:
    typed = {"name": "of the choir", "expiry": "never", "can_chat": "on"}
    page = made.bob.submit("/account/keys/", **typed).body
    secret = re.search(r'value="(csk_[^"]+)"', page)
    assert secret
    head = {"Authorization": f"Bearer {secret[1]}"}
    program = Visitor(made.bob.url)
    whose = {
        one["whose"]
        for one in program.get("/api/v1/allowances", **head).json["allowances"]
    }
    assert whose == {"account"}
    found = program.get(f"/api/v1/replies/{made.replies['queued']}", **head)
    assert (found.status, found.json["code"]) == (403, "missing_scope")
    assert program.cookies == {}


def the_administration_goes_on(made: Furnished) -> None:
    root = made.root
    for kind in ("user", "conversation", "reply", "session", "apikey", "invitation"):
        assert root.get(f"/admin/chat/{kind}/").status == 200
    bob = made.bob.get("/account/download/").json["account"]["id"]
    history = root.get(f"/admin/chat/user/{bob}/history/").text
    assert "Changed" in history


#: In this order: the later ones change what the earlier ones read.
CHECKS = (
    everything_can_be_downloaded,
    sessions_go_on,
    limits_remember_what_was_used,
    search_finds_what_was_said,
    looks_are_kept,
    settings_hold_under_their_earlier_names,
    ends_are_told,
    a_guest_goes_on_with_either_cookie,
    passwords_log_in,
    a_lock_holds,
    invitations_stand,
    an_open_page_goes_on,
    versions_can_be_chosen,
    what_was_deleted_can_be_restored,
    a_paused_message_waits_for_its_owner,
    replies_under_way_are_finished,
    keys_name_the_same_message,
    an_account_makes_a_key_for_a_program,
    the_administration_goes_on,
    links_in_mail_lead_on,
)
