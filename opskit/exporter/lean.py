"""What the exporter spares itself: memory, and time of each answer."""

import gc
import sys

ALLOCATIONS = 50_000
"""So many more objects than were freed have Python look for cycles; an answer makes and frees a tenth."""


def without_openssl() -> None:
    """Spares 4 MB: asyncio loads `ssl` whether TLS is spoken or not, and does without where there is none.

    To be called before asyncio is imported; where it was already, nothing is spared.
    """
    sys.modules.setdefault("ssl", None)  # pyright: ignore[reportArgumentType]  how the import system says "not there"


def with_rare_collections() -> None:
    """Spares an answer several garbage collections; what there is by now is left out of all to come."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(ALLOCATIONS)
