"""Bech32 (BIP 173) without its 90-character limit, as age uses it for keys.

The checksum's guarantees are proven for short strings; for the 1,959 characters of a post-quantum
recipient it still catches any slip of a hand, and nothing rests on it but that.
"""

from __future__ import annotations

from typing import Final

from crypto.errors import MalformedError

_ALPHABET: Final = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_VALUES: Final = {letter: value for value, letter in enumerate(_ALPHABET)}
_GENERATOR: Final = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
_CHECKSUM_LETTERS: Final = 6

MAX_CHARS: Final = 4_096
"""Twice the longest key (1,959 characters): the checksum is slow in Python."""


def encode(prefix: str, data: bytes) -> str:
    """``prefix`` (lower case), ``1``, the data and six letters of checksum, in lower case."""
    values = _regroup(data, 8, 5, pad=True)
    checksum = _polymod([*_expand(prefix), *values, *[0] * _CHECKSUM_LETTERS]) ^ 1
    values += [(checksum >> 5 * (5 - place)) & 31 for place in range(_CHECKSUM_LETTERS)]
    return prefix + "1" + "".join(_ALPHABET[value] for value in values)


def decode(text: str) -> tuple[str, bytes]:
    """The prefix and data of a Bech32 string; raises MalformedError, which never quotes it.

    All upper case is accepted too and gives the prefix in lower case: callers that know one
    spelling compare.
    """
    if len(text) > MAX_CHARS or not text.isascii() or text not in {text.lower(), text.upper()}:
        raise MalformedError("Cette clé n'est pas écrite en Bech32.")
    lower = text.lower()
    prefix, separator, payload = lower.rpartition("1")
    if not separator or not prefix or len(payload) < _CHECKSUM_LETTERS:
        raise MalformedError("Cette clé n'est pas écrite en Bech32.")
    if any(not 33 <= ord(letter) <= 126 for letter in prefix) or set(payload) - set(_ALPHABET):
        raise MalformedError("Cette clé contient un caractère étranger à l'écriture Bech32.")
    values = [_VALUES[letter] for letter in payload]
    if _polymod([*_expand(prefix), *values]) != 1:
        raise MalformedError(
            "La somme de contrôle de cette clé est fausse : un caractère a changé ou manque."
        )
    return prefix, bytes(_regroup(values[:-_CHECKSUM_LETTERS], 5, 8, pad=False))


def _polymod(values: list[int]) -> int:
    state = 1
    for value in values:
        top = state >> 25
        state = (state & 0x1FFFFFF) << 5 ^ value
        for place, generator in enumerate(_GENERATOR):
            if top >> place & 1:
                state ^= generator
    return state


def _expand(prefix: str) -> list[int]:
    return [ord(c) >> 5 for c in prefix] + [0] + [ord(c) & 31 for c in prefix]


def _regroup(data: bytes | list[int], width: int, target: int, *, pad: bool) -> list[int]:
    pending = bits = 0
    grouped: list[int] = []
    for value in data:
        pending = (pending << width | value) & 0xFFF
        bits += width
        while bits >= target:
            bits -= target
            grouped.append(pending >> bits & ((1 << target) - 1))
    left = pending & ((1 << bits) - 1)
    if pad and bits:
        grouped.append(left << (target - bits))
    elif not pad and (bits >= width or left):
        raise MalformedError("Cette clé n'est pas sous sa forme Bech32 canonique.")
    return grouped
