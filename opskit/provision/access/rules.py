"""Who may come in, and how: opskit's lines of the access files, and what stands in their way. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum
from ipaddress import ip_address
from pathlib import Path

from opskit.errors import Fault
from opskit.provision.access.databases import Duties
from opskit.provision.access.managed_block import block_lines, block_place
from opskit.schema.names import quote

MAP = "opskit"
"""The name of the user map, from accounts of this host to opskit's roles."""

LOOPBACK = ("127.0.0.1/32", "::1/128")

WIDEST_MODE = 0o640
"""Who could write these files could let himself in."""


class File(Enum):
    """The server's access files."""

    HBA = "pg_hba.conf"
    IDENT = "pg_ident.conf"


@dataclass(frozen=True, slots=True)
class Rule:
    """A line of pg_hba.conf as the server reads it."""

    line: int
    kind: str
    databases: tuple[str, ...]
    users: tuple[str, ...]
    address: str | None
    method: str

    def __str__(self) -> str:
        """As it would be written."""
        words = (self.kind, ",".join(self.databases), ",".join(self.users), self.address, self.method)
        return " ".join(word for word in words if word)


@dataclass(frozen=True, slots=True)
class FileFacts:
    """One access file on disk.

    Attributes:
        path: where it stands; of a server that is yet to be made, its name alone.
        errors: lines that the server cannot read, with its words; it then reads none of the file.
        keeper: the account to which the server's data belong.
    """

    path: Path
    text: bytes = field(default=b"", repr=False)
    errors: tuple[str, ...] = ()
    mode: int = WIDEST_MODE
    owner: str = "postgres"
    keeper: str = "postgres"


@dataclass(frozen=True, slots=True)
class AccessFacts:
    """Both files, and whether the server goes by them.

    Attributes:
        rules: of pg_hba.conf on disk, in the order in which they are tried.
        stale: files that were written after the server last read them.
    """

    hba: FileFacts = FileFacts(Path(File.HBA.value))
    ident: FileFacts = FileFacts(Path(File.IDENT.value))
    rules: tuple[Rule, ...] = ()
    stale: tuple[File, ...] = ()


@dataclass(frozen=True, slots=True)
class WantedAccess:
    """The lines that shall stand at the top of each file."""

    hba: tuple[str, ...]
    ident: tuple[str, ...]
    databases: tuple[str, ...]
    duties: Duties


@dataclass(frozen=True, slots=True)
class WriteAccess:
    """Put opskit's lines at the top of an access file; all other lines stay as they are."""

    file: File
    lines: tuple[str, ...]
    why: tuple[str, ...]

    @property
    def title(self) -> str:
        """One line."""
        return f"put opskit's {len(self.lines)} lines at the top of {self.file.value}"


@dataclass(frozen=True, slots=True)
class ProtectAccess:
    """Take an access file from those who have no business with it."""

    file: File
    mode: int
    owner: str
    why: tuple[str, ...]

    @property
    def title(self) -> str:
        """One line."""
        return f"give {self.file.value} to {self.owner}, mode {self.mode:04o}"


@dataclass(frozen=True, slots=True)
class ReloadAccess:
    """Make the server read its access files."""

    why: tuple[str, ...]

    @property
    def title(self) -> str:
        """One line."""
        return "make the server read its access rules"


AccessStep = ProtectAccess | WriteAccess | ReloadAccess


def wanted_access(databases: Sequence[str], duties: Duties) -> WantedAccess:
    """The lines for some databases."""
    return WantedAccess(
        tuple(_hba_lines(databases, duties)), tuple(_ident_lines(duties)), tuple(databases), duties
    )


def _hba_lines(databases: Sequence[str], duties: Duties) -> Iterator[str]:
    """opskit's own roles come in by the socket, as accounts of this host, and in no other way."""
    names = ",".join(quote(name) for name in databases)
    own = ",".join(quote(name) for name in (duties.owner, duties.monitor, *duties.readers))
    application = quote(duties.application)
    yield f"local {names} {own} peer map={MAP}"
    yield f"local all {own} reject"
    yield f"host all {own} all reject"
    yield f"local {names} {application} scram-sha-256"
    for address in LOOPBACK:
        yield f"host {names} {application} {address} scram-sha-256"


