"""What is said of a column of codes: six columns beside it, made whole batches at a time.

Nine codes in ten are clean and share one outcome. A code of which only the division is remarkable (E07) shares its
outcome with all codes of that division. The rest are judged one by one, and the last of them are remembered.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from service.validation import OCCASION, suggestions_of, validate
from validators.bulk import E07, findings_mask_of_buffers
from validators.rulebook import Ruleset
from validators.uscc import CodeContext

ADDED_COLUMNS = ("normalized", "verdict", "rules", "position", "suggestion", "message")
_REMEMBERED = 20_000


class Outcome(NamedTuple):
    """What is said of a code beside its normalized form. `position` counts from 1."""

    verdict: str
    rules: tuple[str, ...]
    position: int | None
    suggestion: str
    message: str


CLEAN = Outcome("valid", (), None, "", "")


class Judged(NamedTuple):
    """A judged batch: the claimed codes, the added columns in their order, and the places that are not clean."""

    claimed: Any
    columns: list[Any]
    outcomes: list[Outcome]
    indices: npt.NDArray[np.int32]


@dataclass(slots=True, kw_only=True)
class Counts:
    """What all batches came to."""

    rows: int = 0
    verdicts: Counter[str] = field(default_factory=Counter)
    rules: Counter[str] = field(default_factory=Counter)


class Judge:
    """Judges columns of codes and counts what it says."""

    def __init__(self, *, ruleset: Ruleset, context: CodeContext) -> None:
        self.counts = Counts()
        self._ruleset = ruleset
        self._context = context
        self._of_code = lru_cache(maxsize=_REMEMBERED)(self._judge_code)
        self._of_division: dict[int, Outcome] = {}
        missing = ruleset.find("Q01", OCCASION, "essential", field="uscc")
        assert missing is not None, "a missing code always has something to be said"
        self._missing = Outcome("invalid", ("Q01",), None, "", missing.zh)

    def judge(self, claimed: Any) -> Judged:
        """Judge an Arrow array of strings."""
        if claimed.null_count:
            claimed = pc.fill_null(claimed, "")
        count = len(claimed)
        _, offsets_buffer, data_buffer = claimed.buffers()
        offsets = np.frombuffer(offsets_buffer, np.int32)[claimed.offset : claimed.offset + count + 1]
        data = np.frombuffer(data_buffer, np.uint8) if data_buffer is not None else np.empty(0, np.uint8)
        masks = findings_mask_of_buffers(offsets, data, self._context)
        indices = np.zeros(count, np.int32)
        outcomes = [CLEAN]
        empty = np.diff(offsets) == 0
        if empty.any():
            masks[empty] = 0
            indices[empty] = self._add(outcomes, self._missing)
        of_division = np.flatnonzero(masks == E07)
        if len(of_division):
            self._judge_divisions(of_division, offsets, data, indices, outcomes)
        others = np.flatnonzero((masks != 0) & (masks != E07))
        normalized = self._judge_others(claimed, others, indices, outcomes)
        self._count(indices, outcomes)
        return Judged(claimed, [normalized, *_columns(outcomes, indices)], outcomes, indices)

    def _judge_divisions(
        self,
        rows: npt.NDArray[np.intp],
        offsets: npt.NDArray[np.int32],
        data: npt.NDArray[np.uint8],
        indices: npt.NDArray[np.int32],
        outcomes: list[Outcome],
    ) -> None:
        """Give codes of which only the division is remarkable the outcome of their division."""
        starts = offsets[rows]
        numbers = np.zeros(len(rows), np.int32)
        for place in range(2, 8):
            numbers = numbers * 10 + (data[starts + place] - 48)
        divisions, firsts, inverse = np.unique(numbers, return_index=True, return_inverse=True)
        places = np.empty(len(divisions), np.int32)
        for place, (division, first) in enumerate(zip(divisions.tolist(), firsts.tolist(), strict=True)):
            outcome = self._of_division.get(division)
            if outcome is None:
                start = int(starts[first])
                outcome = self._of_code(data[start : start + 18].tobytes().decode())[1]
                self._of_division[division] = outcome
            places[place] = self._add(outcomes, outcome)
        indices[rows] = places[inverse]

    def _judge_others(
        self, claimed: Any, rows: npt.NDArray[np.intp], indices: npt.NDArray[np.int32], outcomes: list[Outcome]
    ) -> Any:
        """Judge codes one by one; return the column of normalized codes."""
        if not len(rows):
            return claimed
        texts = claimed.take(pa.array(rows)).to_pylist()
        changed: dict[int, str] = {}
        for row, text in zip(rows.tolist(), texts, strict=True):
            normalized, outcome = self._of_code(text)
            indices[row] = self._add(outcomes, outcome)
            if normalized != text:
                changed[row] = normalized
        if not changed:
            return claimed
        mask = np.zeros(len(claimed), np.bool_)
        mask[list(changed)] = True
        return pc.replace_with_mask(claimed, pa.array(mask), pa.array(list(changed.values()), pa.string()))

    def _judge_code(self, claimed: str) -> tuple[str, Outcome]:
        normalized, findings, verdict = validate(claimed, ruleset=self._ruleset, context=self._context)
        first = next(iter(suggestions_of(normalized, findings)), "")
        return normalized, Outcome(
            verdict,
            tuple(sorted({finding.rule for finding in findings})),
            next((finding.position for finding in findings if finding.position is not None), None),
            first,
            "；".join(finding.zh for finding in findings),
        )

    def _count(self, indices: npt.NDArray[np.int32], outcomes: Iterable[Outcome]) -> None:
        self.counts.rows += len(indices)
        for outcome, count in zip(outcomes, np.bincount(indices).tolist(), strict=False):
            if not count:
                continue
            self.counts.verdicts[outcome.verdict] += count
            for rule in outcome.rules:
                self.counts.rules[rule] += count

    @staticmethod
    def _add(outcomes: list[Outcome], outcome: Outcome) -> int:
        outcomes.append(outcome)
        return len(outcomes) - 1


def _columns(outcomes: list[Outcome], indices: npt.NDArray[np.int32]) -> list[Any]:
    """Return verdict, rules, position, suggestion and message of every row."""
    values = (
        pa.array([outcome.verdict for outcome in outcomes], pa.string()),
        pa.array([";".join(outcome.rules) for outcome in outcomes], pa.string()),
        pa.array([outcome.position for outcome in outcomes], pa.int32()),
        pa.array([outcome.suggestion for outcome in outcomes], pa.string()),
        pa.array([outcome.message for outcome in outcomes], pa.string()),
    )
    places = pa.array(indices)
    return [column.take(places) for column in values]
