"""The text of an `.env` file: two readers, and keys set so that both read the same."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opskit.config.env_text import decode, dotenv, encode, misread, systemd, values, with_values
from opskit.errors import Refused

PIECES = [
    "A",
    "B",
    "KEY",
    "=",
    "=",
    ":",
    " ",
    "\t",
    "\n",
    "\r\n",
    "'",
    '"',
    "`",
    "#",
    ";",
    "\\",
    "x1",
    "export ",
    "é",
]


@pytest.mark.parametrize(
    ("text", "by_dotenv", "by_systemd"),
    [
        ("A=1", "1", "1"),
        (" A = 1 ", "1", "1"),
        ("A=1\r\n", "1", "1"),
        ("A='1'", "1", "1"),
        ('A="1"', "1", "1"),
        ("A=`1`", "1", "`1`"),
        ("A=1 # one", "1", "1 # one"),
        ("A='1' # one", "1", "1# one"),
        ("A='1 # one'", "1 # one", "1 # one"),
        ("A=1#one", "1", "1#one"),
        ("export A=1", "1", None),
        ("A: 1", "1", None),
        ("A=1\nA=2", "2", "2"),
        ("A=2\nexport A=1", "1", "2"),
        ("# A=1", None, None),
        ("; A=1", None, None),
        ("# one \\\nA=1", "1", None),
        ('B="\nA=1\n"', None, None),
        ("A=", "", ""),
        ('A="1\\n2"', "1\n2", "1\\n2"),
        ("A=1\\\n2", "1\\", "12"),
        ("A='it''s'", "it''s", "its"),
    ],
)
def test_dotenv_and_systemd_read_by_rules_of_their_own(
    text: str, by_dotenv: str | None, by_systemd: str | None
) -> None:
    assert (values(text, dotenv).get("A"), values(text, systemd).get("A")) == (by_dotenv, by_systemd)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", "A=new\n"),
        ("B=1", "B=1\nA=new\n"),
        ("B=1\r\n", "B=1\r\nA=new\r\n"),
        ("A=old", "A=new"),
        ("A=old\r\nB=1\r\n", "A=new\r\nB=1\r\n"),
        ("export A = 'old'\n", "export A = 'new'\n"),
        ('A="old"\n', 'A="new"\n'),
        ("A=`old`\n", "A=new\n"),
        ("A: old\n", "A: new\n"),
        ("A=\nB=1\n", "A=new\nB=1\n"),
        ("#A=1\n", "#A=1\nA=new\n"),
        ('B="\nA=1\n"\nA=old\n', 'B="\nA=1\n"\nA=new\n'),
        ("\ufeffA=old\n", "\ufeffA=new\n"),
    ],
)
def test_a_key_is_set_in_the_style_of_its_line(before: str, after: str) -> None:
    assert with_values(before, {"A": "new"}) == after


def test_a_comment_behind_the_value_moves_above_it_because_systemd_takes_it_for_the_value() -> None:
    assert with_values("B=1\nA='old' # c\nC=2\n", {"A": "new"}) == "B=1\n# c\nA='new'\nC=2\n"
    assert with_values("A=new # c\r\n", {"A": "new"}) == "# c\r\nA=new\r\n"


def test_of_duplicates_the_one_that_counts_is_changed_for_each_reader() -> None:
    assert with_values("A=1\nA=2\n", {"A": "new"}) == "A=1\nA=new\n"
    assert with_values("A=1\nexport A=2\n", {"A": "new"}) == "A=new\nexport A=new\n"


def test_a_value_with_blanks_or_signs_is_quoted() -> None:
    assert with_values("", {"A": "a b"}) == "A='a b'\n"
    assert with_values('A="1"', {"A": "a # b"}) == "A='a # b'"


@pytest.mark.parametrize("value", ["it's", "'"])
def test_a_value_that_the_readers_understand_differently_is_refused_and_not_shown(value: str) -> None:
    with pytest.raises(Refused) as caught:
        with_values("B=1\n", {"A": value})
    assert value not in str(caught.value)


@given(st.lists(st.sampled_from(PIECES)).map("".join))
def test_whatever_the_file_holds_both_readers_take_what_was_set_and_other_keys_keep_their_values(
    text: str,
) -> None:
    wanted = {"A": "new", "POSTGRES_PASSWORD": "x-_9"}
    try:
        after = with_values(text, wanted)
    except Refused:
        return
    assert misread(after, wanted) == ()
    assert with_values(after, wanted) == after


@given(
    st.lists(
        st.sampled_from(["A=1", "B='2'", "# c", "", "export C=3", 'D="4" # d', ";", "é=ö", "\tE=5"]),
        min_size=1,
    ),
    st.sampled_from(["\n", "\r\n"]),
)
def test_lines_of_other_keys_keep_their_bytes(lines: list[str], newline: str) -> None:
    before = "".join(f"{line}{newline}" for line in lines)
    after = with_values(before, {"A": "new"})
    assert [line for line in after.split(newline) if line != "A=new"] == [
        line for position, line in enumerate(before.split(newline)) if position != last(lines, "A=1")
    ]


def last(lines: list[str], line: str) -> int | None:
    return max((position for position, one in enumerate(lines) if one == line), default=None)


@given(st.binary())
def test_any_bytes_go_through(content: bytes) -> None:
    assert encode(decode(content)) == content
