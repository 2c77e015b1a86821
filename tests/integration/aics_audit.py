"""Audits a tlog-tiles directory with aics-tlog. Run by that program's own Python, not by ours.

aics_audit.py audit DIR VKEY [WITNESS_VKEY …]
aics_audit.py consistency OLD_NOTE DIR VKEY
"""

import sys
from pathlib import Path

from aics_tlog import (
    FileSystemTileReader,
    audit_tiles,
    consistency_proof_from_tiles,
    parse_note,
    parse_vkey,
    verify_checkpoint,
    verify_consistency,
)


def checked(data: bytes, vkey: str, witnesses: list[str]):
    keys = [parse_vkey(witness) for witness in witnesses]
    key = parse_vkey(vkey)
    result = verify_checkpoint(parse_note(data), key, keys, len(keys), expected_origin=key.name)
    if not result.ok:
        raise ValueError(result.error)
    return result


def audit(directory: str, vkey: str, *witnesses: str) -> str:
    head = checked((Path(directory) / "checkpoint").read_bytes(), vkey, list(witnesses))
    audit_tiles(FileSystemTileReader(directory), head.size, head.root)
    return f"ok {head.size}"


def consistency(old_note: str, directory: str, vkey: str) -> str:
    old = checked(Path(old_note).read_bytes(), vkey, [])
    new = checked((Path(directory) / "checkpoint").read_bytes(), vkey, [])
    proof = consistency_proof_from_tiles(FileSystemTileReader(directory), old.size, new.size)
    if not verify_consistency(old.size, new.size, old.root, new.root, proof):
        raise ValueError("inconsistent")
    return f"ok {old.size} {new.size}"


try:
    print({"audit": audit, "consistency": consistency}[sys.argv[1]](*sys.argv[2:]))
except Exception as error:  # whatever it objects to is a refusal
    sys.exit(f"refused: {error!r}")
