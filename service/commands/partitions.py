"""`uscc partitions`: where each partition stands, and how a halted one goes on."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from service.commands import options, output
from service.commands.registry import in_registry
from service.settings import kafka_settings, load, locate
from sync.kafka import Partition, log_starts
from sync.store.connection import WriteConn
from sync.store.standing import PartitionRow, list_partitions, restart_partition, resume_partition

_ACTOR = "operator"


@click.group("partitions")
def command() -> None:
    """查看与恢复分区 · list the partitions, resume halted ones."""


@command.command("list")
@click.option("--halted", is_flag=True, help="Only those that a person must look at.")
@options.as_json
@options.data_dir
def list_(halted: bool, as_json: bool, data_dir: Path | None) -> None:
    """列出分区 · where each partition stands; exit status 1 when one is halted."""
    rows = [row for row in in_registry(data_dir, list_partitions) if row.halted_at is not None or not halted]
    if not rows:
        click.echo(
            "没有停止的分区 · no partition is halted" if halted else "没有分区 · there are no partitions", err=True
        )
    if as_json:
        output.show_json([asdict(row) for row in rows])
    else:
        for row in rows:
            click.echo(_line(row))
    if any(row.halted_at is not None for row in rows):
        raise click.exceptions.Exit(1)


@command.command("resume")
@click.argument("partition", metavar="TOPIC/PARTITION")
@click.option("--anew", is_flag=True, help="Accept the log as it is now, and decide all that it holds.")
@options.data_dir
def resume(partition: str, anew: bool, data_dir: Path | None) -> None:
    """恢复停止的分区 · let a halted partition go on, after its reason was mended.

    A topic that was recreated, cut or rewritten cannot be mended: --anew reads it from its beginning. What was decided
    before stays decided; records that are sent again are known by their message ids.

    \b
    uscc partitions resume uscc.submissions.commerce/3
    uscc partitions resume uscc.submissions.commerce/3 --anew
    """
    topic, slash, number = partition.rpartition("/")
    if not slash or not number.isdecimal():
        raise click.BadParameter("write it as TOPIC/NUMBER, as `uscc partitions list` does")

    place = Partition(topic, int(number))

    async def go_on(connection: WriteConn) -> bool:
        if not anew:
            return await resume_partition(connection, *place)
        starts = await log_starts(kafka_settings(locate(load(data_dir=data_dir))), [topic])
        if place not in starts:
            raise click.ClickException(f"there is no {partition}: make the topic first, by `uscc migrate`")
        return await restart_partition(connection, *place, starts[place], _ACTOR)

    if not in_registry(data_dir, go_on):
        raise click.ClickException(f"{partition} 未停止 · is not halted")
    click.echo(f"已恢复 · resumed {partition}")


def _line(row: PartitionRow) -> str:
    place = f"{row.topic}/{row.partition}"
    state = f"HALTED {row.halted_at:%Y-%m-%d %H:%M:%SZ}: {row.halted_reason}" if row.halted_at else "moving"
    return f"{place:44} next offset {row.next_offset:<10} decided {row.decided_records:<10} {state}"
