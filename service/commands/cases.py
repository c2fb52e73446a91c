"""`uscc cases`: conflicts (重错码) to be settled, correction files out and in, and the national centre's summary."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import click

from service.case_texts import case_json, case_lines, case_row
from service.commands import identities, options, output
from service.commands.identities import Identity, identify
from service.commands.registry import in_registry
from service.correction_files import read_form, write_form
from service.judging import open_applier
from service.national_files import digest_of, read_summary
from service.settings import load, locate
from sync import cases as settling
from sync.apply import Applier
from sync.cases import NoSuchCase, NotAwaiting, SamePerson
from sync.corrections import Answer, Clerk, Mode, carry_out
from sync.four_eyes import NotPossible
from sync.national import Imported, import_claims
from sync.store.case_lists import CaseFilters, CaseRow, find_case, list_cases
from sync.store.connection import WriteConn
from sync.store.corrections import ToCorrect, to_correct
from validators.rulebook import RULES

_T = TypeVar("_T")
_PAGE = 1_000
_RESULTS = {
    "done": "已办理",
    "awaiting_approval": "待复核",
    "unchanged": "未变",
    "skipped": "未填标识，跳过",
    "refused": "退回",
    "not_carried_out": "未办理",
}
_STATUSES = ("open", "awaiting_approval", "resolved")

form_file = click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
dry_run_option = click.option("--dry-run", is_flag=True, help="Say what would become of it; write nothing.")


def _check_rule(_context: click.Context, _option: click.Parameter, rule: str | None) -> str | None:
    if rule is not None and rule.upper() not in RULES:
        raise click.BadParameter(f"没有规则 {rule} · there is no rule {rule}: docs/rules.md")
    return None if rule is None else rule.upper()


@click.group("cases")
def command() -> None:
    """重错码汇总与纠错文件 · list cases, export and apply corrections, import the national summary."""


@command.command("list")
@click.option("--office", help="Only cases that concern this office.")
@click.option("--status", type=click.Choice(_STATUSES), help="Only cases in this state.")
@click.option("--rule", callback=_check_rule, help="Only cases of this rule.")
@click.option("--overdue", is_flag=True, help="Only cases that are past their day.")
@options.as_json
@options.data_dir
def list_(
    office: str | None, status: str | None, rule: str | None, overdue: bool, as_json: bool, data_dir: Path | None
) -> None:
    """列出案件 · cases, oldest first."""
    options.check_office(office, data_dir)
    filters = CaseFilters(office=office, status=status, rule=rule, overdue=True if overdue else None)

    async def read(connection: WriteConn) -> list[CaseRow]:
        found: list[CaseRow] = []
        after: tuple[datetime, str] | None = None
        while page := await list_cases(connection, filters, after, _PAGE):
            found += page
            after = (page[-1].opened_at, page[-1].case_id)
        return found

    cases = in_registry(data_dir, read)
    if as_json:
        output.show_json([case_json(case) for case in cases])
        return
    for case in cases:
        click.echo(case_row(case, datetime.now(UTC)))
    click.echo(f"{len(cases)} 件 · cases", err=True)


@command.command("show")
@click.argument("case_id", metavar="CASE")
@options.as_json
@options.data_dir
def show(case_id: str, as_json: bool, data_dir: Path | None) -> None:
    """查看案件 · one case: who claims what, what is suggested and why, what was done by whom."""

    async def read(connection: WriteConn) -> CaseRow | None:
        return await find_case(connection, case_id, None)

    case = in_registry(data_dir, read)
    if case is None:
        raise _unknown(case_id)
    if as_json:
        output.show_json(case_json(case))
    else:
        click.echo("\n".join(case_lines(case)))


@command.command("export")
@click.argument("office")
@form_file
@options.data_dir
def export(office: str, file: Path, data_dir: Path | None) -> None:
    """导出纠错表 · write an office's correction form (.xlsx, .csv): it fills in flag, new code and reason.

    \b
    uscc cases export commerce 纠错-工商.xlsx
    uscc cases apply 纠错-工商.xlsx --office commerce --dry-run
    """
    options.check_office(office, data_dir, "OFFICE")

    async def read(connection: WriteConn) -> list[ToCorrect]:
        return await to_correct(connection, office)

    count = write_form(file, in_registry(data_dir, read))
    click.echo(f"{count} 行 · lines → {file}", err=True)


@command.command("apply")
@form_file
@click.option("--office", help="The office whose form it is; without it the centre's, for all offices.")
@click.option(
    "--mode",
    type=click.Choice(["rows", "all"]),
    default="rows",
    show_default=True,
    help="Each line for itself, or all of them or none.",
)
@dry_run_option
@identities.by
@identities.key_file
@options.as_json
@options.data_dir
def apply(
    file: Path,
    office: str | None,
    mode: Mode,
    dry_run: bool,
    by: str | None,
    key_file: Path | None,
    as_json: bool,
    data_dir: Path | None,
) -> None:
    """办理纠错表 · carry out a correction form; exit status 1 when a line is refused.

    What needs four eyes needs a person's key (--key-file), and then waits for another person: uscc cases approve.
    """
    options.check_office(office, data_dir)
    rows = read_form(file)
    who = _who(data_dir, by, key_file)
    if who.office is not None and office not in (None, who.office):
        raise click.UsageError(f"{who.name} 代表 {who.office} · acts for {who.office}, not for {office}")
    clerk = Clerk(name=who.name, office=who.office or office, is_person=who.is_person)

    async def work(applier: Applier) -> list[Answer]:
        return await carry_out(applier, rows, clerk, mode=mode, dry_run=dry_run)

    answers = _with_applier(data_dir, work)
    _show_answers(answers, as_json, dry_run=dry_run)
    if any(answer.result == "refused" for answer in answers):
        raise click.exceptions.Exit(1)


@command.command("approve")
@click.argument("case_id", metavar="CASE")
@click.option("--refuse", is_flag=True, help="Refuse what was proposed; the case is open again.")
@click.option("--reason", type=options.WORDS, help="Why; it is written down.")
@identities.key_file
@options.as_json
@options.data_dir
def approve(
    case_id: str, refuse: bool, reason: str | None, key_file: Path | None, as_json: bool, data_dir: Path | None
) -> None:
    """复核 · approve, as another person, what somebody proposed about a case; or refuse it.

    \b
    uscc clients create li --scopes cases --person > li.key
    uscc cases list --status awaiting_approval
    uscc cases approve case-01JD… --key-file li.key --reason 核对无误
    """
    if key_file is None:
        raise click.UsageError(
            "需用 --key-file 出示复核人的密钥 · --key-file is needed: an approval is a person's, and a key shows whose"
        )
    who = _who(data_dir, None, key_file)
    if not who.is_person:
        raise click.ClickException(
            f"{who.name} 不是个人，复核须由另一人进行 · {who.name} is no person: an approval is another person's"
        )

    async def find(connection: WriteConn) -> CaseRow | None:
        return await find_case(connection, case_id, who.office)

    async def work(applier: Applier) -> None:
        settle = settling.refuse if refuse else settling.approve
        await settle(applier, case_id, actor=who.name, reason=reason)

    if in_registry(data_dir, find) is None:
        raise _unknown(case_id)
    try:
        _with_applier(data_dir, work)
    except SamePerson:
        raise click.ClickException(
            f"该意见由 {who.name} 提出，须由另一人复核 · {who.name} proposed it: another person must look at it"
        ) from None
    except (NoSuchCase, NotAwaiting):
        raise click.ClickException(
            f"{case_id} 没有待复核的处理意见 · nothing of {case_id} waits for an approval"
        ) from None
    except NotPossible as error:
        raise click.ClickException(f"已不能办理 · it cannot be carried out any more: {error}") from None
    case = in_registry(data_dir, find)
    if case is None:
        raise _unknown(case_id)
    if as_json:
        output.show_json(case_json(case))
    else:
        click.echo("\n".join(case_lines(case)))


@command.command("import")
@form_file
@dry_run_option
@identities.by
@identities.key_file
@options.as_json
@options.data_dir
def import_(
    file: Path, dry_run: bool, by: str | None, key_file: Path | None, as_json: bool, data_dir: Path | None
) -> None:
    """导入全国重错码汇总表 · open a case for each conflict of the national centre's summary (.xlsx, .csv)."""
    claims = read_summary(file)
    actor = _who(data_dir, by, key_file).name

    async def work(applier: Applier) -> Imported:
        return await import_claims(
            applier, claims, sha256=digest_of(file), file_name=file.name, actor=actor, dry_run=dry_run
        )

    imported = _with_applier(data_dir, work)
    if as_json:
        output.show_json(asdict(imported))
    else:
        for line, reason in imported.wrong:
            click.echo(f"第 {line} 行 · line {line}: {reason}")
        click.echo(
            f"{imported.opened} 件新立 · cases opened, {imported.joined} 行并入 · lines joined one, "
            f"{imported.known} 行已有 · known already, {len(imported.wrong)} 行有误 · wrong"
            f"{output.UNWRITTEN if dry_run else ''}"
        )
    if imported.wrong:
        raise click.exceptions.Exit(1)


