"""Commands whose help is translated when it is shown, and output that is translated when printed.

The French text stands in the code and is the msgid of the catalogue.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any, TypeVar

import click

from exchange.locale import translate as _


class TranslatedOption(click.Option):
    """An option whose help is a msgid."""

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        record = super().get_help_record(ctx)
        if record is None or not self.help:
            return record
        names, text = record
        return names, text.replace(self.help, _(self.help), 1)


class TranslatedCommand(click.Command):
    """A command whose help, headings and usage line are in the person's language."""

    def get_help_option(self, ctx: click.Context) -> click.Option | None:
        option = super().get_help_option(ctx)
        if option is not None:
            option.help = _("Affiche cette aide et s'arrête.")
        return option

    def format_usage(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        pieces = " ".join(self.collect_usage_pieces(ctx))
        formatter.write_usage(ctx.command_path, pieces, prefix=_("Usage : "))

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        if self.help:
            formatter.write_paragraph()
            with formatter.indentation():
                formatter.write_text(_(self.help))

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        options = [each for each in self.get_params(ctx) if isinstance(each, click.Option)]
        records = [record for each in options if (record := each.get_help_record(ctx))]
        if records:
            with formatter.section(_("Options")):
                formatter.write_dl(records)

    def get_short_help_str(self, limit: int = 45) -> str:  # noqa: ARG002
        return _(self.short_help or self.help or "").split("\n")[0].rstrip(".")


class TranslatedGroup(TranslatedCommand, click.Group):
    """A group of such commands."""

    command_class = TranslatedCommand

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        super().format_options(ctx, formatter)
        self.format_commands(ctx, formatter)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and not args[0].startswith("-") and self.get_command(ctx, args[0]) is None:
            message = _("La commande « {name} » n'existe pas.").format(name=args[0])
            raise click.UsageError(message, ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        rows = [
            (name, command.get_short_help_str())
            for name in self.list_commands(ctx)
            if (command := self.get_command(ctx, name)) is not None and not command.hidden
        ]
        if rows:
            with formatter.section(_("Commandes")):
                formatter.write_dl(rows)


TranslatedGroup.group_class = TranslatedGroup

F = TypeVar("F", bound=Callable[..., Any])


def option(*names: str, **settings: Any) -> Callable[[F], F]:
    """``click.option`` whose ``help`` is a msgid."""
    return click.option(*names, cls=TranslatedOption, **settings)


def command(
    name: str | None = None, **settings: Any
) -> Callable[[Callable[..., Any]], TranslatedCommand]:
    """``click.command`` whose ``help`` is a msgid."""
    return click.command(name, cls=TranslatedCommand, **settings)


def group(**settings: Any) -> Callable[[Callable[..., Any]], TranslatedGroup]:
    """``click.group`` whose ``help`` is a msgid."""
    return click.group(cls=TranslatedGroup, **settings)


json_option = option(
    "--json", "as_json", is_flag=True, help="Écrit le résultat en JSON, pour un programme."
)
"""The option of commands that a script reads."""


def say(message: str, /, **params: object) -> None:
    """One line on standard output."""
    click.echo(_(message).format(**params))


def warn(message: str, /, **params: object) -> None:
    """One line on standard error."""
    click.echo(_(message).format(**params), err=True)


def result(document: object, *, as_json: bool, otherwise: Callable[[], None]) -> None:
    """The result as JSON, or in sentences."""
    if as_json:
        click.echo(json.dumps(document, ensure_ascii=False, indent=2))
    else:
        otherwise()


def confirmed(message: str, /, *, yes: bool, **params: object) -> bool:
    """Ask a yes-or-no question on a terminal; without one only ``--yes`` counts."""
    if yes:
        return True
    if not sys.stdin.isatty():
        return False
    return click.confirm(_(message).format(**params))
