"""Posts messages to the API in pieces, and asks what became of them.

The first piece goes by the file's digest, so that its records have the ids that they would have on the topic; each
further piece by the digest and the number of its first row.
"""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from service.submitting.files import OutgoingFile, OutgoingRow
from service.submitting.topic import Outcome
from sync.errors import Fatal, Retryable

PIECE_ROWS = 100_000
_PIECE_BYTES = 32 * 1024 * 1024
_TIMEOUT_SECONDS = 600
_ATTEMPTS = 6
_NDJSON = "application/x-ndjson"


class Refused(Fatal):
    """The API refused a request; the message says which problem it named."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """Rows that are posted together: the numbers of the first and the last, and their lines."""

    first: int
    last: int
    body: bytes


def pieces(rows: Iterable[OutgoingRow]) -> Iterator[Piece]:
    """Yield the rows in pieces; the same file has the same pieces, whichever of them were posted before."""
    lines: list[bytes] = []
    size = first = last = 0
    for row in rows:
        line = row.body.replace(b"\n", b" ")
        if lines and (len(lines) >= PIECE_ROWS or size + len(line) > _PIECE_BYTES):
            yield Piece(first=first, last=last, body=b"\n".join(lines))
            lines, size = [], 0
        if not lines:
            first = row.number
        lines.append(line)
        size += len(line) + 1
        last = row.number
    if lines:
        yield Piece(first=first, last=last, body=b"\n".join(lines))


class Api:
    """The API of the service for one office."""

    def __init__(self, url: str, key: str, office: str) -> None:
        self._url = url.rstrip("/")
        self._key = key
        self._office = office

    def post(self, piece: Piece, file: OutgoingFile) -> str:
        """Post a piece; return the id of its submission. Posted again it is the same one.

        Raises:
            Refused: the API refused it.
            Retryable: the API does not answer.
        """
        key = file.prefix if piece.first == 1 else f"{file.prefix}-{piece.first}"
        headers = {"content-type": _NDJSON, "idempotency-key": key}
        answer = self._ask("POST", self._path("/v1/submissions", file), piece.body, headers)
        return str(answer["submission_id"])

    def try_out(self, piece: Piece, file: OutgoingFile) -> Iterator[dict[str, Any]]:
        """Yield what production would decide of a piece; nothing is written."""
        path = self._path("/v1/submissions", file, dry_run="true")
        yield from self._ask("POST", path, piece.body, {"content-type": _NDJSON})["items"]

    def outcome(self, submissions: Iterable[str], seconds: float, progress: Callable[[int], None]) -> Outcome:
        """Wait until every record of these submissions is decided, or until the time is over."""
        outcome = Outcome()
        deadline = time.monotonic() + seconds
        for submission in submissions:
            while True:
                state = self._ask("GET", f"/v1/submissions/{submission}", None, {})
                progress(outcome.decided + state["decided"])
                if state["state"] == "done" or time.monotonic() > deadline:
                    break
                time.sleep(0.5)
            outcome.decided += state["decided"]
            outcome.dispositions.update(state["counts"])
            outcome.rules.update(state["by_rule"])
        return outcome

    def declare(self, batch_id: str, records: int, date: str) -> None:
        """Declare what a batch holds."""
        path = f"/v1/batches/{quote(batch_id, safe='')}?{urlencode({'office': self._office})}"
        body = json.dumps({"records": records, "date": date}).encode()
        self._ask("PUT", path, body, {"content-type": "application/json"})

    def _path(self, path: str, file: OutgoingFile, **parameters: str) -> str:
        parameters["batch_id"] = file.batch_id
        if file.mapping is not None:
            parameters["mapping"] = file.mapping.name
        return f"{path}?{urlencode({'office': self._office} | parameters)}"

    def _ask(self, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> dict[str, Any]:
        request = urllib.request.Request(self._url + path, data=body, method=method)  # noqa: S310 - the clerk's own address
        for name, value in (headers | {"authorization": f"Bearer {self._key}", "accept-language": "en"}).items():
            request.add_header(name, value)
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                with urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS) as response:  # noqa: S310 - the same
                    document: dict[str, Any] = json.load(response)
                    return document
            except urllib.error.HTTPError as error:
                if error.code not in (429, 503) or attempt == _ATTEMPTS:
                    raise Refused(f"{method} {path}: {error.code} {_problem(error)}") from None
                time.sleep(min(30, int(error.headers.get("retry-after", "1"))))
            except (urllib.error.URLError, OSError, ValueError) as error:
                if attempt == _ATTEMPTS:
                    raise Retryable(f"{self._url} 无应答 · does not answer: {error}") from None
                time.sleep(attempt)
        raise Retryable(f"{self._url} 无应答 · does not answer")


def _problem(error: urllib.error.HTTPError) -> str:
    """Return what a problem says, in one line."""
    try:
        document = json.load(error)
    except ValueError:
        return str(error.reason)
    faults = "; ".join(f"{each['pointer']}: {each['detail']}" for each in document.get("errors", ()))
    return f"{document.get('type', '')} {document.get('detail', '')} {faults}".strip()
