"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path

import click

data_dir = click.option(
    "--data-dir",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder of the embedded services and endpoints.json (default: USCC_DATA_DIR, else .uscc).",
)
as_json = click.option("--json", "as_json", is_flag=True, help="For a program to read.")
