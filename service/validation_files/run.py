"""Validates a file: reads, judges and writes batch by batch; writing runs beside reading and judging."""

from __future__ import annotations

import gzip
import zlib
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from service.validation_files.json_lines import JsonLines
from service.validation_files.judging import Counts, Judge, Judged
from service.validation_files.sinks import SUFFIXES, NdjsonSink, Sink, open_sink
from service.validation_files.sources import (
    Encoding,
    NeedsPatience,
    Notes,
    Source,
    UnreadableFile,
    WrongEncoding,
    detect_encoding,
    open_source,
)
from validators.rulebook import Ruleset
from validators.uscc import CodeContext

GOOD_VERDICTS = frozenset(("valid", "nonconforming_issued"))
_PENDING_WRITES = 2
_SHOWN = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One row that is not good: its number in the file (data rows count from 1), its code, and what is wrong."""

    row: int
    claimed: str
    verdict: str
    rules: tuple[str, ...]
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a file came to. `problems` are the first few rows whose verdict is not good."""

    column: str
    counts: Counts
    notes: Notes
    problems: tuple[Problem, ...]

    @property
    def good(self) -> bool:
        """Whether every row is a code that is valid or issued so, and every line is a row."""
        return set(self.counts.verdicts) <= GOOD_VERDICTS and not self.notes.skipped


class _Nowhere:
    """Takes batches when nothing is to be written."""

    def write(self, batch: object, judged: Judged) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Do nothing."""


def validate_file(
    path: Path,
    *,
    column: str | None,
    output: Path | None,
    lines: IO[bytes] | None,
    ruleset: Ruleset,
    context: CodeContext,
    progress: Callable[[int], None],
) -> Report:
    """Validate a column of a file and write what was found to `output`, or as NDJSON to the open stream `lines`.

    `output` appears whole or not at all. `progress` is told how many bytes of the file are read.

    Raises:
        UnreadableFile: the file cannot be read, or `output` cannot be written as it is named.
    """
    if output is not None and output.suffix.lower() not in SUFFIXES:
        raise UnreadableFile(
            f"{output.name}: 无法识别的后缀 · the suffix says nothing; known are {', '.join(SUFFIXES)}"
        )
    if output is not None and output.resolve() == path.resolve():
        raise UnreadableFile("输出会覆盖输入文件 · the output would replace the input")
    if output is not None and not output.parent.is_dir():
        raise UnreadableFile(f"没有这个文件夹 · there is no folder {output.parent}")
    # Lines that were printed cannot be taken back, so there is one attempt at them, and the encoding must be certain.
    whole = lines is not None and path.suffix.lower() not in (".parquet", ".xlsx")
    encoding = detect_encoding(path, whole=True) if whole and path.is_file() else None
    part = output.with_name(output.name + ".part") if output is not None else None
    json_lines = JsonLines(ruleset=ruleset, context=context)

    def attempt(source: Source) -> Report:
        sink: Sink = _Nowhere()
        if part is not None and output is not None:
            sink = open_sink(part, output.suffix.lower(), json_lines)
        elif lines is not None:
            sink = _Printer(lines, json_lines)
        return _run(source, Judge(ruleset=ruleset, context=context), sink, progress)

    try:
        report = _read_until_understood(attempt, path, column, encoding, patient=whole)
        if part is not None and output is not None:
            part.replace(output)
    finally:
        if part is not None:
            part.unlink(missing_ok=True)
    return report


def _read_until_understood(
    attempt: Callable[[Source], Report], path: Path, column: str | None, encoding: Encoding | None, *, patient: bool
) -> Report:
    """Read a file again where it turns out to be of another encoding, or its rows to be longer, than was supposed."""
    while True:
        try:
            return attempt(open_source(path, column, encoding, patient=patient))
        except WrongEncoding:
            if encoding == "gb18030":
                raise
            encoding = "gb18030"
        except NeedsPatience:
            patient = True
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise UnreadableFile(f"{path.name}: 文件损坏或不完整 · is damaged or ends too early: {error}") from error


class _Printer(NdjsonSink):
    """NDJSON to a stream that is not ours to close."""

    def close(self) -> None:
        """Leave the stream open."""


def _run(source: Source, judge: Judge, sink: Sink, progress: Callable[[int], None]) -> Report:
    problems: list[Problem] = []
    pending: deque[Future[None]] = deque()
    place = source.columns.index(source.column)
    with ThreadPoolExecutor(1, thread_name_prefix="write") as writer:
        try:
            for batch in source.batches():
                if not batch.num_rows:
                    continue
                first_row = judge.counts.rows + 1
                judged = judge.judge(batch.column(place))
                if len(problems) < _SHOWN:
                    problems.extend(_problems(judged, first_row, _SHOWN - len(problems)))
                pending.append(writer.submit(sink.write, batch, judged))
                if len(pending) > _PENDING_WRITES:
                    pending.popleft().result()
                progress(source.read_bytes())
            while pending:
                pending.popleft().result()
        finally:
            for future in pending:
                future.cancel()
            writer.submit(sink.close).result()
    return Report(column=source.column, counts=judge.counts, notes=source.notes, problems=tuple(problems))


def _problems(judged: Judged, first_row: int, wanted: int) -> Iterator[Problem]:
    for row in judged.indices.nonzero()[0].tolist():
        if not wanted:
            return
        outcome = judged.outcomes[judged.indices[row]]
        if outcome.verdict not in GOOD_VERDICTS:
            wanted -= 1
            yield Problem(
                row=first_row + row,
                claimed=judged.claimed[row].as_py(),
                verdict=outcome.verdict,
                rules=outcome.rules,
                message=outcome.message,
            )
