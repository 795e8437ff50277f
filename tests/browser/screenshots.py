"""Pictures of the pages for the documentation: ``make screenshots``.

With ``INTO=folder`` a larger set for review: every scene, at every size.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page

from tests.browser.conftest import Site, Worker
from tests.browser.page_states import SCENES, UNSCRIPTED
from tests.browser.stage import Stage
from tests.processes import ROOT

INTO = os.environ.get("INTO")
DOCUMENTED = ROOT / "docs" / "pictures"
#: No poll comes between, and nothing that a clock or chance decides is to be seen.
HOLD_STILL = """() => {
  document.getElementById("poller")?.remove();
  document.activeElement?.blur();
  const times = document.querySelectorAll(".made, .status-line .tabular, .ticket .row");
  for (const said of times) {
    said.textContent = said.textContent.replace(/[\\d.]+ (s|min)( \\d+ s)?/, "14 s");
  }
}"""


@dataclass(frozen=True, slots=True)
class Camera:
    """A device, and the colours its owner likes."""

    width: int
    height: int
    colours: str = "light"
    is_phone: bool = False

    @property
    def options(self) -> dict[str, Any]:
        return {
            "viewport": {"width": self.width, "height": self.height},
            "color_scheme": self.colours,
            "is_mobile": self.is_phone,
            "has_touch": self.is_phone,
            "reduced_motion": "reduce",
        }


CAMERAS = {
    "desk": Camera(1200, 800),
    "dark": Camera(1200, 800, "dark"),
    "phone": Camera(390, 780, is_phone=True),
    "landscape": Camera(780, 360, "dark", is_phone=True),
}
PICTURES = {
    "conversation": ("done", Camera(1200, 960)),
    "growing": ("growing", CAMERAS["desk"]),
    "growing-phone": ("growing", CAMERAS["phone"]),
    "waiting": ("waiting", CAMERAS["desk"]),
    "dark": ("held", CAMERAS["dark"]),
    "no-worker": ("no_worker", CAMERAS["desk"]),
    "error": ("failed", CAMERAS["desk"]),
    "operator": ("operator", Camera(1200, 1360)),
}
REVIEWED = {
    f"{scene}-{camera}": (scene, CAMERAS[camera])
    for scene in SCENES
    for camera in CAMERAS
} | {
    "everything-tall": ("everything", Camera(1000, 1900)),
    "everything-long": ("everything", Camera(390, 2400, is_phone=True)),
}


@pytest.mark.parametrize("name", REVIEWED if INTO else PICTURES)
def test_a_picture_is_taken(
    name: str, guest: Callable[..., BrowserContext], worker: Worker, site: Site
) -> None:
    scene, camera = (REVIEWED if INTO else PICTURES)[name]
    options = camera.options | {"java_script_enabled": scene not in UNSCRIPTED}
    page = guest(**options).new_page()
    SCENES[scene](Stage(page, worker, site))
    page.mouse.move(0, 0)
    if scene not in UNSCRIPTED:
        page.evaluate(HOLD_STILL)
    folder = Path(INTO) if INTO else DOCUMENTED
    _photograph(page, folder / f"{name}.png")


def _photograph(page: Page, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=path, animations="disabled", caret="hide")
