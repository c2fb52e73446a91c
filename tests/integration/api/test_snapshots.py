"""Snapshots: sealed at a change of the feed, the same in every format, and with the later changes the registry."""

from __future__ import annotations

import asyncio
import csv
import gzip
import hashlib
import io
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as parquet
import pytest

from service.resources import ServeConfig
from sync import snapshots
from sync.snapshot_files import COLUMNS
from sync.snapshots import SnapshotUnderWay, make_snapshot
from sync.store import snapshots as stored
from sync.store.connection import JOB, Pool, open_pool
from sync.store.snapshots import Snapshot
from tests.integration.api.conftest import Api, Registry, new_code, problem, record_of
from validators.fields import FIELDS

LATER = "2026-11-19T09:00:00+08:00"


@pytest.fixture
async def job_pool(database: str) -> AsyncIterator[Pool]:
    """A pool with the rights of `uscc snapshot`."""
    opened = await open_pool(database, role="uscc_job", limits=JOB, size=3, name="test-job")
    yield opened
    await opened.close()


async def fill(registry: Registry) -> dict[str, str]:
    """Register some organizations: one as it came, one changed and cancelled, one hidden, one withdrawn."""
    codes = {what: new_code() for what in ("plain", "cancelled", "hidden", "withdrawn")}
    for what, code in codes.items():
        await registry.register(code, name=f"{what}公司", **({"is_public": "0"} if what == "hidden" else {}))
    cancelled = record_of(codes["cancelled"], name="改名公司")
    await registry.push(registry.message("change", cancelled, at="2026-11-18T10:00:00+08:00"))
    short = {"uscc": codes["cancelled"], "name": "改名公司", "approved_on": "2026-11-19"}
    await registry.push(registry.message("cancel", short, at=LATER))
    short = {"uscc": codes["withdrawn"], "name": "withdrawn公司", "approved_on": "2026-11-19"}
    await registry.push(registry.message("withdraw", short, at=LATER))
    return codes


async def read_lines(api: Api, snapshot_id: str, file: str = "registrations.ndjson.gz") -> list[dict[str, Any]]:
    """Return the rows of a snapshot, taken over HTTP."""
    response = await api.get(f"/v1/snapshots/{snapshot_id}/{file}", key="reader")
    return [json.loads(line) for line in gzip.decompress(response.content).splitlines()]


async def test_a_snapshot_is_the_registry_masked_and_with_stubs(
    api: Api, registry: Registry, job_pool: Pool, config: ServeConfig
) -> None:
    codes = await fill(registry)

    made = await make_snapshot(job_pool, config.snapshot_folder, kept=3)

    rows = {row["uscc"]: row for row in await read_lines(api, made.snapshot_id)}
    tip = (await api.get("/v1/changes/tip", key="reader")).json()
    assert (made.sequence, 3) == (tip["sequence"], made.rows)
    assert {codes["plain"], codes["cancelled"], codes["hidden"]} == rows.keys()
    for what in ("plain", "cancelled"):
        shown = (await api.get(f"/v1/registrations/{codes[what]}", key="reader")).json()
        row = rows[codes[what]]
        assert shown["record"] == {name: row[name] for name in shown["record"]}
        assert {None} == {value for name, value in row.items() if name not in shown["record"].keys() | shown.keys()}
        for name in ("version", "status", "standing", "office"):
            assert shown[name] == row[name]
    assert "138****5678" == rows[codes["plain"]]["contact_phone"]
    assert {"uscc": codes["hidden"], "version": 1} == {
        name: value for name, value in rows[codes["hidden"]].items() if value is not None
    }


