"""A password is in no log, metric, page or error, in whatever way it was given, rightly or wrongly."""

import signal
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import pytest
import yaml

from opskit.host.private_cluster import PrivateCluster
from tests.integration.exporter.world import make_world, running, wait_until

PASSWORD = "hush-hush:p@ss w0rd'"
URL = "postgresql://locked_out:hush-hush@127.0.0.1/main"


@dataclass(frozen=True)
class Form:
    """How a password is given; FILE stands for a file that holds it.

    Attributes:
        file: what stands in that file.
        database: its name in PostgreSQL.
    """

    postgresql: Mapping[str, object] = field(default_factory=dict[str, object])
    environ: Mapping[str, str] = field(default_factory=dict[str, str])
    file: str = PASSWORD
    database: str = "main"


FORMS = {
    "in a file": Form({"password": {"file": "FILE"}}),
    "in a file of several lines": Form({"password": {"file": "FILE"}}, file=f"{PASSWORD}\nhush-hush\n"),
    "in the environment": Form({"password": {"env": "OURS"}}, {"OURS": PASSWORD}),
    "in a credential": Form({"password": {"credential": "password"}}, {"CREDENTIALS_DIRECTORY": "DIRECTORY"}),
    "in PGPASSWORD": Form({}, {"PGPASSWORD": PASSWORD}),
    "in a file of libpq": Form({}, {"PGPASSFILE": "FILE"}, file="*:*:*:*:hush-hush\n"),
    "as the name of a file": Form({"password": {"file": "hush-hush"}}),
    "as the name of a variable": Form({"password": {"env": "hush-hush"}}),
    "in a URL for a host": Form({"host": URL}),
    "in a connection string for a host": Form({"host": "host=127.0.0.1 password=hush-hush"}),
    "in a URL for a database": Form({}, database=URL),
    "in a connection string for a database": Form({}, database="dbname=main password=hush-hush"),
    "behind the role": Form({"user": "locked_out:hush-hush"}),
}
REFUSED = {
    "itself": {"password": PASSWORD},
    "under a key of its own": {"password": {"text": PASSWORD}},
    "in a URL": {"url": URL},
}


@pytest.fixture(scope="module")
def locked_out(cluster: PrivateCluster) -> Iterator[None]:
    """A role whose password is another one."""
    with psycopg.connect(cluster.conninfo("main"), autocommit=True) as connection:
        connection.execute("CREATE ROLE locked_out LOGIN PASSWORD 'right'")
        yield
        connection.execute("DROP ROLE locked_out")


@pytest.mark.usefixtures("locked_out")
@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS.keys())
def test_one_that_does_not_open_is_told_nowhere(tmp_path: Path, cluster: PrivateCluster, form: Form) -> None:
    file = tmp_path / "password"
    file.write_text(form.file, encoding="utf-8")
    file.chmod(0o600)
    places = {"FILE": str(file), "DIRECTORY": str(tmp_path)}
    given = yaml.safe_load(yaml.safe_dump(dict(form.postgresql)).replace("FILE", str(file)))
    world = make_world(tmp_path, cluster, **{"host": "127.0.0.1", "user": "locked_out", **given})
    document = yaml.safe_load(world.config.read_text(encoding="utf-8"))
    document["databases"]["main"]["postgresql"] = form.database
    world.config.write_text(yaml.safe_dump(document), encoding="utf-8")
    world.use("postgresql")
    environ = {name: places.get(value, value) for name, value in form.environ.items()}
    with running(world, "-v", env=environ) as exporter:
        answers = [exporter.get(path).body.decode() for path in ("/metrics", "/", "/nothing")]
        assert exporter.scrape().value("opskit_database_up", database="main") == 0
        exporter.process.send_signal(signal.SIGHUP)
        wait_until(lambda: "read again" in exporter.words())
        exporter.stop()
    assert "main: down on postgresql" in exporter.words()
    assert "hush" not in exporter.words() + "".join(answers)


@pytest.mark.parametrize("postgresql", REFUSED.values(), ids=REFUSED.keys())
def test_one_that_stands_in_the_configuration_is_refused_and_not_repeated(
    tmp_path: Path, postgresql: Mapping[str, object]
) -> None:
    world = make_world(tmp_path, None, **postgresql)
    with running(world, "-v", wait=False) as exporter:
        assert exporter.process.wait(20) == 2
    assert "postgresql." in exporter.words()
    assert "hush" not in exporter.words()
