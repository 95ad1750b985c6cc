"""What the machine has to give."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Machine:
    """Memory, cores and disk.

    Attributes:
        memory: bytes this host has, or its control group may use.
        cores: that it may use.
        disk: bytes of the file system that holds the data directory.
        free: bytes of it that are free.
        rotating: is the disk one that turns? False also when nobody knows.
    """

    memory: int
    cores: int
    disk: int
    free: int
    rotating: bool = False
