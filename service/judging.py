"""Makes what decides records, out of the settings and the site's tables: the same for ingest, replay and dry runs."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from service.dry_run import Judging
from service.settings import Settings, dsn
from service.site import Site, load_site
from sync.apply import Applier
from sync.facts import Rulings
from sync.failpoints import FailPoints
from sync.mappings import load_mappings
from sync.messages import Decoder
from sync.store.connection import INGEST, open_pool
from sync.store.ledger import prepare_session
from validators.calendar import WorkingCalendar
from validators.code_rules import CodeContext
from validators.rulebook import Text

_SHANGHAI = ZoneInfo("Asia/Shanghai")
_DAY = timedelta(days=1)


@asynccontextmanager
async def open_applier(settings: Settings, *, role: str = "uscc_ingest", size: int = 4) -> AsyncIterator[Applier]:
    """Open what applies batches.

    Raises:
        Retryable: the database does not answer.
    """
    site = load_site(settings.config_dir)
    pool = await open_pool(
        dsn(settings), role=role, limits=INGEST, size=size, name="uscc-ingest", prepare=prepare_session
    )
    try:
        yield Applier(
            pool=pool,
            rulings=rulings(settings, site),
            ruleset=site.ruleset,
            decode=decoder(settings, site).decode,
            fail_points=FailPoints.parse(settings.fail_point, settings.data_dir),
        )
    finally:
        pool.terminate()


def decoder(settings: Settings, site: Site) -> Decoder:
    """Return what decodes and judges single records.

    The exceptions register is not asked here but under the writer's lock: what it holds then decides, however late.
    """
    return Decoder(
        offices=site.offices,
        ruleset=site.ruleset,
        mappings=load_mappings(site.offices, site.mappings),
        codes=CodeContext(province=settings.province, register=frozenset()),
        late_after_working_days=settings.late_after_working_days,
    )


def judging(settings: Settings, site: Site) -> Judging:
    """Return what dry runs judge with."""
    return Judging(
        decode=decoder(settings, site).decode,
        rulings=rulings(settings, site),
        ruleset=site.ruleset,
        mappings=load_mappings(site.offices, site.mappings),
    )


def rulings(settings: Settings, site: Site) -> Rulings:
    """Return what the rules over the registry need: who is at home where, and when a case is due."""
    homes = {character: office.id for office in site.offices.values() for character in office.first_characters}
    counting = frozenset(office.id for office in site.offices.values() if office.order == "office_version")
    calendar = site.calendar

    def due_on(opened_at: datetime) -> date:
        return due_date(calendar, opened_at.astimezone(_SHANGHAI).date(), settings.case_due_working_days)

    titles = {office.id: Text(zh=office.title_zh, en=office.title_en) for office in site.offices.values()}
    return Rulings(homes=homes, due_on=due_on, province=settings.province, counting=counting, titles=titles)


def due_date(calendar: WorkingCalendar, opened_on: date, working_days: int) -> date:
    """Return the day on which `working_days` working days after `opened_on` are full."""
    day = opened_on
    while calendar.working_days(opened_on, day) < working_days:
        day += _DAY
    return day
