"""Apache Kafka from Maven Central as a broker of one node (KRaft), in a folder of the data directory, on loopback.

The jars lie where `make setup` put them. An archive of the classes (AppCDS) halves the start; it is written when the
first broker ends in order, beside the jars, and is bound to their paths and times: when it does not fit, Java says a
line and starts as without it.
"""

from __future__ import annotations

import base64
import os
import shutil
import signal
import uuid
import zipfile
from collections.abc import Mapping
from pathlib import Path

from service.embedded.daemon import accepts, checked, end_processes, left_behind
from service.embedded.ports import Ports
from sync.errors import Fatal

DEFAULT_JARS = Path(__file__).resolve().parents[2] / "deploy" / "kafka" / "target" / "jars"

_PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
log.dirs={data}
offsets.topic.num.partitions=5
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
auto.create.topics.enable=false
num.partitions=6
message.max.bytes=12582912
# A broker that was killed starts again only when the session of its dead self has run out.
broker.session.timeout.ms=1500
broker.heartbeat.interval.ms=500
"""

_LOGGING = """\
org.slf4j.simpleLogger.defaultLogLevel=warn
org.slf4j.simpleLogger.log.kafka.server.KafkaRaftServer=info
org.slf4j.simpleLogger.showDateTime=true
org.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd'T'HH:mm:ss.SSS
"""


class EmbeddedKafka:
    """A Kafka broker whose files lie in `<data_dir>/kafka`."""

    name = "kafka"
    stop_signal = signal.SIGTERM

    def __init__(self, data_dir: Path, *, jars: Path = DEFAULT_JARS, heap_mib: int = 512) -> None:
        self._root = data_dir.resolve()
        self.directory = self._root / "kafka"
        self._properties = self.directory / "server.properties"
        self._jars = jars
        self._heap_mib = heap_mib
        self._archive = jars.parent / "broker.jsa"
        self._written_archive = jars.parent / f"broker.{uuid.uuid4().hex}.jsa"
        self._ports = Ports(self._root)
        self.log_file: Path | None = self._root / "logs" / "kafka.log"
        self.port = 0

    @property
    def bootstrap(self) -> str:
        """The broker's address; known after `prepare`."""
        return f"127.0.0.1:{self.port}"

    def prepare(self) -> None:
        """Clear away what a killed broker left, write the configuration, format the storage where there is none.

        Raises:
            Fatal: Java or the jars are missing, or formatting failed.
        """
        java()
        if not any(self._jars.glob("kafka_*.jar")):
            raise Fatal(f"Apache Kafka is not in {self._jars}: run `make setup`, or set USCC_KAFKA_BOOTSTRAP")
        self.directory.mkdir(parents=True, exist_ok=True)
        # A broker whose supervisor was killed holds the lock of the storage.
        end_processes(left_behind(self.directory, "java", "kafka.Kafka"), signal.SIGTERM, 10)
        self.port = self._ports.take("kafka")
        text = _PROPERTIES.format(
            port=self.port, controller=self._ports.take("kafka_controller"), data=self.directory / "log"
        )
        self._properties.write_text(text, "utf-8")
        if not (self.directory / "log" / "meta.properties").exists():
            self._format()

    def command(self) -> list[str]:
        """Return the broker's command line: the quick compiler, which costs no throughput here, and the archive."""
        if self._archive.exists():
            archive = f"-XX:SharedArchiveFile={self._archive}"
        elif os.access(self._archive.parent, os.W_OK):
            archive = f"-XX:ArchiveClassesAtExit={self._written_archive}"
        else:
            archive = "-Xshare:auto"
        return [*self._java(archive, f"-Xmx{self._heap_mib}m"), "kafka.Kafka", str(self._properties)]

    def environment(self) -> Mapping[str, str] | None:
        """Return None: the broker takes ours."""
        return None

    def ready(self) -> bool:
        """Say whether the broker listens: the first record passes within half a second of that."""
        return accepts(self.port)

    def ended(self) -> None:
        """Put the archive that this broker wrote at its end in its place."""
        if self._written_archive.exists():
            self._written_archive.replace(self._archive)

    def _java(self, *options: str) -> list[str]:
        quick = ["-XX:TieredStopAtLevel=1", "-Xlog:disable", "-Xlog:all=error:stderr"]
        return [java(), *options, *quick, "-cp", self._class_path()]

    def _class_path(self) -> str:
        """Return the jars in a fixed order, behind one that configures logging: the archive is bound to the list."""
        logging = self._jars.parent / "logging.jar"
        if not logging.exists():
            unfinished = logging.with_name(f"logging.{uuid.uuid4().hex}")
            with zipfile.ZipFile(unfinished, "w") as jar:
                jar.writestr("simplelogger.properties", _LOGGING)
            unfinished.replace(logging)
        return ":".join(map(str, [logging, *sorted(self._jars.glob("*.jar"))]))

    def _format(self) -> None:
        shutil.rmtree(self.directory / "log", ignore_errors=True)
        cluster = base64.urlsafe_b64encode(b"\x01" + uuid.uuid4().bytes[1:]).decode().rstrip("=")
        archive = [f"-XX:SharedArchiveFile={self._archive}"] if self._archive.exists() else []
        tool = [*self._java(*archive), "kafka.tools.StorageTool", "format", "-t", cluster, "-c", str(self._properties)]
        checked(tool, "formatting Kafka's storage")


def java() -> str:
    """Return the path of Java.

    Raises:
        Fatal: there is none.
    """
    found = shutil.which("java")
    if found is None:
        raise Fatal("Java is not installed: run `make setup` (or apt-get install openjdk-17-jre-headless)")
    return found
