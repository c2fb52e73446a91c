"""deploy/kafka/acls on a broker that asks for a login: everybody does its own work there and nobody another's."""

from __future__ import annotations

import asyncio
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Consumer, KafkaError
from confluent_kafka import Producer as ForeignProducer
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._acl import AclBinding, AclOperation, AclPermissionType
from confluent_kafka.admin._resource import ResourcePatternType, ResourceType
from confluent_kafka.admin._scram import (
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialAlteration,
    UserScramCredentialUpsertion,
)

from service.embedded.daemon import run
from service.embedded.kafka import EmbeddedKafka
from sync.kafka import GROUP, KafkaSettings, Message, Partition, Producer, create_topics, log_ends, read_range
from sync.topics import CHANGES, returns_topic, submissions_topic

ROOT = Path(__file__).resolve().parents[2]
OFFICES = ("commerce", "civil-affairs")
PASSWORD = "a password of this test"
LOGINS = (
    "office-commerce",
    "office-civil-affairs",
    "reader-tax",
    "uscc-migrate",
    "uscc-ingest",
    "uscc-relay",
    "uscc-serve",
)
REFUSALS = (KafkaError.GROUP_AUTHORIZATION_FAILED, KafkaError.TOPIC_AUTHORIZATION_FAILED)
_LOGIN_MODULE = "org.apache.kafka.common.security"
_GUARD = f"""
sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-512
sasl.mechanism.inter.broker.protocol=PLAIN
listener.name.plaintext.plain.sasl.jaas.config={_LOGIN_MODULE}.plain.PlainLoginModule required \
username="admin" password="{PASSWORD}" user_admin="{PASSWORD}";
listener.name.plaintext.scram-sha-512.sasl.jaas.config={_LOGIN_MODULE}.scram.ScramLoginModule required;
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:admin;User:ANONYMOUS
"""


class GuardedKafka(EmbeddedKafka):
    """The embedded broker, that lets in only who has a login and lets them do only what a rule allows."""

    def prepare(self) -> None:
        super().prepare()
        text = self._properties.read_text("utf-8").replace("PLAINTEXT:PLAINTEXT", "PLAINTEXT:SASL_PLAINTEXT")
        self._properties.write_text(text + _GUARD, "utf-8")


