"""The program `uscc`. Commands are loaded when they are called, so that `uscc --help` answers at once."""

from __future__ import annotations

import errno
import io
import sys
from collections.abc import Mapping
from importlib import import_module
from importlib.util import find_spec
from typing import NamedTuple

import click

from sync.errors import SyncError


class Entry(NamedTuple):
    """Where a command lies (`module:attribute`), and what it is for in one line of each language."""

    target: str
    zh: str
    en: str


COMMANDS: Mapping[str, Entry] = {
    "up": Entry("up:command", "启动全部服务（内置数据库与消息系统）", "run everything, with embedded services"),
    "serve": Entry("roles:serve", "运行接口服务", "run the HTTP API"),
    "ingest": Entry("roles:ingest", "运行回传接收与核查", "decide what the offices push"),
    "relay": Entry("roles:relay", "运行结果发布", "publish returns and changes"),
    "nightly": Entry("nightly:command", "日终对账", "close the day: statements, comparison, snapshot"),
    "migrate": Entry("migrate:command", "建库、升级与建主题", "bring database and topics to this version"),
    "validate": Entry("validate:command", "离线校验代码", "check codes offline, singly or by file"),
    "submit": Entry("submit:command", "报送文件", "push a file to an office's topic"),
    "demo": Entry("demo:command", "生成演示数据", "write a deterministic feed with planted problems"),
    "verify": Entry("verify:command", "核验账实不变式", "check that nothing is lost, doubled or altered"),
    "clients": Entry("clients:command", "管理调用方与密钥", "create, list, rotate and revoke API clients"),
    "partitions": Entry("partitions:command", "查看与恢复分区", "list partitions, resume halted ones"),
    "replay": Entry("replay:command", "重新处理隔离记录", "decide quarantined records again"),
    "snapshot": Entry("snapshot:command", "生成全量快照", "write a sealed snapshot now"),
    "segments": Entry("segments:command", "管理码段", "load, list and check code segments"),
    "exceptions": Entry("exceptions:command", "管理例外代码", "the register of non-conforming codes in use"),
    "legacy": Entry("legacy:command", "管理原有注册号对照", "maps of old numbers to codes"),
    "mappings": Entry("mappings:command", "检查报送字段映射", "list and check office mappings"),
    "cases": Entry("cases:command", "重错码汇总与纠错文件", "import, export and apply corrections"),
    "report": Entry("report:command", "上报国家中心", "the upward report"),
    "settings": Entry("settings:command", "查看有效设置", "the effective settings, secrets masked"),
}

EPILOG = """\b
从这里开始 · start here:
  uscc up --demo 20000         全套服务与两万条演示数据 · everything, with a demonstration feed
  uscc validate 91210100MA0000496X
  uscc <command> --help

\b
退出状态 · exit status: 0 done · 1 the answer is no · 2 wrong use
设置 · settings: environment variables USCC_…, see `uscc settings`
"""


class _Failure(click.ClickException):
    """Something that we can name went wrong; `exit_status` of the error says whether it was wrong use."""

    def __init__(self, error: SyncError) -> None:
        super().__init__(str(error))
        vars(self)["exit_code"] = getattr(error, "exit_status", 1)


class LazyGroup(click.Group):
    """Knows its commands by name and imports the one that is called; what is not there yet is not listed."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Return the names of the commands that exist, in the order of a reader."""
        return [name for name, entry in COMMANDS.items() if find_spec(_module(entry)) is not None]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command."""
        if cmd_name not in self.list_commands(ctx):
            return None
        entry = COMMANDS[cmd_name]
        command = getattr(import_module(_module(entry)), entry.target.partition(":")[2])
        if not isinstance(command, click.Command):
            raise TypeError(f"{entry.target} is no command")
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing them."""
        rows = [(name, f"{COMMANDS[name].zh} · {COMMANDS[name].en}") for name in self.list_commands(ctx)]
        with formatter.section("Commands · 命令"):
            formatter.write_dl(rows)

    def invoke(self, ctx: click.Context) -> object:
        """Run the command; an error that we can name is one line and an exit status."""
        try:
            return super().invoke(ctx)
        except SyncError as error:
            raise _Failure(error) from error
        except OSError as error:
            if error.errno in (None, errno.EPIPE):
                # Ours to mend, or a reader that went away (click ends quietly).
                raise
            where = "" if error.filename is None else f"{error.filename}: "
            raise click.ClickException(f"{where}{error.strerror}") from error


def _module(entry: Entry) -> str:
    return "service.commands." + entry.target.partition(":")[0]


@click.group(cls=LazyGroup, epilog=EPILOG, context_settings={"max_content_width": 110})
@click.version_option(package_name="uscc-data-service", prog_name="uscc")
def cli() -> None:
    """统一社会信用代码回传数据服务 · the registry and data-return service for unified social credit codes."""


def main() -> None:
    """Run `uscc`."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # Half of each text is Chinese, and a file's name may be in no encoding at all: whatever the terminal cannot
            # show is a question mark, not the end of the work.
            stream.reconfigure(errors="replace")
    cli(prog_name="uscc")


if __name__ == "__main__":
    main()
