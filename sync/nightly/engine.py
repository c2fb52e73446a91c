"""What an engine of the comparison is: it is asked about a register and answers with all that is not equal.

There are two: one machine (comparing.py) and a cluster (spark_engine.py). What is compared and how is defined once,
in sides.py, which both run over columns; so both give the same answer to the last character.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeAlias

from sync.nightly.comparing import compare
from sync.nightly.register_faults import Format
from sync.nightly.registers import open_registers
from sync.nightly.sides import Bounds, Difference, Totals
from sync.nightly.sifting import Sifted, sift
from sync.store.nightly_export import View, read_register
from sync.store.nightly_numbers import open_numbers

Check: TypeAlias = Callable[[int], None]
Progress: TypeAlias = Callable[[int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A register and what it is to be compared with.

    `files` make up the register together. `office` and `first_characters` say which codes of the registry are its
    counterpart. `cutoff` is a receipt: what the registry shows by a later one is pending, and so are the codes of
    `undecided`. `force` leaves columns out that nobody knows.
    """

    office: str
    first_characters: frozenset[str]
    files: tuple[Path, ...]
    form: Format
    force: bool
    cutoff: str
    undecided: frozenset[str]

    def view(self, dsn: str, role: str | None) -> View:
        """Return where the registry's side of it is."""
        return View(dsn=dsn, role=role, office=self.office, first_characters=self.first_characters)


class Answer(Protocol):
    """What came of a comparison."""

    @property
    def columns(self) -> tuple[str, ...]:
        """The members that were compared, by English name."""
        ...

    @property
    def totals(self) -> Totals:
        """How many codes there are on both sides, and what they came to."""
        ...

    def differences(self) -> Iterator[list[Difference]]:
        """Yield everything that is not equal, by code, some thousand at a time."""
        ...


class Engine(Protocol):
    """Compares registers with the registry."""

    def compare(self, question: Question, *, check: Check, progress: Progress) -> AbstractContextManager[Answer]:
        """Compare; the answer can be read while the block lasts.

        `check` is called with the number of rows of the register before anything is compared, and may refuse it.
        `progress` hears how many rows were read.

        Raises:
            UnusableRegister: the register cannot be read to its end, lacks codes, or has one twice.
            Retryable: the registry, or the cluster, does not answer.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalEngine:
    """One machine. `dsn` and `role` reach the registry."""

    dsn: str
    role: str | None
    bounds: Bounds

    @contextmanager
    def compare(self, question: Question, *, check: Check, progress: Progress) -> Iterator[Answer]:
        """Set aside what is surely equal, and compare the rest by columns, spilling to the folder of the bounds."""
        rows = 0

        def read(more: int) -> None:
            nonlocal rows
            rows += more
            progress(rows)

        view = question.view(self.dsn, self.role)
        with ExitStack() as stack:
            register = stack.enter_context(
                open_registers(question.files, question.form, force=question.force, check_encoding=False)
            )
            registry = stack.enter_context(open_numbers(view, with_status="status" in register.columns))
            sifted = stack.enter_context(sift(register, registry, bounds=self.bounds, read=read))
            if sifted is None:
                register = stack.enter_context(open_registers(question.files, question.form, force=question.force))
                sifted = Sifted(register=register, registry=stack.enter_context(read_register(view)), equal=0)
            yield stack.enter_context(
                compare(
                    sifted.register,
                    sifted.registry,
                    cutoff=question.cutoff,
                    undecided=question.undecided,
                    bounds=self.bounds,
                    check=check,
                    read=read,
                    equal=sifted.equal,
                )
            )
