"""What happens to a reply whose worker is lost."""

from __future__ import annotations

from chatsite.setting_types import Integer, Number

TITLE = "Recovery"
INTRODUCTION = ""

LEASE_SECONDS = Number(
    "LEASE_SECONDS",
    10,
    minimum=1,
    about="A worker that is silent for so long has lost its replies, and another "
    "worker writes them.",
)
MAX_LOSSES = Integer(
    "MAX_LOSSES",
    3,
    minimum=1,
    about="A reply whose worker was lost so many times fails.",
)
MAX_FAULTS = Integer(
    "MAX_FAULTS",
    5,
    minimum=1,
    about="A reply that another server broke off so many times fails; see "
    "docs/operate.md. A server that cannot be reached, or is busy, does not count.",
)
SWEEP_SECONDS = Number(
    "SWEEP_SECONDS",
    1,
    minimum=0.05,
    about="How often the keeper sweeps: it collects finished replies and takes back "
    "lost ones.",
)
