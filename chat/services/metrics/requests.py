"""Metrics of HTTP requests, which each web process counts.

Under gunicorn the processes of one server share files (``PROMETHEUS_MULTIPROC_DIR``),
so a scrape of any of them reports all of them.
"""

from __future__ import annotations

import os

from prometheus_client import Counter, Histogram
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

FILES = "PROMETHEUS_MULTIPROC_DIR"
METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)

REQUESTS = Counter(
    "chatsite_http_requests",
    "Requests by view, method and status.",
    ["view", "method", "status"],
    registry=None,
)
SECONDS = Histogram(
    "chatsite_http_request_seconds",
    "Seconds until a view has answered, without the time to send the answer.",
    ["view"],
    buckets=BOUNDS,
    registry=None,
)


def count_request(view: str, method: str | None, status: int, seconds: float) -> None:
    """Count one request. Labels have few values, whatever a client sends."""
    known = method if method in METHODS else "other"
    REQUESTS.labels(view, known, str(status)).inc()
    SECONDS.labels(view).observe(seconds)


def request_collectors() -> list[Collector]:
    """Return the collectors of this server's requests, for a new registry."""
    if os.environ.get(FILES):
        return [MultiProcessCollector(None)]  # type: ignore[no-untyped-call]
    return [REQUESTS, SECONDS]
