"""The settings: environment, flags on top, and nothing that is misspelt."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from studio.settings import OF_COMPOSE, Settings, read_settings

PLACES = ("data", "models", "a1111", "comfyui")


def test_a_studio_that_is_told_nothing_stays_on_this_machine() -> None:
    settings = read_settings()
    assert (settings.host, settings.port, settings.public) == ("127.0.0.1", 7860, False)


def test_port_and_host_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STUDIO_PORT", "9001")
    monkeypatch.setenv("STUDIO_HOST", "0.0.0.0")
    settings = read_settings()
    assert (settings.host, settings.port) == ("0.0.0.0", 9001)


def test_a_flag_wins_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STUDIO_PORT", "9001")
    assert read_settings(port=9002).port == 9002


def test_a_flag_that_was_not_given_leaves_the_environment_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STUDIO_DATA", "elsewhere")
    assert read_settings(data=None).data.name == "elsewhere"


@pytest.mark.parametrize("name", ["STUDIO_PROT", "studio_prot"])
def test_a_misspelt_name_in_the_environment_is_an_error_that_names_it(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, "9001")
    with pytest.raises(ValueError, match=r"STUDIO_PROT: no such setting.*STUDIO_PORT"):
        read_settings()


def test_every_setting_can_be_set_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    given = {"port": "1", "public": "true", "engine": "fake", "memory_budget": "2", "silence_seconds": "3"}
    given |= {"memory_mode": "device", "host_budget": "4", "idle_minutes": "5", "inputs_days": "6"}
    given |= {"training_turn_seconds": "7"} | {name: str(Path("told").absolute()) for name in PLACES}
    for name in Settings.model_fields:
        monkeypatch.setenv(f"STUDIO_{name.upper()}", given.get(name, "told"))
    settings = read_settings()
    assert settings.hub_token.get_secret_value() == "told"
    given["hub_token"] = "**********"
    assert all(str(getattr(settings, name)) == "told" for name in Settings.model_fields if name not in given)
    assert all(getattr(settings, name) == Path("told").absolute() for name in PLACES)
    assert (settings.port, settings.public, settings.engine) == (1, True, "fake")


def test_a_token_is_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STUDIO_HUB_TOKEN", "hf_secret")
    settings = read_settings()
    assert "hf_secret" not in f"{settings!r} {settings} {settings.model_dump_json()}"


def test_a_name_that_is_set_to_nothing_is_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    before = read_settings()
    for name in Settings.model_fields:
        monkeypatch.setenv(f"STUDIO_{name.upper()}", "")
    assert read_settings() == before
    assert before.a1111 is None


@pytest.mark.parametrize("name", PLACES)
def test_a_place_is_the_same_wherever_one_stands_later(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    assert getattr(read_settings(**{name: "here"}), name) == tmp_path / "here"


@pytest.mark.parametrize("name", PLACES)
def test_a_place_at_home_is_not_a_folder_of_a_strange_name(name: str) -> None:
    assert getattr(read_settings(**{name: "~/here"}), name) == Path.home() / "here"


def test_what_only_compose_reads_does_not_stop_the_studio(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in OF_COMPOSE:
        monkeypatch.setenv(name, "0.0.0.0")
    assert read_settings().host == "127.0.0.1"


def test_an_unknown_flag_is_an_error() -> None:
    with pytest.raises(ValidationError, match="nonsense"):
        read_settings(nonsense=1)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("port", "many"),
        ("port", "65536"),
        ("engine", "ray"),
        ("memory_budget", "-1"),
        ("silence_seconds", "0"),
    ],
)
def test_a_value_that_cannot_be_is_an_error_that_names_its_setting(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(f"STUDIO_{name.upper()}", value)
    with pytest.raises(ValidationError, match=name):
        read_settings()


def test_a_space_is_public_on_all_interfaces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPACE_ID", "someone/studio")
    settings = read_settings()
    assert settings.public and settings.host == "0.0.0.0"


def test_an_empty_space_id_is_no_space(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPACE_ID", "")
    assert not read_settings().public


def test_a_space_stays_public_whatever_the_environment_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPACE_ID", "someone/studio")
    monkeypatch.setenv("STUDIO_PUBLIC", "false")
    assert read_settings().public


def test_settings_cannot_be_changed_while_the_studio_runs() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        read_settings().public = True


def test_a_modelscope_studio_is_a_public_host(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODELSCOPE_ENVIRONMENT", "studio")
    assert (read_settings().public, read_settings().host) == (True, "0.0.0.0")
