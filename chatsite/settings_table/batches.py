"""Batches: files of calls that wait behind all people."""

from __future__ import annotations

from chatsite.setting_types import Integer

TITLE = "Batches"
INTRODUCTION = (
    "Files with many calls, answered behind the messages of all people: "
    "[batches](openai.md#batches)."
)

BATCHES_MAX = Integer(
    "BATCHES_MAX",
    5,
    minimum=0,
    maximum=1000,
    about="How many unfinished batches an account may have. With 0 there are none.",
)
BATCH_LINES_MAX = Integer(
    "BATCH_LINES_MAX",
    50_000,
    minimum=1,
    maximum=1_000_000,
    about="How many lines the file of a batch may have.",
)
BATCH_FILE_MAX_BYTES = Integer(
    "BATCH_FILE_MAX_BYTES",
    33_554_432,
    minimum=1024,
    maximum=1_073_741_824,
    about="The largest file of a batch. A larger one is refused unread (413). "
    "Files that arrive count for `WEB_BUFFER_MB`.",
)
BATCH_FILES_MAX = Integer(
    "BATCH_FILES_MAX",
    100,
    minimum=1,
    maximum=10_000,
    about="How many files for batches an account may keep.",
)
BATCH_KEEP_DAYS = Integer(
    "BATCH_KEEP_DAYS",
    30,
    minimum=1,
    maximum=3650,
    about="Files of batches, and batches that have ended, are erased after so long.",
)
BATCH_WINDOW_HOURS_MAX = Integer(
    "BATCH_WINDOW_HOURS_MAX",
    168,
    minimum=24,
    maximum=8760,
    about="The longest time that a batch may ask for. Its lines without an answer "
    "expire then.",
)
BATCH_LINES_AHEAD = Integer(
    "BATCH_LINES_AHEAD",
    64,
    minimum=1,
    maximum=10_000,
    about="How many lines of all batches wait in the queue, or are being written, at "
    "once. Owners of batches share them evenly. It should exceed the replies that all "
    "workers write at once.",
)
