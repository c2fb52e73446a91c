"""`uscc mappings`: how an office's own fields become records, and what becomes of a sample."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import Any

import click

from service.commands import options, output
from service.mapping_checks import Check, check_body, sample_bodies
from service.settings import load
from service.site import Site, load_site
from sync.mappings import OfficeMapping, load_mappings, read_mapping
from validators.findings import Severity

_MARKS = {Severity.ERROR: "错误 error", Severity.WARNING: "提示 warning", Severity.INFO: "说明 info"}


@click.group("mappings")
def command() -> None:
    """检查报送字段映射 · list and check office mappings."""


@command.command("list")
@options.as_json
def list_(as_json: bool) -> None:
    """列出映射 · the mappings of every office, with encoding and how many fields they read."""
    settings = load()
    site = load_site(settings.config_dir)
    mappings = load_mappings(site.offices, site.mappings)
    rows = [
        {
            "office": mapping.office,
            "name": mapping.name,
            "encoding": mapping.encoding,
            "fields": sorted(mapping.known),
            "members": [*mapping.envelope, *mapping.record],
            "default": site.offices[mapping.office].mapping == mapping.name,
        }
        for mapping in mappings.values()
    ]
    if as_json:
        output.show_json(rows)
        return
    for mapping in mappings.values():
        members = len(mapping.envelope) + len(mapping.record)
        click.echo(
            f"{mapping.office + '/' + mapping.name:32} {mapping.encoding:8} "
            f"{len(mapping.known)} fields → {members} members"
        )


@command.command("check")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.argument("sample", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--office", help="Whose mapping it is (default: the name of its folder).")
@click.option("--rows", type=click.IntRange(1, 1000), default=1, show_default=True, help="How many records to show.")
@options.as_json
def check(file: Path, sample: Path, office: str | None, rows: int, as_json: bool) -> None:
    """检查映射 · what becomes of a sample (.json, .ndjson, .csv, .xlsx), field by field; 1 when it would be refused.

    \b
    uscc mappings check mappings/commerce/registration.toml sample.json
    """
    settings = load()
    site = load_site(settings.config_dir)
    mapping = _read(file, office, site)
    checks = [
        check_body(body, mapping, settings=settings, site=site) for body in islice(sample_bodies(sample, mapping), rows)
    ]
    if not checks:
        raise click.UsageError(f"{sample}: 没有一条记录 · holds no record")
    if as_json:
        output.show_json([_json(each) for each in checks])
    else:
        for number, each in enumerate(checks, start=1):
            _show(number, each)
    if any(each.submission.quarantined or each.submission.has_error for each in checks):
        raise click.exceptions.Exit(1)


def _read(file: Path, office: str | None, site: Site) -> OfficeMapping:
    owner = office or file.resolve().parent.name
    if owner not in site.offices:
        raise click.UsageError(f"there is no office {owner}: name it by --office; there are {', '.join(site.offices)}")
    return read_mapping(file, owner, file.stem)


def _show(number: int, check: Check) -> None:
    submission = check.submission
    refused = "退回 rejected" if submission.has_error else "可核查 readable"
    outcome = "隔离 quarantined" if submission.quarantined else refused
    click.echo(f"记录 · record {number}: {outcome}")
    for line in check.lines:
        if line.field is None and line.value is None:
            click.echo(f"  {line.member:40} —")
        elif line.field is None:
            click.echo(f"  {line.member:40} {line.value}  （默认 default）")
        elif str(line.raw) == str(line.value):
            click.echo(f"  {line.member:40} {line.value}  ← {line.field}")
        else:
            click.echo(f"  {line.member:40} {line.value}  ← {line.field} “{line.raw}”")
    for title, names in (("忽略 · ignored", check.ignored), ("未知字段 · not in the mapping", check.unknown)):
        if names:
            click.echo(f"  {title}: {', '.join(names)}")
    for finding in submission.findings:
        mark = _MARKS.get(finding.severity, str(finding.severity))
        click.echo(f"  {finding.rule} {mark} {finding.field or ''}: {finding.zh} · {finding.en}")


def _json(check: Check) -> dict[str, Any]:
    submission = check.submission
    return {
        "quarantined": submission.quarantined,
        "rejected": submission.has_error,
        "members": [
            {"member": line.member, "field": line.field, "raw": line.raw, "value": line.value} for line in check.lines
        ],
        "ignored": check.ignored,
        "unknown": check.unknown,
        "findings": [finding.as_json() for finding in submission.findings],
    }
