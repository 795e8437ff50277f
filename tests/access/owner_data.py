"""An owner with everything that an owner can have, and the words nobody else may see.

Every text has a token of its own, which stands nowhere else, beside the word that all
have in common, so that a search has something to find.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import timedelta
from hashlib import sha256
from typing import Any

from django.test import Client, TestCase
from django.utils import timezone

from chat.accounts.api_keys import make_key
from chat.models import Conversation, Invitation, Message, PushSubscription, Reply, User
from chat.services import (
    conversation_deletion,
    feedback,
    messages,
    reply_versions,
    turn_deletion,
)
from chat.services.batches.batches import BatchRequest, begin_batch
from chat.services.batches.files import save_file
from chat.services.imports.imports import begin_import
from chat.services.jobs.collect import collect
from chat.services.preset_changes import make_preset
from chat.services.session_digest import session_digest
from chat.services.sharing.links import make_link
from chat.services.webhooks.endpoints import make_endpoint, send_test
from chatsite import wire
from chatsite.mailbox import Claim, Mailbox
from tests.chat.conftest import Worker

#: Stands in every text of everybody.
COMMON = "heron"
PASSWORD = "unusable, since nobody here types one"


@dataclass
class Secrets:
    """What each text of the owner's is recognised by."""

    found: dict[str, str] = field(default_factory=dict)

    def word(self, what: str) -> str:
        """A text that says what it is, with a token that stands nowhere else."""
        token = self.found.setdefault(what, f"x{uuid.uuid4().hex[:14]}x")
        return f"{COMMON} {what.replace('_', ' ')} {token}"

    def token(self, what: str) -> str:
        self.word(what)
        return self.found[what]

    def keep(self, what: str, *written: str) -> None:
        """Something that is recognised as it is written: an id, a name."""
        for number, text in enumerate(written):
            self.found[f"{what}_{number}" if number else what] = text


@dataclass
class World:
    """The owner, what they have, and how each of it is found."""

    owner: User
    secrets: Secrets
    #: By what they are: ``conversation``, ``growing``, ``held`` …
    ids: dict[str, Any] = field(default_factory=dict)
    #: What a worker has claimed.
    claims: dict[str, Claim] = field(default_factory=dict)
    #: The idempotency key of their first prompt, and its text.
    key: str = ""
    text: str = ""
    #: An API key of an account.
    api_key: str = ""
    #: Key of a session of theirs, and the address at which its browser gets notices.
    session: str = ""
    push_endpoint: str = ""

    def keep_id(self, what: str, pk: uuid.UUID) -> None:
        self.ids[what] = pk
        self.secrets.keep(f"id_of_{what}", str(pk), pk.hex)


def make(box: Mailbox, *, has_account: bool) -> World:
    """Through the services, as the owner's own pages do it."""
    box.announce_keeper(3600)  # so that the site is ready
    secrets = Secrets()
    world = World(_person(secrets, has_account=has_account), secrets)
    world.keep_id("owner", world.owner.pk)
    maker = _Maker(world, box)
    maker.open_conversation()
    maker.stuck_conversation()
    maker.deleted_conversation()
    maker.growing_conversation()
    maker.temporary_chat()
    _surroundings(world)
    return world


def _person(secrets: Secrets, *, has_account: bool) -> User:
    owner = User.objects.guest(uuid.uuid4())
    if has_account:
        owner.username = secrets.token("username")
        owner.email = f"{secrets.token('email')}@example.org"
        owner.set_unusable_password()
    owner.network = secrets.token("network")
    owner.instructions = secrets.word("instructions")
    owner.settings = {"stop": [secrets.token("stop_string")]}
    owner.save()
    return owner


