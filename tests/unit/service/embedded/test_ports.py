"""A data directory keeps its ports for as long as nobody else takes them."""

from __future__ import annotations

import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from service.embedded.ports import Ports
from sync.errors import Fatal


def test_a_port_is_chosen_once_and_kept(tmp_path: Path) -> None:
    first = Ports(tmp_path).take("postgres")

    assert Ports(tmp_path).take("postgres") == first


def test_two_names_have_two_ports(tmp_path: Path) -> None:
    ports = Ports(tmp_path)

    assert ports.take("kafka") != ports.take("kafka_controller")


def test_names_that_are_chosen_at_the_same_time_are_all_kept(tmp_path: Path) -> None:
    names = [f"name-{number}" for number in range(20)]
    with ThreadPoolExecutor(len(names)) as threads:
        chosen = list(threads.map(lambda name: Ports(tmp_path).take(name), names))

    assert [Ports(tmp_path).take(name) for name in names] == chosen


def test_a_port_that_somebody_took_is_replaced(tmp_path: Path) -> None:
    first = Ports(tmp_path).take("http")
    with socket.create_server(("127.0.0.1", first)):
        second = Ports(tmp_path, patience=0.1).take("http")

    assert second != first
    assert Ports(tmp_path).take("http") == second


def test_a_port_that_a_dying_server_still_holds_is_waited_for(tmp_path: Path) -> None:
    first = Ports(tmp_path).take("kafka")
    dying = socket.create_server(("127.0.0.1", first))
    timer = threading.Timer(0.3, dying.close)
    timer.start()
    try:
        assert Ports(tmp_path).take("kafka") == first
    finally:
        timer.join()


def test_a_port_whose_address_is_in_use_is_never_replaced(tmp_path: Path) -> None:
    ports = Ports(tmp_path, patience=0.1)
    first = ports.take("kafka")
    with socket.create_server(("127.0.0.1", first)), pytest.raises(Fatal, match=f"port {first} of kafka is taken"):
        ports.take("kafka")

    assert ports.take("kafka") == first
