"""Secrets are named in the configuration and read here, at the moment of use."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from opskit.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class Secret:
    """The name of a secret, never the secret: exactly one of the three is set."""

    env: str | None = None
    file: Path | None = None
    credential: str | None = None


def read_secret(secret: Secret | None, environ: Mapping[str, str] = os.environ) -> str | None:
    """The secret's value, or None when none is named (libpq then looks at PGPASSWORD and ~/.pgpass itself).

    Raises:
        ConfigurationError: the named place does not hold it; the text never contains the value.
    """
    if secret is None:
        return None
    if secret.env is not None:
        value = environ.get(secret.env)
        if not value:
            raise ConfigurationError.of(
                "secret", f"the environment has no {secret.env}", hint=f"set {secret.env}", where=secret.env
            )
        return value
    file = secret.file or Path(environ.get("CREDENTIALS_DIRECTORY", "/run/credentials")) / str(
        secret.credential
    )
    try:
        value = file.read_text(encoding="utf-8").rstrip("\r\n")
    except OSError as error:
        raise ConfigurationError.of(
            "secret",
            f"the secret in {file} cannot be read: {error.strerror}",
            hint="make the file readable for this user",
            where=str(file),
        ) from error
    except UnicodeDecodeError:  # its text would quote the secret
        value = ""
    if not value:
        raise ConfigurationError.of(
            "secret",
            f"{file} holds no secret: it is empty or no UTF-8 text",
            hint="write the password into it, as one line",
            where=str(file),
        )
    return value
