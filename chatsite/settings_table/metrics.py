"""Who may read what the site measures."""

from __future__ import annotations

from ipaddress import ip_network

from chatsite.setting_types import Networks, SecretKey

TITLE = "Metrics"
INTRODUCTION = (
    "`/metrics` for Prometheus: [Metrics](operate.md#metrics). It shows no text and no "
    "name of a user."
)

METRICS_TOKEN = SecretKey(
    "METRICS_TOKEN",
    "",
    default_note="none",
    is_secret=True,
    about="A program that sends it as `Authorization: Bearer` may read the metrics.",
)
METRICS_NETWORKS = Networks(
    "METRICS_NETWORKS",
    (ip_network("127.0.0.0/8"), ip_network("::1/128")),
    default_note="this machine; none if METRICS_TOKEN is set",
    about="Addresses and networks that may read the metrics without a token.",
)
