"""Every page and state, as people who see, hear, move or read otherwise meet it.

A page on a desk becomes one on a phone, which saves making the scene anew; ``make soak``
takes all scenes, and opens each on a phone as well.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.conftest import DESK, Site, Worker
from tests.browser.conversation_states import home
from tests.browser.foreign_pages import too_wide, translate
from tests.browser.page_states import SCENES, UNSCRIPTED
from tests.browser.stage import Stage
from tests.environment import IS_SOAK

PHONE = {"width": 320, "height": 640}
#: 1280 by 1024 at 400 %.
ENLARGED = {"width": 320, "height": 256}
TOUCH_PX = 44
EDGE_CONTRAST = 3.0
#: The rules of axe whose answer the colours of a page may change.
COLOUR_RULES = ["color-contrast", "link-in-text-block"]
#: Without a script a frame that loads itself again is all there is; a real-time event
#: is what WCAG 2.2.1 excepts.
EXCEPT = {"frame": ["meta-refresh", "meta-refresh-no-exceptions"]}

#: Links within a sentence are as high as their line.
CONTROLS = """() => [...document.querySelectorAll(
    "button, textarea, select, input:not([type=hidden]), summary, a[href]"
  )].map((it) => it.matches("[type=radio], [type=checkbox]") ? it.closest("label") ?? it : it).filter((it) => it.checkVisibility({ visibilityProperty: true }) &&
    !it.closest(".skip-link, .text, .visually-hidden, noscript"))"""
TOO_LOW = f"""(least) => ({CONTROLS})()
  .filter((it) => it.getBoundingClientRect().height < least - 0.5)
  .map((it) => `${{it.outerHTML.slice(0, 80)}}: ${{it.getBoundingClientRect().height}}`)
