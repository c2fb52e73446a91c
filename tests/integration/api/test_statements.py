"""The statements of the API against the migrated schema: each prepares, the hot one reads by index, masks agree."""

from __future__ import annotations

import json

from service.watermarks import Watermarks
from sync.kafka import KafkaSettings, Message, Producer, create_topics
from sync.masking import mask_record
from sync.store.connection import API, Pool, open_pool, reading
from sync.store.registrations import prepare_session
from sync.store.statements import statements
from sync.topics import submissions_topic

_MODULES = ("registrations", "returns", "clients", "audits", "progress", "feed", "case_lists")
_VALUES = ("210102199001011234", "13812345678", "024-12345678", "1234567890", "12345", "12", "1", "张三丰", "张", "",
           "a.b@example.cn", "x@y@z", "@", "𠮷野家", "１３８１２３４５６７８")  # fmt: skip


async def test_every_statement_prepares_as_the_role_that_runs_it(database: str) -> None:
    prepared = 0
    for module in _MODULES:
        # Clients are made and revoked by the operator, as the database's owner.
        role = None if module == "clients" else "uscc_api"
        pool = await open_pool(database, role=role, limits=API, size=1, name="test", prepare=prepare_session)
        async with pool.acquire() as connection:
            for statement in statements(module).values():
                await connection.prepare(statement)
                prepared += 1
        await pool.close()

    assert sum(len(statements(module)) for module in _MODULES) == prepared


async def test_a_look_up_reads_by_index_alone(pool: Pool) -> None:
    await pool.execute("select ensure_month(now())")
    async with pool.acquire() as connection:
        await prepare_session(connection)
        await connection.execute("set enable_seqscan = off")
        statement = await connection.prepare(statements("registrations")["look_up"])
        plan = json.dumps(await statement.explain(["91210100MA0000496X"]))
        planned = await connection.fetchval("show plan_cache_mode")

    assert "Seq Scan" not in plan
    assert '"Node Type": "Nested Loop"' in plan
    assert "force_generic_plan" == planned


async def test_the_database_masks_as_the_feed_does(pool: Pool) -> None:
    for value in _VALUES:
        whole = {"name": value, "legal_representative_id_number": value, "contact_phone": value, "contact_name": value}
        for record in (whole, {"name": value, "contact_phone": value}):
            masked = await pool.fetchval("select mask_personal($1::jsonb)::text", json.dumps(record))

            assert mask_record(record) == json.loads(masked)


async def test_an_office_of_which_everything_is_decided_has_come_to_now(
    pool: Pool, broker: KafkaSettings, suffix: str
) -> None:
    quiet, busy = f"quiet{suffix}", f"busy{suffix}"
    await create_topics(broker, [quiet, busy], partitions=2)
    producer = Producer(broker)
    await producer.start()
    await producer.send_all(submissions_topic(busy), [Message(None, b"{}")])
    await producer.stop()
    watermarks = Watermarks(pool, [quiet, busy], broker)

    await watermarks.probe()

    reach = watermarks.reach
    assert (True, {quiet: 0, busy: 1}) == (reach.kafka_reachable, dict(reach.lag))
    assert (True, None) == (reach.instants[quiet] is not None, reach.instants[busy])
    assert watermarks.header.startswith(f"{quiet}=".encode())


async def test_a_reading_of_the_watermark_survives_brokers_that_are_away(pool: Pool) -> None:
    watermarks = Watermarks(pool, ["commerce"], KafkaSettings(bootstrap="127.0.0.1:1"))

    await watermarks.probe()
    async with reading(pool) as connection:
        alive = await connection.fetchval("select 1")

    assert (False, {"commerce": None}, 1) == (watermarks.reach.kafka_reachable, dict(watermarks.reach.lag), alive)
