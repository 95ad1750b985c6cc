"""The report's page: one whole file, in which a name is a name whatever it looks like."""

import re
from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser
from importlib.resources import files
from typing import NamedTuple, get_args

import pytest

from opskit.migrate.report import DatabaseReport, KeyGenerator, Made, Report, TableReport
from opskit.migrate.report_notes import group
from opskit.migrate.report_page import OPEN_NOTES, SHOWN_LINES, page
from opskit.migrate.report_text import text
from opskit.migrate.steps import Step
from opskit.migrate.timeline import PHASES, Phase
from opskit.schema.design import ColumnDesign

HOSTILE = """<script>alert("it's & evil")</script>"""
TABLE = TableReport(
    source="orders",
    target="orders",
    rows=1500,
    rejected=0,
    bytes=4_000_000,
    seconds=2.0,
    rows_per_second=750,
    bytes_per_second=2_000_000,
    verified=True,
    columns=(
        ColumnDesign("id", "id", "bigint", "declared INTEGER, all 1500 values fit"),
        ColumnDesign("xmin", "xmin_", "text", "declared TEXT, all 1500 values fit", generated=True),
    ),
    made=(Made("primary key", "orders_pkey", 'ALTER TABLE "orders" ADD …'),),
    key_generator=KeyGenerator("id", 1700),
)
WRITTEN = "SELECT 1 -- one\n  FROM paid"
TOLD = (
    "view paid was left out: it differs; its SQL is SELECT 1 -- one FROM paid",
    "table orders is odd",
    "all is odd",
)
MENTIONS = {"table orders": "table orders", "view paid": "view paid"}
DATABASE = DatabaseReport(
    name="main",
    source="/srv/app.db",
    target="db1:5432/app",
    server_version="15.8",
    backup="/backups/main.db",
    backup_sha256="c0ffee",
    profile_seconds=1.0,
    phases=(Phase("copy", 0.5, 2.0), Phase("verify", 2.5, 1.5)),
    tables=(TABLE,),
    views=(),
    triggers=("touch",),
    made=(Made("trigger", "touch", "CREATE TRIGGER touch …"),),
    notes=group(TOLD, MENTIONS, [WRITTEN]),
    told=TOLD,
)
STARTED, FINISHED = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), datetime(2026, 1, 2, 3, 4, 9, tzinfo=UTC)


def of(*databases: DatabaseReport) -> Report:
    return Report("20260102T030405.000000Z-1", STARTED, FINISHED, databases)


class Element(NamedTuple):
    tag: str
    attributes: dict[str, str | None]


class Reader(HTMLParser):
    """The elements of a page, and its text without style and script."""

    def __init__(self, markup: str) -> None:
        super().__init__()
        self.elements: list[Element] = []
        self._words: list[str] = []
        self._within = ""
        self.feed(markup)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self._words).split())

    def all(self, tag: str) -> list[Element]:
        return [one for one in self.elements if one.tag == tag]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(Element(tag, dict(attrs)))
        self._within = tag

    def handle_endtag(self, tag: str) -> None:
        if tag == self._within:
            self._within = ""

    def handle_data(self, data: str) -> None:
        if self._within not in {"style", "script"}:
            self._words.append(data)


def test_the_verdict_comes_first_and_says_how_many_notes_there_are() -> None:
    words = Reader(page(of(DATABASE))).text
    assert words.index("Every row arrived") < words.index("3 notes") < words.index("From /srv/app.db")


def test_a_table_that_was_not_verified_changes_the_verdict_and_is_marked() -> None:
    words = Reader(page(of(replace(DATABASE, tables=(replace(TABLE, verified=False),))))).text
    assert "Not every table was verified" in words
    assert "Every row arrived" not in words
    assert "750 2.0 no" in words


def test_rows_that_were_set_aside_are_the_verdict_and_counted_at_their_table() -> None:
    report = of(replace(DATABASE, tables=(replace(TABLE, rejected=3),)))
    words = Reader(page(report)).text
    assert "3 rows set aside" in words[: words.index("1 table")]
    assert "1,500 3 set aside" in words
    assert "yes, 3 rows set aside" in text(report)


def test_a_table_shows_its_size_speed_types_reasons_keys_and_notes() -> None:
    words = Reader(page(of(DATABASE))).text
    assert "orders 1 note 1,500 4.0 MB 2.00 s 750 2.0 yes" in words
    assert "New keys in id go on after 1700." in words
    assert "xmin_ was xmin text declared TEXT, all 1500 values fit; computed by the server" in words
    assert 'primary key orders_pkey ALTER TABLE "orders" ADD …' in words


def test_a_rule_that_existing_rows_break_says_so() -> None:
    rule = Made("foreign key", "orders_fkey", "ALTER …", valid=False)
    words = Reader(page(of(replace(DATABASE, tables=(replace(TABLE, made=(rule,)),))))).text
    assert "foreign key orders_fkey not valid for existing rows" in words


def test_notes_stand_with_their_object_and_their_sql() -> None:
    markup = page(of(DATABASE))
    assert "<li>view paid was left out: it differs<pre>SELECT 1 -- one\n  FROM paid</pre></li>" in markup
    assert "the database 1 note all is odd" in Reader(markup).text


