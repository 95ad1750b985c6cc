"""What a standby keeps for itself."""

from datetime import UTC, datetime

import apsw

from opskit.standby.place import Followed, Place
from opskit.standby.place_table import read_place, write_place

NOW = datetime(2026, 1, 2, 3, 4, 5, 678000, tzinfo=UTC)


def test_a_place_is_read_as_it_was_kept() -> None:
    connection = apsw.Connection(":memory:")
    assert read_place(connection) is None
    place = Place("1/1", 2**62, NOW, NOW, {"t": Followed("f", NOW)})
    write_place(connection, place)
    write_place(connection, place)
    assert read_place(connection) == place
