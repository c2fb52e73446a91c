"""The faults, by name: each is done to a running system in the middle of a feed and returns when it has ended."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Callable, Mapping
from random import Random
from typing import TypeAlias

import asyncpg

from sync.failpoints import STEPS, Step
from tests.faults.system import System, send

Fault: TypeAlias = Callable[[System, Random], None]

_SPRING_SECONDS = 20.0
# Longer than the group's session (10 s): the others take over what a frozen process held.
_ZOMBIE_SECONDS = 13.0


def _dies_at(step: Step) -> Fault:
    def fault(system: System, _random: Random) -> None:
        system.arm(step)
        deadline = time.monotonic() + _SPRING_SECONDS
        while not system.sprung(step):
            assert time.monotonic() < deadline, f"nobody came to {step}"
            time.sleep(0.02)

    return fault


def _killed(word: str) -> Fault:
    def fault(system: System, random: Random) -> None:
        os.kill(random.choice(system.roles(word) or [system.role(word)]), signal.SIGKILL)

    return fault


def _postgres_killed(system: System, _random: Random) -> None:
    os.kill(system.postmaster(), signal.SIGKILL)


def _postgres_frozen(shortest: float, longest: float) -> Fault:
    def fault(system: System, random: Random) -> None:
        frozen = system.postgres()
        send(frozen, signal.SIGSTOP)
        time.sleep(random.uniform(shortest, longest))
        send(frozen, signal.SIGCONT)

    return fault


def _broker_killed(system: System, _random: Random) -> None:
    os.kill(system.broker(), signal.SIGKILL)


def _broker_frozen(shortest: float, longest: float) -> Fault:
    def fault(system: System, random: Random) -> None:
        frozen = system.broker()
        os.kill(frozen, signal.SIGSTOP)
        time.sleep(random.uniform(shortest, longest))
        os.kill(frozen, signal.SIGCONT)

    return fault


def _both_killed(system: System, _random: Random) -> None:
    os.kill(system.postmaster(), signal.SIGKILL)
    os.kill(system.broker(), signal.SIGKILL)


def _supervisor_killed(system: System, _random: Random) -> None:
    """What restarts a supervisor, on a server, is its service manager; here it is this line."""
    system.kill_supervisor()
    system.start()


def _connections_cut(system: System, random: Random) -> None:
    """Cut every connection of the roles, again and again: some are in the middle of a batch, some in COMMIT."""

    async def cut() -> None:
        connection = await asyncpg.connect(system.endpoints["database"])
        try:
            for _ in range(8):
                await connection.execute(
                    "select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'uscc-%'"
                )
                await asyncio.sleep(random.uniform(0.02, 0.25))
        finally:
            await connection.close()

    asyncio.run(cut())


def _writer_cut_in_its_batch(system: System, _random: Random) -> None:
    """Cut the one connection that holds the writer's lock, as soon as there is one, five times."""

    async def cut() -> None:
        connection = await asyncpg.connect(system.endpoints["database"])
        try:
            deadline = time.monotonic() + 10
            done = 0
            while done < 5 and time.monotonic() < deadline:
                done += await connection.fetchval(
                    "select count(pg_terminate_backend(pid)) from pg_locks where locktype = 'advisory' and granted"
                    " and classid = 0 and objid = 4201360107"
                )
        finally:
            await connection.close()
        assert done == 5, f"the writer was met {done} times"

    asyncio.run(cut())


def _rebalance(system: System, random: Random) -> None:
    """Let one more ingest join the group in the middle of the feed, and leave it again."""
    extra = system.start_role("ingest")
    deadline = time.monotonic() + 30
    while system.members() < 3:
        assert time.monotonic() < deadline, "nobody joined"
        time.sleep(0.1)
    time.sleep(random.uniform(0.5, 2))
    extra.terminate()
    assert extra.wait(25) == 0


def _zombie(system: System, random: Random) -> None:
    """Freeze an ingest until others have its partitions, then wake it with whatever it had in hand."""
    frozen = random.choice(system.roles("ingest"))
    os.kill(frozen, signal.SIGSTOP)
    time.sleep(_ZOMBIE_SECONDS)
    os.kill(frozen, signal.SIGCONT)


FAULTS: Mapping[str, Fault] = {
    **{f"dies_{step}": _dies_at(step) for step in STEPS},
    **{f"{word}_killed": _killed(word) for word in ("ingest", "relay", "serve")},
    "postgres_killed": _postgres_killed,
    "postgres_paused": _postgres_frozen(2, 5),
    "broker_killed": _broker_killed,
    "broker_paused": _broker_frozen(5, 5),
    "both_killed": _both_killed,
    "supervisor_killed": _supervisor_killed,
    "connections_cut": _connections_cut,
    "writer_cut_in_its_batch": _writer_cut_in_its_batch,
    "rebalance": _rebalance,
    "zombie": _zombie,
}
LONG_FAULTS: Mapping[str, Fault] = {
    "postgres_frozen": _postgres_frozen(15, 30),
    "broker_frozen": _broker_frozen(15, 30),
}
"""Faults that only the long run has the time for."""