async def test_every_format_has_the_same_rows_and_columns(
    api: Api, registry: Registry, job_pool: Pool, config: ServeConfig
) -> None:
    await fill(registry)
    made = await make_snapshot(job_pool, config.snapshot_folder, kept=3)

    lines = await read_lines(api, made.snapshot_id)
    files = {}
    for file in made.files:
        content = (await api.get(f"/v1/snapshots/{made.snapshot_id}/{file.name}", key="reader")).content
        assert (len(content), hashlib.sha256(content).hexdigest()) == (file.bytes, file.sha256)
        files[file.format] = content
    table = parquet.read_table(io.BytesIO(files["parquet"]))
    reader = csv.DictReader(io.StringIO(gzip.decompress(files["csv.gz"]).decode(), newline=""))

    assert set(FIELDS) | {"uscc", "version", "status", "standing", "office"} == set(COLUMNS)
    assert list(COLUMNS) == table.column_names == list(reader.fieldnames or ()) == list(lines[0])
    assert lines == table.to_pylist()
    assert [{name: "" if value is None else str(value) for name, value in row.items()} for row in lines] == list(reader)


async def test_a_snapshot_stands_at_its_change_whatever_comes_meanwhile(
    api: Api, registry: Registry, job_pool: Pool, config: ServeConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snapshots, "CODES_AT_A_TIME", 2)
    codes = sorted(new_code() for _ in range(6))
    for code in codes:
        await registry.register(code)
    copy: dict[str, int] = {}
    going_on: list[asyncio.Task[Any]] = []

    def meanwhile(done: int, _total: int) -> None:
        """Change, withdraw and register what the snapshot has yet to read."""
        if done == 2:
            name = record_of(codes[3])["name"]
            change = registry.message("change", record_of(codes[4], registered_capital="999"), at=LATER)
            gone = {"uscc": codes[3], "name": name, "approved_on": "2026-11-19"}
            fresh = registry.message("assign", record_of(new_code()), at=LATER)
            push = registry.push(change, registry.message("withdraw", gone, at=LATER), fresh)
            going_on.append(asyncio.get_running_loop().create_task(push))

    async def slowly(pool: Pool) -> Snapshot:
        original = stored.next_codes

        async def wait_first(connection: Any, after: str, limit: int) -> list[str]:
            await asyncio.gather(*going_on)
            return await original(connection, after, limit)

        monkeypatch.setattr(stored, "next_codes", wait_first)
        return await make_snapshot(pool, config.snapshot_folder, kept=3, progress=meanwhile)

    made = await slowly(job_pool)

    for row in await read_lines(api, made.snapshot_id):
        copy[row["uscc"]] = row["version"]
        assert "100" == row["registered_capital"]
    assert dict.fromkeys(codes, 1) == copy
    for item in (await api.get(f"/v1/changes?after={made.sequence}", key="reader")).json()["items"]:
        copy[item["uscc"]] = item["version"]
        if item["kind"] == "withdrawn":
            del copy[item["uscc"]]
    present = await registry.pool.fetch("select uscc, version from registration where registered")
    assert copy == {row["uscc"]: row["version"] for row in present}


