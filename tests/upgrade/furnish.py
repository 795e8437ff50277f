"""Data of every kind, made through the pages and the API of the earlier release."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import redis

from tests.processes import Program
from tests.upgrade.mail_server import MailServer
from tests.upgrade.visitor import Answer, Visitor, wait_until

PASSWORD = "a long enough one"
ADMIN = {"ADMIN_NAME": "root", "ADMIN_PASSWORD": PASSWORD}
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Safari/604.1"
#: A key so long that it may be repeated without cookies.
SECRET_KEY = uuid4().hex
LIMITS = '{"prompts_per_day": 77}'
#: Takes about two seconds to write.
SLOW = "[words=40] [delay=0.05]"


#: What is left of limits, by whose they are.
Left = dict[str, int]


@dataclass
class Furnished:
    """Who was there, with their browsers, and what each of them had."""

    ann: Visitor
    ann_on_phone: Visitor
    bob: Visitor
    guest: Visitor
    root: Visitor
    #: Ids of replies and of conversations, by what they are.
    replies: dict[str, str] = field(default_factory=dict)
    conversations: dict[str, str] = field(default_factory=dict)
    #: Paths: of links in mail and of invitations.
    links: dict[str, str] = field(default_factory=dict)
    #: A page of ann's as it stood open, and its conversation.
    open_page: Answer | None = None
    #: The first call of a program, and what it was answered.
    first_call: dict[str, Any] = field(default_factory=dict)
    #: What ann had downloaded.
    download: dict[str, Any] = field(default_factory=dict)
    #: What was left of the limits of an account, a guest and their network.
    left: list[Left] = field(default_factory=list)


def sign_up(visitor: Visitor, name: str, email: str = "", path: str = "") -> None:
    typed = {"name": name, "password": PASSWORD, "email": email}
    answer = visitor.submit(path or "/account/sign-up/", **typed)
    assert answer.status == 303, answer.text


def log_in(visitor: Visitor, name: str, password: str = PASSWORD) -> Answer:
    return visitor.submit("/account/log-in/", name=name, password=password)


def left_of(visitor: Visitor) -> Left:
    """How many messages a day each limit leaves, by whose it is."""
    found = visitor.call("allowances").json["allowances"]
    daily = [one for one in found if one["kind"] == "prompts_per_day"]
    return {one["whose"]: one["left"] for one in daily}


def replies_in(visitor: Visitor, conversation: str) -> list[str]:
    """Ids of all replies of a conversation, also of versions that are not shown."""
    talks = visitor.get("/account/download/").json["conversations"]
    (talk,) = [one for one in talks if one["id"] == conversation]
    return [one["id"] for one in talk["messages"] if one["role"] == "assistant"]


def furnish(
    url: str, mails: MailServer, queue: redis.Redis, worker: Program
) -> Furnished:
    """Make all of it. The worker is killed on the way."""
    visitors = [Visitor(url, agent) for agent in (FIREFOX, IPHONE, FIREFOX, "", "")]
    made = Furnished(*visitors)
    _guest(made)
    _account(made, mails)
    _conversations(made)
    _administration(made)
    _password_link(made, url, mails)
    _locked_account(url)
    made.download = made.ann.get("/account/download/").json
    made.left = [left_of(made.ann), left_of(made.guest)]
    _replies_under_way(made, queue, worker)
    return made


def _guest(made: Furnished) -> None:
    sent = made.guest.send("gulls and terns")
    made.conversations["guest"] = sent["conversation"]
    for text in ("more gulls", "more terns"):
        made.guest.send(text, sent["conversation"])
    program = Visitor(made.guest.url)
    made.first_call = program.send("from a program", key=SECRET_KEY)


def _account(made: Furnished, mails: MailServer) -> None:
    """A guest who signs up, with preferences, and an address that is to be confirmed."""
    sent = made.ann.send("before the account")
    made.conversations["before"] = sent["conversation"]
    made.ann.wait_for(sent["id"], "done")
    sign_up(made.ann, "ann")
    assert log_in(made.ann_on_phone, "ann").status == 303
    chosen = {"instructions": "Answer in rhyme.", "temperature": "0.5", "theme": "dark"}
    assert made.ann.submit("/settings/", **chosen).status == 303
    asked = {"email": "ann@example.org", "password": PASSWORD}
    assert made.ann.submit("/account/email/", **asked).status == 303
    made.links["email"] = mails.link_to("ann@example.org", "/account/email/")


def _conversations(made: Furnished) -> None:
    """Versions, a failure, a stop, a held message; one renamed and one deleted."""
    ann, replies = made.ann, made.replies
    sent = ann.send("Crème brûlée of the earlier release", key="ann's key")
    here = made.conversations["versions"] = sent["conversation"]
    replies["first version"] = sent["id"]
    ann.wait_for(sent["id"], "done")
    settings = f"/c/{here}/settings/"
    assert ann.submit(settings, instructions="Be brief here.").status == 303
    ann.press(f"/c/{here}/", f"/r/{sent['id']}/vary/", count="1")
    for pk in replies_in(ann, here):
        ann.wait_for(pk, "done")
    ann.call(f"conversations/{here}/rename", {"title": "Kitchen of ann"})
    made.open_page = ann.get(f"/c/{here}/")

    failed = ann.send("this fails [fail]")
    there = made.conversations["failed"] = failed["conversation"]
    replies["failed"], replies["paused"] = failed["id"], ann.send("behind", there)["id"]
    stopped = ann.send("this hangs [hang]")
    ann.wait_for(stopped["id"], "running")
    ann.call(f"replies/{stopped['id']}/stop", {})
    replies["stopped"] = stopped["id"]
    deleted = ann.send("deleted by mistake")
    made.conversations["deleted"] = deleted["conversation"]
    for pk in (failed["id"], stopped["id"], deleted["id"]):
        ann.wait_for(pk)
    gone = ann.call(f"conversations/{deleted['conversation']}/delete", {})
    assert gone.status == 200, gone.body


def _administration(made: Furnished) -> None:
    """Invitations, of which one is used, and a limit that an account was given."""
    assert log_in(made.root, "root").status == 303
    for use in ("unused invitation", "used invitation"):
        page = made.root.submit("/account/invitations/", note=use, days="7")
        assert page.status == 303, page.text
        body = made.root.get(page.location).body
        (made.links[use],) = re.findall(r"(/account/invited/[^/\"]+/)", body)
    sign_up(made.bob, "bob", "bob@example.org", made.links["used invitation"])
    bob = made.bob.get("/account/download/").json["account"]["id"]
    change = f"/admin/chat/user/{bob}/change/"
    fields = {"is_active": "on", "limits": LIMITS}
    assert made.root.press(change, change, **fields).status == 302


def _password_link(made: Furnished, url: str, mails: MailServer) -> None:
    dan = Visitor(url)
    sign_up(dan, "dan", "dan@example.org")
    confirmed = dan.submit(mails.link_to("dan@example.org", "/account/email/"))
    assert confirmed.status == 303
    asked = Visitor(url).submit("/account/forgotten/", email="dan@example.org")
    assert asked.status == 303
    made.links["password"] = mails.link_to("dan@example.org", "/account/reset/")


def _locked_account(url: str) -> None:
    sign_up(Visitor(url), "cid")
    while log_in(Visitor(url), "cid", "a wrong one").status == 422:
        pass


def _replies_under_way(made: Furnished, queue: redis.Redis, worker: Program) -> None:
    """One that ended unseen, one that loses its worker, and messages behind it."""
    bob, replies = made.bob, made.replies
    replies["ended"] = bob.send("ended unseen")["id"]
    wait_until(lambda: _has_ended(queue, replies["ended"]), "an end in the mailbox")
    running = bob.send(f"loses its worker {SLOW}")
    replies["running"] = running["id"]
    bob.wait_for(running["id"], "running")
    worker.kill()
    replies["held"] = bob.send("held behind it", running["conversation"])["id"]
    replies["queued"] = bob.send("in line")["id"]
    made.conversations["running"] = running["conversation"]
    states = [
        bob.reply(replies[name])["state"] for name in ("running", "held", "queued")
    ]
    assert states == ["running", "held", "queued"]


def _has_ended(queue: redis.Redis, reply: str) -> bool:
    return bool(queue.sismember("mailbox:finished", reply))
