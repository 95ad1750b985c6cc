"""A drafted configuration says what it was drafted from, and shows every section at its default."""

import re
from dataclasses import fields, replace
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from opskit.config import Application, Configuration, Database, Postgresql, Secret, load
from opskit.config.draft import draft, first_user
from opskit.host.scratch import scratch_directory

SHOWN_AT_THEIR_DEFAULTS = ("provision", "rollback")

texts = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufeff\ufffe\uffff"), min_size=1
)
names = st.from_regex(r"[A-Za-z][A-Za-z0-9_]{0,9}", fullmatch=True)
places = texts.map(lambda text: Path("/srv") / text.strip("/"))
secrets = st.builds(Secret, env=texts) | st.builds(Secret, file=places) | st.builds(Secret, credential=texts)
configurations = st.builds(
    Configuration,
    st.dictionaries(names, st.builds(Database, places, texts, st.integers(1, 99)), min_size=1, max_size=3),
    st.builds(Application, env_file=st.none() | places, unit=st.none() | texts),
    st.builds(
        Postgresql,
        host=texts,
        port=st.integers(1, 65535),
        user=st.none() | texts,
        password=st.none() | secrets,
        parameters=st.just({}) | st.just({"sslmode": "require"}),
    ),
)


def read(file: Path, text: str) -> Configuration:
    file.write_text(text, encoding="utf-8")
    return load(file, {}).configuration


@given(configurations)
def test_whatever_is_drafted_reads_back(configuration: Configuration) -> None:
    with scratch_directory() as directory:
        back = read(directory / "opskit.yaml", draft(configuration))
    assert back.application == configuration.application
    assert back.databases == configuration.databases
    assert back.postgresql == configuration.postgresql


def uncommented(text: str) -> str:
    """The draft with its commented sections in force."""
    return re.sub(r"^#(?=[a-z_]+:|  )", "", text, flags=re.MULTILINE)


def test_what_is_commented_out_is_the_default(tmp_path: Path) -> None:
    shown = read(tmp_path / "opskit.yaml", uncommented(draft(first_user())))
    plain = Configuration({})
    for section in SHOWN_AT_THEIR_DEFAULTS:
        assert getattr(shown, section) == getattr(plain, section), section


def test_every_section_is_shown() -> None:
    text = uncommented(draft(first_user()))
    assert [one.name for one in fields(Configuration) if f"\n{one.name}:" not in text] == []


def test_the_first_user_finds_his_application() -> None:
    configuration = first_user()
    assert {name: str(one.sqlite) for name, one in configuration.databases.items()} == {
        "main": "/srv/crewai/data/crewai_enhanced.db",
        "walmart": "/srv/crewai/data/walmart_grocery.db",
    }
    assert configuration.postgresql.user == "crewai_user"


def test_on_this_host_services_log_in_by_their_account_elsewhere_as_the_application_does(
    tmp_path: Path,
) -> None:
    here = read(tmp_path / "here.yaml", draft(first_user()))
    assert (here.backup.user, here.exporter.user) == (
        here.provision.roles.backup,
        here.provision.roles.monitor,
    )
    elsewhere = replace(first_user(), postgresql=Postgresql("db.example.org"))
    there = read(tmp_path / "there.yaml", draft(elsewhere))
    assert (there.migrate.user, there.backup.user, there.exporter.user) == (None, None, None)
