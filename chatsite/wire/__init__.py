"""The data that web servers and workers exchange: names, states and dataclasses.

All of it travels as JSON through Redis. ``VERSION`` changes when an older worker can no
longer read the data of a newer site, or the reverse. Each side also reads the version
before its own, and ignores unknown keys. So sites and workers of two releases can run
side by side while they are replaced one by one.
"""

from chatsite.wire.announcement import Announcement
from chatsite.wire.ending import Ending
from chatsite.wire.names import (
    GENERATE,
    LASTING_ERRORS,
    VERSION,
    ErrorCode,
    Outcome,
    RequestKind,
    Role,
    Stage,
    State,
    WorkerOrder,
    is_readable,
    queue_name,
    task_id,
)
from chatsite.wire.request import REQUEST_FLAGS, Request, Turn
from chatsite.wire.sampling_params import DEFAULT_SAMPLING_PARAMS, SamplingParams

__all__ = [
    "DEFAULT_SAMPLING_PARAMS",
    "GENERATE",
    "LASTING_ERRORS",
    "REQUEST_FLAGS",
    "VERSION",
    "Announcement",
    "Ending",
    "ErrorCode",
    "Outcome",
    "Request",
    "RequestKind",
    "Role",
    "SamplingParams",
    "Stage",
    "State",
    "Turn",
    "WorkerOrder",
    "is_readable",
    "queue_name",
    "task_id",
]
