"""``make test-engines``: start PostgreSQL and SeaweedFS, run the suite on them, stop them.

Both listen on this machine alone (a Unix socket; the loopback) and run as an unprivileged user.
Further words go to pytest; without any, everything that keeps something is run.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.support.engines import DATA_VARIABLE, POSTGRES_VARIABLE, S3_ADMIN_VARIABLE, S3_VARIABLE
from tests.support.postgres import find_programs, postgres_server
from tests.support.s3 import ADMIN, find_weed, s3_service

ROOT = Path(__file__).parents[2]
SUITE = (
    *sorted(str(path.relative_to(ROOT)) for path in ROOT.glob("tests/integration/test_api_*.py")),
    "tests/integration/test_backup.py",
    "tests/integration/test_retries.py",
    "tests/integration/test_shared_rates.py",
    "tests/e2e/test_demo.py",
)
"""What `make test` runs on SQLite and files. Its storage and fault tests start both engines themselves."""
WORKERS = "2"


def main(words: list[str]) -> int:
    programs, weed = find_programs(), find_weed()
    if programs is None or weed is None:
        print("PostgreSQL or SeaweedFS is missing: apt install postgresql, then", file=sys.stderr)
        print("bash tests/integration/install_engines.sh", file=sys.stderr)
        return 2
    with postgres_server(programs) as postgres, s3_service(weed) as s3:
        environment = {
            **os.environ,
            **s3.environment(),
            POSTGRES_VARIABLE: str(postgres.folder),
            S3_VARIABLE: s3.endpoint,
            S3_ADMIN_VARIABLE: f"{ADMIN.access_key}:{ADMIN.secret_key}",
            DATA_VARIABLE: f"{postgres.folder}:{s3.folder}",
        }
        command = [sys.executable, "-m", "pytest", "-n", WORKERS, "--dist", "loadfile"]
        return subprocess.run(
            [*command, *(words or SUITE)], env=environment, check=False
        ).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
