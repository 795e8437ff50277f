"""Who asks: nobody, guests, an account and staff, each with something of their own."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field

from django.apps import apps
from django.db import models
from django.test import Client

from chat.models import Conversation, Message, Reply, User
from chat.services import conversation_deletion
from chat.services.jobs.collect import collect
from chat.services.messages import send_message
from chatsite import wire
from chatsite.mailbox import Mailbox
from tests.chat.conftest import Worker
from tests.cookie_names import TOKEN
from tests.fuzzing.form_fields import Form, forms_of
from tests.fuzzing.values import NAME, PASSWORD

BACKEND = "django.contrib.auth.backends.ModelBackend"


def browser() -> Client:
    return Client(enforce_csrf_checks=True, raise_request_exception=False)


@dataclass
class Person:
    name: str
    user: User | None = None
    client: Client = field(default_factory=browser)
    #: Forms that this person's pages showed, to be sent with changes.
    forms: list[Form] = field(default_factory=list)

    def ids(self) -> list[str]:
        """Whatever can be named in an address, oldest first."""
        if self.user is None:
            return []
        mine = Message.objects.filter(owner=self.user).order_by("created_at", "role")
        talks = Conversation.objects.filter(owner=self.user).order_by("created_at")
        keys = [*talks.values_list("pk", flat=True), *mine.values_list("pk", flat=True)]
        return [*map(str, keys), str(self.user.pk)]

    @property
    def token(self) -> str:
        """What makes a form of this person's own pages good."""
        kept = self.client.cookies.get(TOKEN)
        return kept.value if kept else ""

    def learn(self, path: str, html: str) -> None:
        self.forms = [*forms_of(html, path), *self.forms][:60]

    def refurnish(self, box: Mailbox) -> None:
        """As new: known to the site, signed in, with conversations in every state."""
        self.client = browser()
        # Those of what is gone by now are of no more use.
        self.forms = [form for form in self.forms if not re.search(r"\d", form.action)]
        if self.user is not None:
            self.user.save()
            self.client.force_login(self.user, BACKEND)
            furnish(self.user, box)
        own = [f"/c/{pk}/" for pk in self.ids()[:5]]
        for path in ("/", "/settings/", "/delete-all/", *own):
            self.learn(path, self.client.get(path).content.decode())


def rows_elsewhere() -> list[str]:
    """Keys of all other tables that pages may name: invitations, log entries, …"""
    mine = (Message, Conversation, User, Reply)
    return [
        str(key)
        for model in apps.get_models()
        if model not in mine
        for key in _keys(model)
    ]


def _keys(model: type[models.Model]) -> Iterator[object]:
    if model._meta.label_lower in ("chat.passage", "auth.permission"):
        return iter(())
    return iter(model._default_manager.order_by("pk").values_list("pk", flat=True)[:3])


def people() -> list[Person]:
    """All of them, with nothing yet."""
    guest, other = (User.objects.guest(uuid.UUID(int=number)) for number in (1, 2))
    account = User.objects.create_user(NAME, PASSWORD)
    staff = User.objects.create_superuser("staff", "another long password")
    named = {"guest": guest, "other": other, "account": account, "staff": staff}
    return [Person("nobody"), *(Person(name, user) for name, user in named.items())]


def furnish(user: User, box: Mailbox) -> None:
    """Conversations in every state: done, failed, stopped, being written, in line,
    held, paused, and deleted."""
    worker, asked = Worker(box), Asking(user)
    for outcome in (wire.Outcome.DONE, wire.Outcome.FAILED, wire.Outcome.STOPPED):
        reply = asked(f"asked once, {outcome.value}")
        worker.finish(worker.claim(), "an answer with words", outcome)
        collect(str(reply.pk))
    running = asked("being answered")
    worker.write(worker.claim(), "a beginning")
    asked("held behind it", running.message.conversation)
    again = asked("asked in vain")
    asked("waits for a word", again.message.conversation)
    worker.finish(worker.claim(), "", wire.Outcome.FAILED)
    collect(str(again.pk))
    gone = asked("deleted since")
    worker.finish(worker.claim(), "gone")
    collect(str(gone.pk))
    conversation_deletion.delete(gone.message.conversation)
    asked("in line")
    worker.claim()  # or the next person's would come second


class Asking:
    """Sends prompts of one person, each with a key of its own."""

    def __init__(self, user: User) -> None:
        self._user = user

    def __call__(self, text: str, conversation: Conversation | None = None) -> Reply:
        return send_message(self._user, text, uuid.uuid4().hex, conversation)
