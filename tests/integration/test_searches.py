"""The statements of exchange and search: each can be prepared, and a search finds what it wants in an index."""

from __future__ import annotations

import asyncpg
import pytest

from sync.store import searches
from sync.store.statements import statements

_FILTERS = (101, "", None, None, False)
_PLACES = ("", "")
HOT: dict[str, tuple[tuple[object, ...], str]] = {
    "by_prefix": (("沈阳鼓%", *_FILTERS), "holder_name_key"),
    "by_piece": (("%有限公司%", *_FILTERS, *_PLACES), "holder_scattered"),
    "by_rare_piece": (("%鼓风机%", *_FILTERS, *_PLACES), "holder_trigrams"),
    "by_rare_pair": (("鼓风", *_FILTERS, *_PLACES), "holder_bigrams"),
    "by_typos": ((["%鼓风%机厂家%"], *_FILTERS, ["%a%"], ["%a%"], ["%a%"]), "holder_trigrams"),
    "by_short_typos": ((["鼓风"], *_FILTERS, ["%a%"], ["%a%"], ["%a%"]), "holder_bigrams"),
    "walk": (("", "", "21", None, None, False, 10, "21~"), "holder_division"),
    "codes_of_subjects": ((["MA0000496"],), "registration_subject_code"),
    "codes_of_numbers": ((["registration_number_15"], ["210100000012349"]), "legacy_number_pkey"),
}


@pytest.fixture
async def connection(database: str) -> asyncpg.Connection[asyncpg.Record]:
    """A session of the search on a database with some names, as the API has it."""
    opened = await asyncpg.connect(database)
    await opened.execute(
        """insert into holder (uscc, name, name_key, subject_code, division_code)
           select '912101' || to_char(n, 'FM000000000000'), n || '有限公司', n || '有限公司',
                  to_char(n, 'FM000000000'), '210100'
           from generate_series(1, 2000) n;
           insert into legacy_number (kind, number, uscc, source, recorded_at)
           select 'registration_number_15', to_char(n, 'FM000000000000000'), '912101' || to_char(n, 'FM000000000000'),
                  'test', now()
           from generate_series(1, 2000) n"""
    )
    await opened.execute("analyze")
    await searches.prepare_session(opened)
    return opened


@pytest.mark.parametrize("module", ["submissions", "searches", "snapshots", "clients"])
async def test_every_statement_can_be_prepared(database: str, module: str) -> None:
    opened = await asyncpg.connect(database)
    try:
        for name, text in statements(module).items():
            assert await opened.prepare(text) is not None, name
    finally:
        await opened.close()


async def test_searches_look_into_their_indexes(connection: asyncpg.Connection[asyncpg.Record]) -> None:
    try:
        for name, (arguments, index) in HOT.items():
            plan = await connection.fetch("explain " + statements("searches")[name], *arguments)
            text = "\n".join(row[0] for row in plan)
            assert index in text, f"{name}:\n{text}"
            assert "Seq Scan on holder" not in text, f"{name}:\n{text}"
    finally:
        await connection.close()


async def test_the_statistics_tell_what_is_common(connection: asyncpg.Connection[asyncpg.Record]) -> None:
    try:
        pairs = await searches.read_common_pairs(connection)
    finally:
        await connection.close()

    assert (1.0, 2000.0) == (pairs.frequencies["公司"], pairs.names)
    assert pairs.frequencies.get("风机", 0.0) == 0.0