@pytest.fixture(scope="module")
def bootstrap(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A guarded broker with the logins and rules of deploy/kafka/acls."""
    kafka = GuardedKafka(tmp_path_factory.mktemp("guarded"), heap_mib=256)
    running = run(kafka)
    admin = AdminClient(
        {
            "bootstrap.servers": kafka.bootstrap,
            "security.protocol": "SASL_PLAINTEXT",
            "sasl.mechanism": "PLAIN",
            "sasl.username": "admin",
            "sasl.password": PASSWORD,
        }
    )
    scram = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, 4096)
    logins: list[UserScramCredentialAlteration] = [
        UserScramCredentialUpsertion(login, scram, PASSWORD.encode()) for login in LOGINS
    ]
    for future in (*admin.alter_user_scram_credentials(logins).values(), *admin.create_acls(rules()).values()):
        future.result(30)
    yield kafka.bootstrap
    running.stop()


def rules() -> list[AclBinding]:
    """Return what the script would give to kafka-acls.sh."""
    command = [str(ROOT / "deploy" / "kafka" / "acls"), "list", "--offices", ",".join(OFFICES), "--readers", "tax"]
    listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return [binding(*line.split("\t")) for line in listed.splitlines()]


def binding(principal: str, kind: str, name: str, pattern: str, operation: str) -> AclBinding:
    words = {"DescribeConfigs": "DESCRIBE_CONFIGS"}
    return AclBinding(
        ResourceType[kind.upper()],
        name,
        ResourcePatternType[pattern.upper()],
        principal,
        "*",
        AclOperation[words.get(operation, operation.upper())],
        AclPermissionType.ALLOW,
    )


def settings(bootstrap: str, login: str, password: str = PASSWORD) -> KafkaSettings:
    return KafkaSettings(
        bootstrap=bootstrap, security_protocol="SASL_PLAINTEXT", sasl_username=login, sasl_password=password
    )


@pytest.fixture(scope="module")
def topics(bootstrap: str) -> list[str]:
    """The topics, as `uscc migrate` makes them with its own login; and checked by it once more."""

    async def make() -> list[str]:
        made = await create_topics(settings(bootstrap, "uscc-migrate"), OFFICES, partitions=1)
        await create_topics(settings(bootstrap, "uscc-migrate"), OFFICES, partitions=1)
        return made

    return asyncio.run(make())


def client(bootstrap: str, login: str, **more: Any) -> dict[str, Any]:
    """Return the settings of a client of another make."""
    return {
        "bootstrap.servers": bootstrap,
        "security.protocol": "SASL_PLAINTEXT",
        "sasl.mechanism": "SCRAM-SHA-512",
        "sasl.username": login,
        "sasl.password": PASSWORD,
        "log_level": 0,
        **more,
    }


def writes(bootstrap: str, login: str, topic: str) -> bool:
    """Whether a login may produce to a topic."""
    codes: list[int | None] = []
    producer = ForeignProducer(client(bootstrap, login, **{"message.timeout.ms": 15_000}))
    producer.produce(
        topic, b"v", b"k", on_delivery=lambda error, _: codes.append(None if error is None else error.code())
    )
    producer.flush(20)
    producer.close()
    assert set(codes) <= {None, *REFUSALS}
    return codes == [None]


def reads(bootstrap: str, login: str, topic: str, group: str) -> bool:
    """Whether a login may consume a topic in a group."""
    consumer = Consumer(client(bootstrap, login, **{"group.id": group, "auto.offset.reset": "earliest"}))
    consumer.subscribe([topic])
    deadline = time.monotonic() + 30
    try:
        while time.monotonic() < deadline:
            message = consumer.poll(1)
            error = None if message is None else message.error()
            if message is not None and error is None:
                return True
            if error is not None and error.code() in REFUSALS:
                return False
    finally:
        consumer.close()
    raise TimeoutError(f"{login} neither read {topic} nor was refused")


async def test_everybody_does_its_own_work_and_nobody_anothers(bootstrap: str, topics: list[str]) -> None:
    commerce, civil = (submissions_topic(office) for office in OFFICES)
    own, others = (returns_topic(office) for office in OFFICES)
    allowed = [("office-commerce", commerce), ("uscc-relay", own), ("uscc-relay", others), ("uscc-relay", CHANGES)]
    refused = [
        ("office-commerce", civil),
        ("office-commerce", own),
        ("office-commerce", CHANGES),
        ("reader-tax", CHANGES),
        ("uscc-serve", commerce),
    ]

    written = {pair: await asyncio.to_thread(writes, bootstrap, *pair) for pair in (*allowed, *refused)}
    read = {
        case: await asyncio.to_thread(reads, bootstrap, *case)
        for case in (
            ("office-commerce", own, "office-commerce.erp"),
            ("office-commerce", others, "office-commerce.erp"),
            ("office-commerce", own, "office-civil-affairs.erp"),
            ("reader-tax", CHANGES, "reader-tax.copy"),
            ("reader-tax", own, "reader-tax.copy"),
        )
    }

    assert 5 == len(topics)
    assert dict.fromkeys(allowed, True) | dict.fromkeys(refused, False) == written
    assert [True, False, False, True, False] == list(read.values())


async def test_the_roles_reach_the_brokers_with_their_logins(bootstrap: str, topics: list[str]) -> None:
    topic = submissions_topic("civil-affairs")
    producer = Producer(settings(bootstrap, "uscc-relay"))
    await producer.start()
    try:
        placed = await producer.send_placed(topic, [Message(b"k", b"v")])
    finally:
        await producer.stop()

    ends = await log_ends(settings(bootstrap, "uscc-serve"), [topic])
    found = [each async for each in read_range(settings(bootstrap, "uscc-relay"), dict.fromkeys(ends, 0), ends)]
    read = await asyncio.to_thread(reads, bootstrap, "uscc-ingest", topic, GROUP)

    assert [(0, 0)] == placed
    assert [b"v"] == [record.body for record in found]
    assert {Partition(topic, 0): 1} == ends
    assert read
