"""What `uscc up` prints: the zero-sum table, the findings by rule, addresses, and lines to paste."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table

from sync.offices import Offices
from sync.store.standing import BalanceRow
from validators.rulebook import RULES

_WIDE = 110
_LINES = {
    "received": "收到 received",
    "accepted": "  入库 accepted",
    "unchanged": "  未变 unchanged",
    "superseded": "  补录 superseded",
    "rejected": "  退回 rejected",
    "held": "  待核 held",
    "quarantined": "  隔离 quarantined",
    "difference": "差额 difference",
}


def console() -> Console:
    """Return where the summary goes: as wide as the terminal, or wide enough for a file."""
    made = Console()
    return made if made.is_terminal else Console(width=_WIDE)


def print_balance(console: Console, rows: Sequence[BalanceRow], offices: Offices) -> None:
    """Print what each office sent and what became of it: a column an office; the difference is 0 in every one."""
    table = Table(title="回传核对 · the zero-sum table", title_justify="left", box=box.SIMPLE_HEAD)
    table.add_column("", no_wrap=True)
    for row in rows:
        office = offices.get(row.office)
        table.add_column(f"{row.office}\n{office.title_zh if office else ''}".rstrip(), justify="right")
    table.add_column("total\n合计", justify="right", style="bold")
    for name, title in _LINES.items():
        counts = [getattr(row, name) for row in rows]
        table.add_row(title, *(f"{count:,}" for count in (*counts, sum(counts))), end_section=name == "quarantined")
    console.print(table)


def print_findings(console: Console, counts: Sequence[tuple[str, int]]) -> None:
    """Print how many records carry each rule, with its title."""
    table = Table(title="发现问题 · findings by rule", title_justify="left", box=box.SIMPLE_HEAD)
    table.add_column("规则\nrule", no_wrap=True, min_width=4)
    table.add_column("记录\nrecords", no_wrap=True, justify="right", min_width=7)
    table.add_column("内容\nwhat", ratio=1)
    for rule, records in counts:
        entry = RULES.get(rule)
        table.add_row(rule, f"{records:,}", f"{entry.title.zh} · {entry.title.en}" if entry else "")
    console.print(table)


def print_addresses(
    console: Console, *, http: str, kafka: str, data_dir: Path, keys: Mapping[str, Path], code: str, office: str
) -> None:
    """Print where everything is, and three lines that work when they are pasted."""
    console.print("[bold]地址 · addresses[/bold]")
    console.print(f"  API    {http}   (文档 docs: {http}/docs)", highlight=False)
    console.print(f"  Kafka  {kafka}", highlight=False)
    console.print(f"  logs   {data_dir / 'logs'}", highlight=False, soft_wrap=True)
    console.print(f"  keys   {data_dir / 'keys'}   ({', '.join(keys)})", highlight=False, soft_wrap=True)
    console.print(f"  all of it in {data_dir / 'endpoints.json'}", highlight=False, soft_wrap=True)
    console.print("\n[bold]试一试 · try[/bold]")
    for line in curl_lines(http=http, keys=keys, code=code, office=office):
        console.print(f"  {line}", highlight=False, markup=False, soft_wrap=True)


def curl_lines(*, http: str, keys: Mapping[str, Path], code: str, office: str) -> list[str]:
    """Return three lines for a shell: a validation, a look-up, and an office's returns."""
    return [
        f"curl -s {http}/v1/validations/{code}",
        f'curl -s -H "Authorization: Bearer $(cat {keys["admin"]})" {http}/v1/registrations/{code}',
        f'curl -s -H "Authorization: Bearer $(cat {keys[office]})" "{http}/v1/returns?office={office}&limit=2"',
    ]