def _surroundings(world: World) -> None:
    """What else the site keeps of a person."""
    secrets, owner = world.secrets, world.owner
    client = Client()
    client.force_login(owner)
    world.session = str(client.session.session_key)
    secrets.keep("session", world.session)
    world.ids["session"] = session_digest(world.session)
    secrets.keep("name_of_session", world.ids["session"])
    row = owner.sessions.get(pk=world.session)
    row.device = secrets.token("device")
    row.save()
    world.push_endpoint = f"https://push.example/{secrets.token('push_endpoint')}"
    PushSubscription.objects.create(
        owner=owner,
        session=row,
        endpoint=world.push_endpoint,
        p256dh=secrets.token("push_key"),
        auth=secrets.token("push_secret")[:22],
        language="en",
    )
    if not owner.is_guest:
        key, world.api_key = make_key(owner, secrets.word("key_name"))
        secrets.keep("api_key", world.api_key)
        world.keep_id("key", key.pk)
        _batch(world)
        _webhook(world)
        _import(world)
    _preset(world)
    Invitation.objects.create(
        digest=sha256(secrets.token("invitation").encode()).hexdigest(),
        note=secrets.word("note"),
        created_by=owner,
        expires_at=timezone.now() + timedelta(days=1),
    )


def _preset(world: World) -> None:
    name, words = world.secrets.word("preset_name"), world.secrets.word
    made = make_preset(world.owner, name, instructions=words("preset_instructions"))
    world.keep_id("preset", made.pk)


def _batch(world: World) -> None:
    """A batch that the keeper has not read yet, and a file that waits for one."""
    content = world.secrets.word("batch_prompt").encode()
    name = world.secrets.word("file_name")
    read, file, other = (
        save_file(world.owner, name, len(content), [content]) for _ in range(3)
    )
    note = {"note": world.secrets.word("batch_note")}
    batch = begin_batch(world.owner, BatchRequest(read, metadata=note))
    batch.output_file, batch.error_file = file, other
    batch.save()
    world.keep_id("file", file.pk)
    world.keep_id("batch", batch.pk)


def _import(world: World) -> None:
    """A file that the keeper has not read yet."""
    content = world.secrets.word("imported_text").encode()
    name = world.secrets.word("import_name")
    made = begin_import(world.owner, name, len(content), [content])
    world.keep_id("import", made.pk)


def _webhook(world: World) -> None:
    """A webhook that failed once, so that there is something to try again."""
    secrets = world.secrets
    endpoint = make_endpoint(
        world.owner,
        url=f"https://hooks.example/{secrets.token('webhook_url')}",
        description=secrets.word("webhook_description"),
        events=["reply.done"],
    )
    secrets.keep("webhook_secret", endpoint.secret)
    world.keep_id("webhook", endpoint.pk)
    send_test(endpoint)
    delivery = endpoint.deliveries.get()
    made = {
        "at": "2026-01-01T00:00:00+00:00",
        "status": 500,
        "milliseconds": 5,
        "error": "status",
    }
    delivery.tries, delivery.state = [made], "failed"
    delivery.save()
    world.keep_id("delivery", delivery.pk)


