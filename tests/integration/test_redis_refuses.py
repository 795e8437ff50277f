"""A real Redis that refuses, stands still or was restarted; every page still answers."""

from __future__ import annotations

import shutil
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest
from django.test import Client

from chat.keeper import Keeper
from chat.models import Message, Reply, User
from chat.services.messages import send_message
from chatsite.mailbox import open_mailbox
from tests.chat.conftest import Worker, worker
from tests.chat.pages import poll_url
from tests.valkey import Valkey

pytestmark = pytest.mark.django_db(transaction=True)
__all__ = ["worker"]

State = Callable[[Valkey], Any]


@contextmanager
def full(valkey: Valkey) -> Iterator[None]:
    """Its memory is used up: what writes is refused with OOM."""
    valkey.client.config_set("maxmemory", 1)
    try:
        yield
    finally:
        valkey.client.config_set("maxmemory", 0)


@contextmanager
def replica(valkey: Valkey) -> Iterator[None]:
    """Another server took over: this one is READONLY."""
    valkey.client.replicaof("127.0.0.1", "1")
    try:
        yield
    finally:
        valkey.client.replicaof("NO", "ONE")


@contextmanager
def replica_without_data(valkey: Valkey) -> Iterator[None]:
    """MASTERDOWN, also for what only reads."""
    valkey.client.config_set("replica-serve-stale-data", "no")
    try:
        with replica(valkey):
            yield
    finally:
        valkey.client.config_set("replica-serve-stale-data", "yes")


@contextmanager
def without_rights(valkey: Valkey) -> Iterator[None]:
    """The user of the site may run no scripts: NOPERM."""
    set_rights = partial(valkey.client.acl_setuser, "default", True, True)
    set_rights(commands=["-evalsha", "-script"])
    try:
        yield
    finally:
        set_rights(commands=["+evalsha", "+script"])


@contextmanager
def unable_to_save(valkey: Valkey) -> Iterator[None]:
    """A snapshot failed, and until one succeeds writes are refused with MISCONF."""
    client = valkey.client
    shutil.rmtree(valkey.folder)
    client.config_set("save", "3600 1")
    client.bgsave()
    while client.info("persistence")["rdb_last_bgsave_status"] == "ok":
        pass
    try:
        yield
    finally:
        client.config_set("save", "")
        # Its working directory is gone for good, where others may save.
        valkey.stop()
        valkey.start()


@contextmanager
def of_another_kind(valkey: Valkey) -> Iterator[None]:
    """Keys of the site hold something else: WRONGTYPE."""
    for key in valkey.client.keys("mailbox:*"):
        valkey.client.delete(key)
        valkey.client.setbit(key, 7, 1)
    try:
        yield
    finally:
        valkey.client.flushdb()


@contextmanager
def standing_still(valkey: Valkey) -> Iterator[None]:
    """Nothing is answered; the site waits for it less long than usually."""
    pool = open_mailbox().connection.client.connection_pool
    usual = pool.connection_kwargs["socket_timeout"]
    pool.disconnect()
    pool.connection_kwargs["socket_timeout"] = 0.2
    valkey.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        valkey.send_signal(signal.SIGCONT)
        pool.disconnect()
        pool.connection_kwargs["socket_timeout"] = usual


@contextmanager
def killed(valkey: Valkey) -> Iterator[None]:
    valkey.send_signal(signal.SIGKILL)
    try:
        yield
    finally:
        valkey.stop()
        valkey.start()


@contextmanager
def forgetting_its_clients(valkey: Valkey) -> Iterator[None]:
    """Every connection was closed, as by a proxy or a restart."""
    valkey.client.client_kill_filter(_type="normal", skipme=True)
    yield


STATES: tuple[State, ...] = (
    full,
    replica,
    replica_without_data,
    without_rights,
    unable_to_save,
    of_another_kind,
    standing_still,
    killed,
    forgetting_its_clients,
)


@pytest.mark.parametrize("state", STATES, ids=lambda state: state.__name__)
def test_pages_answer_and_nothing_sent_is_lost(
    state: State, owner: User, worker: Worker, valkey: Valkey, client_of: Any
) -> None:
    ended, client = send_message(owner, "hello", "key"), client_of(owner)
    page = f"/c/{ended.message.conversation_id}/"
    poll = poll_url(client.get(page))
    worker.answer("the whole answer")
    other = send_message(owner, "in line", "another key")
    with state(valkey):
        for path in (page, poll, f"/r/{ended.pk}/details/", "/", "/search/?q=hello"):
            assert _ask(client, path) == 200, path
        assert _ask(client, f"/api/v1/replies/{ended.pk}") == 200
        assert _ask(client, f"/r/{other.pk}/stop/", {}) == 303
        said = {"text": "sent meanwhile", "key": "third key"}
        assert _ask(client, "/send/", said) == 303
        assert _ask(client, f"{page}rename/", {"title": "Renamed"}) == 303
    open_mailbox().connection.forgive()
    Keeper().sweep()
    sent = Message.objects.get(text="sent meanwhile")
    assert Reply.objects.get(message__parent=sent).state == "queued"
    assert Reply.objects.get(pk=other.pk).state == "stopped"
    ended.message.conversation.refresh_from_db()
    assert ended.message.conversation.title == "Renamed"


def _ask(client: Client, path: str, form: dict[str, str] | None = None) -> int:
    """As if it came some time after the last one, so that Redis is tried again."""
    open_mailbox().connection.forgive()
    answer = client.get(path) if form is None else client.post(path, form)
    return int(answer.status_code)
