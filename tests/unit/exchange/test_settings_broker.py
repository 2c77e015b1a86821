"""The settings of a broker of its own: where its passphrase comes from."""

from __future__ import annotations

from pathlib import Path

import pytest

from exchange.settings import SettingsError
from exchange.settings_broker import CREDENTIAL, load_broker_settings, read_passphrase_file


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "broker.toml"
    path.write_text('directory = "."\nlisten = "127.0.0.1:8443"\n', encoding="utf-8")
    return path


def credentials(directory: Path, text: str) -> dict[str, str]:
    directory.mkdir(mode=0o700)
    credential = directory / CREDENTIAL
    credential.write_text(text, encoding="utf-8")
    credential.chmod(0o600)
    return {"CREDENTIALS_DIRECTORY": str(directory)}


def test_without_any_an_operator_unlocks(file: Path) -> None:
    """Neither file nor credential: the broker starts locked."""
    assert read_passphrase_file(load_broker_settings(file, {})) is None


def test_the_systemd_credential_unlocks(file: Path, tmp_path: Path) -> None:
    """The passphrase of ``LoadCredentialEncrypted=broker-passphrase`` is read where systemd puts it."""
    settings = load_broker_settings(file, credentials(tmp_path / "creds", "une longue phrase\n"))
    assert read_passphrase_file(settings) == "une longue phrase"


def test_a_file_that_is_named_goes_first(file: Path, tmp_path: Path) -> None:
    """What the settings name is used, whatever systemd offers."""
    named = tmp_path / "phrase"
    named.write_text("celle-ci\n", encoding="utf-8")
    named.chmod(0o600)
    file.write_text(file.read_text() + f'passphrase_file = "{named}"\n', encoding="utf-8")
    settings = load_broker_settings(file, credentials(tmp_path / "creds", "pas celle-là\n"))
    assert read_passphrase_file(settings) == "celle-ci"


def test_no_other_credential_is_taken(file: Path, tmp_path: Path) -> None:
    """A directory without ours leaves the broker locked."""
    environment = credentials(tmp_path / "creds", "x\n")
    (tmp_path / "creds" / CREDENTIAL).rename(tmp_path / "creds" / "autre")
    assert read_passphrase_file(load_broker_settings(file, environment)) is None


def test_unknown_settings_are_named(file: Path) -> None:
    """A setting that does not exist is refused by its name."""
    file.write_text(file.read_text() + 'phrase = "x"\n', encoding="utf-8")
    with pytest.raises(SettingsError, match="phrase"):
        load_broker_settings(file, {})
