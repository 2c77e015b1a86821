"""Python's and the browser's readers accept and refuse the same bytes, also where no vector looks.

Statements, receipts and file names are spoilt at random, thousands of times; a difference would let one
person read what another cannot, or sign what others refuse.
"""

from __future__ import annotations

import json
import random  # noqa: TID251  # seeded: the same spoilt inputs in each run, no key is made of it
import re
import shutil
import subprocess
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from audit.errors import AuditError
from audit.note import NoteVerifier
from audit.policy import LogPolicy, WitnessPolicy
from audit.receipts import verify_receipt
from crypto.edge.paths import check_distinct, check_path
from crypto.errors import CryptoError
from crypto.statements import parse_any
from tests.support.shared_vectors.encoded import load
from tests.support.shared_vectors.statements import enveloped

FRONTEND = Path(__file__).parents[2] / "exchange" / "web" / "frontend"
pytestmark = pytest.mark.skipif(
    not (FRONTEND / "node_modules").is_dir() or shutil.which("node") is None,
    reason="the pages' scripts need Node and « npm ci --ignore-scripts » in exchange/web/frontend",
)

SEED = 20_261_125
STATEMENTS, RECEIPTS = 6_000, 1_500
TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|true|false|null|-?\d+|[\[\]{},:]')
TOKENS = (
    "null", "true", "false", "0", "-0", "1", "1.0", "1e2", "-1", '"x"', '""', "[]", "{}",
    "9007199254740991", "9007199254740992", '"k7qf2-m3xta"', '"\\u00e9"', '"\\ud83d\\ude42"',
    '"\\ud800"', '"2026-02-30T09:30:00Z"', '"2026-03-02T24:00:00Z"', '"2026-03-02T09:30:60Z"',
    '"0000-01-01T00:00:00Z"', '"0001-01-01T00:00:00Z"', '"2028-02-29"', '"2027-02-29"',
    '"10000-01-01"', '"cdom"', '"Cdom"', '"-a"', '"engagement"', '"read"', '["cdom"]',
    '["member","member"]', f'"{"a" * 26}"', f'"{"b" * 25}q"', f'"{"0" * 64}"', f'"A{"0" * 63}"',
    f'"{"x" * 200}"', f'"{"x" * 201}"', f'"{"🙂" * 200}"', f'"{"🙂" * 201}"', "\t", "\n", "\u00a0",
    "\ufeff",
)  # fmt: skip
PIECES = ("\\u0041", "a", "Z", "0", "/", "\\/", "\\n", "\0", "\\u0000", "=", "+", "é", '"', "\\")


def spoilt(text: str, chance: random.Random) -> str:
    """One to three tokens exchanged, doubled, dropped or edited."""
    for _ in range(chance.choice([1, 1, 1, 2, 3])):
        found = list(TOKEN.finditer(text))
        if not found:
            break
        at, how = chance.choice(found), chance.random()
        if how < 0.45:
            text = text[: at.start()] + chance.choice(TOKENS) + text[at.end() :]
        elif how < 0.55:
            text = text[: at.start()] + chance.choice(" \n\t\u2003\x0b") + text[at.start() :]
        elif how < 0.65:
            text = text[: at.start()] + chance.choice(found).group() + text[at.end() :]
        elif how < 0.75:
            text = text[: at.start()] + text[at.end() :]
        else:
            where = chance.randrange(len(text) + 1)
            text = text[:where] + chance.choice(PIECES) + text[where + chance.choice([0, 1]) :]
    return text


def statements(chance: random.Random) -> list[str]:
    samples = load("statements")["samples"]
    made = []
    for _ in range(STATEMENTS):
        case = chance.choice(samples)
        if chance.random() < 0.75:
            body = spoilt(case["body"], chance).encode()
            made.append(enveloped(case["payload_type"], body).decode())
        else:
            made.append(spoilt(case["envelope"], chance))
    return made


def receipts(chance: random.Random) -> list[str]:
    good = [case["receipt"] for case in load("receipts")["verified"]]
    made = []
    for _ in range(RECEIPTS):
        text = chance.choice(good)
        at, how = chance.randrange(len(text)), chance.random()
        if how < 0.5:
            text = text[:at] + chance.choice("aA0=+/ \n\r—-1") + text[at + chance.choice([0, 1]) :]
        elif how < 0.7:
            text = text[:at] + text[at + 1 :]
        else:
            lines = text.split("\n")
            line = lines.pop(chance.randrange(len(lines)))
            if chance.random() < 0.5:
                lines.insert(chance.randrange(len(lines)), line)
            text = "\n".join(lines)
        made.append(text)
    return made


def names() -> list[list[str]]:
    """Each letter that both sides know alone, and with what it folds or decomposes to."""
    known = (
        chr(code) for code in range(0x10000) if unicodedata.category(chr(code)) not in {"Cn", "Cs"}
    )
    made = []
    for letter in known:
        others = {
            letter.lower(),
            letter.upper(),
            letter.casefold(),
            unicodedata.normalize("NFKC", letter),
        }
        made.append([f"{letter}.pdf"])
        made += [[letter, other] for other in sorted(others - {letter})]
    return made


def judged(act: Callable[[], Any], errors: tuple[type[Exception], ...]) -> Any:
    try:
        return act()
    except errors:
        return None


def by_python(given: dict[str, Any]) -> dict[str, Any]:
    policy = LogPolicy(
        given["policy"]["origin"],
        tuple(NoteVerifier.parse(each) for each in given["policy"]["log_keys"]),
        WitnessPolicy.parse(given["policy"]["witness_policy"]),
    )

    def statement(envelope: str) -> list[str]:
        parsed = parse_any(envelope.encode())
        return [parsed.digest, parsed.statement.body().decode()]

    def distinct(paths: list[str]) -> bool:
        for path in paths:
            check_path(path)
        check_distinct(paths)
        return True

    return {
        "statements": [judged(lambda e=each: statement(e), (CryptoError,)) for each in given["statements"]],
        "receipts": [
            judged(lambda r=each: verify_receipt(r.encode(), policy).index, (AuditError,))
            for each in given["receipts"]
        ],
        "names": [judged(lambda p=each: distinct(p), (CryptoError,)) for each in given["names"]],
    }  # fmt: skip


def test_both_judge_alike(tmp_path: Path) -> None:
    """No statement, receipt or set of names is accepted by one side only, or read otherwise."""
    chance = random.Random(SEED)
    given = {
        "policy": load("receipts")["policies"][0],
        "statements": statements(chance),
        "receipts": receipts(chance),
        "names": names(),
    }
    script = tmp_path / "judge.mjs"
    subprocess.run(["node", "tests/bundle.mjs", "judge", str(script)], cwd=FRONTEND, check=True)
    done = subprocess.run(
        ["node", str(script)], input=json.dumps(given).encode(), capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr.decode()[-2000:]
    theirs, ours = json.loads(done.stdout), by_python(given)
    for kind in ("statements", "receipts", "names"):
        accepted = [each for each in ours[kind] if each is not None]
        assert len(accepted) > len(ours[kind]) // 50, (
            "hardly anything is accepted: nothing is compared"
        )
        pairs = zip(given[kind], ours[kind], theirs[kind], strict=True)
        assert [each for each in pairs if each[1] != each[2]] == []
