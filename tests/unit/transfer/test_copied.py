"""What a copy has found out, as a journal keeps it for a later run."""

import json

from opskit.transfer.copied import Copied
from opskit.transfer.digest import Digest


def copied(refused: int) -> Copied:
    words = {2**64 - 1 - number: f"row is too big: {number}" for number in range(refused)}
    return Copied(Digest(5, 2**64 + 3), 100, refused + 1, 5, 0.25, words)


def test_it_comes_back_from_json_as_it_was() -> None:
    assert Copied.of_json(json.loads(json.dumps(copied(3).to_json()))) == copied(3)


def test_more_refused_rows_than_a_journal_has_room_for_are_copied_again() -> None:
    assert copied(1000).to_json() is not None
    assert copied(1001).to_json() is None
