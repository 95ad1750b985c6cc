"""What a server's answer means, as libpq's trace shows it: by SQLSTATE and routine, in any language."""

import pytest

from opskit.doctor.dial import refusal
from opskit.doctor.facts import Refusal

GREETING = 'B\t1\tSSLResponse\t N\nF\t36\tStartupMessage\t 3 0 "user" "app" "database" "app"\n'


def answer(sqlstate: str, routine: str, words: str = "nix da") -> str:
    fields = f'S "FATAL" V "FATAL" C "{sqlstate}" M "{words}" F "auth.c" L "334" R "{routine}"'
    return f"{GREETING}B\t99\tErrorResponse\t {fields} \\x00\n"


@pytest.mark.parametrize(
    ("sqlstate", "routine", "meaning"),
    [
        ("28P01", "auth_failed", Refusal.AUTHENTICATION),
        ("28000", "auth_failed", Refusal.AUTHENTICATION),
        ("28000", "ClientAuthentication", Refusal.NO_RULE),
        ("28000", "InitializeSessionUserId", Refusal.ROLE),
        ("3D000", "InitPostgres", Refusal.NO_DATABASE),
        ("42501", "CheckMyDatabase", Refusal.NO_CONNECT),
        ("53300", "InitPostgres", Refusal.FULL),
        ("57P03", "ProcessStartupPacket", Refusal.STARTING),
        ("XX000", "elog", Refusal.OTHER),
    ],
)
def test_the_sqlstate_and_the_routine_tell(sqlstate: str, routine: str, meaning: Refusal) -> None:
    assert refusal(answer(sqlstate, routine)) is meaning


def test_the_servers_words_cannot_pass_for_its_answer() -> None:
    forged = 'x" C "28P01" R "auth_failed"'
    assert refusal(answer("3D000", "InitPostgres", forged)) is Refusal.NO_DATABASE


def test_a_proxy_names_no_routine_and_the_severity_in_its_own_words() -> None:
    line = 'B\t40\tErrorResponse\t S "SCHLIMM GENUG" C "28000" M "no such user" \\x00\n'
    assert refusal(line) is Refusal.AUTHENTICATION


def test_the_answer_of_the_last_attempt_counts() -> None:
    assert refusal(answer("57P03", "x") + answer("3D000", "InitPostgres")) is Refusal.NO_DATABASE


def test_a_server_without_encryption_after_which_nothing_is_sent() -> None:
    asked = "F\t8\tSSLRequest\t 1234 5679\n"
    assert refusal(f"{asked}B\t1\tSSLResponse\t N\n") is Refusal.SSL_REFUSED
    assert refusal(f"{asked}{GREETING}") is Refusal.OTHER


def test_silence_means_nothing() -> None:
    assert refusal("") is Refusal.OTHER
