"""`uscc submit`: pushes a file to an office's topic, or posts it to the API, and takes up where it stopped."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import click
from rich.console import Console

from service.commands import options, output
from service.commands.progress import Meter
from service.judging import decoder
from service.settings import ENDPOINTS_FILE, Settings, UnusableSettings, kafka_settings, load, locate
from service.site import Site, load_site
from service.submitting.api import Api, Refused, pieces
from service.submitting.files import OutgoingFile, OutgoingRow, opened
from service.submitting.progress import Progress, ProgressFile
from service.submitting.topic import Outcome, Returns, push_rows
from sync.envelope import LONGEST_ID
from sync.errors import Retryable
from sync.instants import SHANGHAI
from sync.mappings import OfficeMapping, load_mappings
from sync.records import Incoming, Source
from sync.topics import submissions_topic
from validators.rulebook import RULES

_BATCHES_DECLARED = 1_000


@dataclass(slots=True)
class _Batches:
    """How many records each batch of the file has."""

    counts: Counter[str] = field(default_factory=Counter)
    rows: int = 0

    def watch(self, rows: Iterator[OutgoingRow], behind: int) -> Iterator[OutgoingRow]:
        """Count every row; yield those behind a place."""
        for row in rows:
            self.rows = row.number
            if row.batch_id is not None:
                self.counts[row.batch_id] += 1
            if row.number > behind:
                yield row


def _check_batch_id(_context: click.Context, _option: click.Parameter, batch_id: str | None) -> str | None:
    if batch_id is not None and not (1 <= len(batch_id) <= LONGEST_ID and batch_id.isprintable()):
        raise click.BadParameter(
            f"批次名为 1–{LONGEST_ID} 个可显示字符 · a batch has a name of 1–{LONGEST_ID} printable characters"
        )
    return batch_id


def _check_url(_context: click.Context, _option: click.Parameter, url: str | None) -> str | None:
    try:
        parts = None if url is None else urlsplit(url)
        right = parts is None or (parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0)
    except ValueError:
        right = False
    if not right:
        raise click.BadParameter(f"{url} 不是接口地址 · is no address of an API: http(s)://host:port")
    return url


@click.command("submit")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--office", required=True, help="The office whose records these are.")
@click.option("--mapping", help="The office's mapping, where the fields are its own.")
@click.option(
    "--batch-id",
    callback=_check_batch_id,
    help="The batch of the records that name none (default: the file's digest); it is declared.",
)
@click.option(
    "--dry-run", is_flag=True, help="Send nothing; say what the rules over one record find (--url: all rules)."
)
@click.option("--url", callback=_check_url, help="Post to this API instead of producing to the topic.")
@click.option(
    "--key-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The key for the API (default: the office's in the data directory).",
)
@click.option("--wait", is_flag=True, help="Wait for the returns and sum them up by rule; 1 when one is refused.")
@click.option(
    "--wait-seconds", type=click.IntRange(1), default=600, show_default=True, help="How long to wait for returns."
)
@click.option("--from-start", is_flag=True, help="Push every row again; those that are known are returned unchanged.")
@options.as_json
@options.data_dir
def command(
    file: Path,
    office: str,
    mapping: str | None,
    batch_id: str | None,
    dry_run: bool,
    url: str | None,
    key_file: Path | None,
    wait: bool,
    wait_seconds: int,
    from_start: bool,
    as_json: bool,
    data_dir: Path | None,
) -> None:
    """报送文件 · push a file (.csv, .ndjson, .json, .xlsx, .parquet, also .gz) to an office's topic.

    Stopped, it goes on where it was; a file that is pushed twice is known the second time.

    \b
    uscc submit --office commerce records.csv --wait
    uscc submit --office civil-affairs --mapping registration feed.ndjson
    """
    settings = load(data_dir=data_dir)
    site = load_site(settings.config_dir)
    how = _mapping(site, office, mapping)
    console = Console(stderr=True, highlight=False)
    with opened(file, how, batch_id) as outgoing:
        encoding = f", {outgoing.charset.upper()}" if outgoing.charset else ""
        kind = "parquet" if outgoing.charset is None and outgoing.kind == "csv" else outgoing.kind
        console.print(f"{file.name}: {kind}{encoding}, sha256 {outgoing.prefix}…", markup=False)
        run = _Run(settings, site, office, outgoing, console, url, key_file)
        if dry_run:
            outcome = run.try_out_there() if url else run.try_out_here()
            total, sent = outcome.decided, 0
        else:
            try:
                outcome, total, sent = run.send(wait_seconds if wait else 0, from_start=from_start)
            except KeyboardInterrupt:
                console.print("已中断，再次运行从其后续送 · stopped: the same command again goes on where it was")
                raise
            if wait and not sent:
                console.print(
                    "均已送过，本次没有可等的结果 · all of it was sent before, there is nothing to wait for: "
                    f"GET /v1/returns?batch_id={outgoing.batch_id}, or --from-start",
                    markup=False,
                )
    _show(outcome, total, sent, dry_run=dry_run, wait=wait, as_json=as_json)
    refused = sum(outcome.dispositions[name] for name in ("rejected", "quarantined"))
    if (wait or dry_run) and (refused or outcome.decided < (total if dry_run else sent)):
        raise click.exceptions.Exit(1)


class _Run:
    """One run over one file."""

    def __init__(
        self,
        settings: Settings,
        site: Site,
        office: str,
        file: OutgoingFile,
        console: Console,
        url: str | None,
        key_file: Path | None,
    ) -> None:
        self._settings = settings
        self._site = site
        self._office = office
        self._file = file
        self._console = console
        self._url = url
        self._key_file = key_file

    def try_out_here(self) -> Outcome:
        """Say what the rules over one record find; nothing leaves this machine."""
        decode = decoder(self._settings, self._site).decode
        topic, now = submissions_topic(self._office), datetime.now(UTC)
        outcome = Outcome()
        with Meter(self._console, "核查 check", None) as meter:
            for row in self._file.rows():
                incoming = Incoming(
                    source=Source(topic, -1, row.number),
                    received_at=now,
                    body=row.body,
                    headers=self._file.headers_of(row),
                )
                submission = decode(incoming, self._office)
                refused = "rejected" if submission.has_error else "readable"
                disposition = "quarantined" if submission.quarantined else refused
                outcome.add(disposition, (finding.rule for finding in submission.findings))
                meter.advance_to(row.number)
        return outcome

    def try_out_there(self) -> Outcome:
        """Say what production would decide, by all rules over its registry; nothing is written."""
        api, outcome = self._api(), Outcome()
        with Meter(self._console, "核查 check", None) as meter:
            for piece in pieces(self._file.rows()):
                for item in api.try_out(piece, self._file):
                    outcome.add(item["disposition"], (finding["rule"] for finding in item["findings"]))
                meter.advance_to(piece.last)
        return outcome

    def send(self, wait_seconds: int, *, from_start: bool) -> tuple[Outcome, int, int]:
        """Send what was not yet sent; return what became of it, how many rows there are, and how many were sent."""
        settings = self._settings if self._url else locate(self._settings)
        target = self._url or f"kafka {settings.kafka_bootstrap}"
        mapping = self._file.mapping.name if self._file.mapping is not None else None
        progress_file = ProgressFile(
            settings.data_dir, sha256=self._file.sha256, office=self._office, mapping=mapping, target=target
        )
        progress = progress_file.read()
        if from_start:
            progress.acknowledged, progress.submissions, progress.done = 0, [], False
        if progress.acknowledged:
            self._console.print(
                f"已送 {progress.acknowledged:,} 行，从其后续送 · {progress.acknowledged:,} rows were sent"
            )
        batches = _Batches()
        if self._url:
            outcome, sent = self._post(progress, progress_file, batches, wait_seconds)
        else:
            outcome, sent = self._produce(settings, progress, progress_file, batches, wait_seconds)
        progress.done = True
        progress_file.write(progress)
        self._declare(batches)
        return outcome, batches.rows, sent

    def _produce(
        self,
        settings: Settings,
        progress: Progress,
        progress_file: ProgressFile,
        batches: _Batches,
        wait_seconds: int,
    ) -> tuple[Outcome, int]:
        kafka = kafka_settings(settings)
        returns = Returns(kafka, self._office) if wait_seconds else None
        with Meter(self._console, "报送 push", None) as meter:

            def acknowledged(row: int) -> None:
                progress.acknowledged = row
                progress_file.write(progress)
                meter.advance_to(row)

            rows = batches.watch(self._file.rows(), progress.acknowledged)
            sent = push_rows(kafka, self._office, self._file.headers_of, rows, acknowledged)
        if returns is None:
            return Outcome(), sent.records
        with Meter(self._console, "核查 decide", sent.records) as meter:
            try:
                return returns.outcome(sent, wait_seconds, meter.advance_to), sent.records
            finally:
                returns.close()

    def _post(
        self, progress: Progress, progress_file: ProgressFile, batches: _Batches, wait_seconds: int
    ) -> tuple[Outcome, int]:
        api = self._api()
        fresh: list[str] = []
        sent = 0
        with Meter(self._console, "报送 post", None) as meter:
            for piece in pieces(batches.watch(self._file.rows(), 0)):
                if piece.last <= progress.acknowledged:
                    continue
                fresh.append(api.post(piece, self._file))
                sent += piece.last - piece.first + 1
                progress.acknowledged = piece.last
                progress.submissions.append(fresh[-1])
                progress_file.write(progress)
                meter.advance_to(piece.last)
        if not wait_seconds:
            return Outcome(), sent
        with Meter(self._console, "核查 decide", sent) as meter:
            return api.outcome(fresh, wait_seconds, meter.advance_to), sent

    def _declare(self, batches: _Batches) -> None:
        """Declare the batches of the file, where an API is at hand that takes it."""
        if not batches.counts or len(batches.counts) > _BATCHES_DECLARED:
            return
        with suppress(UnusableSettings):
            api = self._api()
            today = datetime.now(SHANGHAI).date().isoformat()
            try:
                for batch_id, records in sorted(batches.counts.items()):
                    api.declare(batch_id, records, today)
            except (Refused, Retryable) as error:
                self._console.print(f"批次未申报 · the batch was not declared: {error}", markup=False)

    def _api(self) -> Api:
        """Return the API: the one that was named, else the one that runs on the data directory.

        Raises:
            UnusableSettings: no API or no key is at hand.
        """
        url, key_file = self._url, self._key_file
        if url is None or key_file is None:
            file = self._settings.data_dir / ENDPOINTS_FILE
            try:
                endpoints = json.loads(file.read_text("utf-8"))
            except FileNotFoundError:
                raise UnusableSettings("请用 --url 和 --key-file · name the API and its key by these") from None
            url = url or endpoints["http"]
            known = endpoints["keys"].get(self._office)
            key_file = key_file or (Path(known) if known else None)
        if url is None or key_file is None:
            raise UnusableSettings(
                f"没有 {self._office} 的密钥，请用 --key-file · there is no key of it: name it by --key-file"
            )
        return Api(url, options.read_key(key_file), self._office)


def _mapping(site: Site, office: str, name: str | None) -> OfficeMapping | None:
    options.refuse_unknown_office(office, site.offices)
    if name is None:
        return None
    mappings = load_mappings(site.offices, site.mappings)
    if (office, name) not in mappings:
        known = ", ".join(each for owner, each in mappings if owner == office)
        raise click.BadParameter(
            f"没有映射 · {office} has no mapping {name}; 有 · there are {known}", param_hint="--mapping"
        )
    return mappings[office, name]


def _show(outcome: Outcome, total: int, sent: int, *, dry_run: bool, wait: bool, as_json: bool) -> None:
    dispositions = {name: count for name, count in sorted(outcome.dispositions.items()) if count}
    if as_json:
        document = {
            "rows": total,
            "sent": sent,
            "decided": outcome.decided,
            "dispositions": dispositions,
            "by_rule": dict(sorted(outcome.rules.items())),
            "dry_run": dry_run,
        }
        output.show_json(document)
        return
    click.echo(
        f"{total:,} 行 · rows, {sent:,} 已送 · sent"
        if not dry_run
        else f"{total:,} 行 · rows, 未报送 · nothing was sent"
    )
    for name, count in dispositions.items():
        click.echo(f"  {name:12} {count:>10,}")
    for rule, count in sorted(outcome.rules.items()):
        title = RULES[rule].title
        click.echo(f"  {rule:12} {count:>10,}  {title.zh} · {title.en}")
    if wait and outcome.decided < sent:
        click.echo(f"{sent - outcome.decided:,} 条尚无结果 · have no return yet", err=True)
