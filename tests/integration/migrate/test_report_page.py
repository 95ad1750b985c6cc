"""The report's page in a real browser, made by a real migration of a database with hostile names."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chromium import Chromium, chromium, find_chromium
from tests.conftest import TestDatabase
from tests.support import Opskit, make_sqlite

HOSTILE = """<img src=x onerror="document.title='taken over'">"""
SCRIPT = f"""
CREATE TABLE "{HOSTILE.replace('"', '""')}" ("</td><script>document.title='taken over'</script>" TEXT);
CREATE TABLE orders (id INTEGER PRIMARY KEY, xmin TEXT COLLATE NOCASE, status TEXT CHECK (status <> 'lost'));
CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT);
CREATE INDEX orders_status ON orders (status);
CREATE VIEW broken AS SELECT gone FROM orders;
INSERT INTO orders (status) VALUES ('new'), ('paid');
"""
SHOWN = "[...document.querySelectorAll('.tables > tbody')].filter(one => !one.hidden).length"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    program = find_chromium()
    if program is None:
        if os.environ.get("CI") == "true":
            pytest.fail("no Chromium is installed")
        pytest.skip("no Chromium is installed")
    with chromium(program, tmp_path_factory.mktemp("chromium")) as running:
        yield running


@pytest.fixture
def page(browser: Chromium, opskit: Opskit, database: TestDatabase, tmp_path: Path) -> Chromium:
    """A browser that shows the report of a migration, from its file."""
    source, report = make_sqlite(tmp_path / "shop.db", SCRIPT), tmp_path / "report.html"
    result = opskit("migrate", source, database.url, "--report", report)
    assert result.code == 0, result
    browser.open(report.as_uri())
    return browser


def test_the_page_shows_names_as_they_are_and_its_policy_has_nothing_to_complain_about(
    page: Chromium,
) -> None:
    assert page.value("document.title") == "Migration of shop"
    assert page.value("document.querySelector('h1').textContent") == "Every row arrived"
    names = page.value(
        "[...document.querySelectorAll('.tables > tbody > tr > th')].map(one => one.innerText)"
    )
    assert HOSTILE in names
    assert page.value("document.images.length") == 0
    assert not page.events.keys() & {"Log.entryAdded", "Runtime.exceptionThrown"}, page.events


def test_a_search_leaves_only_the_tables_and_notes_that_hold_every_word(page: Chromium) -> None:
    assert page.value(SHOWN) == 3
    page.value("document.querySelector('#find').focus()")
    page.type("ORDERS_status")
    assert page.value(SHOWN) == 1
    assert page.value("document.querySelector('output').textContent") == "1 of 3 tables"


def test_a_table_is_opened_by_keyboard(page: Chromium) -> None:
    page.value("document.querySelector('.tables summary').focus()")
    page.press("Enter", 13)
    assert page.value("document.querySelector('.tables details').open") is True


def test_everything_is_opened_at_once_and_closed_again(page: Chromium) -> None:
    closed = "[...document.querySelectorAll('details')].filter(one => !one.open).length"
    page.value("document.querySelector('#open').click()")
    assert page.value(closed) == 0
    page.value("document.querySelector('#open').click()")
    assert page.value(closed) == page.value("document.querySelectorAll('details').length")


def test_a_telephone_never_scrolls_sideways(page: Chromium) -> None:
    page.value("document.querySelector('#open').click()")
    page.call("Emulation.setDeviceMetricsOverride", width=390, height=844, deviceScaleFactor=2, mobile=True)
    assert page.value("document.documentElement.scrollWidth") == 390


def test_the_page_follows_the_dark_scheme(page: Chromium) -> None:
    ground = "getComputedStyle(document.body).backgroundColor"
    light = page.value(ground)
    dark = {"name": "prefers-color-scheme", "value": "dark"}
    page.call("Emulation.setEmulatedMedia", features=[dark])
    assert page.value(ground) != light


def test_without_scripts_the_page_is_whole_but_for_its_search(page: Chromium) -> None:
    page.call("Emulation.setScriptExecutionDisabled", value=True)
    page.reload()
    assert page.value("document.querySelector('search').hidden") is True
    assert page.value("document.querySelectorAll('.tables > tbody').length") == 3


def test_a_run_that_is_refused_leaves_files_that_can_be_read(
    opskit: Opskit, database: TestDatabase, tmp_path: Path
) -> None:
    report, names = tmp_path / "report.json", tmp_path / "names.json"
    result = opskit("migrate", tmp_path / "no.db", database.url, "--report", report, "--name-map", names)
    assert result.code == 6
    assert [json.loads(file.read_text()) for file in (report, names)] == [{}, {}]


def test_the_json_report_says_what_was_made_and_why(
    opskit: Opskit, database: TestDatabase, tmp_path: Path
) -> None:
    source = make_sqlite(tmp_path / "shop.db", SCRIPT)
    result = opskit("migrate", source, database.url, "-o", "json")
    (one,) = result.document["result"]["databases"]
    assert {phase["name"] for phase in one["phases"]} >= {"copy", "verify", "publish"}
    (orders,) = [table for table in one["tables"] if table["target"] == "orders"]
    assert [(column["target"], column["pg_type"]) for column in orders["columns"]] == [
        ("id", "bigint"),
        ("xmin_", "text"),
        ("status", "text"),
    ]
    assert ("check", "orders_check1") in {(made["kind"], made["name"]) for made in orders["made"]}
    assert orders["key_generator"] == {"column": "id", "last": 2}
    about = {notes["about"]: notes["notes"] for notes in one["notes"]}
    assert about["view broken"][0]["sql"] == "CREATE VIEW broken AS SELECT gone FROM orders"
    assert any("xmin_" in note["sentence"] for note in about["table orders"])
