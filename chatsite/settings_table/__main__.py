"""Write ``docs/settings.md`` and ``example.env``."""

from __future__ import annotations

from chatsite.setting_types.paths import ROOT
from chatsite.settings_table import reference

(ROOT / "docs" / "settings.md").write_text(reference.page(), encoding="utf-8")
(ROOT / "example.env").write_text(reference.example_file(), encoding="utf-8")
