"""Where cases are settled: the ledger's pen, taken up when the first resolution comes, laid down with the service."""

from __future__ import annotations

import asyncio

from service.dry_run import Judging
from sync.apply import Applier
from sync.store.connection import INGEST, open_pool
from sync.store.ledger import prepare_session

_SIZE = 2


class CaseDesk:
    """Opens what carries resolutions out, as the database role of the ledger's writer (None: as the login itself)."""

    def __init__(self, dsn: str, judging: Judging, *, role: str | None = "uscc_ingest") -> None:
        self._dsn = dsn
        self._judging = judging
        self._role = role
        self._applier: Applier | None = None
        self._opening = asyncio.Lock()

    async def applier(self) -> Applier:
        """Return what carries resolutions out.

        Raises:
            Retryable: the database does not answer.
        """
        async with self._opening:
            if self._applier is None:
                pool = await open_pool(
                    self._dsn,
                    role=self._role,
                    limits=INGEST,
                    size=_SIZE,
                    name="uscc-serve-cases",
                    prepare=prepare_session,
                )
                self._applier = Applier(
                    pool=pool,
                    rulings=self._judging.rulings,
                    ruleset=self._judging.ruleset,
                    decode=self._judging.decode,
                )
            return self._applier

    async def close(self) -> None:
        """Lay the pen down."""
        if self._applier is not None:
            await self._applier.pool.close()
