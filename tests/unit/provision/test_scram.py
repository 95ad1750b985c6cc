"""What a stored verifier says about a password; the verifiers are PostgreSQL's own."""

import base64
import hashlib
import hmac

import pytest

from opskit.provision.access.scram import Stored, stored


def verifier(password: str, salt: bytes = b"0123456789abcdef", rounds: int = 4096) -> str:
    """As RFC 5803 spells it."""
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, rounds)
    client = hmac.digest(salted, b"Client Key", "sha256")
    keys = (hashlib.sha256(client).digest(), hmac.digest(salted, b"Server Key", "sha256"))
    stored_key, server_key = (base64.b64encode(key).decode() for key in keys)
    return f"SCRAM-SHA-256${rounds}:{base64.b64encode(salt).decode()}${stored_key}:{server_key}"


def test_the_right_password_matches() -> None:
    assert stored(verifier("geheim-_9"), "geheim-_9") is Stored.MATCHES


@pytest.mark.parametrize("password", ["geheim", "", "geheim-_9 ", None])
def test_any_other_differs(password: str | None) -> None:
    assert stored(verifier("geheim-_9"), password) is Stored.DIFFERS


@pytest.mark.parametrize("nothing", [None, ""])
def test_a_role_without_password_has_none(nothing: str | None) -> None:
    assert stored(nothing, "geheim") is Stored.NONE


def test_md5_is_told_apart_whatever_the_password() -> None:
    assert stored("md5" + "0" * 32, "geheim") is Stored.MD5


def test_letters_are_taken_in_their_composed_form() -> None:
    assert stored(verifier("\u00e9t\u00e9"), "e\u0301te\u0301") is Stored.MATCHES
