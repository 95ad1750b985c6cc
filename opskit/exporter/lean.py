"""What the exporter spares itself: memory, and time of each answer."""

import gc
import sys


def without_openssl() -> None:
    """Spares 4 MB: asyncio loads `ssl` whether TLS is spoken or not, and does without where there is none.

    To be called before asyncio is imported; where it was already, nothing is spared.
    """
    sys.modules.setdefault("ssl", None)  # pyright: ignore[reportArgumentType]  how the import system says "not there"


def with_short_collections() -> None:
    """Spares all garbage collections to come what is there by now, and stays.

    How often they come is left as it is: with fewer of them the memory grows, and an answer takes as long.
    """
    gc.collect()
    gc.freeze()
