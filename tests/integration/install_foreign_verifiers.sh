#!/usr/bin/env bash
# Installs, into .run/foreign, two programs by other authors that verify our log: the code of Go's
# own checksum database (golang.org/x/mod, from Debian), and aics-tlog with aics-witness (from PyPI, hash-locked).
# A part that cannot be installed is left out, said so, and ends the script with status 1.
set -uo pipefail
cd "$(dirname "$0")/../.."
foreign="$PWD/.run/foreign"
here="$PWD/tests/integration"
python="${PYTHON:-python3}"
gopath="${FOREIGN_GOPATH:-/usr/share/gocode}"
mkdir -p "$foreign"
status=0

need_go() { command -v go >/dev/null && [ -d "$gopath/src/golang.org/x/mod/sumdb/tlog" ]; }

if ! need_go && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
    golang-go golang-golang-x-mod-dev >/dev/null
fi
if need_go && (
  cd "$here/go_tlog" &&
    GO111MODULE=off GOPATH="$gopath" GOFLAGS= go build -o "$foreign/go-tlog" .
); then
  echo "go-tlog: installed"
else
  echo "go-tlog: left out; needs the packages golang-go and golang-golang-x-mod-dev" >&2
  status=1
fi

# The package asks for Python 3.12 and runs on 3.11: hence --ignore-requires-python.
if "$python" -m venv "$foreign/aics" &&
  "$foreign/aics/bin/python" -m pip install --quiet --disable-pip-version-check \
    --ignore-requires-python --require-hashes -r "$here/foreign_verifiers.txt" &&
  "$foreign/aics/bin/python" -c 'import aics_tlog, aics_witness'; then
  echo "aics-tlog: installed"
else
  echo "aics-tlog: left out; pip could not install it" >&2
  status=1
fi
exit "$status"
