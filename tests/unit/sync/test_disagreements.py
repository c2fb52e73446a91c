"""Feeds that the program and the model (tests/model) once judged differently; the judge alone, without a database."""

from __future__ import annotations

import pytest

from tests.model.__main__ import examine


@pytest.mark.parametrize(
    "seed",
    [
        2384,  # A person approves a keep after the holder that it names lost its code and got it back.
        23994,  # A keep gives two names (M06): which is meant cannot be read, so it names nobody and E05 stands.
    ],
)
async def test_the_program_and_the_model_agree(seed: int) -> None:
    assert await examine(seed, None, "")
