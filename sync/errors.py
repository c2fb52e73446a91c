"""What can go wrong in the registry, as facts. Foreign errors are translated once, at the wall, into these."""

from __future__ import annotations


class SyncError(Exception):
    """Something went wrong in the registry."""


class Rejected(SyncError):
    """The database refused the data themselves: the record that carries them is at fault, nothing else."""


class Retryable(SyncError):
    """We were unlucky or late (connection lost, deadlock, timeout): the same work may be tried again."""


class Fatal(SyncError):
    """Our own code or the installation is wrong: go no further."""


class Fenced(SyncError):
    """Somebody else has moved this partition on: the batch was read from a position that is no longer the next."""

    def __init__(self, topic: str, partition: int, expected: int, found: int) -> None:
        super().__init__(f"{topic}/{partition}: the batch begins at {expected}, the ledger stands at {found}")
        self.topic = topic
        self.partition = partition
        self.expected = expected
        self.found = found


class Halted(SyncError):
    """A partition cannot go on until a person has looked; carries the reason that `uscc partitions list` shows."""

    def __init__(self, topic: str, partition: int, reason: str) -> None:
        super().__init__(f"{topic}/{partition} is halted: {reason}")
        self.topic = topic
        self.partition = partition
        self.reason = reason
