"""From what roles are to what they shall be."""

from pathlib import Path

import pytest

from opskit.provision.access.roles import (
    Attribute,
    ChangeMembership,
    ChangeRole,
    ClearPassword,
    CreateRole,
    RoleFacts,
    SetPassword,
    WantedRole,
    role_steps,
)
from opskit.provision.access.scram import Stored
from opskit.provision.host.password_file import PasswordPlace

LOGIN = frozenset({Attribute.LOGIN, Attribute.INHERIT})
PLACE = PasswordPlace(Path("/srv/app/.env"), None)
APPLICATION = WantedRole("app", "the application", password=PLACE, exclusive=False)
OWNER = WantedRole("owner", "owns", member_of=frozenset({"app"}))
STANDBY = WantedRole("standby", "follows", LOGIN | {Attribute.REPLICATION}, by_account=True)
AS_WANTED = (
    RoleFacts("app", LOGIN, stored=Stored.MATCHES),
    RoleFacts("owner", LOGIN, frozenset({"app"})),
    RoleFacts("standby", LOGIN | {Attribute.REPLICATION}),
)
WANTED = (APPLICATION, OWNER, STANDBY)


def test_nothing_is_done_about_roles_that_are_as_they_shall_be() -> None:
    assert not list(role_steps(WANTED, AS_WANTED, superuser=True))


def test_missing_roles_are_made_before_anything_is_granted_to_them() -> None:
    assert list(role_steps(WANTED, (), superuser=True)) == [
        CreateRole("app", "the application", LOGIN),
        SetPassword("app", PLACE, "it has no password"),
        CreateRole("owner", "owns", LOGIN),
        CreateRole("standby", "follows", LOGIN | {Attribute.REPLICATION}),
        ChangeMembership("owner", "app", shall=True),
    ]


def test_attributes_that_drifted_are_named_one_by_one() -> None:
    drifted = RoleFacts("app", frozenset({Attribute.INHERIT, Attribute.SUPERUSER}), stored=Stored.MATCHES)
    (step,) = role_steps([APPLICATION], [drifted], superuser=True)
    assert step == ChangeRole("app", frozenset({Attribute.LOGIN}), frozenset({Attribute.SUPERUSER}))
    assert step.title == "alter role app: LOGIN NOSUPERUSER"
    assert step.why == (
        "role app may log in: is no, shall be yes",
        "role app is a superuser: is yes, shall be no",
    )


def test_without_a_superuser_what_only_superusers_change_is_left() -> None:
    found = (RoleFacts("app", LOGIN, stored=Stored.UNSEEN), RoleFacts("standby", LOGIN, stored=Stored.UNSEEN))
    assert not list(role_steps((APPLICATION, STANDBY), found, superuser=False))


@pytest.mark.parametrize("stored", [Stored.NONE, Stored.DIFFERS, Stored.MD5])
def test_a_password_that_does_not_fit_is_stored_anew(stored: Stored) -> None:
    (step,) = role_steps([APPLICATION], [RoleFacts("app", LOGIN, stored=stored)], superuser=True)
    assert isinstance(step, SetPassword)


def test_a_role_that_comes_in_by_its_account_loses_the_password_it_has() -> None:
    found = RoleFacts("standby", STANDBY.attributes, stored=Stored.DIFFERS)
    assert list(role_steps([STANDBY], [found], superuser=True)) == [ClearPassword("standby")]


def test_opskits_own_roles_are_members_of_what_they_need_alone() -> None:
    found = RoleFacts("owner", LOGIN, frozenset({"app", "staff"}))
    assert list(role_steps([OWNER], [found], superuser=True)) == [
        ChangeMembership("owner", "staff", shall=False)
    ]


def test_the_application_keeps_groups_of_others_but_none_that_reaches_opskits_or_the_servers() -> None:
    found = RoleFacts("app", LOGIN, frozenset({"staff", "owner", "pg_read_all_data"}), stored=Stored.MATCHES)
    steps = list(role_steps([APPLICATION, OWNER], [found, AS_WANTED[1]], superuser=True))
    assert steps == [
        ChangeMembership("app", "owner", shall=False),
        ChangeMembership("app", "pg_read_all_data", shall=False),
    ]