async def test_ranges_are_served(api: Api, registry: Registry, job_pool: Pool, config: ServeConfig) -> None:
    await registry.register(new_code())
    made = await make_snapshot(job_pool, config.snapshot_folder, kept=3)
    path = f"/v1/snapshots/{made.snapshot_id}/registrations.parquet"
    whole = await api.get(path, key="reader")
    size, etag = len(whole.content), whole.headers["etag"]

    async def part(value: str, **headers: str) -> tuple[int, bytes, str | None]:
        response = await api.get(path, key="reader", headers={"range": value} | headers)
        assert response.headers.get("content-length", "0") == str(len(response.content)) or response.status_code == 416
        return response.status_code, response.content, response.headers.get("content-range")

    assert (206, whole.content[:10], f"bytes 0-9/{size}") == await part("bytes=0-9")
    assert (206, whole.content[10:], f"bytes 10-{size - 1}/{size}") == await part("bytes=10-")
    assert (206, whole.content[-7:], f"bytes {size - 7}-{size - 1}/{size}") == await part("bytes=-7")
    assert (206, whole.content, f"bytes 0-{size - 1}/{size}") == await part("bytes=0-999999999")
    assert (206, whole.content[5:6], f"bytes 5-5/{size}") == await part("bytes=5-5", **{"if-range": etag})
    for ignored in ("bytes=0-1,3-4", "lines=1-2", "bytes=5-2", "bytes=-", "bytes=x-"):
        assert (200, whole.content, None) == await part(ignored)
    assert (200, whole.content, None) == await part("bytes=0-9", **{"if-range": '"other"'})
    for beyond in (f"bytes={size}-", "bytes=-0"):
        refused = await api.get(path, key="reader", headers={"range": beyond})
        assert (416, "range-not-satisfiable") == problem(refused)
        assert f"bytes */{size}" == refused.headers["content-range"]
    assert (304, b"") == ((again := await api.get(path, headers={"if-none-match": etag})).status_code, again.content)
    assert "bytes" == whole.headers["accept-ranges"]


async def test_what_is_no_file_of_a_snapshot_is_not_found(api: Api, job_pool: Pool, config: ServeConfig) -> None:
    made = await make_snapshot(job_pool, config.snapshot_folder, kept=3)
    (config.snapshot_folder / "secret").write_text("x")

    empty = await read_lines(api, made.snapshot_id)

    assert ([], 0, None) == (empty, made.sequence, made.recorded_at)
    for path in (
        "x",
        "000000000000001",
        f"{made.snapshot_id}/secret",
        f"{made.snapshot_id}/..%2Fsecret",
        "..%2Fsecret/x",
    ):
        assert (404, "not-found") == problem(await api.get(f"/v1/snapshots/{path}"))


async def test_the_list_has_the_newest_first_and_old_ones_go(
    api: Api, registry: Registry, job_pool: Pool, config: ServeConfig
) -> None:
    made: list[Snapshot] = []
    for _ in range(4):
        await registry.register(new_code())
        made.append(await make_snapshot(job_pool, config.snapshot_folder, kept=2))
    again = await make_snapshot(job_pool, config.snapshot_folder, kept=2)

    first = (await api.get("/v1/snapshots?limit=1", key="reader")).json()
    second = (await api.get(f"/v1/snapshots?limit=1&after={first['next']}", key="reader")).json()
    one = (await api.get(f"/v1/snapshots/{made[3].snapshot_id}", key="reader")).json()

    assert made[3] == again
    assert [made[3].snapshot_id, made[2].snapshot_id] == [page["items"][0]["snapshot_id"] for page in (first, second)]
    assert (None, one) == (second["next"], first["items"][0])
    assert {"snapshot_id", "sequence", "recorded_at", "rows", "files", "sealed_at"} == one.keys()
    assert {made[2].snapshot_id, made[3].snapshot_id} == {path.name for path in config.snapshot_folder.iterdir()}
    assert (404, "not-found") == problem(await api.get(f"/v1/snapshots/{made[0].snapshot_id}/registrations.csv.gz"))


async def test_one_snapshot_is_made_at_a_time_and_leavings_are_cleared(
    registry: Registry, job_pool: Pool, tmp_path: Path
) -> None:
    await registry.register(new_code())
    (tmp_path / "000000000000001.unfinished").mkdir()
    (tmp_path / "000000000000001").mkdir()

    results = await asyncio.gather(
        make_snapshot(job_pool, tmp_path, kept=2), make_snapshot(job_pool, tmp_path, kept=2), return_exceptions=True
    )

    assert {"Snapshot", "SnapshotUnderWay"} == {type(each).__name__ for each in results}
    assert any(isinstance(each, SnapshotUnderWay) for each in results)
    assert ["000000000000001"] == [path.name for path in tmp_path.iterdir()]
    assert 3 == len(list((tmp_path / "000000000000001").iterdir()))
