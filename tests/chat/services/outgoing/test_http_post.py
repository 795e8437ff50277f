"""One call: to the address that was checked, bounded in time and size."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings

from chat.services.outgoing import addresses, http_post
from chat.services.outgoing.http_post import Failure, Outcome, post
from tests.certificate import certificate
from tests.chat.services.outgoing.receiver import Receiver, receiving


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """Names and their addresses: each look-up takes the first, as a rebinding name
    server would have it."""
    known: dict[str, list[str]] = {}
    real = socket.getaddrinfo

    def look_up(host: str, port: int, *args: Any, **named: Any) -> Any:
        found = known[host].pop(0).split(",") if known.get(host) else [host]
        return [entry for one in found for entry in real(one, port, *args, **named)]

    monkeypatch.setattr(addresses.socket, "getaddrinfo", look_up)
    return known


@pytest.fixture
def silent(settings: LazySettings) -> Iterator[socket.socket]:
    """Listens, and says nothing of itself."""
    settings.WEBHOOK_PRIVATE_NETWORKS = (ip_network("127.0.0.1"),)
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


def port_of(receiver: Receiver) -> str:
    return receiver.address.rpartition(":")[2]


def test_a_call_is_received_as_it_was_sent(receiver: Receiver) -> None:
    url = f"{receiver.address}/a/b?c=d&e"
    assert post(url, b'{"a":1}', {"webhook-id": "evt_1"}) == Outcome(200)
    assert (receiver.last.path, receiver.last.body) == ("/a/b?c=d&e", b'{"a":1}')
    assert receiver.last.headers["webhook-id"] == "evt_1"
    assert receiver.last.headers["Host"] == receiver.address.removeprefix("http://")
    assert receiver.last.headers["Content-Length"] == "7"


@pytest.mark.parametrize("status", [204, 299])
def test_every_2xx_is_a_success(status: int, receiver: Receiver) -> None:
    receiver.status, receiver.answer = status, b""
    assert post(receiver.address, b"", {}).failure is None


@pytest.mark.parametrize("status", [400, 404, 410, 500])
def test_every_other_status_is_a_failure(status: int, receiver: Receiver) -> None:
    receiver.status = status
    assert post(receiver.address, b"", {}) == Outcome(status, Failure.STATUS)


def test_a_redirect_is_not_followed(receiver: Receiver) -> None:
    receiver.status, receiver.headers = 307, {"Location": f"{receiver.address}/other"}
    assert post(receiver.address, b"", {}) == Outcome(307, Failure.REDIRECT)
    assert [one.path for one in receiver.received] == ["/"]


def test_a_private_address_gets_no_connection(silent, settings: LazySettings) -> None:
    settings.WEBHOOK_PRIVATE_NETWORKS, settings.WEBHOOK_HTTP = (), True
    port = silent.getsockname()[1]
    silent.settimeout(0)
    for host in ("127.0.0.1", "localhost", "127.1", "[::ffff:127.0.0.1]"):
        outcome = post(f"http://{host}:{port}/", b"", {})
        assert outcome.failure is Failure.PRIVATE_ADDRESS
    with pytest.raises(BlockingIOError):
        silent.accept()


def test_a_name_that_changes_after_the_check_gains_nothing(
    names: dict[str, list[str]], receiver: Receiver
) -> None:
    names["rebinding.test"] = ["127.0.0.1", "169.254.169.254"]
    assert post(f"http://rebinding.test:{port_of(receiver)}/", b"", {}).status == 200
    assert names["rebinding.test"] == ["169.254.169.254"]  # was not asked again
    outcome = post(f"http://rebinding.test:{port_of(receiver)}/", b"", {})
    assert outcome.failure is Failure.PRIVATE_ADDRESS


def test_of_several_addresses_only_allowed_ones_are_reached(
    names: dict[str, list[str]], receiver: Receiver
) -> None:
    names["mixed.test"] = ["10.255.255.1,127.0.0.1"]
    assert post(f"http://mixed.test:{port_of(receiver)}/", b"", {}).status == 200


def test_the_next_address_is_tried_where_one_refuses(
    names: dict[str, list[str]], receiver: Receiver, settings: LazySettings
) -> None:
    settings.WEBHOOK_PRIVATE_NETWORKS = (ip_network("127.0.0.0/8"),)
    names["two.test"] = ["127.0.0.9,127.0.0.1"]
    assert post(f"http://two.test:{port_of(receiver)}/", b"", {}).status == 200


def test_plain_http_leads_to_public_addresses_only_if_it_is_allowed(
    settings: LazySettings,
) -> None:
    settings.WEBHOOK_PRIVATE_NETWORKS, settings.WEBHOOK_HTTP = (), False
    outcome = post("http://1.1.1.1/", b"", {})
    assert outcome.failure is Failure.NEEDS_HTTPS


def test_tls_is_checked_against_the_name_and_not_the_address(
    tmp_path: Path, settings: LazySettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.WEBHOOK_PRIVATE_NETWORKS = (ip_network("127.0.0.1"),)
    pem = certificate(tmp_path)
    with receiving(pem=pem) as receiver:
        http_post._tls.cache_clear()
        port = port_of(receiver)
        outcome = post(f"https://localhost:{port}/", b"", {})
        assert outcome.failure is Failure.TLS  # nobody vouches for it
        monkeypatch.setenv("SSL_CERT_FILE", str(pem[0]))
        http_post._tls.cache_clear()
        assert post(f"https://localhost:{port}/x", b"", {}) == Outcome(200)
        assert receiver.last.headers["Host"] == f"localhost:{port}"
        outcome = post(f"https://127.0.0.1:{port}/", b"", {})
        assert outcome.failure is Failure.TLS
        assert len(receiver.received) == 1
    http_post._tls.cache_clear()


def test_who_says_nothing_is_cut_off(silent, settings: LazySettings) -> None:
    settings.WEBHOOK_SECONDS = 0.2
    port = silent.getsockname()[1]
    for scheme in ("http", "https"):
        outcome = post(f"{scheme}://127.0.0.1:{port}/", b"", {})
        assert outcome.failure in (Failure.TOO_SLOW, Failure.TLS)


def test_who_answers_one_byte_at_a_time_is_cut_off(
    silent, settings: LazySettings
) -> None:
    settings.WEBHOOK_SECONDS = 0.3
    ended = threading.Event()

    def trickle() -> None:
        connection, _ = silent.accept()
        with connection:
            connection.sendall(b"HTTP/1.1 200 OK\r\nX: ")
            while not ended.wait(0.02):
                try:
                    connection.sendall(b"x")
                except OSError:
                    return

    thread = threading.Thread(target=trickle)
    thread.start()
    outcome = post(f"http://127.0.0.1:{silent.getsockname()[1]}/", b"", {})
    ended.set()
    thread.join()
    assert outcome.failure is Failure.TOO_SLOW


def test_no_more_of_a_body_is_read_than_needed(receiver: Receiver) -> None:
    receiver.answer = b"x" * 5_000_000
    assert post(receiver.address, b"", {}) == Outcome(200)


@pytest.mark.parametrize(
    ("said", "failure"),
    [(b"", Failure.BROKEN), (b"SSH-2.0-x\r\n", Failure.BROKEN)],
)
def test_what_is_no_http_is_a_failure(said: bytes, failure: Failure, silent) -> None:
    def answer() -> None:
        connection, _ = silent.accept()
        with connection:
            connection.recv(65_536)
            connection.sendall(said)

    thread = threading.Thread(target=answer)
    thread.start()
    outcome = post(f"http://127.0.0.1:{silent.getsockname()[1]}/", b"", {})
    thread.join()
    assert outcome.failure is failure


@pytest.mark.parametrize(
    ("url", "failure"),
    [
        ("https://nowhere.invalid/", Failure.NO_HOST),
        (f"https://{'x' * 64}.invalid/", Failure.NO_HOST),
        ("https://127.0.0.1:22/", Failure.PORT),
        ("http://127.0.0.1:1/", Failure.PORT),
    ],
)
def test_what_cannot_be_reached_has_a_reason(
    url: str, failure: Failure, receiver: Receiver
) -> None:
    assert post(url, b"", {}).failure is failure


def test_a_closed_port_is_no_connection(silent) -> None:
    port = silent.getsockname()[1]
    silent.close()
    outcome = post(f"http://127.0.0.1:{port}/", b"", {})
    assert outcome.failure is Failure.NO_CONNECTION
