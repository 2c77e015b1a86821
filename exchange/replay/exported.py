"""The bundle as the exporting auditor signed it: no file changed, none missing, none added."""

from __future__ import annotations

from crypto.digests import Digest, sha256
from crypto.errors import CryptoError
from crypto.statements import parse
from crypto.statements.custody import BundleIndex
from exchange.replay.bundle import Bundle
from exchange.replay.codes import Code
from exchange.replay.history import History
from exchange.usecases.authority import verify_statement
from exchange.usecases.bundle_layout import INDEX_PATH, LOG_PREFIX


def check_index(history: History, bundle: Bundle) -> Digest | None:
    """Verify ``index.json`` and every file; the exporter's certificate when the signature holds."""
    data = bundle.read(INDEX_PATH)
    if data is None:
        history.findings.add(Code.INDEX_MISSING)
        return None
    try:
        unverified = parse(BundleIndex, data)
    except CryptoError as error:
        history.findings.add(Code.INDEX_REFUSED, reason=error)
        return None
    _compare_files(history, bundle, unverified.statement)
    try:
        # Made after the last event: the auditor's key must still be good then.
        at = max(history.at, unverified.statement.issued_at)
        verified = verify_statement(history.policy, history.ledger, unverified, at)
    except CryptoError as error:
        history.findings.add(Code.INDEX_REFUSED, reason=error)
        return None
    checkpoint = bundle.read(f"{LOG_PREFIX}checkpoint")
    if checkpoint != verified.statement.checkpoint.encode():
        history.findings.add(Code.INDEX_OTHER_LOG)
    return verified.statement.signer


def _compare_files(history: History, bundle: Bundle, index: BundleIndex) -> None:
    due = {each.path: each for each in index.files}
    present = set(bundle.paths()) - {INDEX_PATH}
    for path in sorted(present - due.keys()):
        history.findings.add(Code.FILE_EXTRA, path=path)
    for path, expected in due.items():
        data = bundle.read(path)
        if data is None:
            history.findings.add(Code.FILE_MISSING, path=path)
        elif (sha256(data), len(data)) != (expected.sha256, expected.length):
            history.findings.add(Code.FILE_ALTERED, path=path)
