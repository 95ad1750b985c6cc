"""The file with the application's password: when it is written, and how closed it may be."""

from pathlib import Path

import pytest

from opskit.provision.host.password_file import (
    ALPHABET,
    FileFacts,
    PasswordPlace,
    decide_password_file,
    generate_password,
)

PLACE = PasswordPlace(Path("/srv/.env"), Path("/etc/opskit/password"))


def why(
    mode: int | None = 0o640, owner: str = "root", group: str = "opskit", *, agrees: bool = True
) -> tuple[str, ...]:
    decided = decide_password_file(PLACE, FileFacts(mode, owner, group, agrees, services=True))
    return tuple(reason for step in decided.steps for reason in step.why)


def test_generated_passwords_have_192_bits_and_only_characters_that_every_reader_takes_as_they_stand() -> (
    None
):
    passwords = {generate_password() for _ in range(100)}
    assert len(passwords) == 100
    assert {len(one) for one in passwords} == {32}
    assert set("".join(passwords)) <= set(ALPHABET)
    assert len(set(ALPHABET)) == 64


def test_a_file_that_is_not_there_is_written_for_root_and_opskits_services() -> None:
    (step,) = decide_password_file(PLACE, FileFacts(None, "", "", agrees=False, services=True)).steps
    assert (step.mode, step.owner, step.group, step.why) == (0o640, "root", "opskit", ("it is missing",))


def test_without_their_group_it_is_for_root_alone() -> None:
    (step,) = decide_password_file(PLACE, FileFacts(None, "", "", agrees=False, services=False)).steps
    assert (step.mode, step.owner, step.group) == (0o600, "root", "root")


@pytest.mark.parametrize(("mode", "group"), [(0o640, "opskit"), (0o600, "root"), (0o400, "nogroup")])
def test_a_closed_file_with_the_right_password_needs_nothing(mode: int, group: str) -> None:
    assert why(mode, group=group) == ()


@pytest.mark.parametrize(
    ("mode", "owner", "group"),
    [
        (0o644, "root", "root"),
        (0o660, "root", "opskit"),
        (0o640, "root", "users"),
        (0o600, "somebody", "root"),
    ],
)
def test_access_of_others_is_drift(mode: int, owner: str, group: str) -> None:
    assert why(mode, owner, group) == (
        f"its access is {mode:04o} {owner}:{group}, shall be 0640 root:opskit",
    )


def test_another_password_than_the_applications_is_drift() -> None:
    assert why(agrees=False) == ("it holds another password than the application's .env",)


def test_a_configuration_without_such_a_file_gets_none() -> None:
    place = PasswordPlace(Path("/srv/.env"), None)
    assert decide_password_file(place, FileFacts(None, "", "", agrees=False, services=True)).steps == ()
