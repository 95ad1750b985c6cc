"""What is kept out of the exporter's memory."""

import sys


def without_openssl() -> None:
    """Spares 4 MB: asyncio loads `ssl` whether TLS is spoken or not, and does without where there is none.

    To be called before asyncio is imported; where it was already, nothing is spared.
    """
    sys.modules.setdefault("ssl", None)  # pyright: ignore[reportArgumentType]  how the import system says "not there"
