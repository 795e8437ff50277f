"""The groups of settings, in the order of the documentation."""

from __future__ import annotations

from dataclasses import dataclass
from types import ModuleType
from typing import Any

from chatsite.setting_types import Setting
from chatsite.settings_table import (
    accounts,
    addresses,
    api,
    batches,
    imports,
    installation,
    limits,
    mail,
    messages,
    model,
    notifications,
    operation,
    recovery,
    sharing,
    storage,
    web_server,
    webhooks,
    worker,
)


@dataclass(frozen=True, slots=True)
class Group:
    """The settings of one subject, as one module of this package declares them."""

    title: str
    introduction: str
    settings: tuple[Setting[Any], ...]

    @classmethod
    def of(cls, module: ModuleType) -> Group:
        """Return the group that a module declares, in the module's order."""
        declared = [s for s in vars(module).values() if isinstance(s, Setting)]
        return cls(module.TITLE, module.INTRODUCTION, tuple(declared))


GROUPS = tuple(
    Group.of(module)
    for module in (
        *(storage, model, addresses, accounts, limits, messages, sharing),
        *(
            api,
            batches,
            imports,
            webhooks,
            mail,
            notifications,
            web_server,
            worker,
            recovery,
            operation,
        ),
        installation,
    )
)
#: Every setting by its name.
SETTINGS = {setting.name: setting for group in GROUPS for setting in group.settings}
#: Names of earlier versions, with the names that replace them.
NEW_NAMES = {old: s.name for s in SETTINGS.values() for old in s.old_names}
