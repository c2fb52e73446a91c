"""`uscc validate`: check codes offline, singly or a whole file."""

from __future__ import annotations

import sys
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from service.commands import options
from service.commands.progress import Meter
from service.settings import load
from service.site import load_site
from service.validation import suggestions_of, validate
from service.validation_files import GOOD_VERDICTS, Report, UnreadableFile, validate_file
from service.validation_files.json_lines import JsonLines
from validators import uscc
from validators.rulebook import RULES, Ruleset
from validators.uscc import CodeContext

_VERDICTS = {
    "valid": ("有效", "valid", "green"),
    "nonconforming_issued": ("例外代码（已赋码）", "non-conforming, issued", "yellow"),
    "repairable": ("错码，可能可修正", "wrong, perhaps repairable", "red"),
    "invalid": ("无效", "invalid", "red"),
}
_PARTS = {
    "registration_authority_code": ("登记管理部门", "registration authority"),
    "organization_category_code": ("机构类别", "organization category"),
    "division_code": ("行政区划", "division"),
    "subject_identification_code": ("主体标识码", "subject identification code"),
    "check_character": ("校验码", "check character"),
}
_SUGGESTIONS_SHOWN = 3


@click.command("validate")
@click.argument("codes", nargs=-1, metavar="[CODE]...")
@click.option(
    "--file",
    "path",
    type=click.Path(path_type=Path, dir_okay=False),
    help="A file of codes: .csv, .csv.gz, .ndjson, .parquet, .xlsx.",
)
@click.option("--column", help="The column that holds the codes (default: uscc and its usual names, or the only one).")
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Where to write what was found: .csv, .xlsx, .parquet, .ndjson.",
)
@click.option(
    "--province", metavar="NN", help="First two digits of the own province's divisions (default: USCC_PROVINCE, 21)."
)
@options.as_json
def command(
    codes: tuple[str, ...],
    path: Path | None,
    column: str | None,
    output: Path | None,
    province: str | None,
    as_json: bool,
) -> None:
    """离线校验代码 · check codes offline; exit status 1 when one is neither valid nor a known exception.

    \b
    uscc validate 91210100MA0000496X
    uscc validate --file codes.csv --column uscc --output checked.csv
    """
    if bool(codes) == (path is not None):
        raise click.UsageError("请给出代码或 --file · give codes, or --file")
    if path is None and (output is not None or column is not None):
        raise click.UsageError("--column 和 --output 须与 --file 同用 · go with --file")
    settings = load(province=province)
    ruleset = load_site(settings.config_dir).ruleset
    context = CodeContext(province=settings.province)
    if path is None:
        good = _validate_codes(codes, ruleset, context, as_json)
    else:
        good = _validate_file(path, column, output, ruleset, context, as_json)
    if not good:
        raise click.exceptions.Exit(1)


def _validate_codes(codes: tuple[str, ...], ruleset: Ruleset, context: CodeContext, as_json: bool) -> bool:
    json_lines = JsonLines(ruleset=ruleset, context=context)
    console = Console(highlight=False, soft_wrap=True)
    good = True
    for claimed in codes:
        normalized, findings, verdict = validate(claimed, ruleset=ruleset, context=context)
        good = good and verdict in GOOD_VERDICTS
        if as_json:
            sys.stdout.buffer.write(json_lines.line(claimed))
            continue
        zh, en, colour = _VERDICTS[verdict]
        console.print(f"[bold]{_plain(normalized)}[/]  [{colour}]{zh} · {en}[/]")
        for name, part in uscc.components(claimed, context).items():
            if part.value is not None:
                titles = f"{part.title.zh} · {part.title.en}" if part.title and name in list(_PARTS)[:3] else ""
                mark = "" if part.known else "  [yellow]?[/]"
                console.print(f"  {_plain(part.value):<10}{' · '.join(_PARTS[name])}  {_plain(titles)}{mark}")
        for finding in findings:
            console.print(
                f"  [{colour}]{finding.rule} {finding.severity}[/]  {_plain(finding.zh)} · {_plain(finding.en)}"
            )
        likely = suggestions_of(normalized, findings)[:_SUGGESTIONS_SHOWN]
        if likely:
            console.print(f"  可能是 · perhaps: {', '.join(likely)}")
    return good


def _validate_file(
    path: Path, column: str | None, output: Path | None, ruleset: Ruleset, context: CodeContext, as_json: bool
) -> bool:
    total = path.stat().st_size if path.is_file() else None
    try:
        with Meter(Console(stderr=True), path.name, total) as meter:
            report = validate_file(
                path,
                column=column,
                output=output,
                lines=sys.stdout.buffer if as_json and output is None else None,
                ruleset=ruleset,
                context=context,
                progress=meter.advance_to,
            )
    except UnreadableFile as error:
        raise click.UsageError(str(error)) from None
    _show(Console(stderr=as_json, highlight=False, soft_wrap=True), path, output, report)
    return report.good


def _show(console: Console, path: Path, output: Path | None, report: Report) -> None:
    """Say what a file came to: the first problems, the verdicts, the findings by rule."""
    counts, notes = report.counts, report.notes
    encoding = f", {notes.encoding.upper()}" if notes.encoding else ""
    console.print(f"{_plain(path.name)}: {counts.rows:,} 行 · rows, 列 · column {_plain(report.column)}{encoding}")
    for problem in report.problems if output is None else ():
        said = f"{problem.verdict}  {';'.join(problem.rules)}  {_plain(problem.message)}"
        console.print(f"  行 · row {problem.row}: {_plain(problem.claimed)}  {said}")
    if notes.skipped:
        console.print(f"[red]{notes.skipped:,} 行无法读取 · lines are no rows and were left out[/]:")
        console.print(f"  {_plain('; '.join(notes.skipped_lines))}")
    if notes.sheets_left:
        left = ", ".join(notes.sheets_left)
        console.print(f"[yellow]只读第一张工作表 · the first sheet alone was read; 未读 · not read[/]: {_plain(left)}")
    table = Table("结论 · verdict", "行数 · rows")
    for verdict, (zh, en, colour) in _VERDICTS.items():
        if counts.verdicts[verdict]:
            table.add_row(f"[{colour}]{zh} · {en}[/]", f"{counts.verdicts[verdict]:,}")
    for rule in sorted(counts.rules):
        title = RULES[rule].title
        table.add_row(f"  {rule} {title.zh} · {title.en}", f"{counts.rules[rule]:,}")
    console.print(table)
    if output is not None:
        console.print(f"→ {_plain(str(output))}")


def _plain(text: str) -> str:
    """Return a text in which nothing is markup."""
    return text.replace("[", r"\[")
