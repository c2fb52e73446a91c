"""Whether the process lives, whether it is ready and if not why, and what a scrape reads."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime

from fastapi import FastAPI, Response
from starlette.responses import PlainTextResponse

from service.api.bodies import answer
from service.api.models import Readiness
from service.api.parameters import NO_PARAMETERS
from service.auth.policy import public
from service.deps import ResourcesDep
from service.metrics import Pipeline
from service.resources import Resources
from sync.errors import SyncError
from sync.store.connection import reading
from sync.store.feed import read_counters
from sync.store.nightly import state_of_nights
from sync.store.progress import count_open_cases, count_waiting, read_partitions, read_published
from sync.store.returns import WINDOW, count_dispositions

_METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the service; `zh` and `en` say why it is not ready, None when it is."""

    name: str
    zh: str | None = None
    en: str | None = None


def add_routes(app: FastAPI) -> None:
    """Add the endpoints."""
    app.add_api_route(
        "/livez",
        show_life,
        methods=["GET"],
        dependencies=[NO_PARAMETERS],
        tags=["operation"],
        summary="存活 · The process lives",
    )
    app.add_api_route(
        "/readyz",
        show_readiness,
        methods=["GET"],
        dependencies=[NO_PARAMETERS],
        response_model=Readiness,
        tags=["operation"],
        summary="就绪 · Whether the service is ready, and if not, which part",
        responses={503: {"model": Readiness, "description": "Not ready"}},
    )
    app.add_api_route(
        "/metrics",
        show_metrics,
        methods=["GET"],
        dependencies=[NO_PARAMETERS],
        tags=["operation"],
        summary="指标 · Metrics",
        response_class=PlainTextResponse,
    )


@public
async def show_life() -> Response:
    """Answer, which is all there is to say."""
    return answer({"alive": True})


@public
async def show_readiness(resources: ResourcesDep) -> Response:
    """Say whether requests can be answered: the database, its schema, and whether the process drains."""
    parts = [await _database(resources), _brokers(resources), _draining(resources)]
    # Look-ups need no broker: one that is away is told, and does not take the service out of rotation.
    ready = all(part.zh is None for part in parts if part.name != "kafka")
    document = {
        "ready": ready,
        "parts": [
            {
                "part": part.name,
                "ready": part.zh is None,
                "reason": None if part.zh is None else {"zh": part.zh, "en": part.en},
            }
            for part in parts
        ],
    }
    return answer(document, 200 if ready else 503)


async def _database(resources: Resources) -> Part:
    try:
        async with reading(resources.reads) as connection:
            await read_partitions(connection)
    except SyncError as error:
        kind = type(error).__name__
        return Part(
            "database", f"数据库无应答或未迁移（{kind}）", f"the database does not answer or is not migrated ({kind})"
        )
    return Part("database")


def _brokers(resources: Resources) -> Part:
    if resources.config.kafka is None or resources.watermarks.reach.kafka_reachable:
        return Part("kafka")
    return Part(
        "kafka", "Kafka 无应答，水位停在最后处理的记录", "Kafka does not answer; the watermark stays at the last record"
    )


def _draining(resources: Resources) -> Part:
    if resources.closing.is_set():
        return Part("process", "进程正在退出", "the process is draining")
    return Part("process")


@public
async def show_metrics(resources: ResourcesDep) -> Response:
    """Return the metrics of this process and, from the database, those of the pipeline."""
    # A scrape while the database is away still has the requests; the gauges of the pipeline keep their values.
    with suppress(SyncError):
        await _read_pipeline(resources)
    return Response(resources.metrics.render(), media_type=_METRICS_TYPE)


async def _read_pipeline(resources: Resources) -> None:
    reach = resources.watermarks.reach
    async with reading(resources.reads) as connection:
        counters = await read_counters(connection)
        pipeline = Pipeline(
            partitions=await read_partitions(connection),
            lag={office: reach.lag.get(office) for office in resources.config.offices},
            counters=counters,
            published=await read_published(connection),
            waiting=await count_waiting(connection),
            open_cases=await count_open_cases(connection),
            kafka_reachable=reach.kafka_reachable,
        )
        resources.metrics.show_pipeline(pipeline)
        nights, now = resources.config.nights, datetime.now(UTC)
        days = nights.closing.days
        states = await state_of_nights(
            connection, days.last_complete(now), days.window(days.day_of(now)).begins, list(resources.config.offices)
        )
        resources.metrics.show_nights(nights, states, now)
        for office in resources.config.offices:
            name = f"returns:{office}"
            tip = counters.get(name, 0)
            counted = resources.counted.setdefault(name, tip)
            upto = min(tip, counted + WINDOW)
            if upto > counted:
                resources.counted[name] = upto
                resources.metrics.count_dispositions(
                    office, await count_dispositions(connection, office, counted, upto)
                )
