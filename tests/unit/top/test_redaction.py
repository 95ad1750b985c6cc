"""No secret of a statement is shown, wherever the statement is cut off and however it is quoted."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opskit.top.redaction import redacted

SECRET = "Geheim7"

HIDING = (
    "ALTER ROLE app PASSWORD '{}'",
    "ALTER ROLE app ENCRYPTED PASSWORD '{}' VALID UNTIL 'infinity'",
    'ALTER ROLE app PASSWORD "{}"',
    "CREATE USER MAPPING FOR app SERVER far OPTIONS (user 'app', password '{}')",
    "CREATE SUBSCRIPTION s CONNECTION 'host=far password={}' PUBLICATION p",
    "SELECT * FROM dblink('postgresql://app:{}@far/main', $$select 1$$) AS t (a int)",
    "COPY t FROM PROGRAM 'curl -u app:{} https://far'",
    "SET app.api_key = {}",
    "SET app.token TO {}",
    "SELECT login(password => {}, name => x)",
    "SELECT login(password := {})",
    "SELECT E'a\\'{}'",
    "SELECT E'a\\\\', '{}'",
    "SELECT 'it''s {}'",
    "SELECT 'a\\', '{}'",
    "SELECT 'a\\' {}'",
    "SELECT U&'\\0041{}', N'{}', B'1', X'{}'",
    "SELECT $${}$$, $tag$ $$ {} $$ $tag$",
    "DO $body$ BEGIN PERFORM '{}'; END $body$",
    "SELECT 1 -- {}\n, 2",
    "SELECT /* {} /* {} */ {} */ 2",
    "SELECT somE'{}'",
    "SELECT \"it's\", '{}'",
    "SELECT '{}",
    "SELECT E'{}\\",
    "SELECT $x${}",
    "SELECT 1 /* {}",
    'SELECT "{}',
)


@pytest.mark.parametrize("statement", HIDING)
def test_secrets_are_hidden(statement: str) -> None:
    assert SECRET not in redacted(statement.replace("{}", SECRET))


@pytest.mark.parametrize("statement", HIDING)
def test_secrets_are_hidden_in_statements_that_are_cut_off_anywhere(statement: str) -> None:
    whole = statement.replace("{}", SECRET)
    for end in range(whole.find(SECRET) + len(SECRET), len(whole) + 1):
        assert SECRET not in redacted(whole[:end])


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT password, token FROM users WHERE id = $1 AND password = $2",
        'SELECT a$b$c, "odd "" name", 1.5e10 FROM t1 WHERE x::text[1] <> ALL ($1)',
        "UPDATE tokens SET used = $1 WHERE tokens.id = 3",
        "INSERT INTO überweisungen VALUES ($1, $2), ($3, $4)",
    ],
)
def test_what_is_no_secret_stays(statement: str) -> None:
    assert redacted(statement) == statement


def test_a_statement_comes_on_one_line() -> None:
    assert redacted("SELECT  a\n\tFROM b -- c\n WHERE d\r\n") == "SELECT a FROM b WHERE d"


LITERALS = st.one_of(
    st.text(alphabet="ab'\n", max_size=6).map(lambda text: "'" + (text + SECRET).replace("'", "''") + "'"),
    st.text(alphabet="ab'\\", max_size=6).map(
        lambda text: "E'" + (text + SECRET).replace("\\", "\\\\").replace("'", "\\'") + "'"
    ),
    st.text(alphabet="ab'\"$\\", max_size=6)
    .filter(lambda text: "$t$" not in text)
    .map(lambda text: f"$t$ {text}{SECRET} $t$"),
    st.text(alphabet="ab'\"$\\", max_size=6).map(lambda text: f"/*{text}{SECRET}*/"),
    st.text(alphabet="ab'\"$\\", max_size=6).map(lambda text: f"--{text}{SECRET}\n"),
)
PLAIN = st.sampled_from(
    ["SELECT", " ", "a", "e", "n1", '"a\'b"', '"$$"', "=", "(", ",", "$1", "3.5", ";", "a$b$c", "::"]
)


@given(st.lists(st.one_of(LITERALS, PLAIN), max_size=12))
def test_no_literal_or_comment_is_shown_whatever_stands_around_it(pieces: list[str]) -> None:
    assert SECRET not in redacted(" ".join(pieces))


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=60))
def test_any_text_can_be_shown_and_is_shown_the_same_again(text: str) -> None:
    once = redacted(text)
    assert redacted(once) == once
    assert "\n" not in once
