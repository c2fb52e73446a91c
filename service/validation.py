"""The validation of one code as the contract gives it: for `GET /v1/validations/{code}` and for `uscc validate --json`.

Source: contract.md §3; the verdict is domain.md §5's.
"""

from __future__ import annotations

from typing import Any

from validators import uscc
from validators.findings import Finding, Occasion
from validators.rulebook import Ruleset, Text
from validators.uscc import CodeContext, Verdict

OCCASION = Occasion()
"""A bare code: no operation, no sender."""


def validation_json(claimed: str, *, ruleset: Ruleset, context: CodeContext) -> dict[str, Any]:
    """Return everything that can be said about a claimed code, members in the contract's order.

    The exceptions register is `context.register`. A code that is empty once normalized is judged as any other (E01).
    """
    normalized, findings, verdict = validate(claimed, ruleset=ruleset, context=context)
    return {
        "claimed": claimed,
        "normalized": normalized,
        "verdict": verdict,
        "components": components_json(claimed, context),
        "findings": [finding.as_json() for finding in findings],
        "suggestions": list(suggestions_of(normalized, findings)),
    }


def components_json(claimed: str, context: CodeContext) -> dict[str, dict[str, Any]]:
    """Return the five parts of a code; all values null where it is not 18 characters long."""
    return {
        name: {"value": part.value, "title": _title(part.title), "known": part.known}
        for name, part in uscc.components(claimed, context).items()
    }


def validate(claimed: str, *, ruleset: Ruleset, context: CodeContext) -> tuple[str, list[Finding], Verdict]:
    """Return the normalized code, every finding on it, and its verdict."""
    normalized = uscc.normalize(claimed)
    findings = uscc.inspect(claimed, ruleset, OCCASION, context)
    return normalized, findings, uscc.verdict(normalized, findings, normalized in context.register)


def suggestions_of(normalized: str, findings: list[Finding]) -> tuple[str, ...]:
    """Return the suggestions of all findings, likeliest first, each once, never the code itself."""
    merged = dict.fromkeys(code for finding in findings for code in finding.suggestions)
    merged.pop(normalized, None)
    return tuple(merged)


def _title(text: Text | None) -> dict[str, str] | None:
    return None if text is None else {"zh": text.zh, "en": text.en}
