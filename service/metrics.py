"""Every metric of the service: a closed set of names, each with its kind and meaning.

Requests are counted as they end; what the pipeline does is read from the database when a scrape asks, by statements
that read a few rows. docs/operations/metrics.md says what to do about each.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import accumulate
from typing import Literal, TypeAlias

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector

from service.nights import Nights
from sync.records import Disposition
from sync.store.nightly import NightState
from sync.store.progress import PartitionState

Name: TypeAlias = Literal[
    "uscc_http_requests_total",
    "uscc_http_request_seconds",
    "uscc_http_requests_in_flight",
    "uscc_lookup_codes_per_statement",
    "uscc_lag_records",
    "uscc_oldest_undecided_seconds",
    "uscc_decided_records",
    "uscc_decision_delay_seconds",
    "uscc_halted_partitions",
    "uscc_dispositions_total",
    "uscc_returns_unpublished",
    "uscc_changes_unpublished",
    "uscc_change_sequence",
    "uscc_held_records",
    "uscc_open_cases",
    "uscc_kafka_reachable",
    "uscc_office_silent",
    "uscc_nightly_overdue",
    "uscc_nightly_sealed_timestamp_seconds",
    "uscc_segments_running_out",
]

HELP: Mapping[Name, str] = {
    "uscc_http_requests_total": "Requests answered, by route, method and status (499: the caller went away).",
    "uscc_http_request_seconds": "Seconds from the request's head to the answer's end, by route.",
    "uscc_http_requests_in_flight": "Requests that are being answered now.",
    "uscc_lookup_codes_per_statement": "How many concurrent look-ups one statement answered.",
    "uscc_lag_records": "Offsets of an office's topic that are not yet decided.",
    "uscc_oldest_undecided_seconds": "Seconds since the last decided record arrived, while there is a lag; else 0.",
    "uscc_decided_records": "Records decided since the beginning, by office.",
    "uscc_decision_delay_seconds": "Seconds from arrival to decision of the last decided record, by office.",
    "uscc_halted_partitions": "Partitions that stand still until a person has looked, by office.",
    "uscc_dispositions_total": "Dispositions since this process started, by office and disposition.",
    "uscc_returns_unpublished": "Returns not yet on their topic, by office.",
    "uscc_changes_unpublished": "Changes not yet on their topic.",
    "uscc_change_sequence": "Sequence of the last change.",
    "uscc_held_records": "Held records that wait in open cases, by office.",
    "uscc_open_cases": "Open cases, by rule.",
    "uscc_kafka_reachable": "1 when the last probe of the brokers was answered, else 0.",
    "uscc_office_silent": "1 when an office should have sent something today, a working day, and has not; else 0.",
    "uscc_nightly_overdue": "1 when the last complete day of an office should be sealed and is not; else 0.",
    "uscc_nightly_sealed_timestamp_seconds": "When the last statement of an office was sealed, in Unix time.",
    "uscc_segments_running_out": "Code segments of an office of which the last night found less than a tenth left.",
}

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_CODES = (1, 2, 4, 8, 16, 32, 64, 128, 256)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pipeline:
    """What a scrape read: `lag` by office is None where the brokers did not answer."""

    partitions: Iterable[PartitionState]
    lag: Mapping[str, int | None]
    counters: Mapping[str, int]
    published: Mapping[str, int]
    waiting: Mapping[str, int]
    open_cases: Mapping[str, int]
    kafka_reachable: bool


class RequestTally(Collector):
    """Counts requests for a scrape: in plain numbers, because it is on the way of every look-up.

    All of it happens on the event loop's thread, so that nothing is locked.
    """

    def __init__(self) -> None:
        self._requests: dict[tuple[str, str, int], int] = {}
        self._buckets: dict[str, list[int]] = {}
        self._sums: dict[str, float] = {}

    def count(self, route: str, method: str, status: int, seconds: float) -> None:
        """Count one answered request."""
        key = (route, method, status)
        requests = self._requests.get(key)
        if requests is None:
            requests = 0
            if route not in self._buckets:
                self._buckets[route] = [0] * (len(_SECONDS) + 1)
                self._sums[route] = 0.0
        self._requests[key] = requests + 1
        self._buckets[route][bisect_left(_SECONDS, seconds)] += 1
        self._sums[route] += seconds

    def collect(self) -> Iterator[CounterMetricFamily | HistogramMetricFamily]:
        """Yield what a scrape reads."""
        name: Name = "uscc_http_requests_total"
        counter = CounterMetricFamily(name, HELP[name], labels=["route", "method", "status"])
        for (route, method, status), requests in self._requests.items():
            counter.add_metric([route, method, str(status)], requests)
        yield counter
        name = "uscc_http_request_seconds"
        histogram = HistogramMetricFamily(name, HELP[name], labels=["route"])
        for route, counts in self._buckets.items():
            bounds = [*map(str, _SECONDS), "+Inf"]
            buckets = list(zip(bounds, accumulate(counts), strict=True))
            histogram.add_metric([route], buckets, self._sums[route])
        yield histogram


class Metrics:
    """The metrics of one process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry(auto_describe=True)
        self._requests = RequestTally()
        self.registry.register(self._requests)
        self.count_request = self._requests.count
        self.in_flight = self._gauge("uscc_http_requests_in_flight")
        self.codes_per_statement = Histogram(
            *self._named("uscc_lookup_codes_per_statement"), buckets=_CODES, registry=self.registry
        )
        self._lag = self._gauge("uscc_lag_records", "office")
        self._oldest = self._gauge("uscc_oldest_undecided_seconds", "office")
        self._decided = self._gauge("uscc_decided_records", "office")
        self._delay = self._gauge("uscc_decision_delay_seconds", "office")
        self._halted = self._gauge("uscc_halted_partitions", "office")
        self._dispositions = Counter(
            *self._named("uscc_dispositions_total"), ["office", "disposition"], registry=self.registry
        )
        self._unpublished = self._gauge("uscc_returns_unpublished", "office")
        self._changes_unpublished = self._gauge("uscc_changes_unpublished")
        self._sequence = self._gauge("uscc_change_sequence")
        self._held = self._gauge("uscc_held_records", "office")
        self._cases = self._gauge("uscc_open_cases", "rule")
        self._kafka = self._gauge("uscc_kafka_reachable")
        self._silent = self._gauge("uscc_office_silent", "office")
        self._overdue = self._gauge("uscc_nightly_overdue", "office")
        self._sealed = self._gauge("uscc_nightly_sealed_timestamp_seconds", "office")
        self._running_out = self._gauge("uscc_segments_running_out", "office")

    def _named(self, name: Name) -> tuple[str, str]:
        return name, HELP[name]

    def _gauge(self, name: Name, *labels: str) -> Gauge:
        return Gauge(*self._named(name), labels, registry=self.registry)

    def count_dispositions(self, office: str, counts: Mapping[Disposition, int]) -> None:
        """Count what became of records."""
        for disposition, records in counts.items():
            self._dispositions.labels(office=office, disposition=disposition.value).inc(records)

    def show_pipeline(self, pipeline: Pipeline) -> None:
        """Set the gauges of the pipeline."""
        now = datetime.now(UTC)
        self._kafka.set(pipeline.kafka_reachable)
        by_office: dict[str, list[PartitionState]] = {office: [] for office in pipeline.lag}
        for state in pipeline.partitions:
            by_office.setdefault(state.office, []).append(state)
        for office, states in by_office.items():
            self._show_office(office, states, pipeline.lag.get(office), now)
            self._held.labels(office=office).set(pipeline.waiting.get(office, 0))
            decided = pipeline.counters.get(f"returns:{office}", 0)
            self._unpublished.labels(office=office).set(decided - pipeline.published.get(f"uscc.returns.{office}", 0))
        sequence = pipeline.counters.get("changes", 0)
        self._sequence.set(sequence)
        self._changes_unpublished.set(sequence - pipeline.published.get("uscc.changes", 0))
        self._cases.clear()
        for rule, cases in pipeline.open_cases.items():
            self._cases.labels(rule=rule).set(cases)

    def _show_office(self, office: str, states: list[PartitionState], lag: int | None, now: datetime) -> None:
        self._decided.labels(office=office).set(sum(state.decided_records for state in states))
        self._halted.labels(office=office).set(sum(state.halted_at is not None for state in states))
        received = max((state.last_received_at for state in states if state.last_received_at), default=None)
        if lag is not None:
            self._lag.labels(office=office).set(lag)
            waiting = (now - received).total_seconds() if lag > 0 and received is not None else 0.0
            self._oldest.labels(office=office).set(waiting)
        latest = max(
            (state for state in states if state.last_decided_at and state.last_received_at),
            key=lambda state: state.last_decided_at or now,
            default=None,
        )
        if latest is not None and latest.last_decided_at and latest.last_received_at:
            self._delay.labels(office=office).set((latest.last_decided_at - latest.last_received_at).total_seconds())

    def show_nights(self, nights: Nights, states: Iterable[NightState], now: datetime) -> None:
        """Set the gauges of the nightly run: the dead man's switch, and who has not been heard."""
        for state in states:
            self._silent.labels(office=state.office).set(nights.is_silent(state, now))
            self._overdue.labels(office=state.office).set(nights.is_overdue(state, now))
            if state.last_sealed_at is not None:
                self._sealed.labels(office=state.office).set(state.last_sealed_at.timestamp())
            if state.segments_running_out is not None:
                self._running_out.labels(office=state.office).set(state.segments_running_out)

    def render(self) -> bytes:
        """Return the text that a scrape reads."""
        return generate_latest(self.registry)
