"""Models on other servers: what the catalogue says of an OpenAI-compatible server."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from chatsite.catalog_table import CatalogTable
from chatsite.server_url import BadUrl, ServerUrl

VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
#: What every request sends unless the catalogue lists something else.
SENT_BY_DEFAULT: Final = (
    *("temperature", "top_p", "presence_penalty", "frequency_penalty"),
    *("seed", "stop", "max_tokens", "stream_options"),
)
#: What some servers refuse as an unknown field.
SENT_ON_DEMAND: Final = (
    *("top_k", "min_p", "repetition_penalty", "repeat_penalty"),
    *("max_completion_tokens", "logit_bias"),
)
#: The fields that are times.
CLOCKS: Final = (
    *("connect_seconds", "first_text_seconds", "silence_seconds", "check_seconds"),
)


class RemoteKind(StrEnum):
    """The call that answers: messages, or a text with a template of this site."""

    CHAT = "chat"
    COMPLETIONS = "completions"


class Continuing(StrEnum):
    """How a chat server is asked to continue a reply that was cut."""

    #: A further message asks for the rest.
    ASKED = "asked"
    #: A last message of the assistant is continued: llama.cpp.
    PREFILL = "prefill"
    #: The same, said with ``continue_final_message``: vLLM, SGLang.
    FINAL_MESSAGE = "final_message"


@dataclass(frozen=True, slots=True)
class RemoteModel:
    """A model on an OpenAI-compatible server, and how it is asked. Times in seconds."""

    #: The address before ``/chat/completions``, without a slash at its end.
    url: str
    #: The name of the model on the server.
    model: str
    kind: RemoteKind = RemoteKind.CHAT
    #: The environment variable of the worker that holds the key; empty without one.
    key_variable: str = ""
    #: Replies at once; 0 asks the server, and else takes ``WORKER_SLOTS``.
    rows: int = 0
    continues: Continuing = Continuing.ASKED
    #: The fields of a request that the server takes.
    sends: tuple[str, ...] = SENT_BY_DEFAULT
    connect_seconds: float = 5.0
    #: Until the first text, which may wait in the server's own queue.
    first_text_seconds: float = 120.0
    #: Between two texts.
    silence_seconds: float = 30.0
    #: Between two questions whether an idle server is there.
    check_seconds: float = 10.0


def read_remote(table: CatalogTable) -> RemoteModel:
    """Read the table ``remote`` of a model. Raises ``CatalogError``."""
    table.only(
        *(
            "url",
            "model",
            "kind",
            "key_variable",
            "rows",
            "continues",
            "sends",
            *CLOCKS,
        ),
    )
    variable = table.text("key_variable", "")
    if variable and not VARIABLE.fullmatch(variable):
        # What is no name may be the key itself, which no message repeats.
        raise table.error("key_variable", "must be the name of an environment variable")
    return RemoteModel(
        url=_url(table),
        model=table.text("model"),
        kind=RemoteKind(table.choice("kind", tuple(RemoteKind))),
        key_variable=variable,
        rows=table.integer("rows", minimum=1) if "rows" in table.values else 0,
        continues=Continuing(table.choice("continues", tuple(Continuing))),
        sends=_sends(table),
        **{name: table.seconds(name) for name in CLOCKS if name in table.values},
    )


def _url(table: CatalogTable) -> str:
    raw = table.text("url").strip().rstrip("/")
    try:
        url = ServerUrl.parse(raw, ("http", "https"), options=())
    except BadUrl as error:
        raise table.error("url", f"is no address of a server: {error}") from None
    if url.username or url.password:
        raise table.error("url", "must hold no password: name a key_variable instead")
    if len(url.hosts) != 1 or not url.hosts[0][0]:
        raise table.error("url", "needs one host, as in http://127.0.0.1:8001/v1")
    return raw


def _sends(table: CatalogTable) -> tuple[str, ...]:
    if "sends" not in table.values:
        return SENT_BY_DEFAULT
    sends = table.texts("sends")
    known = (*SENT_BY_DEFAULT, *SENT_ON_DEMAND)
    if strange := [name for name in sends if name not in known]:
        problem = f"{strange[0]!r} is unknown; known are {', '.join(known)}"
        raise table.error("sends", problem)
    return sends
