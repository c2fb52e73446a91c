"""What a key may do: a closed list of scopes."""

from __future__ import annotations

from typing import Literal, TypeAlias, get_args

Scope: TypeAlias = Literal[
    "lookup", "search", "submit", "returns", "changes", "cases", "statements", "personal", "restricted"
]

SCOPES: tuple[Scope, ...] = get_args(Scope)
# An office sees its own submissions, returns, cases and statements, and looks codes up.
OFFICE_SCOPES: tuple[Scope, ...] = ("lookup", "search", "submit", "returns", "changes", "cases", "statements")
