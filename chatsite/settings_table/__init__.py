"""All settings in one table.

Programs read them from the environment (``chatsite.settings``); ``docs/settings.md``
and ``example.env`` are made from the table: ``python -m chatsite.settings_table``.
"""

from chatsite.settings_table.table import GROUPS, NEW_NAMES, SETTINGS, Group

__all__ = ["GROUPS", "NEW_NAMES", "SETTINGS", "Group"]
