"""The measured process: ``deposit|encrypt RECIPIENT SOURCE SINK``, ``decrypt IDENTITY SOURCE SINK``.

It imports what a command would, and nothing of the measuring.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from crypto.age.recipients import AnyRecipient, parse_recipient
from crypto.keys import FileKey
from exchange.client.placed_file import PlacedFile


def main(verb: str, key: str, source: Path, sink: Path) -> None:
    """Seal or open one file."""
    with source.open("rb", buffering=0) as reading, sink.open("wb") as handle:
        writing = PlacedFile(handle)
        if verb == "decrypt":
            from crypto.age.decrypt import decrypt_stream
            from crypto.age.identities import AnyIdentity, parse_identity_file

            identities: list[AnyIdentity] = list(parse_identity_file(Path(key).read_text()))
            decrypt_stream(reading, identities, writing)
            return
        from crypto.age.encrypt import encrypt_stream
        from crypto.age.payload_seal import seal_stream
        from crypto.age.wrap import make_header_for_all

        recipients: list[AnyRecipient] = [parse_recipient(key)]
        if verb == "encrypt":
            encrypt_stream(reading, writing, recipients, os.urandom)
            return
        file_key = FileKey.generate(os.urandom)
        writing.write(make_header_for_all(file_key, recipients, os.urandom))
        seal_stream(file_key, os.urandom(16), reading, writing)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], Path(sys.argv[3]), Path(sys.argv[4]))
