"""Django's admin works under the policy of the site."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from typing import Any

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.account_actions import PASSWORD as PASSWORD_OF_PEOPLE
from tests.browser.account_actions import become_account
from tests.browser.conftest import START_SECONDS, Site
from tests.browser.test_policy import violations, watched  # noqa: F401 - a fixture
from tests.browser.user_actions import begin
from tests.processes import Program

#: The background of every page of the site.
PAPER = {"light": "rgb(251, 250, 247)", "dark": "rgb(22, 24, 27)"}
PASSWORD = secrets.token_urlsafe(16)


@pytest.fixture(scope="module")
def superuser(site: Site) -> str:
    """A name; starting a program to make it takes longer than a test."""
    name = f"admin-{secrets.token_hex(4)}"
    make = ("manage.py", "createsuperuser", "--no-input", "--username", name)
    with Program(
        *make,
        DJANGO_SUPERUSER_PASSWORD=PASSWORD,
        DJANGO_SUPERUSER_EMAIL=f"{name}@example.org",
        **site.environment,
    ) as making:
        assert making.process.wait(START_SECONDS) == 0, making.log
    return name


@pytest.fixture
def admin(watched: BrowserContext, superuser: str) -> Page:  # noqa: F811
    page = watched.new_page()
    page.goto("/admin/")
    page.fill("#id_username", superuser)
    page.fill("#id_password", PASSWORD)
    page.click("[type=submit]")
    expect(page.locator("#site-name")).to_be_visible()
    return page


def test_lists_and_forms_of_the_admin_work_under_the_policy(admin: Page) -> None:
    links = "#content-main a:is([href$='/'])"
    paths = {link.get_attribute("href") for link in admin.locator(links).all()}
    lists = sorted(path for path in paths if path and path.count("/") == 4)
    assert lists
    for path in lists:
        admin.goto(path)
        assert violations(admin) == []
        rows = admin.locator("#result_list tbody th a")
        add = admin.locator(".object-tools .addlink")
        if rows.count():
            rows.first.click()
        elif add.count():
            add.click()
        expect(admin.locator("#content h1")).to_be_visible()
        for opener in admin.locator(".datetimeshortcuts a").all():
            if opener.is_visible():
                opener.click()
        assert violations(admin) == []


def test_support_finds_somebody_and_gives_them_other_limits(admin: Page) -> None:
    name = admin.locator("#user-tools strong").inner_text()
    admin.goto("/admin/chat/user/")
    admin.get_by_role("link", name="Accounts", exact=True).click()
    admin.fill("#searchbar", name)
    admin.click("#changelist-search [type=submit]")
    expect(admin.locator("#result_list tbody tr")).to_have_count(1)
    admin.get_by_role("link", name=name).first.click()
    limits = admin.get_by_label("Limits:")
    limits.fill("{prompts_per_day: 5}")
    admin.click("[name=_continue]")
    expect(admin.locator(".field-limits .errorlist")).to_contain_text("valid JSON")
    expect(limits).to_have_value("{prompts_per_day: 5}")
    limits.fill('{"prompts": 5}')
    admin.click("[name=_continue]")
    expect(admin.locator(".field-limits .errorlist")).to_contain_text("no limit named")
    limits.fill('{"prompts_per_day": 5, "tokens_per_day": null}')
    admin.click("[name=_continue]")
    expect(admin.locator(".messagelist .success")).to_be_visible()
    expect(limits).to_have_value('{"prompts_per_day": 5, "tokens_per_day": null}')
    assert violations(admin) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_has_the_colours_of_the_site(scheme: Any, admin: Page) -> None:
    admin.emulate_media(color_scheme=scheme)
    paper = "getComputedStyle(document.body).backgroundColor"
    admin.goto("/admin/chat/user/")
    assert admin.evaluate(paper) == PAPER[scheme]
    filters = admin.locator("#changelist-filter summary").all_inner_texts()
    assert filters == ["Kind", "Active", "Staff", "Joined", "Last seen", "Closed"]
    admin.evaluate(AXE_SCRIPT)
    options = {"runOnly": ["color-contrast"], "reporter": "no-passes"}
    found = admin.evaluate("options => axe.run(options)", options)["violations"]
    assert [node["html"] for rule in found for node in rule["nodes"]] == []


def test_support_makes_a_link_and_ends_sessions(admin: Page) -> None:
    name = admin.locator("#user-tools strong").inner_text()
    admin.goto(f"/admin/chat/user/?q={name}")
    admin.get_by_role("link", name=name).first.click()
    admin.get_by_role("button", name="Create a password reset link").click()
    expect(admin.locator("#link")).to_have_value(re.compile("/account/reset/"))
    admin.get_by_role("button", name="Copy").click()
    expect(admin.get_by_role("button", name="Copied")).to_be_visible()
    assert violations(admin) == []
    admin.goto(f"/admin/chat/user/?q={name}")
    admin.check("#action-toggle")
    admin.select_option("[name=action]", "close_and_erase")
    admin.get_by_role("button", name="Run").or_(
        admin.get_by_role("button", name="Go")
    ).click()
    expect(admin.locator(".messagelist .warning")).to_be_visible()
    admin.goto(f"/admin/chat/session/?q={name}")
    admin.check("#action-toggle")
    admin.select_option("[name=action]", "end")
    admin.get_by_role("button", name="Run").or_(
        admin.get_by_role("button", name="Go")
    ).click()
    # Their own among them: they are asked to log in.
    expect(admin.locator("#id_username")).to_be_visible()
    assert violations(admin) == []


def test_the_list_of_people_shows_all_its_columns_on_a_laptop(
    home: Page, guest: Callable[..., BrowserContext], admin: Page
) -> None:
    begin(home, "From a guest, who has no name")
    page = guest().new_page()
    become_account(page, f"somebody-{secrets.token_hex(15)}")
    page.goto("/account/email/")
    page.get_by_label("Email", exact=True).fill(
        f"{secrets.token_hex(30)}@mail.example.org"
    )
    page.get_by_label("Password", exact=True).fill(PASSWORD_OF_PEOPLE)
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Your address was saved.")).to_be_visible()
    admin.set_viewport_size({"width": 1280, "height": 800})
    admin.goto("/admin/chat/user/")
    expect(admin.get_by_role("columnheader", name="Tokens in 24 h")).to_be_in_viewport(
        ratio=1
    )
    hidden = "({scrollWidth, clientWidth}) => scrollWidth - clientWidth"
    assert admin.locator("#changelist .results").evaluate(hidden) == 0
