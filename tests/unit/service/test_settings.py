"""Settings come from USCC_… variables; what is unknown or impossible stops the start and is named."""

from __future__ import annotations

import json
import os
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr

from service.settings import (
    Settings,
    UnusableSettings,
    child_environment,
    effective,
    kafka_settings,
    load,
    locate,
)


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("USCC_")]:
        monkeypatch.delenv(name)


def test_defaults_need_no_environment() -> None:
    settings = load()

    assert (settings.http_host, settings.http_port, settings.province) == ("127.0.0.1", 8080, "21")


def test_an_unknown_variable_stops_the_start_and_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("USCC_HTTP_PROT", "8080")

    with pytest.raises(UnusableSettings, match="unknown setting USCC_HTTP_PROT"):
        load()


def test_every_impossible_value_is_named_and_no_value_is_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("USCC_HTTP_PORT", "secret-port")
    monkeypatch.setenv("USCC_DAY_ENDS", "25:00")

    with pytest.raises(UnusableSettings) as raised:
        load()

    text = str(raised.value)
    assert "USCC_HTTP_PORT" in text
    assert "USCC_DAY_ENDS" in text
    assert "secret-port" not in text


def test_an_option_beats_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("USCC_HTTP_PORT", "1")

    assert load(http_port=2).http_port == 2


def test_an_option_that_was_not_given_beats_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("USCC_HTTP_PORT", "1")

    assert load(http_port=None).http_port == 1


@pytest.mark.parametrize(("text", "hours"), [("24:00", 24), ("00:00", 24), ("17:00", 17)])
def test_the_end_of_the_business_day_is_a_duration_after_midnight(text: str, hours: int) -> None:
    assert load(day_ends=text).day_end == timedelta(hours=hours)


def test_lists_are_separated_by_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("USCC_HTTP_ALLOWED_HOSTS", "a.example, b.example")

    assert load().http_allowed_hosts == ("a.example", "b.example")


def test_paths_become_absolute_so_that_child_processes_agree(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)

    assert load().data_dir == tmp_path / ".uscc"


def test_secrets_are_masked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("USCC_DATABASE_DSN", "postgresql://u:hunter2@db/uscc")
    monkeypatch.setenv("USCC_KAFKA_SASL_PASSWORD", "hunter2")

    shown = {row.variable: row.value for row in effective(load())}

    assert shown["USCC_DATABASE_DSN"] == "********"
    assert "hunter2" not in json.dumps(shown)


@pytest.mark.parametrize("name", sorted(Settings.model_fields))
def test_every_setting_has_one_sentence_for_the_operator(name: str) -> None:
    description = Settings.model_fields[name].description or ""

    assert description.endswith(".")
    assert len(description) > 20


def test_what_is_not_set_is_found_in_the_data_directory(tmp_path: Path) -> None:
    endpoints = {"http": "http://127.0.0.1:1", "kafka": "127.0.0.1:2", "database": "postgresql://here", "keys": {}}
    (tmp_path / "endpoints.json").write_text(json.dumps(endpoints))

    found = locate(load(data_dir=tmp_path, kafka_bootstrap="elsewhere:9092"))

    assert found.database_dsn == SecretStr("postgresql://here")
    assert found.kafka_bootstrap == "elsewhere:9092"


def test_where_nothing_runs_the_words_say_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(UnusableSettings, match=r"nothing runs on .*: start `uscc up --data-dir"):
        locate(load(data_dir=tmp_path))


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"kafka": "127.0.0.1:1"}'])
def test_a_broken_endpoints_file_is_said_to_be_broken(tmp_path: Path, content: str) -> None:
    (tmp_path / "endpoints.json").write_text(content)

    with pytest.raises(
        UnusableSettings, match=r"endpoints.json 已损坏，请重新启动 uscc up · is damaged: start `uscc up"
    ):
        locate(load(data_dir=tmp_path))


@pytest.mark.parametrize("bootstrap", ["kafka.example:9092", "127.0.0.1:1,10.0.0.1:9092"])
def test_unencrypted_kafka_outside_loopback_is_refused(bootstrap: str) -> None:
    with pytest.raises(UnusableSettings, match="without encryption"):
        kafka_settings(load(kafka_bootstrap=bootstrap))


@pytest.mark.parametrize("bootstrap", ["127.0.0.1:9092", "localhost:9092", "[::1]:9092"])
def test_unencrypted_kafka_on_loopback_is_taken(bootstrap: str) -> None:
    assert kafka_settings(load(kafka_bootstrap=bootstrap)).bootstrap == bootstrap


def test_unencrypted_kafka_elsewhere_is_taken_when_told() -> None:
    assert kafka_settings(load(kafka_bootstrap="kafka:9092", allow_plaintext=True)).security_protocol == "PLAINTEXT"


def test_a_login_without_a_password_is_refused() -> None:
    with pytest.raises(UnusableSettings, match="USCC_KAFKA_SASL_PASSWORD"):
        kafka_settings(load(kafka_bootstrap="k:1", kafka_security_protocol="SASL_SSL", kafka_sasl_username="me"))


def test_a_child_gets_our_environment_and_what_was_decided_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("USCC_PROVINCE", "35")

    environment = child_environment({"http_port": "1"})

    assert (environment["USCC_PROVINCE"], environment["USCC_HTTP_PORT"]) == ("35", "1")
