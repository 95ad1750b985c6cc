"""Runs a command in the container and notes every command line that any process shows meanwhile.

With a list in seen.json, the command is killed as soon as its journal names a step that is not in the list.
"""

import json
import subprocess
import sys
import time
from pathlib import Path

RUNS = Path("/var/lib/opskit/runs")


def intents() -> list[str]:
    """The steps that the newest journal has begun."""
    journals = sorted(RUNS.glob("*.jsonl"))[-1:]
    lines = [line for journal in journals for line in journal.read_text().splitlines()]
    return [entry["step"] for entry in map(json.loads, lines) if entry["event"] == "intent"]


def command_lines() -> set[str]:
    found = set()
    for process in Path("/proc").glob("[0-9]*"):
        try:
            found.add((process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace"))
        except OSError:
            continue
    return found


def main() -> None:
    seen = json.loads(Path("/root/seen.json").read_text())
    before = {*RUNS.glob("*.jsonl")}
    commands: set[str] = set()
    killed_at = None
    with Path("/root/stdout").open("w+") as stdout, Path("/root/stderr").open("w+") as stderr:
        process = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr)
        while process.poll() is None:
            if seen is None:
                commands |= command_lines()
            elif {*RUNS.glob("*.jsonl")} - before:
                new = [step for step in intents() if step not in seen]
                if new:
                    process.kill()
                    process.wait()
                    killed_at = new[0]
            time.sleep(0.001)
        stdout.seek(0)
        stderr.seek(0)
        result = {
            "code": process.returncode,
            "stdout": stdout.read(),
            "stderr": stderr.read(),
            "commands": sorted(commands),
            "killed_at": killed_at,
        }
    Path("/root/watched.json").write_text(json.dumps(result))


main()
