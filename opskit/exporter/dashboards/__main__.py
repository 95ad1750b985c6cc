"""`python -m opskit.exporter.dashboards DIRECTORY` writes both dashboards below monitoring/."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path

from opskit.exporter.dashboards.console import console
from opskit.exporter.dashboards.grafana import dashboard


def files() -> Mapping[str, str]:
    """Path below the directory → what stands there."""
    return {
        "grafana/opskit.json": json.dumps(dashboard(), indent=1) + "\n",
        "prometheus/consoles/opskit.html": console(),
    }


if __name__ == "__main__":
    for name, text in files().items():
        file = Path(sys.argv[1], name)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
