"""The status page in a real browser, served by a real exporter."""

import os
from collections.abc import Iterator

import psycopg
import pytest

from opskit.host.private_cluster import PrivateCluster
from tests.chromium import Chromium, chromium, find_chromium
from tests.integration.exporter.world import Exporter, World

COMPLAINTS = {"Log.entryAdded", "Runtime.exceptionThrown", "Runtime.consoleAPICalled"}


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
def page(browser: Chromium, world: World, exporter: Exporter, cluster: PrivateCluster) -> Chromium:
    """The page of a database in PostgreSQL with hundreds of tables, and one that is not there."""
    with psycopg.connect(cluster.conninfo("main"), autocommit=True) as connection:
        connection.execute(
            "DO $$ BEGIN FOR n IN 1..300 LOOP"
            " EXECUTE format('CREATE TABLE %I (id bigserial)', 'a table with a long name, number ' || n);"
            " END LOOP; END $$"
        )
        connection.execute("ALTER DATABASE walmart RENAME TO elsewhere")
        world.use("postgresql")
        exporter.get("/")
        try:
            browser.open(f"http://127.0.0.1:{exporter.port}/?still")
        finally:
            connection.execute("ALTER DATABASE elsewhere RENAME TO walmart")
            connection.execute(
                "DO $$ BEGIN FOR n IN 1..300 LOOP"
                " EXECUTE format('DROP TABLE %I', 'a table with a long name, number ' || n);"
                " END LOOP; END $$"
            )
    return browser


def words(page: Chromium, selector: str) -> list[str]:
    return page.value(f"[...document.querySelectorAll({selector!r})].map(one => one.innerText)")


def test_it_says_how_every_database_is(page: Chromium) -> None:
    assert words(page, "h1") == ["1 of 2 databases is down"]
    assert words(page, "h2") == ["main", "walmart"]
    assert words(page, ".state") == ["Up", "Down"]
    assert words(page, ".notes li") == ["Down: the server has no such database."]
    titles = words(page, ".tile h3")
    assert titles[0] == "Queries"
    assert len(titles) == 8
    assert page.value("document.querySelectorAll('details tbody tr').length") == 10


def test_nothing_is_asked_of_others_and_the_policy_has_nothing_to_complain_about(page: Chromium) -> None:
    assert not page.events.keys() & COMPLAINTS, page.events
    page.call("Network.enable")
    page.reload()
    asked = [one["request"]["url"] for one in page.events["Network.requestWillBeSent"]]
    assert [url.partition("/?")[2] for url in asked] == ["still"]
    assert not page.events.keys() & COMPLAINTS, page.events
    assert page.value("getComputedStyle(document.querySelector('.tile')).borderRadius") == "10px"


def test_a_telephone_never_scrolls_sideways(page: Chromium) -> None:
    page.value("document.querySelector('details').open = true")
    for width in (320, 390):
        page.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=844, deviceScaleFactor=2, mobile=True
        )
        assert page.value("document.documentElement.scrollWidth") == width


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_word_can_be_read_on_its_ground(page: Chromium, scheme: str) -> None:
    page.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
    assert page.value(FAINT) == []


FAINT = """(() => {
  const parts = colour => colour.match(/[\\d.]+/g).map(Number);
  const light = colour => {
    const [r, g, b] = parts(colour).map(one => one / 255).map(
      one => one <= .04045 ? one / 12.92 : ((one + .055) / 1.055) ** 2.4);
    return .2126 * r + .7152 * g + .0722 * b;
  };
  const ground = one => {
    for (; one; one = one.parentElement) {
      const colour = getComputedStyle(one).backgroundColor;
      if (parts(colour)[3] !== 0) return colour;
    }
    return "rgb(255, 255, 255)";
  };
  return [...document.querySelectorAll("body *")].filter(one => !one.closest("svg")
    && [...one.childNodes].some(child => child.nodeType === 3 && child.data.trim())).filter(one => {
      const [a, b] = [light(getComputedStyle(one).color), light(ground(one))].sort((x, y) => y - x);
      return (a + .05) / (b + .05) < 4.5;
    }).map(one => one.outerHTML);
})()"""
"""What has less contrast than WCAG 2.1 AA asks of small text."""


def test_charts_and_tables_speak_to_who_cannot_see_them(page: Chromium) -> None:
    nodes = page.call("Accessibility.getFullAXTree")["nodes"]
    named = {(one.get("role", {}).get("value"), one.get("name", {}).get("value")) for one in nodes}
    roles = {role for role, _ in named}
    assert {"main", "article", "heading", "table", "columnheader", "rowheader"} <= roles
    charts = {name for role, name in named if role in {"image", "img"}}
    assert any(name.startswith("Connections") for name in charts)
    assert any(name.startswith("The last hour: up at ") for name in charts)
