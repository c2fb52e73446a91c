"""How the brokers are reached, and what every call of the client has: a deadline, and errors of ours."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar

from aiokafka.errors import KafkaError, NoOffsetForPartitionError, OffsetOutOfRangeError

from sync.errors import Retryable

MAX_MESSAGE_BYTES = 12 * 1024 * 1024
DEADLINE_SECONDS = 10.0
_REQUEST_TIMEOUT_MS = 5_000
_T = TypeVar("_T")


class Stuck(Retryable):
    """A call of the Kafka client did not end within its deadline: throw the client away."""


class Ended(Retryable):
    """What works inside a Kafka client has ended of an error it does not know: nothing more comes of the client."""


class OtherBytes(Retryable):
    """The record at a decided offset is not the one that was decided: the topic was recreated or rewritten."""

    def __init__(self, place: Partition, offset: int) -> None:
        super().__init__(f"{place.topic}/{place.partition}: other bytes at offset {offset}")
        self.place = place
        self.offset = offset


class OutOfRange(Retryable):
    """A position lies outside the log of its partition."""

    def __init__(self, places: Mapping[Partition, int]) -> None:
        super().__init__(f"positions outside the log: {dict(places)}")
        self.places = places


class Partition(NamedTuple):
    """One partition of a topic."""

    topic: str
    partition: int


class Message(NamedTuple):
    """One message to produce."""

    key: bytes | None
    value: bytes
    headers: Sequence[tuple[str, bytes]] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class KafkaSettings:
    """How to reach the brokers."""

    bootstrap: str
    security_protocol: str = "PLAINTEXT"
    sasl_mechanism: str = "SCRAM-SHA-512"
    sasl_username: str | None = None
    sasl_password: str | None = None
    ca_file: str | None = None

    def client_arguments(self) -> dict[str, Any]:
        """Return the keyword arguments that every client of the library takes."""
        arguments: dict[str, Any] = {
            "bootstrap_servers": self.bootstrap,
            "security_protocol": self.security_protocol,
            "request_timeout_ms": _REQUEST_TIMEOUT_MS,
        }
        if self.security_protocol.endswith("SSL"):
            arguments["ssl_context"] = ssl.create_default_context(cafile=self.ca_file)
        if self.security_protocol.startswith("SASL"):
            arguments["sasl_mechanism"] = self.sasl_mechanism
            arguments["sasl_plain_username"] = self.sasl_username
            arguments["sasl_plain_password"] = self.sasl_password
        return arguments


async def bounded(call: Awaitable[_T], what: str, seconds: float = DEADLINE_SECONDS) -> _T:
    """Await a call of the client for at most `seconds`.

    Raises:
        Stuck: the deadline passed.
        Ended: the client does not work any more.
        Retryable: the broker answered with an error or is not there.
    """
    try:
        return await asyncio.wait_for(call, seconds)
    except TimeoutError as error:
        raise Stuck(f"{what} did not end within {seconds:g} s") from error
    except (NoOffsetForPartitionError, OffsetOutOfRangeError):
        raise
    except (KafkaError, OSError, RuntimeError) as error:
        # What a broker says has a class of its own; a bare error, the client's or Python's, is what ended its tasks.
        is_told = isinstance(error, KafkaError | OSError) and type(error) is not KafkaError
        raise (Retryable if is_told else Ended)(f"{what}: {error!r}") from error