class _Maker:
    def __init__(self, world: World, box: Mailbox) -> None:
        self._world, self._box, self._worker = world, box, Worker(box)
        self._secrets = world.secrets

    def open_conversation(self) -> None:
        """A reply that ended, a version that is not shown, one that was cut."""
        done = self._prompt("prompt", None)
        conversation = done.message.conversation
        self._world.keep_id("conversation", conversation.pk)
        self._answer(done, "reply")
        self._name(done, "prompt", "done")
        feedback.rate(self._again(done), "down", self._secrets.word("rating_reason"))
        self._chosen(conversation)
        with TestCase.captureOnCommitCallbacks(execute=True):
            other = reply_versions.vary(self._again(done))
        self._answer(other, "other_version")
        self._world.keep_id("other_version", other.pk)
        link = make_link(self._again(done).message.conversation)
        self._secrets.keep("shared_address", link.secret)
        self._world.keep_id("shared_link", link.pk)
        cut = self._prompt("second_prompt", conversation)
        self._answer(cut, "cut_reply", is_length_limited=True)
        self._name(cut, "second_prompt", "cut")
        self._deleted_turn(conversation)

    def _deleted_turn(self, conversation: Conversation) -> None:
        """A turn that its owner may restore."""
        reply = self._prompt("withdrawn_prompt", conversation)
        self._answer(reply, "withdrawn_reply")
        self._world.keep_id("deleted_turn", reply.pk)
        with TestCase.captureOnCommitCallbacks(execute=True):
            turn_deletion.delete_turn(self._again(reply).message)

    def stuck_conversation(self) -> None:
        """A reply that failed, and a prompt behind it that waits for a decision."""
        failed = self._prompt("failing_prompt", None)
        paused = self._prompt("paused_prompt", failed.message.conversation)
        claim = self._claim(failed)
        self._worker.finish(
            claim, self._secrets.word("failed_reply"), wire.Outcome.FAILED
        )
        collect(claim.reply)
        self._world.keep_id("stuck", failed.message.conversation_id)
        self._name(failed, "failing_prompt", "failed")
        self._name(paused, "paused_prompt", "paused")

    def deleted_conversation(self) -> None:
        reply = self._prompt("deleted_prompt", None)
        self._answer(reply, "deleted_reply")
        self._name(reply, "deleted_prompt", "deleted_reply")
        with TestCase.captureOnCommitCallbacks(execute=True):
            conversation_deletion.delete(reply.message.conversation)
        self._world.keep_id("deleted", reply.message.conversation_id)

    def growing_conversation(self) -> None:
        """A reply whose text so far is in Redis alone, a prompt behind it, one in line,
        and one that waits until workers are idle."""
        growing = self._prompt("growing_prompt", None)
        held = self._prompt("held_prompt", growing.message.conversation)
        claim = self._claim(growing)
        self._worker.write(claim, self._secrets.word("growing_text"))
        self._world.claims["growing"] = claim
        self._world.keep_id("busy", growing.message.conversation_id)
        self._name(growing, "growing_prompt", "growing")
        self._name(held, "held_prompt", "held")
        queued = self._prompt("queued_prompt", None)
        self._world.keep_id("waiting", queued.message.conversation_id)
        self._name(queued, "queued_prompt", "queued")
        later = self._prompt("later_prompt", None, when_idle=True)
        self._world.keep_id("calm", later.message.conversation_id)
        self._name(later, "later_prompt", "later")

    def temporary_chat(self) -> None:
        """One that no list and no search shows."""
        reply = self._prompt("temporary_prompt", None, is_temporary=True)
        self._answer(reply, "temporary_reply")
        self._world.keep_id("temporary", reply.message.conversation_id)
        self._name(reply, "temporary_prompt", "temporary_reply")

    def _prompt(
        self, what: str, conversation: Conversation | None, **more: Any
    ) -> Reply:
        key = self._secrets.token(f"key_of_{what}")
        text = self._secrets.word(what)
        with TestCase.captureOnCommitCallbacks(execute=True):
            reply = messages.send_message(
                self._world.owner, text, key, conversation, **more
            )
        if conversation is None:  # what it was called is not what was asked
            begun = reply.message.conversation
            begun.title = self._secrets.word(f"title_of_{what}")
            begun.save()
        self._world.key, self._world.text = (
            self._world.key or key,
            self._world.text or text,
        )
        return reply

    def _answer(self, reply: Reply, what: str, **said: Any) -> None:
        claim = self._claim(reply)
        self._worker.finish(claim, self._secrets.word(what), **said)
        with TestCase.captureOnCommitCallbacks(execute=True):
            collect(claim.reply)

    def _claim(self, reply: Reply) -> Claim:
        """Whoever else stands in line goes on standing there."""
        others = []
        while (claim := self._worker.claim()).reply != str(reply.pk):
            others.append(claim)
        for other in others:
            self._box.hand_back(other.reply, other.token)
        return claim

    def _chosen(self, conversation: Conversation) -> None:
        """Settings of this conversation alone."""
        conversation.refresh_from_db()
        conversation.instructions = self._secrets.word("instructions_here")
        conversation.settings = {"stop": [self._secrets.token("stop_string_here")]}
        conversation.save()

    def _again(self, reply: Reply) -> Reply:
        return Reply.objects.with_path().get(pk=reply.pk)

    def _name(self, reply: Reply, prompt: str, called: str) -> None:
        message = Message.objects.get(pk=reply.pk)
        assert message.parent_id is not None
        self._world.keep_id(prompt, message.parent_id)
        self._world.keep_id(called, reply.pk)
