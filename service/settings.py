"""The settings: environment variables `USCC_…`, read here and nowhere else, and mapped to what each package wants.

An unknown `USCC_…` variable stops the start, because a mistyped setting that is silently ignored is found too late.
"""

from __future__ import annotations

import ipaddress
import json
import os
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from sync.errors import SyncError
from sync.kafka import KafkaSettings

if TYPE_CHECKING:
    from service.nights import Nights
    from service.resources import ServeConfig

PREFIX = "USCC_"
ENDPOINTS_FILE = "endpoints.json"
_DAY = timedelta(days=1)


class UnusableSettings(SyncError):
    """A setting is unknown, impossible or missing; the message says which and what to do."""

    exit_status = 2


class Settings(BaseSettings):
    """Every setting with its default; the name of the variable is `USCC_` and the name in capitals."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, frozen=True, extra="forbid", env_ignore_empty=True, validate_default=True
    )

    database_dsn: SecretStr | None = Field(
        None,
        description="PostgreSQL that holds the registry; without it the embedded one of the data directory is used.",
    )
    database_read_dsn: SecretStr | None = Field(
        None,
        description="A replica that the API reads from; without it the API reads where it writes.",
    )
    kafka_bootstrap: str | None = Field(
        None,
        description="Brokers as host:port, separated by commas; without it the embedded broker of the data "
        "directory is used.",
    )
    kafka_security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        "PLAINTEXT",
        description="How to speak to the brokers; production wants SASL_SSL, because the topic is the office's "
        "identity.",
    )
    kafka_sasl_mechanism: Literal["SCRAM-SHA-256", "SCRAM-SHA-512", "PLAIN"] = Field(
        "SCRAM-SHA-512",
        description="How to log in to the brokers under SASL.",
    )
    kafka_sasl_username: str | None = Field(None, description="The login at the brokers under SASL.")
    kafka_sasl_password: SecretStr | None = Field(None, description="The password of that login.")
    kafka_ca_file: Path | None = Field(
        None,
        description="PEM file of the authority that signed the brokers' certificates; without it the system's "
        "authorities are trusted.",
    )
    kafka_jars: Path | None = Field(
        None,
        description="Folder with the jars of the embedded broker; without it deploy/kafka/target/jars of the checkout.",
    )
    allow_plaintext: bool = Field(
        False,
        description="Allow unencrypted Kafka outside loopback, where anybody on the way can read and forge records.",
    )
    topic_partitions: int = Field(6, ge=1, le=1000, description="Partitions of the topics that `uscc migrate` makes.")
    topic_replication_factor: int = Field(
        1,
        ge=1,
        le=9,
        description="Replicas of the topics that `uscc migrate` makes; production wants 3 with min.insync.replicas 2.",
    )
    data_dir: Path = Field(
        Path(".uscc"),
        description="Folder of the embedded services, their logs and keys, and of endpoints.json.",
    )
    config_dir: Path | None = Field(
        None,
        description="Folder with the site's own offices.toml, severities.csv, workdays.csv and mappings/, in place of "
        "those that ship.",
    )
    http_host: str = Field("127.0.0.1", description="Address on which the API listens.")
    http_port: int = Field(
        8080,
        ge=0,
        le=65535,
        description="Port on which the API listens; under `uscc up` 0 picks one and keeps it.",
    )
    http_allowed_hosts: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="Host names by which the API may be called, separated by commas; without it loopback names "
        "on loopback, else any.",
    )
    http_pool_size: int = Field(8, ge=1, le=200, description="Database connections of one API process.")
    requests_per_minute: int | None = Field(
        None,
        ge=1,
        description="Requests a minute that one client may make; without it no limit.",
    )
    misses_per_minute: int = Field(
        100_000,
        ge=1,
        description="Look-ups per minute of codes that are not registered, before a client is braked.",
    )
    province: str = Field(
        "21",
        pattern=r"^[1-9][0-9]$",
        description="First two digits of the division codes of the own province (21: Liaoning).",
    )
    late_after_working_days: int = Field(
        5,
        ge=0,
        le=365,
        description="Working days that a record may take from its approval to its receipt; more is late (rule T01).",
    )
    case_due_working_days: int = Field(10, ge=1, le=365, description="Working days in which a case is to be settled.")
    day_ends: str = Field(
        "24:00",
        pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$|^24:00$",
        description="End of the business day in Asia/Shanghai, HH:MM; the day bears the date on which it ends.",
    )
    silent_after: str = Field(
        "17:00",
        pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$",
        description="Hour in Asia/Shanghai by which an office should have sent something on a working day.",
    )
    nightly_done_by: str = Field(
        "06:00",
        pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$",
        description="Hour in Asia/Shanghai by which the last complete day should be sealed; later is an alarm.",
    )
    nightly_memory_mib: int = Field(
        768,
        ge=128,
        le=65_536,
        description="Memory that a comparison of registers may use before it goes to disk.",
    )
    nightly_engine: Literal["local", "spark"] = Field(
        "local",
        description="What compares the registers of `uscc nightly --against`: this machine, or an Apache Spark cluster "
        "(extra `spark`); --engine beats it.",
    )
    spark_master: str | None = Field(
        None,
        pattern=r"^(spark://[^\s/]+|local\[(\d+|\*)\])$",
        description="The Spark cluster, spark://host:port; local[2] are two processes of this machine; --master beats "
        "it.",
    )
    spark_python: str | None = Field(
        None,
        description="The Python on the cluster's workers in which this program is installed; without it the path of "
        "the one that runs here.",
    )
    reports_dir: Path | None = Field(
        None,
        description="Folder of the nightly HTML reports; without it reports/ of the data directory.",
    )
    batch_records: int = Field(
        5_000,
        ge=1,
        le=50_000,
        description="Records that ingest applies in one transaction at most.",
    )
    ingest_processes: int = Field(
        1,
        ge=1,
        le=32,
        description="Ingest processes that `uscc up` runs; they share the partitions.",
    )
    snapshot_dir: Path | None = Field(
        None,
        description="Folder of the sealed snapshots, which the nightly run writes and the API serves; without it "
        "snapshots/ of the data directory.",
    )
    snapshots_kept: int = Field(7, ge=1, le=1000, description="Sealed snapshots that stay; older ones are removed.")
    log_format: Literal["auto", "json", "console"] = Field(
        "auto",
        description="Log lines as JSON or readable; auto is readable on a terminal and JSON elsewhere.",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info",
        description="The least severe log lines that are written.",
    )
    fail_point: str | None = Field(
        None,
        description="For fault tests only: the steps at which a process kills itself once, as STEP[:REACH],….",
    )

    @field_validator("http_allowed_hosts", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @field_validator("data_dir", "config_dir", "kafka_ca_file", "kafka_jars", "reports_dir", "snapshot_dir")
    @classmethod
    def _absolute(cls, value: Path | None) -> Path | None:
        return value.resolve() if value is not None else None

    @property
    def day_end(self) -> timedelta:
        """How long after midnight in Asia/Shanghai the business day ends; more than nothing, at most a day."""
        return _since_midnight(self.day_ends) or _DAY


class Setting(NamedTuple):
    """One setting as `uscc settings` shows it; secrets are masked."""

    variable: str
    value: Any
    default: Any
    description: str


def load(**overrides: Any) -> Settings:
    """Read the settings from the environment; `overrides` that are not None beat it.

    Raises:
        UnusableSettings: a variable is unknown or has an impossible value; all of them are named.
    """
    known = {PREFIX + name.upper() for name in Settings.model_fields}
    unknown = sorted(name for name in os.environ if name.upper().startswith(PREFIX) and name.upper() not in known)
    if unknown:
        raise UnusableSettings(f"unknown setting {', '.join(unknown)}: `uscc settings` lists those that exist")
    try:
        return Settings(**{name: value for name, value in overrides.items() if value is not None})
    except ValidationError as error:
        faults = [
            f"{PREFIX}{str(fault['loc'][0]).upper()}: {fault['msg']}" for fault in error.errors(include_input=False)
        ]
        raise UnusableSettings("; ".join(faults)) from None


def locate(settings: Settings) -> Settings:
    """Fill in the database and the brokers from `endpoints.json` of the data directory where they are not set.

    Raises:
        UnusableSettings: they are neither set nor does `uscc up` run on the data directory.
    """
    if settings.database_dsn is not None and settings.kafka_bootstrap is not None:
        return settings
    file = settings.data_dir / ENDPOINTS_FILE
    try:
        endpoints = json.loads(file.read_text("utf-8"))
        found = {"database_dsn": SecretStr(endpoints["database"]), "kafka_bootstrap": endpoints["kafka"]}
    except FileNotFoundError:
        raise UnusableSettings(
            f"{settings.data_dir} 上没有服务在运行 · nothing runs on {settings.data_dir}: "
            f"start `uscc up --data-dir {settings.data_dir}`, or set USCC_DATABASE_DSN and USCC_KAFKA_BOOTSTRAP"
        ) from None
    except (ValueError, KeyError, TypeError):
        raise UnusableSettings(
            f"{file} 已损坏，请重新启动 uscc up · is damaged: start `uscc up --data-dir {settings.data_dir}` anew"
        ) from None
    return settings.model_copy(update={name: value for name, value in found.items() if getattr(settings, name) is None})


def dsn(settings: Settings) -> str:
    """Return the address of the registry of located settings."""
    if settings.database_dsn is None:
        raise UnusableSettings("USCC_DATABASE_DSN is not set")
    return settings.database_dsn.get_secret_value()


def kafka_settings(settings: Settings) -> KafkaSettings:
    """Return how to reach the brokers of located settings.

    Raises:
        UnusableSettings: unencrypted Kafka outside loopback that was not allowed, or a login without a name.
    """
    bootstrap = settings.kafka_bootstrap
    if bootstrap is None:
        raise UnusableSettings("USCC_KAFKA_BOOTSTRAP is not set")
    protocol = settings.kafka_security_protocol
    if protocol.endswith("PLAINTEXT") and not settings.allow_plaintext and not _is_loopback(bootstrap):
        raise UnusableSettings(
            f"Kafka at {bootstrap} without encryption: set USCC_KAFKA_SECURITY_PROTOCOL=SASL_SSL, "
            "or allow it by USCC_ALLOW_PLAINTEXT=true"
        )
    password = settings.kafka_sasl_password
    if protocol.startswith("SASL") and (settings.kafka_sasl_username is None or password is None):
        raise UnusableSettings(f"{protocol} wants USCC_KAFKA_SASL_USERNAME and USCC_KAFKA_SASL_PASSWORD")
    return KafkaSettings(
        bootstrap=bootstrap,
        security_protocol=protocol,
        sasl_mechanism=settings.kafka_sasl_mechanism,
        sasl_username=settings.kafka_sasl_username,
        sasl_password=password.get_secret_value() if password else None,
        ca_file=str(settings.kafka_ca_file) if settings.kafka_ca_file else None,
    )


def serve_config(settings: Settings) -> ServeConfig:
    """Return what the API wants of located settings."""
    from service.judging import judging  # These ask for settings themselves.
    from service.resources import ServeConfig  # A role that serves no HTTP need not load the web framework.
    from service.site import load_site

    site = load_site(settings.config_dir)
    return ServeConfig(
        dsn=dsn(settings),
        read_dsn=settings.database_read_dsn.get_secret_value() if settings.database_read_dsn else None,
        host=settings.http_host,
        port=settings.http_port,
        allowed_hosts=settings.http_allowed_hosts,
        kafka=kafka_settings(settings),
        offices={office.id: (office.title_zh, office.title_en) for office in site.offices.values()},
        ruleset=site.ruleset,
        judging=judging(settings, site),
        snapshot_folder=snapshot_folder(settings),
        pool_size=settings.http_pool_size,
        province=settings.province,
        nights=nights(settings),
        requests_per_minute=settings.requests_per_minute,
        misses_per_minute=settings.misses_per_minute,
    )


def snapshot_folder(settings: Settings) -> Path:
    """Return the folder of the sealed snapshots."""
    return settings.snapshot_dir or settings.data_dir / "snapshots"


def effective(settings: Settings) -> list[Setting]:
    """Return every setting with its value, secrets masked."""
    return [
        Setting(
            variable=PREFIX + name.upper(),
            value=_shown(getattr(settings, name)),
            default=_shown(field.default),
            description=field.description or "",
        )
        for name, field in Settings.model_fields.items()
    ]


def child_environment(overrides: Mapping[str, str]) -> dict[str, str]:
    """Return the environment for a role that this process starts: our own, and what was decided for it."""
    return dict(os.environ) | {PREFIX + name.upper(): value for name, value in overrides.items()}


def nights(settings: Settings) -> Nights:
    """Return by what rules the days of these settings are closed."""
    from service.nights import Nights
    from service.site import load_site
    from sync.nightly.days import BusinessDays
    from sync.nightly.sealing import Closing

    return Nights(
        offices=load_site(settings.config_dir).offices,
        closing=Closing(days=BusinessDays(ends=settings.day_end), silent_after=_since_midnight(settings.silent_after)),
        done_by=_since_midnight(settings.nightly_done_by),
    )


def _since_midnight(text: str) -> timedelta:
    hours, minutes = text.split(":")
    return timedelta(hours=int(hours), minutes=int(minutes))


def _shown(value: object) -> Any:
    if isinstance(value, SecretStr):
        return "********"
    if isinstance(value, Path):
        return str(value)
    return list(value) if isinstance(value, tuple) else value


def _is_loopback(bootstrap: str) -> bool:
    hosts = [urlsplit(f"//{address.strip()}").hostname or "" for address in bootstrap.split(",")]
    return all(host == "localhost" or _is_loopback_address(host) for host in hosts)


def _is_loopback_address(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
