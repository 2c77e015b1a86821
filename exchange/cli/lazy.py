"""Subcommands that are imported when they run: ``dossier --help`` imports none of them."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Mapping
from typing import Any

import click

from exchange.cli.words import TranslatedGroup
from exchange.locale import translate as _


class LazyGroup(TranslatedGroup):
    """A group whose commands are named as ``module:attribute``, each with one line of help."""

    def __init__(self, *args: Any, lazy: Mapping[str, tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._lazy = lazy

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [name for name in self._lazy if self._is_there(name)] + super().list_commands(ctx)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self._lazy or not self._is_there(cmd_name):
            return super().get_command(ctx, cmd_name)
        module, attribute = self._lazy[cmd_name][0].split(":")
        found = getattr(importlib.import_module(module), attribute)
        assert isinstance(found, click.Command)
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        rows = [(name, _(self._lazy[name][1])) for name in self.list_commands(ctx)]
        with formatter.section(_("Commandes")):
            formatter.write_dl(rows)

    def _is_there(self, name: str) -> bool:
        """Whether this installation has the command (a client alone lacks the service's)."""
        module = self._lazy[name][0].split(":")[0]
        try:
            return importlib.util.find_spec(module) is not None
        except ModuleNotFoundError:
            return False
