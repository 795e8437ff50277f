"""The documentation of the settings and an example environment file, made of the table.

Tests compare the files in the repository with what these functions return.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import Any

from chatsite.setting_types import Setting
from chatsite.settings_table.table import GROUPS, NEW_NAMES, Group

COMMAND = "python -m chatsite.settings_table"
PAGE_HEAD = f"""\
<!-- Made by `{COMMAND}` from chatsite/settings_table/: change that, not this. -->
# Settings

What can I configure, and how?

Every setting is a variable of the environment: `PORT=8001 make run`, or
`make run PORT=8001`. A value is taken literally (`$`, `#` and `%` have no meaning in
it), and an empty variable counts as unset. A bad value stops every program in one line
that names the variable; the exit status is then 2. In a URL, write the characters
`/ # ? @ %` of a name or a password as `%2F %23 %3F %40 %25`. A relative path counts
from the current folder, but the defaults `data` and `catalog.toml` are in the checkout.

[example.env](../example.env) lists all settings with their defaults, for
`docker run --env-file`, systemd's `EnvironmentFile=` or a shell.
"""
FILE_HEAD = f"""\
# All settings with their defaults. Made by `{COMMAND}`
# from chatsite/settings_table/; docs/settings.md says which values are valid.
#
# Copy this file, and remove the "#" before the settings that you change. Then:
#   in a shell:   set -a; . ./site.env; set +a; make run   (quote values with spaces)
#   with systemd: EnvironmentFile=/etc/site.env
#   with Docker:  docker run --env-file site.env ...
#
# A relative path counts from the current folder, but the defaults "data" and
# "catalog.toml" are in the checkout.
"""


def page() -> str:
    """Return the text of ``docs/settings.md``."""
    return "\n".join([PAGE_HEAD, *_contents(), *map(_section, GROUPS), _renamed()])


def example_file() -> str:
    """Return the text of ``example.env``: all settings, commented out."""
    return FILE_HEAD + "".join(
        f"\n\n## {group.title}\n" + "".join(map(_example, group.settings))
        for group in GROUPS
    )


def _contents() -> Iterator[str]:
    for group in GROUPS:
        yield f"- [{group.title}](#{_anchor(group.title)})"
    yield ""


def _anchor(title: str) -> str:
    """Return the fragment that GitHub gives a heading."""
    return title.lower().replace(",", "").replace(" ", "-")


def _section(group: Group) -> str:
    introduction = textwrap.fill(group.introduction, 88) + "\n\n"
    rows = "\n".join(map(_row, group.settings))
    return (
        f"## {group.title}\n\n"
        f"{introduction if group.introduction else ''}"
        "| variable | default | values | what it does |\n|---|---|---|---|\n"
        f"{rows}\n"
    )


def _row(setting: Setting[Any]) -> str:
    cells = (f"`{setting.name}`", _default(setting), setting.values, setting.about)
    return f"| {' | '.join(cells)} |"


def _default(setting: Setting[Any]) -> str:
    if setting.default_note:
        return setting.default_note
    spelled = setting.spell(setting.default)
    return f"`{spelled}`" if spelled else "none"


def _renamed() -> str:
    rows = "\n".join(f"| `{old}` | `{new}` |" for old, new in NEW_NAMES.items())
    return (
        "## Renamed settings\n\n"
        "The old names are still read; the start then prints a line that names the "
        "new one.\n\n"
        f"| old name | new name |\n|---|---|\n{rows}\n"
    )


def _example(setting: Setting[Any]) -> str:
    comment = textwrap.fill(
        setting.about.replace("`", ""), 88, initial_indent="# ", subsequent_indent="# "
    )
    note = f"# Default: {setting.default_note}.\n" if setting.default_note else ""
    spelled = "" if setting.default_note else setting.spell(setting.default)
    return f"\n{comment}\n{note}#{setting.name}={spelled}\n"