def _ident_lines(duties: Duties) -> Iterator[str]:
    """root may be anybody here; the accounts of the services are what they serve."""
    for account, roles in (
        ("root", (duties.owner, duties.monitor, *duties.readers)),
        ("opskit", (duties.owner, *duties.readers)),
        ("opskit-exporter", (duties.monitor,)),
    ):
        for role in roles:
            yield f"{MAP} {account} {quote(role)}"


def network(address: str | None, mask: str | None) -> str | None:
    """Addresses as pg_hba.conf has them; names and keywords come without a mask.

    >>> network("10.0.0.0", "255.0.0.0"), network("::1", "ffff:" * 7 + "ffff"), network("samehost", None)
    ('10.0.0.0/8', '::1/128', 'samehost')
    """
    if address is None or mask is None:
        return address
    return f"{address}/{int(ip_address(mask)).bit_count()}"


def access_steps(wanted: WantedAccess, facts: AccessFacts) -> Iterator[AccessStep]:
    """The user map first: a rule that names a map without entries shuts out.

    A server reads its files when it is told to, and here once for both.
    """
    reasons: list[str] = []
    files = ((File.IDENT, facts.ident, wanted.ident), (File.HBA, facts.hba, wanted.hba))
    for file, found, lines in files:
        exposed = tuple(_exposed(file, found))
        if exposed:
            reasons.append(f"{file.value} is put there anew")
            yield ProtectAccess(file, found.mode & WIDEST_MODE, found.keeper, exposed)
        why = [*_differences(file, found, lines)]
        if file is File.HBA:
            why += _in_the_way(wanted, facts)
        if why:
            reasons.append(f"{file.value} is written anew")
            yield WriteAccess(file, lines, tuple(why))
    reasons += [f"{file.value} was written after the server last read it" for file in facts.stale]
    if reasons:
        yield ReloadAccess(tuple(reasons))


def _exposed(file: File, found: FileFacts) -> Iterator[str]:
    if found.mode & ~WIDEST_MODE:
        yield f"{file.value}: mode: is {found.mode:04o}, shall be {found.mode & WIDEST_MODE:04o}"
    if found.owner not in {found.keeper, "root"}:
        yield f"{file.value}: owner: is {found.owner}, shall be {found.keeper}"


def _differences(file: File, found: FileFacts, lines: tuple[str, ...]) -> Iterator[str]:
    there = block_lines(found.text)
    if there is None:
        yield f"{file.value}: opskit's lines are missing"
        return
    for line in lines:
        if line not in there:
            yield f"{file.value}: “{line}” is missing"
    for line in there:
        if line not in lines:
            yield f"{file.value}: “{line}” is not opskit's"
    if there != lines and set(there) == set(lines):
        yield f"{file.value}: opskit's lines stand in another order"


def _in_the_way(wanted: WantedAccess, facts: AccessFacts) -> Iterator[str]:
    """Lines above opskit's that would decide for its roles or databases: the first that matches counts."""
    place = block_place(facts.hba.text)
    for rule in facts.rules:
        if place is not None and rule.line < place and _reaches(rule, wanted):
            yield f"{File.HBA.value}: line {rule.line} stands above opskit's: “{rule}”"


def _reaches(rule: Rule, wanted: WantedAccess) -> bool:
    """Could a rule decide about one of the roles in one of the databases? Groups are taken for a yes."""
    duties = wanted.duties
    roles = {duties.owner, duties.application, duties.monitor, *duties.readers}
    databases = {"all", "sameuser", "samerole", "samegroup", *wanted.databases}
    users = any(user == "all" or user.startswith("+") or user in roles for user in rule.users)
    return users and any(database in databases for database in rule.databases)


def access_told(wanted: WantedAccess, facts: AccessFacts) -> Iterator[str]:
    """Lines of others that let the application's role in without a password from elsewhere; they stay."""
    for rule in facts.rules:
        elsewhere = rule.kind != "local" and rule.address not in LOOPBACK
        if rule.method == "trust" and elsewhere and _reaches(rule, wanted):
            yield f"{File.HBA.value}: line {rule.line} lets others in without a password: “{rule}”"


def access_faults(facts: AccessFacts) -> Iterator[Fault]:
    """A file with a line that the server cannot read is not read at all, opskit's lines neither."""
    for file in (facts.hba, facts.ident):
        for error in file.errors:
            yield Fault(
                "access_file",
                f"{file.path}: {error}",
                hint="mend the line: until then the server goes by what it read before",
                where=str(file.path),
            )
