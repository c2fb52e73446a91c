"""Validations as lines of JSON, byte for byte what `validation_json` gives; clean codes are filled into a template."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

import orjson

from service.validation import components_json, validation_json
from service.validation_files.judging import Judged
from validators.rulebook import Ruleset
from validators.uscc import CodeContext

_LINES = 4_096


class JsonLines:
    """Renders judged batches."""

    def __init__(self, *, ruleset: Ruleset, context: CodeContext) -> None:
        self._ruleset = ruleset
        self._context = context
        self._templates = lru_cache(maxsize=20_000)(self._template)

    def line(self, claimed: str) -> bytes:
        """Return the validation of one code as one line."""
        return orjson.dumps(validation_json(claimed, ruleset=self._ruleset, context=self._context)) + b"\n"

    def render(self, judged: Judged) -> Iterator[bytes]:
        """Yield the lines of a batch, some thousand at a time: a line is fifty times its code."""
        for first in range(0, len(judged.indices), _LINES):
            claimed = judged.claimed.slice(first, _LINES).to_pylist()
            clean = (judged.indices[first : first + _LINES] == 0).tolist()
            yield b"".join(
                self._clean_line(code) if is_clean else self.line(code)
                for code, is_clean in zip(claimed, clean, strict=True)
            )

    def _clean_line(self, code: str) -> bytes:
        before, between, behind = self._templates(code[:8])
        ours = code.encode()
        return b"".join(
            (b'{"claimed":"', ours, b'","normalized":"', ours, before, ours[8:17], between, ours[17:], behind)
        )

    def _template(self, prefix: str) -> tuple[bytes, bytes, bytes]:
        """Return what stands behind the normalized code, the subject code and the check character of a clean code.

        It is the same for all clean codes of a prefix (positions 1–8): none of them has findings.
        """
        parts = components_json(prefix + "_________?", self._context)
        for name in ("subject_identification_code", "check_character"):
            parts[name]["known"] = True
        head, _, tail = orjson.dumps(parts).partition(b"_________")
        middle, _, end = tail.partition(b"?")
        before = b'","verdict":"valid","components":' + head
        return before, middle, end + b',"findings":[],"suggestions":[]}\n'
