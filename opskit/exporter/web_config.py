"""How the exporter is reached: TLS and passwords, from a file as Prometheus' exporter-toolkit has it.

https://github.com/prometheus/exporter-toolkit/blob/master/docs/web-configuration.md
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from opskit.config import read_document
from opskit.config.parse import Parser
from opskit.errors import ConfigurationError, Fault

if TYPE_CHECKING:
    from ssl import SSLContext

_BCRYPT = re.compile(r"\$2[aby]\$\d\d\$[./A-Za-z0-9]{53}")


class ClientAuth(Enum):
    """Whether clients show a certificate, in the words of Go's crypto/tls."""

    NONE = "NoClientCert"
    IF_GIVEN = "VerifyClientCertIfGiven"
    REQUIRED = "RequireAndVerifyClientCert"


class Version(Enum):
    """A version of TLS."""

    TLS12 = "TLS12"
    TLS13 = "TLS13"


@dataclass(frozen=True, slots=True)
class Tls:
    """The certificate, and what is asked of clients."""

    cert_file: Path
    key_file: Path
    client_auth_type: ClientAuth = ClientAuth.NONE
    client_ca_file: Path | None = None
    min_version: Version = Version.TLS12
    max_version: Version = Version.TLS13


@dataclass(frozen=True, slots=True)
class WebConfig:
    """How the exporter is reached.

    Attributes:
        tls_server_config: None: by HTTP.
        basic_auth_users: name → bcrypt hash of the password; none: everybody may.
    """

    tls_server_config: Tls | None = None
    basic_auth_users: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


def load_web_config(file: Path) -> WebConfig:
    """The file's content; paths in it are meant from its directory.

    Raises:
        ConfigurationError: with every fault, each with its place.
    """
    parser = Parser()
    parsed = parser.parse(WebConfig, read_document(file))
    faults = [*parser.faults, *(_faults(parsed) if parsed else ())]
    if parsed is None or faults:
        raise ConfigurationError(*(replace(one, message=f"{file}: {one.message}") for one in faults))
    tls = parsed.tls_server_config
    return replace(parsed, tls_server_config=_rooted(tls, file.parent) if tls else None)


def _faults(web: WebConfig) -> Iterator[Fault]:
    for name, password in web.basic_auth_users.items():
        if not _BCRYPT.fullmatch(password):
            where = f"basic_auth_users.{name}"
            yield Fault(
                "configuration",
                f"{where}: is no bcrypt hash",
                "make one with `htpasswd -nBC 10 NAME`",
                where,
            )
    tls = web.tls_server_config
    if tls and tls.client_auth_type is not ClientAuth.NONE and tls.client_ca_file is None:
        where = "tls_server_config.client_ca_file"
        yield Fault("configuration", f"{where}: is required to verify clients", "name the file", where)


def _rooted(tls: Tls, base: Path) -> Tls:
    authority = tls.client_ca_file
    return replace(
        tls,
        cert_file=base / tls.cert_file,
        key_file=base / tls.key_file,
        client_ca_file=base / authority if authority else None,
    )


def tls_context(tls: Tls) -> "SSLContext":
    """What the server's side of a connection is made with.

    Raises:
        ConfigurationError: a file cannot be read, or key and certificate do not fit.
    """
    import ssl

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    versions = {Version.TLS12: ssl.TLSVersion.TLSv1_2, Version.TLS13: ssl.TLSVersion.TLSv1_3}
    context.minimum_version = versions[tls.min_version]
    context.maximum_version = versions[tls.max_version]
    context.verify_mode = {
        ClientAuth.NONE: ssl.CERT_NONE,
        ClientAuth.IF_GIVEN: ssl.CERT_OPTIONAL,
        ClientAuth.REQUIRED: ssl.CERT_REQUIRED,
    }[tls.client_auth_type]
    try:
        context.load_cert_chain(tls.cert_file, tls.key_file)
        if tls.client_ca_file:
            context.load_verify_locations(tls.client_ca_file)
    except OSError as error:  # ssl's own errors among them
        raise ConfigurationError.of(
            "tls_files",
            f"{tls.cert_file}, its key or the clients' authority cannot be used: {error.strerror or error}",
            hint="each has to be PEM that the exporter may read, the key that of the certificate",
            where="tls_server_config",
        ) from error
    return context
