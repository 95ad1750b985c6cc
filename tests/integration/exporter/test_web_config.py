"""TLS and passwords, by a web configuration as the ecosystem has it."""

import os
import shutil
import signal
import ssl
import subprocess
from base64 import b64encode
from pathlib import Path

import pytest
import yaml

from tests.integration.exporter.world import Exporter, World, make_world, running, wait_until

HASH = "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"
PASSWORD = {"Authorization": f"Basic {b64encode(b'prometheus:U*U').decode()}"}


@pytest.fixture
def world(tmp_path: Path) -> World:
    """No PostgreSQL needed."""
    return make_world(tmp_path, None)


def certificate(directory: Path, name: str) -> tuple[str, str]:
    """A new key and the certificate that it signs itself."""
    program = shutil.which("openssl")
    if program is None and os.environ.get("CI") != "true":
        pytest.skip("openssl is not installed")
    assert program, "openssl is not installed"
    key, made = directory / f"{name}.key", directory / f"{name}.crt"
    kind = ("-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2")
    about = ("-subj", f"/CN={name}", "-addext", "subjectAltName=IP:127.0.0.1")
    command = (program, "req", *kind, *about, "-keyout", str(key), "-out", str(made))
    subprocess.run(command, check=True, capture_output=True)
    return str(made), str(key)


def configure(world: World, **web: object) -> None:
    (world.directory / "web.yaml").write_text(yaml.safe_dump(web), encoding="utf-8")
    document = yaml.safe_load(world.config.read_text(encoding="utf-8"))
    world.config.write_text(
        yaml.safe_dump({**document, "exporter": {"reuse": "0s", "web_config": "web.yaml"}}), "utf-8"
    )


def reload(exporter: Exporter, answer: str = "was read again") -> None:
    seen = exporter.words().count(answer)
    exporter.process.send_signal(signal.SIGHUP)
    wait_until(lambda: exporter.words().count(answer) > seen)


def started(exporter: Exporter) -> Exporter:
    """Serving; whether it is ready it does not tell everybody here."""
    wait_until(lambda: exporter.find_port() or exporter.process.poll() is not None)
    assert exporter.port, exporter.words()
    return exporter


def test_who_has_no_password_gets_nothing_and_users_change_with_a_reload(world: World) -> None:
    configure(world, basic_auth_users={"prometheus": HASH})
    with running(world, wait=False) as exporter:
        started(exporter)
        for path in ("/", "/metrics", "/-/healthy", "/nothing"):
            refused = exporter.get(path)
            assert refused.status == 401
            assert refused.headers["www-authenticate"].startswith("Basic realm=")
        wrong = b64encode(b"prometheus:wrong").decode()
        assert exporter.get(Authorization=f"Basic {wrong}").status == 401
        for _ in range(2):
            scrape = exporter.scrape(**PASSWORD)
        assert scrape.value("opskit_exporter_http_requests_total", path="other", code="401") == 5
        configure(world, basic_auth_users={"other": HASH})
        reload(exporter)
        assert exporter.get(**PASSWORD).status == 401
        configure(world)
        reload(exporter)
        assert exporter.get().status == 200
    assert "U*U" not in exporter.words()


def test_it_speaks_tls_and_takes_a_new_certificate_over_without_a_restart(world: World) -> None:
    first, key = certificate(world.directory, "first")
    configure(world, tls_server_config={"cert_file": "first.crt", "key_file": "first.key"})
    with running(world, wait=False) as exporter:
        exporter.tls = ssl.create_default_context(cafile=first)
        started(exporter)
        assert exporter.scrape().value("opskit_database_up", database="main") == 1
        assert len(exporter.get("/").body) > 1000
        second, key = certificate(world.directory, "second")
        configure(world, tls_server_config={"cert_file": second, "key_file": key})
        reload(exporter)
        with pytest.raises(ssl.SSLCertVerificationError):
            exporter.get()
        exporter.tls = ssl.create_default_context(cafile=second)
        assert exporter.get().status == 200
        configure(world)
        reload(exporter, "is left as it was: whether TLS is spoken cannot change")
        assert exporter.get().status == 200
        assert exporter.stop() == 0
    assert "Traceback" not in exporter.words()


def test_clients_may_be_asked_for_a_certificate(world: World) -> None:
    server, key = certificate(world.directory, "server")
    client, client_key = certificate(world.directory, "client")
    tls = {"cert_file": server, "key_file": key}
    configure(
        world,
        tls_server_config={
            **tls,
            "client_auth_type": "RequireAndVerifyClientCert",
            "client_ca_file": client,
        },
    )
    with running(world, wait=False) as exporter:
        exporter.tls = ssl.create_default_context(cafile=server)
        started(exporter)
        with pytest.raises(OSError, match=r"certificate required|reset|closed"):
            exporter.get()
        exporter.tls.load_cert_chain(client, client_key)
        assert exporter.get().status == 200


@pytest.mark.parametrize("missing", ["cert_file", "key_file"])
def test_files_that_cannot_be_used_are_a_usage_error(world: World, missing: str) -> None:
    made, key = certificate(world.directory, "server")
    configure(world, tls_server_config={"cert_file": made, "key_file": key, missing: "nowhere"})
    with running(world, wait=False) as exporter:
        assert exporter.process.wait(20) == 2
    assert "No such file or directory" in exporter.words()
    assert "Traceback" not in exporter.words()
