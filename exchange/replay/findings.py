"""What the replay found."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from exchange.replay.codes import Code, Severity
from exchange.replay.sentences import SENTENCES

MAX_FINDINGS: Final = 10_000
"""Beyond it the history is so wrong that more lines say nothing more."""


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong, or worth knowing. ``index`` is the event's, where there is one."""

    code: Code
    severity: Severity
    message: str
    params: MappingProxyType[str, str]
    index: int | None = None

    def __str__(self) -> str:
        return self.message.format(**self.params)


class Findings:
    """What was found so far."""

    def __init__(self) -> None:
        self._found: list[Finding] = []

    def add(self, code: Code, index: int | None = None, **params: object) -> None:
        """Note a finding; its severity and sentence come from the table."""
        if len(self._found) > MAX_FINDINGS:
            return
        if len(self._found) == MAX_FINDINGS:
            code, index, params = Code.TOO_MANY, None, {"limit": MAX_FINDINGS}
        severity, message = SENTENCES[code]
        texts = MappingProxyType({name: str(value) for name, value in params.items()})
        self._found.append(Finding(code, severity, message, texts, index))

    def all(self) -> tuple[Finding, ...]:
        """All of them, the gravest first, then in the order of the log."""
        gravity = list(Severity)
        return tuple(
            sorted(
                self._found,
                key=lambda each: (
                    -gravity.index(each.severity),
                    -1 if each.index is None else each.index,
                ),
            )
        )
