"""What the journal of a run says about its phases."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

from opskit.migrate.steps import BackUp, SetGenerator, Step
from opskit.migrate.timeline import Phase, read_timeline

START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
BACK_UP = BackUp("main", Path("/srv/app.db"), Path("/backups/main.db"))
ORDERS = SetGenerator("main", "orders", "id", 7)
ODD = SetGenerator("main", "one\u2028two", "id", 7)


def journal(directory: Path, *events: tuple[float, str, Step | None]) -> Path:
    """A journal with events at seconds after the start."""
    file = directory / "run.jsonl"
    lines = [
        {
            "at": (START + timedelta(seconds=at)).isoformat(),
            "event": event,
            **({"step": step.title} if step else {}),
        }
        for at, event, step in events
    ]
    file.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines))
    return file


def test_a_phase_lasts_from_its_first_steps_begin_to_its_last_steps_end(tmp_path: Path) -> None:
    file = journal(
        tmp_path,
        (0, "started", None),
        (1, "intent", BACK_UP),
        (2, "done", BACK_UP),
        (3, "intent", ORDERS),
        (4, "intent", ODD),
        (5.5, "done", ODD),
        (7, "done", ORDERS),
        (8, "finished", None),
    )
    timeline = read_timeline(file)
    assert (timeline.started, timeline.finished) == (START, START + timedelta(seconds=8))
    assert timeline.phases([ODD, ORDERS, BACK_UP]) == (
        Phase("back up", 1.0, 1.0),
        Phase("keys, indexes and rules", 3.0, 4.0),
    )


def test_steps_that_an_earlier_run_has_done_belong_to_no_phase(tmp_path: Path) -> None:
    file = journal(tmp_path, (0, "started", None), (8, "finished", None))
    assert read_timeline(file).phases([BACK_UP]) == ()
