"""The settings of a broker in a process of its own: few, and none of the service's."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Final

from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError

from exchange.settings import (
    CREDENTIALS_VARIABLE,
    FilePath,
    SettingsError,
    check_listen,
    explained_settings,
    read_secret_text,
    read_settings_file,
)

SETTINGS_VARIABLE: Final = "DOSSIER_BROKER_SETTINGS"
"""Names the TOML file, where ``--settings`` does not."""

CREDENTIAL: Final = "broker-passphrase"
"""The systemd credential (``LoadCredentialEncrypted=``) that unlocks the store at the start."""


class BrokerSettings(BaseModel):
    """Everything that may differ between two brokers."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", hide_input_in_errors=True)

    directory: FilePath
    """The store; on a medium without snapshots, in no backup."""
    listen: Annotated[str, AfterValidator(check_listen)]
    """``host:port``; TLS with both certificates, always."""
    passphrase_file: FilePath | None = None
    """Unlocks at the start; without it, and without the credential, an operator unlocks by hand."""


def load_broker_settings(file: Path | None, environment: Mapping[str, str]) -> BrokerSettings:
    """Read the TOML ``file`` (or the one that the environment names); raises SettingsError.

    The systemd credential takes the place of a missing ``passphrase_file``.
    """
    if file is None and SETTINGS_VARIABLE in environment:
        file = Path(environment[SETTINGS_VARIABLE])
    if file is None:
        raise SettingsError(
            "Quel gardien ? Donnez --settings DIR/broker.toml, ou la variable {variable}.",
            variable=SETTINGS_VARIABLE,
        )
    values = read_settings_file(file)
    if "directory" in values:
        values["directory"] = str(file.absolute().parent / str(values["directory"]))
    credentials = environment.get(CREDENTIALS_VARIABLE)
    if credentials and "passphrase_file" not in values:
        credential = Path(credentials) / CREDENTIAL
        if credential.is_file():
            values["passphrase_file"] = str(credential)
    try:
        return BrokerSettings.model_validate(values)
    except ValidationError as error:
        raise explained_settings(error) from error


def read_passphrase_file(settings: BrokerSettings) -> str | None:
    """The passphrase of the file or credential; None where an operator unlocks by hand."""
    if settings.passphrase_file is None:
        return None
    return read_secret_text(settings.passphrase_file)
