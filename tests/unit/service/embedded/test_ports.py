"""A data directory keeps its ports for as long as nobody else takes them."""

from __future__ import annotations

import socket
from pathlib import Path

from service.embedded.ports import Ports


def test_a_port_is_chosen_once_and_kept(tmp_path: Path) -> None:
    first = Ports(tmp_path).take("postgres")

    assert Ports(tmp_path).take("postgres") == first


def test_two_names_have_two_ports(tmp_path: Path) -> None:
    ports = Ports(tmp_path)

    assert ports.take("kafka") != ports.take("kafka_controller")


def test_a_port_that_somebody_took_is_replaced(tmp_path: Path) -> None:
    first = Ports(tmp_path).take("http")
    with socket.create_server(("127.0.0.1", first)):
        second = Ports(tmp_path).take("http")

    assert second != first
    assert Ports(tmp_path).take("http") == second
