"""Backups that only the holder of a key can read; `age` keeps the secret, the manifest stays readable."""

import subprocess
from pathlib import Path

import pytest

from tests.integration.backup.test_damage import flip, kinds
from tests.integration.backup.test_killed import change, content
from tests.integration.backup.world import World
from tests.integration.migrate.kills import begun, kill_when

ENGINES = pytest.mark.parametrize("engine", ["sqlite", "postgresql"])


def make_key(directory: Path, name: str) -> tuple[Path, Path]:
    """A new pair of keys: the file of the public one and that of the private one."""
    public, private = directory / f"{name}.pub", directory / f"{name}.key"
    subprocess.run(["age-keygen", "-o", private], check=True, capture_output=True)
    made = subprocess.run(["age-keygen", "-y", private], check=True, capture_output=True)
    public.write_bytes(made.stdout)
    return public, private


@pytest.fixture
def encrypted(world: World, tmp_path: Path) -> World:
    """The application, its backups encrypted, its key at hand."""
    public, private = make_key(tmp_path, "operator")
    world.configure(encrypt={"recipients_file": str(public), "identity_file": str(private)})
    return world


@ENGINES
def test_an_encrypted_backup_says_for_whom_stands_every_check_and_comes_back(
    encrypted: World, engine: str, tmp_path: Path
) -> None:
    encrypted.use(engine)
    before = content(encrypted)
    directory = encrypted.backups / encrypted.create()
    for file in directory.rglob("*"):
        if file.is_file() and not file.name.startswith("manifest."):
            assert file.read_bytes().startswith(b"age-encryption.org/v1"), file
    shown = encrypted.done("show", directory.name)
    assert shown["manifest"]["recipients"] == [(tmp_path / "operator.pub").read_text().strip()]
    assert shown["encrypted"]
    for level in ("files", "readable", "drill"):
        encrypted.done("verify", directory.name, "--level", level)
    change(encrypted)
    encrypted.done("restore", directory.name, "--yes")
    assert content(encrypted) == before
    assert not encrypted.leftovers()
    encrypted.drop_kept()


@ENGINES
def test_nothing_unencrypted_stands_among_the_backups_and_no_key_in_arguments_or_records(
    encrypted: World, engine: str, tmp_path: Path
) -> None:
    """Whoever is called upon to encrypt or decrypt looks around there, and writes down what it was told."""
    encrypted.use(engine)
    seen, said = tmp_path / "seen", tmp_path / "said"
    look = f"find {encrypted.backups} -type f -not -path '*/records/*' -not -name 'manifest.*' >>{seen}"
    path = encrypted.programs("age", f'{look}; echo "$@" >>{said}; exec /usr/bin/age "$@"')
    for command in ("create", "verify"):
        result = encrypted.opskit(
            *("backup", command, "--config", encrypted.directory / "opskit.yaml"), environ={"PATH": path}
        )
        assert result.code == 0, result
    names = [Path(line).name for line in seen.read_text().splitlines()]
    assert names
    assert all(name.endswith(".age") for name in names), names
    (key,) = [line for line in (tmp_path / "operator.key").read_text().splitlines() if line[0] != "#"]
    assert str(tmp_path / "operator.key") in said.read_text()
    told = [said, *encrypted.opskit.state_dir.rglob("*"), *encrypted.backups.rglob("*")]
    assert not [file for file in told if file.is_file() and key.encode() in file.read_bytes()]


