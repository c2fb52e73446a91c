"""Judges bare codes for the API: findings, verdict, components, and whether a text can be a code at all."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from service.auth.limits import SHANGHAI
from service.resources import Resources
from service.validation import validate, validation_json
from sync.store.connection import reading
from sync.store.registrations import read_nonconforming, read_publicly_registered
from validators import uscc
from validators.exceptions import SHIPPED
from validators.findings import Finding
from validators.uscc import CodeContext, Verdict

# What the database may be asked for: a registered code is 18 of these, whatever the checks say of it.
_ASKABLE = re.compile(r"[0-9A-Z]{18}")


def normalized(claimed: str) -> str:
    """Return a code from a path or body in the form under which the registry holds it (E09)."""
    return uscc.normalize(claimed)


def askable(code: str) -> bool:
    """Whether the registry can hold such a code, so that it is worth asking for."""
    return _ASKABLE.fullmatch(code) is not None


class Judge:
    """Judges codes against one state of the exceptions register."""

    def __init__(self, resources: Resources, register: frozenset[str]) -> None:
        self._ruleset = resources.config.ruleset
        self._context = CodeContext(
            province=resources.config.province,
            received_on=datetime.now(SHANGHAI).date(),
            register=register | SHIPPED.keys(),
        )

    def judge(self, claimed: str) -> tuple[list[Finding], Verdict]:
        """Return every finding on a code, and its verdict."""
        _, findings, verdict = validate(claimed, ruleset=self._ruleset, context=self._context)
        return findings, verdict

    def is_malformed(self, claimed: str) -> bool:
        """Whether the rules say that this is no code."""
        return self.judge(claimed)[1] in ("repairable", "invalid")

    def validation(self, claimed: str, registered: Callable[[str], bool]) -> dict[str, Any]:
        """Return a validation as the contract shows it; what the registry holds is a prior for suggestions."""
        return validation_json(claimed, ruleset=self._ruleset, context=replace(self._context, registered=registered))


async def open_judge(resources: Resources, codes: Sequence[str]) -> Judge:
    """Return a judge that knows which of these normalized codes stand in the exceptions register."""
    asked = [code for code in codes if askable(code)]
    register: frozenset[str] = frozenset()
    if asked:
        async with reading(resources.reads) as connection:
            register = await read_nonconforming(connection, asked)
    return Judge(resources, register)


async def publicly_registered(resources: Resources, codes: Sequence[str]) -> frozenset[str]:
    """Return which of these codes the registry holds for everybody to see."""
    if not codes:
        return frozenset()
    async with reading(resources.reads) as connection:
        return await read_publicly_registered(connection, codes)
