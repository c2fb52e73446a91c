"""Options that several commands share, and what they take."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import click

from service.settings import load
from service.site import load_site

_LONGEST_WORDS = 1_000


class _Words(click.ParamType[str]):
    """Words that are written down for ever, so that they say something."""

    name = "text"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the words without the blanks around them."""
        words = value.strip()
        if not words or not words.isprintable() or len(words) > _LONGEST_WORDS:
            self.fail(f"应为 1–{_LONGEST_WORDS} 个可显示字符 · 1–{_LONGEST_WORDS} printable characters", param, ctx)
        return words


WORDS = _Words()

data_dir = click.option(
    "--data-dir",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder of the embedded services and endpoints.json (default: USCC_DATA_DIR, else .uscc).",
)
as_json = click.option("--json", "as_json", is_flag=True, help="For a program to read.")
by = click.option("--by", "actor", type=WORDS, default="operator", show_default=True, help="Who answers for it.")


def check_office(office: str | None, folder: Path | None, hint: str = "--office") -> None:
    """Refuse an office that is not one, which would else be one without anything.

    Raises:
        click.BadParameter: there is no such office; names those that there are.
    """
    refuse_unknown_office(office, load_site(load(data_dir=folder).config_dir).offices, hint)


def refuse_unknown_office(office: str | None, offices: Collection[str], hint: str = "--office") -> None:
    """Refuse an office that is none of these, as `check_office` does."""
    if office is not None and office not in offices:
        raise click.BadParameter(
            f"没有部门 {office} · there is no office {office}; 有 · there are {', '.join(offices)}", param_hint=hint
        )


def read_key(file: Path) -> str:
    """Return the key that a file holds; what is no text is no key of anybody."""
    return file.read_bytes().decode("utf-8", "replace").strip()
