"""The parts of the API that need no services: instants, limits, the watermark, policies, hosts, the fold."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from service.api.parameters import parse_instant
from service.auth.limits import Bucket
from service.auth.policy import UnguardedRoute, check_closed, public, requires
from service.auth.scopes import SCOPES
from service.judging import judging
from service.resources import ServeConfig
from service.settings import Settings
from service.site import load_site
from service.watermarks import reach_of
from sync.holding import Event, Status
from sync.kafka import Partition
from sync.outcome import View
from sync.past import Applied, Withdrawal, history_of, registration_at
from sync.records import OrderKey
from sync.store.clients import key_sha256, mint_key
from sync.store.progress import PartitionState
from validators.findings import Operation
from validators.rulebook import default_ruleset

NOON = datetime(2026, 11, 20, 4, tzinfo=UTC)
CODE = "91210100MA0000496X"


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2026-11-20", datetime(2026, 11, 20, 15, 59, 59, 999999, tzinfo=UTC)),
        ("2026-11-20T12:00:00+08:00", NOON),
        ("2026-11-20T12:00:00 08:00", NOON),
        ("2026-11-20T04:00:00Z", NOON),
    ],
)
def test_a_date_is_its_end_in_shanghai_and_an_instant_is_itself(text: str, instant: datetime) -> None:
    assert instant == parse_instant(text)


@pytest.mark.parametrize(
    "text", ["", "2026-W47-5", "2026-02-30", "2026-11-20T12:00:00", "20261120", "now", "2026-11-20 04:00:00Z"]
)
def test_what_is_no_instant_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"instant|day|month"):
        parse_instant(text)


def test_a_bucket_fills_again_over_a_minute() -> None:
    bucket = Bucket(60, 60, 0.0)

    taken = [
        bucket.take(60, 0.0),
        bucket.take(1, 0.5),
        bucket.take(1, 1.0),
        bucket.take(2, 2.0),
        bucket.take(60, 1000.0),
    ]

    assert [True, False, True, False, True] == taken
    assert 61 == bucket.seconds_until(60)


def state(offset: int, received_at: datetime | None = NOON, partition: int = 0) -> PartitionState:
    return PartitionState(
        topic="uscc.submissions.commerce", partition=partition, office="commerce", next_offset=offset,
        decided_records=offset, last_received_at=received_at, last_decided_at=received_at, halted_at=None,
    )  # fmt: skip


def test_an_office_without_lag_has_come_to_the_beginning_of_the_probe() -> None:
    began = NOON + timedelta(hours=1)
    places = {Partition("uscc.submissions.commerce", 0): 5, Partition("uscc.submissions.commerce", 1): 0}

    current = reach_of(["commerce"], [state(5)], places, began)
    behind = reach_of(["commerce"], [state(4)], places, began)
    blind = reach_of(["commerce"], [state(5)], None, began)
    silent = reach_of(["commerce"], [], {Partition("uscc.submissions.commerce", 0): 0}, began)
    unread = reach_of(["commerce"], [], places, began)

    assert [began, NOON, NOON, began, None] == [
        reach.instants["commerce"] for reach in (current, behind, blind, silent, unread)
    ]
    assert [0, 1, None, 0, 5] == [reach.lag["commerce"] for reach in (current, behind, blind, silent, unread)]


def test_only_listed_routes_are_public() -> None:
    class Route:
        path = "/v1/rules"
        methods = frozenset(("GET",))

        def __init__(self, path: str, endpoint: object) -> None:
            self.path = path
            self.endpoint = endpoint

    @public
    def open_to_all() -> None:
        """Everybody."""

    @requires("lookup")
    def guarded() -> None:
        """Some."""

    check_closed([Route("/v1/rules", open_to_all), Route("/v1/other", guarded)])
    with pytest.raises(UnguardedRoute, match="not in the written list"):
        check_closed([Route("/v1/other", open_to_all)])
    with pytest.raises(UnguardedRoute, match="no policy"):
        check_closed([object()])
    with pytest.raises(ValueError, match="no such scope"):
        requires("everything")  # type: ignore[arg-type]


def test_a_key_has_256_bits_and_a_prefix_and_is_kept_as_a_hash() -> None:
    keys = {mint_key() for _ in range(100)}

    assert 100 == len(keys)
    assert {57} == {len(key) for key in keys}
    assert all(key.startswith("uscc_") for key in keys)
    assert {32} == {len(key_sha256(key)) for key in keys}


@pytest.mark.parametrize(
    ("host", "allowed", "expected"),
    [
        ("127.0.0.1", (), {"localhost", "127.0.0.1", "[::1]"}),
        ("0.0.0.0", (), {"*"}),
        ("10.0.0.1", (), {"localhost", "127.0.0.1", "[::1]", "10.0.0.1"}),
        ("127.0.0.1", ("Registry.example",), {"registry.example"}),
    ],
)
def test_host_names_follow_from_where_the_service_listens(
    host: str, allowed: tuple[str, ...], expected: set[str]
) -> None:
    config = ServeConfig(
        dsn="", host=host, allowed_hosts=allowed, offices={}, ruleset=default_ruleset(),
        judging=judging(Settings(), load_site(None)), snapshot_folder=Path("snapshots"),
    )  # fmt: skip

    assert expected == config.host_names()


def applied(
    operation: str, hour: int, version: int, *, holding: int = 1, name: str = "甲", superseded: bool = False
) -> Applied:
    at = NOON + timedelta(hours=hour)
    recorded_at = NOON + timedelta(days=version)
    return Applied(
        holding=holding, kind="changed", superseded=superseded, mark=False, applied_at=recorded_at,
        predecessor_uscc=None,
        event=Event(
            key=OrderKey(int(at.timestamp() * 1e6), at, str(version)), operation=Operation(operation), version=version,
            name_key=name, record={"uscc": CODE, "name": name}, office="commerce", receipt_id=f"R{version}",
            recorded_at=recorded_at,
        ),
    )  # fmt: skip


def test_a_code_passes_from_one_holder_to_the_next() -> None:
    records = [applied("assign", 0, 1), applied("withdraw", 2, 2), applied("assign", 4, 3, holding=2, name="乙")]
    ended = [
        Withdrawal(holding=1, occurred_at=NOON + timedelta(hours=2), recorded_at=NOON, successor_uscc=None, reason=None)
    ]

    def held(hour: int) -> object:
        at = NOON + timedelta(hours=hour)
        found = registration_at(CODE, records, [each for each in ended if each.occurred_at <= at], at)
        return found.record["name"] if isinstance(found, View) else type(found)

    assert [type(None), "甲", Withdrawal, "乙"] == [held(hour) for hour in (-1, 1, 3, 5)]


def test_a_history_shows_each_version_as_it_left_the_registration() -> None:
    records = [applied("assign", 0, 1), applied("cancel", 6, 2), applied("change", 3, 3, name="乙", superseded=True)]

    entries = history_of(CODE, records)

    assert [(3, "乙", Status.NORMAL), (2, "甲", Status.CANCELLED), (1, "甲", Status.NORMAL)] == [
        (entry.version, entry.view.record["name"], entry.view.status) for entry in entries
    ]


def test_the_scopes_are_a_closed_list() -> None:
    assert 9 == len(set(SCOPES))