def test_what_a_kill_leaves_unencrypted_is_removed_by_the_next_run(
    encrypted: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    encrypted.use("postgresql")
    assert kill_when(encrypted.start("create"), begun(encrypted.opskit, "encrypt every file"))
    assert list(temporary.rglob("toc.dat"))
    assert encrypted.names() == []
    encrypted.create()
    assert not encrypted.leftovers()
    assert not list(temporary.iterdir())


def test_who_has_only_the_public_key_makes_backups_and_checks_their_files(
    encrypted: World, tmp_path: Path
) -> None:
    encrypted.configure(encrypt={"recipients_file": str(tmp_path / "operator.pub")})
    name = encrypted.create()
    encrypted.done("verify", name, "--level", "files")
    for arguments in (("verify", name), ("restore", name, "--yes"), ("restore", name, "--plan")):
        refused = encrypted(*arguments, "-o", "json")
        assert (refused.code, refused.error["code"]) == (6, "identity_missing"), arguments
    encrypted.configure(encrypt=None)
    assert encrypted("verify", name, "-o", "json").error["code"] == "identity_missing"


def test_a_wrong_key_opens_nothing_harms_nothing_and_says_nothing_about_the_backup(
    encrypted: World, tmp_path: Path
) -> None:
    name = encrypted.create()
    before = content(encrypted)
    _, stranger = make_key(tmp_path, "stranger")
    public = tmp_path / "operator.pub"
    encrypted.configure(encrypt={"recipients_file": str(public), "identity_file": str(stranger)})
    looked = encrypted("verify", name, "-o", "json")
    assert (looked.code, looked.error["code"]) == (6, "identity_wrong")
    assert public.read_text().strip() in looked.error["hint"]
    restored = encrypted("restore", name, "--yes", "-o", "json")
    assert (restored.code, restored.error["code"]) == (4, "identity_wrong")
    assert content(encrypted) == before
    (listed,) = encrypted.done("list")["backups"]
    assert listed["sound"]
    assert not encrypted.leftovers()


def test_any_of_several_keys_opens_a_backup(encrypted: World, tmp_path: Path) -> None:
    public, private = make_key(tmp_path, "vault")
    both = tmp_path / "both.pub"
    both.write_text(f"# who may read\n{(tmp_path / 'operator.pub').read_text()}\n{public.read_text()}")
    encrypted.configure(encrypt={"recipients_file": str(both), "identity_file": str(private)})
    name = encrypted.create()
    encrypted.done("verify", name)
    assert len(encrypted.done("show", name)["manifest"]["recipients"]) == 2


@pytest.mark.parametrize("text", [None, "", "no key\n", "private"])
def test_recipients_that_are_none_are_refused_before_anything_is_done(
    encrypted: World, tmp_path: Path, text: str | None
) -> None:
    """Also a private key where the public one belongs; not a word of it is repeated."""
    file = tmp_path / "recipients"
    private = (tmp_path / "operator.key").read_text()
    if text is not None:
        file.write_text(private if text == "private" else text)
    encrypted.configure(encrypt={"recipients_file": str(file)})
    result = encrypted("create", "-o", "json")
    assert (result.code, result.error["code"]) == (2, "recipients")
    assert "AGE-SECRET-KEY" not in result.stdout + result.stderr
    assert not encrypted.backups.exists()


def test_without_age_nothing_is_made_and_nothing_is_left_unencrypted(
    encrypted: World, tmp_path: Path
) -> None:
    others = tmp_path / "others"
    others.mkdir()
    (others / "zstd").symlink_to("/usr/bin/zstd")
    result = encrypted.opskit(
        *("backup", "create", "-o", "json", "--config", encrypted.directory / "opskit.yaml"),
        environ={"PATH": str(others)},
    )
    assert (result.code, result.error["code"]) == (6, "age_missing")
    assert "apt-get install age" in result.error["hint"]


def test_whatever_happens_to_an_encrypted_file_is_found_without_the_key(
    encrypted: World, tmp_path: Path
) -> None:
    encrypted.use("postgresql")
    encrypted.configure(encrypt={"recipients_file": str(tmp_path / "operator.pub")})
    name = encrypted.create()
    for file in kinds(encrypted.backups / name):
        before = file.read_bytes()
        flip(file)
        assert encrypted("verify", name, "--level", "files").code == 3, file
        file.write_bytes(before)
