"""`uscc clients`: who may call the API. A key is shown once, alone on stdout, and stored only as its hash."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click

from service.auth.scopes import SCOPES
from service.commands import options, output
from service.commands.registry import in_registry
from sync.store.clients import (
    ClientRow,
    add_exchange_caller,
    create_client,
    list_clients,
    revoke_client,
    rotate_key,
)
from sync.store.connection import WriteConn

ACTOR = "operator"


@click.group("clients")
def command() -> None:
    """管理调用方与密钥 · create, list, rotate and revoke the clients of the API."""


@command.command("create")
@click.argument("name", type=options.WORDS)
@click.option("--scopes", required=True, help=f"What it may do, separated by commas: {', '.join(SCOPES)}.")
@click.option("--office", help="The office on whose behalf it acts; without it no office's returns or cases.")
@click.option("--person", is_flag=True, help="A person, who may approve what another person resolved.")
@click.option("--expires", type=click.DateTime(["%Y-%m-%d"]), help="The last day (UTC) on which it may call.")
@click.option("--requests-per-minute", type=click.IntRange(1), help="Requests a minute that it may make.")
@click.option("--organizations-per-day", type=click.IntRange(1), help="Distinct organizations a day that it may see.")
@options.data_dir
def create(
    name: str,
    scopes: str,
    office: str | None,
    person: bool,
    expires: datetime | None,
    requests_per_minute: int | None,
    organizations_per_day: int | None,
    data_dir: Path | None,
) -> None:
    """新建调用方，输出密钥 · make a client and print its key.

    \b
    uscc clients create tax-bureau --scopes lookup,search --expires 2027-12-31 > tax-bureau.key
    """
    wanted = [scope.strip() for scope in scopes.split(",") if scope.strip()]
    unknown = sorted(set(wanted) - set(SCOPES))
    if unknown or not wanted:
        raise click.BadParameter(
            f"没有这样的权限 · unknown scope {', '.join(unknown)}; 有 · there are {', '.join(SCOPES)}",
            param_hint="--scopes",
        )
    options.check_office(office, data_dir)
    ends = expires.replace(tzinfo=UTC) + timedelta(days=1) if expires else None
    if ends is not None and ends <= datetime.now(UTC):
        raise click.BadParameter("该日已过 · this day is over", param_hint="--expires")

    async def make(connection: WriteConn) -> str:
        return await create_client(
            connection,
            name=name,
            scopes=wanted,
            office=office,
            person=person,
            expires_at=ends,
            requests_per_minute=requests_per_minute,
            organizations_per_day=organizations_per_day,
            actor=ACTOR,
        )

    click.echo(in_registry(data_dir, make))


@command.command("list")
@options.as_json
@options.data_dir
def list_(as_json: bool, data_dir: Path | None) -> None:
    """列出调用方 · list the clients; keys are never shown."""

    async def read(connection: WriteConn) -> list[ClientRow]:
        return await list_clients(connection)

    rows = in_registry(data_dir, read)
    if as_json:
        output.show_json([asdict(row) for row in rows])
        return
    for row in rows:
        state = "revoked" if row.revoked_at else f"until {row.expires_at:%Y-%m-%d}" if row.expires_at else "valid"
        kind = "person" if row.person else row.office or "-"
        click.echo(f"{row.name:24} {kind:16} {state:18} {row.keys} keys  {','.join(row.scopes)}")


@command.command("rotate")
@click.argument("name")
@click.option(
    "--overlap-hours",
    type=click.IntRange(0, 24 * 30),
    default=24,
    show_default=True,
    help="How long the old key stays valid.",
)
@options.data_dir
def rotate(name: str, overlap_hours: int, data_dir: Path | None) -> None:
    """更换密钥，输出新密钥 · print a new key; the old one stays valid for a while."""

    async def renew(connection: WriteConn) -> str:
        return await rotate_key(connection, name=name, overlap=timedelta(hours=overlap_hours), actor=ACTOR)

    click.echo(in_registry(data_dir, renew))


@command.command("exchange")
@click.argument("name")
@click.option("--rid", required=True, help="Who asks, as the national exchange platform names it (gjgxjhpt_rid).")
@click.option("--sid", required=True, help="The service asked for, as the platform names it (gjgxjhpt_sid).")
@options.data_dir
def exchange(name: str, rid: str, sid: str, data_dir: Path | None) -> None:
    """接入国家共享交换平台，输出签名密钥 · let the platform's signed calls be a client's; print the secret.

    A former secret of the same rid and sid ends now.
    """
    for value, option in ((rid, "--rid"), (sid, "--sid")):
        if not (value.isascii() and value.isprintable() and 1 <= len(value) <= 128):
            raise click.BadParameter("1–128 printable ASCII characters", param_hint=option)

    async def add(connection: WriteConn) -> str:
        return await add_exchange_caller(connection, name=name, rid=rid, sid=sid, actor=ACTOR)

    click.echo(in_registry(data_dir, add))


@command.command("revoke")
@click.argument("name")
@options.data_dir
def revoke(name: str, data_dir: Path | None) -> None:
    """停用调用方 · end a client and all its keys, for good."""

    async def end(connection: WriteConn) -> None:
        await revoke_client(connection, name=name, actor=ACTOR)

    in_registry(data_dir, end)
    click.echo(f"revoked {name}", err=True)