"""
#: What shows where a control is: its edge or its face against what is around it, or,
#: where it has neither, its sign or its words.
PALE = f"""(least) => {{
  const canvas = new OffscreenCanvas(1, 1).getContext("2d", {{ willReadFrequently: true }});
  const over = (colours) => {{
    canvas.clearRect(0, 0, 1, 1);
    for (const colour of colours) {{
      canvas.fillStyle = colour;
      canvas.fillRect(0, 0, 1, 1);
    }}
    return [...canvas.getImageData(0, 0, 1, 1).data.slice(0, 3)];
  }};
  const grounds = (it) => it ? [...grounds(it.parentElement), getComputedStyle(it).backgroundColor] : [];
  const light = (colour) => colour
    .map((part) => part / 255)
    .map((part) => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4)
    .reduce((sum, part, index) => sum + part * [0.2126, 0.7152, 0.0722][index], 0);
  const contrast = (one, other) => {{
    const [low, high] = [light(one), light(other)].sort((a, b) => a - b);
    return (high + 0.05) / (low + 0.05);
  }};
  const shown = ({CONTROLS})().map((it) => it.matches("textarea, [type=search], [role=combobox]") ? it.parentElement : it);
  return [...new Set(shown)].flatMap((it) => {{
    const style = getComputedStyle(it);
    const around = grounds(it.parentElement);
    const behind = over(around);
    const face = over([...around, style.backgroundColor]);
    const edge = parseFloat(style.borderTopWidth) ? over([...around, style.borderTopColor]) : behind;
    const sign = over([...around, style.backgroundColor, style.color]);
    const best = Math.max(contrast(edge, behind), contrast(face, behind), contrast(sign, face));
    const hasEdge = it.matches(".button, .composer, .search, input, select");
    const seen = hasEdge ? Math.max(contrast(edge, behind), contrast(face, behind)) : best;
    return seen < least ? [`${{it.outerHTML.slice(0, 80)}}: ${{seen.toFixed(2)}}`] : [];
  }});
}}"""
#: Controls of which nothing is left once the browser chooses all colours.
UNSEEN = f"""() => ({CONTROLS})()
  .filter((it) => it.matches("button, .button"))
  .filter((it) => {{
    const style = getComputedStyle(it);
    return style.color === style.backgroundColor || !it.getClientRects().length;
  }})
  .map((it) => it.outerHTML.slice(0, 80))"""
#: Those that are narrow in ways of their own: axe looks at them on a phone too.
NARROW = (
    *("home", "waiting", "no_worker", "everything", "paused", "beside", "details"),
    *("account", "sign_up", "merge", "invitations", "operator"),
    *("conversation_settings", "too_long", "refused", "many", "frame_ended"),
)
#: What each of them shows is part of another scene: a reply that is written of ``held``,
#: one that is done of ``details``, a failure of ``paused``, a notice of ``fetching``,
#: a held one of ``edit``, the composer of an edited one of ``too_long``; the field for
#: a day of ``search_inside``, pins of ``search_with_filters``, what the empty page
#: of a temporary chat says of ``temporary``, and the states of an import of ``imports``.
IN_ANOTHER = (
    ()
    if IS_SOAK
    else (
        *("writing", "done", "failed", "home_fetching", "held", "revising_page"),
        *("search_refused", "long_conversation", "archive_empty", "pinned", "forked"),
        *("temporary_home", "rewritten", "imports_empty", "import_reading"),
        *("import_done", "import_refused"),
    )
)
#: What an action answers that is not refused again.
NOT_AGAIN = ("busy",)
#: Long words in Spanish; ``make soak`` looks at all scenes in both languages.
LONGER_IN_SPANISH = ("account", "settings", "beside", "frame_ended")
MOVING = "document.getAnimations().filter((it) => it.playState === 'running').length"
WIDTH = "document.documentElement.scrollWidth"


@contextmanager
def phone_of(page: Page) -> Iterator[Page]:
    """The same page, as if it were open on a phone."""
    devtools = page.context.new_cdp_session(page)
    size = {**PHONE, "deviceScaleFactor": 1, "mobile": True}
    devtools.send("Emulation.setDeviceMetricsOverride", size)
    devtools.send("Emulation.setTouchEmulationEnabled", {"enabled": True})
    try:
        yield page
    finally:
        devtools.send("Emulation.setTouchEmulationEnabled", {"enabled": False})
        devtools.send("Emulation.clearDeviceMetricsOverride")
        devtools.detach()


@pytest.fixture
def enter(
    guest: Callable[..., BrowserContext], worker: Worker, site: Site
) -> Callable[..., Page]:
    """A page of its own in a scene, on a device."""

    def open_one(scene: str, **device: Any) -> Page:
        device["java_script_enabled"] = scene not in UNSCRIPTED
        page = guest(**device).new_page()
        SCENES[scene](Stage(page, worker, site))
        return page

    return open_one


def colours(page: Page) -> Iterator[str]:
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        yield scheme


def violations(page: Page, scene: str, scheme: str) -> list[str]:
    """What axe finds: by all rules in light colours, by those of colour in dark ones."""
    if scene in UNSCRIPTED:
        return []  # axe is a script; what stands in the frame is a scene of its own
    options: dict[str, Any] = {"reporter": "no-passes"}
    if scheme == "dark":
        options["runOnly"] = COLOUR_RULES
    else:
        options["rules"] = {rule: {"enabled": False} for rule in EXCEPT.get(scene, ())}
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE_SCRIPT)
    found = page.evaluate("options => axe.run(options)", options)["violations"]
    return [
        f"{rule['id']}: {rule['help']}: {node['html'][:120]}: {node['failureSummary']}"
        for rule in found
        for node in rule["nodes"]
    ]


def fits_a_desk(page: Page, scene: str) -> None:
    for scheme in colours(page):
        assert violations(page, scene, scheme) == [], scheme
        assert page.evaluate(PALE, EDGE_CONTRAST) == [], scheme
    page.emulate_media(forced_colors="active")
    assert page.evaluate(UNSEEN) == []
    page.emulate_media(forced_colors="none", reduced_motion="reduce")
    assert page.evaluate(MOVING) == 0
    page.set_viewport_size(ENLARGED)  # type: ignore[arg-type]
    assert page.evaluate(WIDTH) <= ENLARGED["width"]


def fits_a_phone(page: Page) -> None:
    assert page.evaluate(WIDTH) <= PHONE["width"]
    assert page.evaluate(TOO_LOW, TOUCH_PX) == []


def languages(scene: str) -> list[str]:
    """The languages in which a scene is looked at once more."""
    if scene in NOT_AGAIN:
        return []
    return ["de", "es"] if IS_SOAK or scene in LONGER_IN_SPANISH else ["de"]


@pytest.mark.parametrize(
    "scene", [scene for scene in SCENES if scene not in (*UNSCRIPTED, *IN_ANOTHER)]
)
def test_on_a_desk_and_then_as_on_a_phone(
    scene: str, fresh_page: Page, worker: Worker, site: Site
) -> None:
    SCENES[scene](Stage(fresh_page, worker, site))
    fits_a_desk(fresh_page, scene)
    fresh_page.emulate_media(color_scheme="light")
    with phone_of(fresh_page) as phone:
        fits_a_phone(phone)
        if scene in NARROW:
            assert violations(phone, scene, "light") == []
        for language in languages(scene):
            translate(phone, language)
            assert phone.evaluate(WIDTH) <= PHONE["width"], language
            assert too_wide(phone) == [], language


@pytest.mark.parametrize("scene", UNSCRIPTED)
def test_on_a_desk_without_a_script(scene: str, enter: Callable[..., Page]) -> None:
    fits_a_desk(enter(scene, viewport=DESK), scene)


@pytest.mark.parametrize("scene", SCENES if IS_SOAK else ["home", "paused"])
def test_on_a_phone(scene: str, enter: Callable[..., Page]) -> None:
    page = enter(scene, viewport=PHONE, has_touch=True, is_mobile=True)
    for scheme in colours(page):
        assert violations(page, scene, scheme) == [], scheme
    fits_a_phone(page)


@pytest.mark.parametrize("scene", ["done", "failed", "paused"])
def test_on_paper(scene: str, fresh_page: Page, worker: Worker, site: Site) -> None:
    page = fresh_page
    page.emulate_media(color_scheme="dark")
    SCENES[scene](Stage(page, worker, site))
    page.emulate_media(media="print")
    for message in page.locator(".turn .text:not(:empty)").all():
        expect(message).to_be_visible()
    assert page.evaluate(f"({CONTROLS})().length") == 0
    talk = page.locator("#content")
    assert talk.evaluate("it => it.scrollHeight <= it.clientHeight")
    paper = page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
    assert paper == "rgb(251, 250, 247)"


def test_what_is_too_wide_is_found(
    fresh_page: Page, worker: Worker, site: Site
) -> None:
    home(Stage(fresh_page, worker, site))
    with phone_of(fresh_page) as phone:
        assert too_wide(phone) == []
        phone.locator(".example").first.evaluate("it => { it.style.width = '30em'; }")
        phone.locator(".send").evaluate_all(
            "all => { for (const it of all) it.textContent = 'und '.repeat(3); }"
        )
        # The item of the list with its link, and the button.
        assert len(too_wide(phone)) == 3


def test_what_is_too_pale_or_too_low_is_found(
    fresh_page: Page, worker: Worker, site: Site
) -> None:
    page = fresh_page
    home(Stage(page, worker, site))
    assert page.evaluate(TOO_LOW, TOUCH_PX)
    page.evaluate("""() => {
      const pale = new CSSStyleSheet();
      pale.replaceSync(".send, .composer { border-color: #ddd; background: #fff; }");
      document.adoptedStyleSheets = [pale];
    }""")
    assert len(page.evaluate(PALE, EDGE_CONTRAST)) == 2
