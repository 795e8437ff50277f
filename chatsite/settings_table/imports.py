"""Imports: conversations from files of other programs."""

from __future__ import annotations

from chatsite.setting_types import Integer

TITLE = "Imports"
INTRODUCTION = "Conversations that people bring along: [import](import.md)."

IMPORTS_MAX = Integer(
    "IMPORTS_MAX",
    3,
    minimum=0,
    maximum=100,
    about="How many imports of an account may be unfinished. With 0 there are none.",
)
IMPORT_FILE_MAX_BYTES = Integer(
    "IMPORT_FILE_MAX_BYTES",
    104_857_600,
    minimum=1024,
    maximum=1_073_741_824,
    about="The largest file to import. A larger one is refused unread (413). Files "
    "that arrive count for `WEB_BUFFER_MB`.",
)
IMPORT_UNPACKED_MAX_BYTES = Integer(
    "IMPORT_UNPACKED_MAX_BYTES",
    524_288_000,
    minimum=1024,
    maximum=10_737_418_240,
    about="How large the conversations in an archive may be, unpacked.",
)
IMPORT_RATIO_MAX = Integer(
    "IMPORT_RATIO_MAX",
    200,
    minimum=10,
    maximum=2000,
    about="How many times larger than in its archive a file may be.",
)
IMPORT_ARCHIVE_FILES_MAX = Integer(
    "IMPORT_ARCHIVE_FILES_MAX",
    20_000,
    minimum=1,
    maximum=1_000_000,
    about="How many files an archive may have. Only those with conversations are read.",
)
IMPORT_CONVERSATIONS_MAX = Integer(
    "IMPORT_CONVERSATIONS_MAX",
    20_000,
    minimum=1,
    maximum=1_000_000,
    about="How many conversations a file may have.",
)
IMPORT_CONVERSATION_MAX_BYTES = Integer(
    "IMPORT_CONVERSATION_MAX_BYTES",
    67_108_864,
    minimum=65_536,
    maximum=1_073_741_824,
    about="About how much memory one conversation may need while it is read. A larger "
    "one is left out.",
)
IMPORT_TEXT_MAX_BYTES = Integer(
    "IMPORT_TEXT_MAX_BYTES",
    16_777_216,
    minimum=1024,
    maximum=1_073_741_824,
    about="How long a text in a file may be, such as a message or a picture in it.",
)
IMPORT_DEPTH_MAX = Integer(
    "IMPORT_DEPTH_MAX",
    20_000,
    minimum=20,
    maximum=1_000_000,
    about="How deeply objects of a file may be nested.",
)
IMPORT_READ_SECONDS_MAX = Integer(
    "IMPORT_READ_SECONDS_MAX",
    600,
    minimum=1,
    maximum=86_400,
    about="How long the keeper may read a file, all sweeps together.",
)
IMPORT_KEEP_HOURS = Integer(
    "IMPORT_KEEP_HOURS",
    24,
    minimum=1,
    maximum=8760,
    about="Files to import, and the lists of what was imported, are erased after so "
    "long.",
)