def _who(data_dir: Path | None, said: str | None, key: Path | None) -> Identity:
    """Return who acts, by the key that is shown or the name that is said."""

    async def ask(connection: WriteConn) -> Identity:
        return await identify(connection, said, key)

    return in_registry(data_dir, ask)


def _with_applier(data_dir: Path | None, work: Callable[[Applier], Awaitable[_T]]) -> _T:
    """Run `work` with what writes the ledger."""
    settings = locate(load(data_dir=data_dir))

    async def run() -> _T:
        async with open_applier(settings, size=2) as applier:
            return await work(applier)

    return asyncio.run(run())


def _unknown(case_id: str) -> click.ClickException:
    return click.ClickException(f"没有案件 {case_id} · there is no case {case_id}")


def _show_answers(answers: Sequence[Answer], as_json: bool, *, dry_run: bool) -> None:
    if as_json:
        output.show_json([asdict(answer) for answer in answers])
        return
    # Loaded for refusals: the texts lie beside those of the API.
    from service.problems import FAULTS

    for answer in answers:
        text = FAULTS[answer.hindrance] if answer.hindrance is not None else None
        why = f": {text.zh} · {text.en}（{answer.detail}）" if text is not None else ""
        if answer.result != "skipped":
            click.echo(f"第 {answer.line} 行 · line {answer.line}  {answer.uscc} {answer.name}  {answer.result}{why}")
    counts = Counter(answer.result for answer in answers)
    said = (f"{count} 行{_RESULTS[result]} · {result}" for result, count in sorted(counts.items()))
    note = output.UNWRITTEN if dry_run else ""
    click.echo((", ".join(said) or "没有一行 · no lines") + note, err=True)
