"""``docs/policy.md``, printed from the code: the rules of ``decide`` in their order, and the lifecycles.

Run ``python -m tests.support.policy_page`` after a change; a test compares the page with the code.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any

from exchange.domain import (
    deposit_lifecycle,
    policy,
    release_key_lifecycle,
    release_lifecycle,
    sitting_lifecycle,
)
from exchange.domain.policy import Purpose
from exchange.domain.refusals import MESSAGES, RefusalReason

PAGE = Path(__file__).parents[2] / "docs" / "policy.md"

RULES = {Purpose.READ: "_decide_read", Purpose.GRANT: "_decide_grant"}

LIFECYCLES = {
    "Sitting": sitting_lifecycle,
    "Deposit": deposit_lifecycle,
    "Release key": release_key_lifecycle,
    "Release": release_lifecycle,
}

HEAD = """\
# Policy

Printed from the code by `make policy-page`; a test compares them. Server, broker and the auditor's
replay decide each release with the same function, `exchange/domain/policy.py`, from the same signed
statements. It knows no default that permits: what is unknown refuses, and the first rule that is
broken gives the reason.

The order is part of the promise. What is asked about a dossier comes after what is asked about the
person, and recusals come before every other rule on the dossier: to a recused person the answer is the
same whether the dossier is on the agenda, withdrawn or completed.

A conflict card is read before the declaration, which it is there for: `declaration-missing` is not asked
of it. Every other rule is, and its opening is a logged release like any other.
"""


def reasons_in_order(purpose: Purpose) -> list[RefusalReason]:
    """The refusals of one purpose in the order in which the rules are asked."""
    tree = ast.parse(inspect.getsource(policy))
    functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    found: list[RefusalReason] = []
    for name in _reasons(functions, functions[RULES[purpose]]):
        reason = RefusalReason[name]
        if reason not in found:
            found.append(reason)
    return found


def _reasons(functions: Mapping[str, ast.FunctionDef], node: ast.AST) -> Iterator[str]:
    """Names of ``RefusalReason`` in the order of evaluation, called rules included."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Call) and isinstance(child.func, ast.Name):
            yield from _reasons(functions, child)
            called = functions.get(child.func.id)
            if called is not None and child.func.id not in {"_known", "_require"}:
                yield from _reasons(functions, called)
        elif isinstance(child, ast.Attribute) and isinstance(child.value, ast.Name):
            if child.value.id == "RefusalReason":
                yield child.attr
        else:
            yield from _reasons(functions, child)


def diagram(table: Mapping[StrEnum, Mapping[StrEnum, StrEnum]], initial: StrEnum) -> str:
    """A state diagram in Mermaid."""
    lines = ["```mermaid", "stateDiagram-v2", f"    [*] --> {initial.value}"]
    for state, row in table.items():
        lines += [
            f"    {state.value} --> {after.value}: {event.value}" for event, after in row.items()
        ]
        if not row:
            lines.append(f"    {state.value} --> [*]")
    return "\n".join([*lines, "```"])


def page() -> str:
    """The whole page."""
    parts = [HEAD]
    for purpose in Purpose:
        parts.append(f"## Purpose `{purpose.value}`\n\n| nr | refused as | told to the person |\n"
                     "| --- | --- | --- |")  # fmt: skip
        parts[-1] += "".join(
            f"\n| {number} | `{reason.value}` | {MESSAGES[reason]} |"
            for number, reason in enumerate(reasons_in_order(purpose), start=1)
        )
        parts[-1] += "\n\nWhoever passes all of them is permitted.\n"
    parts.append("## Lifecycles\n\nA pair of state and event that is not drawn is refused.\n")
    for name, module in LIFECYCLES.items():
        parts.append(f"### {name}\n\n{diagram(_table(module), module.INITIAL)}\n")
    return "\n".join(parts)


def _table(module: Any) -> Mapping[StrEnum, Mapping[StrEnum, StrEnum]]:
    table: Mapping[StrEnum, Mapping[StrEnum, StrEnum]] = module.TABLE
    return table


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
