"""What operators and visitors see of the site."""

from __future__ import annotations

from ipaddress import ip_network

from chatsite.setting_types import Flag, Networks, Number, SecretKey

TITLE = "Operation"
INTRODUCTION = (
    "The [operator page](operate.md#operator-page), and `/metrics` for Prometheus: "
    "[Metrics](operate.md#metrics). Neither shows a text of a user."
)

HISTORY_DAYS = Number(
    "HISTORY_DAYS",
    7,
    minimum=1,
    maximum=366,
    about="How long the keeper keeps the minutes that the operator page draws: one row "
    "for each model in use.",
)
PUBLIC_STATUS = Flag(
    "PUBLIC_STATUS",
    True,
    about="Whether `/status/` shows everyone how many messages wait for each model, "
    "and how long a new one would.",
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
TRACING = Flag(
    "TRACING",
    False,
    about="Sends spans of requests and replies by OpenTelemetry, whose own variables "
    "(`OTEL_EXPORTER_OTLP_ENDPOINT` …) say where. Needs the packages of "
    "requirements-tracing.txt.",
)
