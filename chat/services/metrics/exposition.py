"""All metrics as text, in the format that the client asks for."""

from __future__ import annotations

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

from chat.services.metrics.collector import MailboxCollector
from chat.services.metrics.ratings import RatingCollector
from chat.services.metrics.requests import request_collectors
from chat.services.metrics.shared_links import SharedLinkCollector


def exposition(accept: str) -> tuple[bytes, str]:
    """Return the metrics and their content type. ``accept`` is the client's header."""
    registry = CollectorRegistry(auto_describe=False)
    of_database = (RatingCollector(), SharedLinkCollector())
    for collector in (MailboxCollector(), *of_database, *request_collectors()):
        registry.register(collector)
    encode, content_type = choose_encoder(accept)
    return encode(registry), content_type
