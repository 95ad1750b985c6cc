"""Who may ask: HTTP's basic authentication against bcrypt hashes.

libcrypt, which every Debian has, computes them; Python's own module for it is on its way out.
"""

import asyncio
import ctypes
import hmac
import os
from base64 import b64decode
from collections.abc import Mapping
from hashlib import blake2b

_LIBRARY = "libcrypt.so.1"
_WORKSPACE_BYTES = 32768
"""struct crypt_data of crypt(3)."""

_NOBODY = "$2y$10$QOauhQNbBCuQDKes6eFzPeMqBSjb7Mr5DUmpZ/VcEd00UAV/LDeSi"
"""A hash for the passwords of unknown users: refusing them takes as long as refusing a wrong password."""


class Passwords:
    """Checks credentials, one at a time; those that were right once are known again without computing."""

    def __init__(self, users: Mapping[str, str]) -> None:
        self._users = users
        self._secret = os.urandom(32)
        self._right: dict[str, bytes] = {}
        self._turn = asyncio.Lock()

    async def admit(self, authorization: str) -> bool:
        """Whether a request with this Authorization header may be answered."""
        given = credentials(authorization)
        if given is None:
            return False
        user, password = given
        digest = blake2b(password, key=self._secret).digest()
        if hmac.compare_digest(self._right.get(user, b""), digest):
            return True
        async with self._turn:
            fits = await asyncio.to_thread(fits_hash, password, self._users.get(user, _NOBODY))
        admitted = fits and user in self._users
        if admitted:
            self._right[user] = digest
        return admitted


def credentials(authorization: str) -> tuple[str, bytes] | None:
    """User and password of an Authorization header.

    >>> credentials("Basic bWU6c2VjcmV0")
    ('me', b'secret')
    """
    scheme, _, encoded = authorization.partition(" ")
    try:
        user, colon, password = b64decode(encoded.strip(), validate=True).partition(b":")
        name = user.decode()
    except ValueError:
        return None
    return (name, password) if scheme.lower() == "basic" and colon else None


def fits_hash(password: bytes, known: str) -> bool:
    """Whether the password is that of the hash. Takes as long as the hash's cost wants.

    Raises:
        OSError: there is no libcrypt.
    """
    crypt = ctypes.CDLL(_LIBRARY).crypt_rn
    crypt.restype = ctypes.c_char_p
    workspace = ctypes.create_string_buffer(_WORKSPACE_BYTES)
    computed: bytes | None = crypt(password, known.encode(), workspace, _WORKSPACE_BYTES)
    return computed is not None and b"\0" not in password and hmac.compare_digest(computed, known.encode())
