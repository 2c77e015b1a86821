"""Errors to exit statuses and sentences, in one place. No traceback reaches a user.

0 done; 1 refused, or a verification failed; 2 wrong usage; 3 a service cannot be reached.
"""

from __future__ import annotations

import traceback
from typing import Final

import click

from crypto.errors import ExplainedError
from exchange.locale import translate as _

DONE: Final = 0
REFUSED: Final = 1
USAGE: Final = 2
UNREACHABLE: Final = 3


def report(error: BaseException, *, debug: bool) -> int:
    """Tell the person what happened; returns the exit status."""
    if debug and not isinstance(error, (click.Abort, KeyboardInterrupt)):
        click.echo("".join(traceback.format_exception(error)), err=True, nl=False)
    click.echo(_("Erreur : ") + explanation(error), err=True)
    if isinstance(error, click.UsageError) and error.ctx is not None:
        path = error.ctx.command_path
        click.echo(_("« {command} --help » montre l'usage.").format(command=path), err=True)
    return status_of(error)


def status_of(error: BaseException) -> int:
    """The exit status of an error."""
    if isinstance(error, click.UsageError):
        return USAGE
    return UNREACHABLE if isinstance(error, ExplainedError) and _unreachable(error) else REFUSED


def _unreachable(error: ExplainedError) -> bool:
    from exchange.client.errors import TransportError
    from exchange.usecases.errors import UnavailableError

    return isinstance(error, (TransportError, UnavailableError))


def explanation(error: BaseException) -> str:
    """The sentence for a person, in their language."""
    if isinstance(error, ExplainedError):
        return _(error.message).format(**{name: _said(each) for name, each in error.params.items()})
    if isinstance(error, click.UsageError):
        return _usage(error)
    if isinstance(error, (click.Abort, KeyboardInterrupt)):
        return _("Interrompu. Rien n'a été laissé à moitié fait.")
    if isinstance(error, click.ClickException):
        return error.format_message()
    if isinstance(error, OSError):
        return _("Le système a refusé ({reason}) sur « {path} ».").format(
            reason=error.strerror or type(error).__name__, path=error.filename or "?"
        )
    return _(
        "Un défaut du programme a arrêté la commande ({kind}). Relancez-la avec --debug et transmettez "
        "ce qu'elle affiche à l'exploitant."
    ).format(kind=type(error).__name__)


def _said(value: object) -> object:
    """A parameter of a message; an error inside another one speaks the same language."""
    return explanation(value) if isinstance(value, ExplainedError) else value


def _usage(error: click.UsageError) -> str:
    if isinstance(error, click.NoSuchOption):
        return _("L'option {option} n'existe pas.").format(option=error.option_name)
    if isinstance(error, click.MissingParameter):
        name = error.param.get_error_hint(error.ctx) if error.param and error.ctx else "?"
        return _("Il manque {name}.").format(name=name)
    if isinstance(error, click.BadParameter):
        name = error.param.get_error_hint(error.ctx) if error.param and error.ctx else "?"
        return _("Valeur incorrecte pour {name} : {detail}").format(name=name, detail=error.message)
    return error.format_message()
