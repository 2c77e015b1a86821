"""``make test-engines``: start PostgreSQL and SeaweedFS, run the suite on them, stop them.

Both listen on this machine alone (a Unix socket; the loopback) and run as an unprivileged user.
Further words go to pytest (``python -m tests.engines tests`` runs the whole suite); without any,
everything that keeps something is run.
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
PLAYED_ON_THE_SERVICE = (
    *("access_extract", "backup", "half_year", "metrics", "notices", "page_shells"),
    *("permissions", "questions_to_the_database", "recovery_drill", "retries", "shared_rates"),
    "witness",
)
SUITE = (
    "tests/e2e/test_demo.py",
    "tests/integration/test_frontend_interop.py",
    *sorted(
        str(path.relative_to(ROOT))
        for kind in ("api", "cli")
        for path in ROOT.glob(f"tests/integration/test_{kind}_*.py")
    ),
    *(f"tests/integration/test_{name}.py" for name in PLAYED_ON_THE_SERVICE),
    "tests/adversary/test_recused_learn_nothing.py",
)
"""All that a played service keeps rows and objects for, the longest first. What concerns neither (cryptography, the pages' looks,
units) has nothing to run there; storage and fault tests start both engines themselves.
"""
WORKERS = "2"
SHARING = ("--dist", "loadfile", "--no-loadscope-reorder")
"""As in the Makefile."""


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
        command = [sys.executable, "-m", "pytest", "-n", WORKERS, *SHARING]
        return subprocess.run(
            [*command, *(words or SUITE)], env=environment, check=False
        ).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
