"""How the tools that speak to Kafka beside the service (demo, verify) reach the brokers: librdkafka's settings."""

from __future__ import annotations

from typing import Any

from sync.kafka import KafkaSettings


def configuration(settings: KafkaSettings) -> dict[str, Any]:
    """Return the settings of any librdkafka client."""
    configured: dict[str, Any] = {
        "bootstrap.servers": settings.bootstrap,
        "security.protocol": settings.security_protocol,
    }
    if settings.ca_file is not None:
        configured["ssl.ca.location"] = settings.ca_file
    if settings.security_protocol.startswith("SASL"):
        configured["sasl.mechanism"] = settings.sasl_mechanism
        configured["sasl.username"] = settings.sasl_username
        configured["sasl.password"] = settings.sasl_password
    return configured
