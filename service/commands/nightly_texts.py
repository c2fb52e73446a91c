"""What `uscc nightly` prints: what a run did, statements, and what is behind their numbers. Texts in both languages."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

import click

from service.commands import output
from service.register_problems import PROBLEMS
from sync.nightly.opening import HOLDS
from sync.nightly.run import Night
from sync.nightly.statement import BATCH_STATES
from sync.records import Disposition

COUNTS: Final = ("received", *(each.value for each in Disposition))


def print_night(night: Night, compared: Sequence[Mapping[str, Any]], as_json: bool) -> None:
    """Print what a run did: comparisons, statements that were sealed, what could not be, reports."""
    if as_json:
        unsealed = [
            {"date": day.isoformat(), "office": office, "behind": list(lines)}
            for (day, office), lines in night.unsealed.items()
        ]
        answer = {
            "statements": night.sealed,
            "unsealed": unsealed,
            "comparisons": list(compared),
            "reports": [str(report) for report in night.reports],
            "unknown_years": sorted(night.unknown_years),
            "segments_running_out": [
                {
                    "segment": use.segment.bodies,
                    "office": use.segment.office,
                    "holder": use.segment.holder,
                    "left": use.rest,
                    "size": use.segment.size,
                }
                for use in night.segments_running_out
            ],
        }
        output.show_json(answer)
        return
    for each in compared:
        figures = {name: value for name, value in each.items() if name not in ("problem", "settlement", "pending")}
        click.echo("  ".join(f"{name} {value}" for name, value in figures.items() if value is not None))
        if each["problem"] is not None:
            facts = json.dumps(each["problem"]["facts"], ensure_ascii=False)
            text = PROBLEMS[each["problem"]["code"]]
            click.echo(f"  登记簿不可用 unusable: {each['problem']['code']} {facts}")
            click.echo(f"  {text.zh} · {text.en}")
        else:
            click.echo(f"  待定 pending: office {each['pending']['office']}, registry {each['pending']['registry']}")
        if "settlement" in each:
            click.echo(f"  补正文件 settlement: {each['settlement']}")
    if night.sealed:
        print_statements(night.sealed, as_json=False)
    for (day, office), lines in night.unsealed.items():
        for line in lines:
            click.echo(f"{day} {office} 未封存 not sealed: {line}")
    for report in night.reports:
        click.echo(f"报告 report: {report}")
    for year in sorted(night.unknown_years):
        click.echo(f"工作日未知 working days are not known: {year} (docs/operations/nightly.md)")
    for use in night.segments_running_out:
        click.echo(f"码段将用尽 segment runs out: {use.describe()}")
    if not (night.sealed or night.unsealed or compared):
        click.echo("每个已结束的业务日均已封存 · every complete day is sealed")


def print_statements(statements: Sequence[Mapping[str, Any]], as_json: bool) -> None:
    """Print one line a statement, under a header; texts and numbers only."""
    if as_json:
        output.show_json(statements)
        return
    header = ("date", "office", *COUNTS, *(f"holds.{name}" for name in HOLDS), "balanced", "sealed_at")
    rows = [
        (
            each["date"],
            each["office"],
            *(str(each[name]) for name in COUNTS),
            *(str(each["holds"][name]) for name in HOLDS),
            "yes" if each["balanced"] else "NO",
            each["sealed_at"] or "unsealed",
        )
        for each in statements
    ]
    widths = [max(len(row[place]) for row in (header, *rows)) for place in range(len(header))]
    for row in (header, *rows):
        cells = [
            cell.ljust(width) if place < 2 or place >= len(header) - 2 else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        click.echo("  ".join(cells).rstrip())
    for each in statements:
        for batch in each["batches"]:
            if batch["state"] != "complete" or batch["altered"]:
                click.echo(f"{each['date']} {each['office']} {batch_line(batch)}")
        if each["silent"]:
            click.echo(f"{each['date']} {each['office']} 静默 silent: nothing came by its hour")
        if each["comparison"] is not None:
            found = each["comparison"]
            parts = ("equal", "different", "missing_here", "missing_there")
            click.echo(
                f"{each['date']} {each['office']} 比对 comparison {found['comparison_id']}: "
                + ", ".join(f"{name} {found[name]}" for name in parts)
            )


def batch_line(batch: Mapping[str, Any]) -> str:
    """Return the line of a batch: what was declared, what came, by how much it differs."""
    parts = [f"{BATCH_STATES[batch['state']]} {batch['state']}"]
    if batch["declared"] is not None:
        parts.append(f"申报 declared {batch['declared']}")
    parts.append(f"累计收到 received {batch['received_to_date']}")
    for zh, name in (("未到", "not_received"), ("多出", "extra"), ("改动", "altered")):
        if batch[name]:
            parts.append(f"{zh} {name} {batch[name]}")
    return f"批次 batch {batch['batch_id']}: " + ", ".join(parts)
