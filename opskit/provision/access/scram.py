"""What a stored password verifier says about a password, without asking the server (RFC 5803, RFC 7677)."""

import base64
import hashlib
import hmac
import unicodedata
from enum import Enum


class Stored(Enum):
    """How a role's password stands in the server."""

    NONE = "none"
    MATCHES = "matches"
    DIFFERS = "differs"
    MD5 = "md5"
    UNSEEN = "unseen"
    """Only a superuser may look."""


def stored(verifier: str | None, password: str | None) -> Stored:
    """How a password compares with what pg_authid holds; a role without password is NONE.

    Args:
        password: None when nobody knows one, which any verifier differs from.
    """
    if not verifier:
        return Stored.NONE
    if not verifier.startswith("SCRAM-SHA-256$"):
        return Stored.MD5
    matches = password is not None and _verifies(verifier, password)
    return Stored.MATCHES if matches else Stored.DIFFERS


def _verifies(verifier: str, password: str) -> bool:
    """SCRAM-SHA-256$ROUNDS:SALT$STORED KEY:SERVER KEY; the stored key suffices."""
    _, parameters, keys = verifier.split("$")
    rounds, salt = parameters.split(":")
    # SASLprep of what people type comes to NFKC; generated passwords are ASCII
    text = unicodedata.normalize("NFKC", password).encode()
    salted = hashlib.pbkdf2_hmac("sha256", text, base64.b64decode(salt), int(rounds))
    client_key = hmac.digest(salted, b"Client Key", "sha256")
    stored_key = base64.b64decode(keys.split(":")[0])
    return hmac.compare_digest(hashlib.sha256(client_key).digest(), stored_key)
