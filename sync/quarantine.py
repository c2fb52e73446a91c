"""Keeps one bad record from holding up the others: halves a batch until the record that cannot be applied stands alone.

Only what a record itself causes is treated so. A record that the database refuses is quarantined with its bytes kept;
one on which our own code fails is too, but after 20 of those in a row the partition halts: then we are wrong, not they.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import structlog

from sync.apply import Applied, Applier, Batch
from sync.errors import Halted, Rejected, SyncError
from sync.kafka import Partition
from sync.messages import batch_named_beside
from sync.records import Disposition, Incoming, Submission, receipt_id
from sync.store.facts import Decode
from validators.findings import Occasion
from validators.rulebook import Ruleset

FAILURES_IN_A_ROW = 20

log = structlog.get_logger(__name__)


def quarantined(incoming: Incoming, office: str, ruleset: Ruleset) -> Submission:
    """Return a record that no more is known of than its bytes."""
    finding = ruleset.find("M03", Occasion(office=office), "unprocessable")
    return Submission(
        incoming=incoming,
        receipt_id=receipt_id(incoming.source, incoming.received_at),
        office=office,
        content_sha256=hashlib.sha256(incoming.body).digest(),
        quarantined=True,
        batch_id=batch_named_beside(incoming),
        findings=[finding] if finding is not None else [],
    )


@dataclass(slots=True, kw_only=True)
class Quarantine:
    """Decodes and applies records; what fails by itself is put aside. Remembers failures in a row by partition."""

    applier: Applier
    failures: dict[Partition, int] = field(default_factory=dict)

    def decode(self, decode: Decode, incoming: Incoming, office: str) -> Submission:
        """Decode one record; a failure of our own decoder quarantines it."""
        try:
            return decode(incoming, office)
        except Exception as error:  # noqa: BLE001 — a failure here is ours: the record waits, its neighbours go on
            log.error("record_not_decoded", source="/".join(map(str, incoming.source)), error=type(error).__name__)
            self._count(Partition(*incoming.source[:2]), type(error).__name__)
            return quarantined(incoming, office, self.applier.ruleset)

    async def apply(self, batch: Batch) -> Applied:
        """Apply a batch, around the records that cannot be applied.

        Raises:
            Halted: our own code failed on too many records in a row.
        """
        try:
            applied = await self.applier.apply(batch)
        except Rejected as error:
            return await self._around(batch, str(error), ours=False)
        except SyncError:
            raise
        except Exception as error:  # A bug of ours on some record: find it, put it aside, go on.
            log.error("batch_failed", topic=batch.place.topic, partition=batch.place.partition, exc_info=True)
            return await self._around(batch, type(error).__name__, ours=True)
        if any(disposition is not Disposition.QUARANTINED for disposition in applied.dispositions):
            self.failures.pop(batch.place, None)
        return applied

    async def _around(self, batch: Batch, reason: str, *, ours: bool) -> Applied:
        submissions = batch.submissions
        if len(submissions) == 1:
            log.error("record_quarantined", source="/".join(map(str, submissions[0].incoming.source)), reason=reason)
            if ours:
                self._count(batch.place, reason)
            alone = quarantined(submissions[0].incoming, batch.office, self.applier.ruleset)
            return await self.applier.apply(replace(batch, submissions=[alone]))
        middle = len(submissions) // 2
        seam = submissions[middle].incoming.source.offset
        first = await self.apply(replace(batch, submissions=submissions[:middle], next_offset=seam))
        second = await self.apply(replace(batch, submissions=submissions[middle:], position=seam))
        return _sum(first, second)

    def _count(self, place: Partition, reason: str) -> None:
        self.failures[place] = self.failures.get(place, 0) + 1
        if self.failures[place] >= FAILURES_IN_A_ROW:
            raise Halted(*place, f"our own code failed on {FAILURES_IN_A_ROW} records in a row: {reason}")


def _sum(first: Applied, second: Applied) -> Applied:
    counts: Sequence[tuple[Disposition, int]] = [*first.dispositions.items(), *second.dispositions.items()]
    total: dict[Disposition, int] = {}
    for disposition, count in counts:
        total[disposition] = total.get(disposition, 0) + count
    return Applied(records=first.records + second.records, dispositions=total, decided_at=second.decided_at)
