"""What provision would do on this host: the drift, seen through its own plan."""

from opskit.config import Configuration
from opskit.errors import OpskitError
from opskit.provision.run import survey


def pending(configuration: Configuration) -> tuple[str, ...] | str:
    """Every reason for a step, in the plan's order; or why that cannot be found out, as a sentence."""
    try:
        plan = survey(configuration).plan
    except OpskitError as error:
        return f"whether the host has drifted: {error}"
    return tuple(reason for step in plan.steps for reason in step.why)