def test_long_sql_of_a_note_is_opened_when_it_is_wanted() -> None:
    told = (f"view paid was left out; its SQL is {'SELECT 1 ' * SHOWN_LINES}FROM paid",)
    written = "SELECT 1\n" * SHOWN_LINES + "FROM paid"
    markup = page(of(replace(DATABASE, told=told, notes=group(told, MENTIONS, [written]))))
    assert "<details><summary>6 lines of SQL</summary><pre>SELECT 1\n" in markup


def test_many_notes_are_opened_object_by_object() -> None:
    many = tuple(f"table orders has fault {number}" for number in range(OPEN_NOTES + 1))
    database = replace(DATABASE, told=many, notes=group(many, MENTIONS))
    (notes,) = [one for one in Reader(page(of(database))).all("details") if one.attributes.get("id")]
    assert "open" not in notes.attributes


def test_several_databases_are_listed_with_links() -> None:
    found = Reader(page(of(DATABASE, replace(DATABASE, name="walmart"))))
    assert "walmart 1 table, 1,500 rows, 3 notes" in found.text
    assert len(found.all("nav")) == 1
    assert not Reader(page(of(DATABASE))).all("nav")


def test_every_value_is_escaped() -> None:
    names = dict.fromkeys(("name", "source", "target", "server_version", "backup", "backup_sha256"), HOSTILE)
    column = ColumnDesign(HOSTILE, HOSTILE, HOSTILE, HOSTILE)
    made = Made(HOSTILE, HOSTILE, HOSTILE)
    table = replace(TABLE, source=HOSTILE, target=f"{HOSTILE}2", columns=(column,), made=(made,))
    told = (f"table {HOSTILE} is odd; its SQL is {HOSTILE}",)
    database = replace(
        DATABASE,
        **names,
        phases=(Phase(HOSTILE, 0, 1),),
        tables=(table,),
        made=(made,),
        told=told,
        notes=group(told, {f"table {HOSTILE}": f"table {HOSTILE}"}),
    )
    markup = page(replace(of(database, database), run=HOSTILE))
    expected = page(of(DATABASE, DATABASE))
    assert len(Reader(markup).all("script")) == len(Reader(expected).all("script")) == 1
    assert "<script>alert" not in markup
    assert markup.count("&lt;script&gt;alert(&quot;it&#x27;s &amp; evil&quot;)&lt;/script&gt;") > 20


def test_nothing_is_loaded_from_anywhere_and_only_its_own_style_and_script_may_run() -> None:
    found = Reader(page(of(DATABASE)))
    links = [
        one.attributes[name] for one in found.elements for name in ("href", "src") if name in one.attributes
    ]
    assert links
    assert all(link and link.startswith("#") for link in links)
    assert not [one for one in found.elements if "style" in one.attributes or one.tag == "link"]
    assert not [name for one in found.elements for name in one.attributes if name.startswith("on")]
    policy = found.all("meta")[1].attributes["content"]
    assert policy is not None
    assert re.fullmatch(
        r"default-src 'none'; style-src 'sha256-\S{44}'; script-src 'sha256-\S{44}';"
        r" base-uri 'none'; form-action 'none'",
        policy,
    )


def test_links_lead_somewhere_and_no_name_is_used_twice() -> None:
    found = Reader(page(of(DATABASE, replace(DATABASE, name="walmart"))))
    names = [one.attributes["id"] for one in found.elements if "id" in one.attributes]
    assert len(names) == len(set(names))
    assert {f"#{name}" for name in names} >= {one.attributes["href"] for one in found.all("a")}


def test_every_table_has_a_caption_and_every_heading_cell_a_scope() -> None:
    found = Reader(page(of(DATABASE)))
    assert len(found.all("caption")) == len(found.all("table"))
    assert all("scope" in one.attributes for one in found.all("th"))
    assert [len(found.all(one)) for one in ("header", "main", "footer", "h1")] == [1, 1, 1, 1]


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_text_is_readable_on_every_ground(scheme: int) -> None:
    style = (files("opskit.migrate") / "page" / "page.css").read_text(encoding="utf-8")
    blocks = re.findall(r":root \{(.*?)\}", style, re.DOTALL)
    colors = dict(re.findall(r"--(\w+): (#\w{6});", blocks[scheme]))
    for ground in ("page", "card"):
        for ink in ("text", "muted", "link", "good", "warn", "bad"):
            assert contrast(colors[ink], colors[ground]) >= 4.5, (ink, ground)


def contrast(one: str, other: str) -> float:
    """The ratio that WCAG 2 asks to be at least 4.5 for text."""
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def luminance(color: str) -> float:
    channels = [int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_the_text_names_every_table_and_note() -> None:
    lines = text(of(DATABASE)).splitlines()
    assert lines[0] == "main: /srv/app.db → db1:5432/app (PostgreSQL 15.8)"
    assert lines[2].split() == ["orders", "1,500", "4.0", "2.00", "750", "2.0", "yes"]
    assert lines[lines.index("  notes:") :] == [
        "  notes:",
        "    table orders",
        "      - table orders is odd",
        "    view paid",
        "      - view paid was left out: it differs",
        "        SELECT 1 -- one FROM paid",
        "    the database",
        "      - all is odd",
        "",
        "Done in 4.0 s.",
    ]


def test_every_kind_of_step_belongs_to_a_phase() -> None:
    assert set(PHASES) == set(get_args(Step))
