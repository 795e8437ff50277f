"""Django's admin works under the policy of the site."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.conftest import START_SECONDS, Site
from tests.browser.test_policy import violations, watched  # noqa: F401 - a fixture
from tests.processes import Program

PASSWORD = secrets.token_urlsafe(16)


@pytest.fixture
def admin(watched: BrowserContext, site: Site) -> Iterator[Page]:  # noqa: F811
    name = f"admin-{secrets.token_hex(4)}"
    make = ("manage.py", "createsuperuser", "--no-input", "--username", name)
    with Program(
        *make,
        DJANGO_SUPERUSER_PASSWORD=PASSWORD,
        DJANGO_SUPERUSER_EMAIL=f"{name}@example.org",
        **site.environment,
    ) as making:
        assert making.process.wait(START_SECONDS) == 0, making.log
    page = watched.new_page()
    page.goto("/admin/")
    page.fill("#id_username", name)
    page.fill("#id_password", PASSWORD)
    page.click("[type=submit]")
    expect(page.locator("#site-name")).to_be_visible()
    yield page


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
