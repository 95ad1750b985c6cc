"""The web configuration: what its file may say, and whose password fits."""

import asyncio
from base64 import b64encode
from pathlib import Path

import pytest

from opskit.errors import ConfigurationError
from opskit.exporter.passwords import Passwords, credentials, fits_hash
from opskit.exporter.web_config import ClientAuth, Version, load_web_config

HASH = "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"
"""Of U*U, from the test vectors of crypt_blowfish."""


def written(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "web.yaml"
    file.write_text(text, encoding="utf-8")
    return file


def basic(user: str, password: str) -> str:
    return f"Basic {b64encode(f'{user}:{password}'.encode()).decode()}"


def test_files_are_meant_from_its_directory(tmp_path: Path) -> None:
    text = """
tls_server_config:
  cert_file: server.crt
  key_file: /etc/ssl/server.key
  client_auth_type: RequireAndVerifyClientCert
  client_ca_file: clients.crt
  min_version: TLS13
"""
    tls = load_web_config(written(tmp_path, text)).tls_server_config
    assert tls is not None
    assert (tls.cert_file, tls.key_file) == (tmp_path / "server.crt", Path("/etc/ssl/server.key"))
    assert (tls.client_auth_type, tls.client_ca_file) == (ClientAuth.REQUIRED, tmp_path / "clients.crt")
    assert tls.min_version is Version.TLS13


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("basic_auth_users: {me: secret-word}", "basic_auth_users.me"),
        ("basic_auth_user: {}", "basic_auth_user: unknown key"),
        ("tls_server_config: {cert_file: a}", "tls_server_config.key_file"),
        (
            "tls_server_config: {cert_file: a, key_file: b, min_version: TLS10}",
            "tls_server_config.min_version",
        ),
        (
            "tls_server_config: {cert_file: a, key_file: b, client_auth_type: RequireAndVerifyClientCert}",
            "tls_server_config.client_ca_file",
        ),
    ],
)
def test_what_is_wrong_is_named_and_no_password_is_repeated(tmp_path: Path, text: str, where: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        load_web_config(written(tmp_path, text))
    assert where in str(raised.value)
    assert "secret-word" not in str(raised.value)


def test_a_password_fits_its_hash_only() -> None:
    assert fits_hash(b"U*U", HASH)
    for other in (b"U*V", b"", b"U*U\0", b"u*u"):
        assert not fits_hash(other, HASH)


@pytest.mark.parametrize(
    "header",
    ["", "Basic", "Basic !", "Bearer " + b64encode(b"me:U*U").decode(), "Basic " + b64encode(b"me").decode()],
)
def test_other_headers_are_no_credentials(header: str) -> None:
    assert credentials(header) is None


def test_who_was_right_once_is_known_again_and_nobody_else() -> None:
    async def asked() -> list[bool]:
        passwords = Passwords({"me": HASH})
        headers = [basic("me", "U*U"), basic("me", "U*U"), basic("me", "U*V"), basic("you", "U*U"), ""]
        return [await passwords.admit(header) for header in headers]

    assert asyncio.run(asked()) == [True, True, False, False, False]
