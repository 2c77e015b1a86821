"""A real S3 service on the loopback (SeaweedFS), where its program is installed."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from urllib.parse import quote

from botocore.exceptions import BotoCoreError, ClientError

from storage.objects.s3_bucket import Bucket, Credentials, make_client

INSTALLED = Path(__file__).parents[2] / ".run" / "engines" / "bin" / "weed"
OWNER = "nobody"
"""The account that the service runs as when root runs the tests."""
START_TIMEOUT_S = 60
STOP_TIMEOUT_S = 30
ADMIN = Credentials("admin-key", "admin-secret")
APP = Credentials("app-key", "app-secret")
READER = Credentials("reader-key", "reader-secret")
MAX_VOLUMES = 2000
"""Of storage: every bucket takes one at its first object, two on a busy machine. Without a number the
service allows what the free space of the disk suggests, and a run of many tests ends in errors."""
PORTS = (
    *("s3.port", "s3.port.grpc", "master.port", "master.port.grpc", "volume.port"),
    *("volume.port.grpc", "filer.port", "filer.port.grpc", "admin.port", "admin.port.grpc"),
)


def find_weed() -> Path | None:
    """SeaweedFS's one program; None when absent."""
    found = shutil.which("weed")
    return INSTALLED if INSTALLED.exists() else Path(found) if found else None


@dataclass(frozen=True)
class S3Service:
    """A running service; each test takes a bucket of its own."""

    endpoint: str
    numbers: Iterator[int]
    folder: Path
    """Where it keeps what it is given."""
    master: str
    """Where it says how much room it has."""

    def new_bucket(self) -> str:
        """The name of a new, empty bucket."""
        name = f"bucket{next(self.numbers)}"
        self.admin().create_bucket(Bucket=name)
        return name

    def url(self, bucket: str, **options: str) -> str:
        """An OBJECTS_URL for a bucket."""
        extra = "".join(f"&{key}={quote(value)}" for key, value in options.items())
        return f"s3://{bucket}/instance?endpoint={quote(self.endpoint)}{extra}"

    def environment(self) -> dict[str, str]:
        """The application's key pair: it may not create buckets or change policies."""
        return {"AWS_ACCESS_KEY_ID": APP.access_key, "AWS_SECRET_ACCESS_KEY": APP.secret_key}

    def admin(self):
        """A client with all rights, to look at what is really in a bucket."""
        return make_client(Bucket("any", self.endpoint, "us-east-1"), ADMIN)


@contextmanager
def s3_service(weed: Path) -> Iterator[S3Service]:
    """Start the service on free ports of the loopback, and stop it at the end."""
    folder = Path(tempfile.mkdtemp(prefix="dossier-s3-", dir="/tmp"))
    ports = dict(zip(PORTS, _free_ports(len(PORTS)), strict=True))
    (folder / "s3.json").write_text(json.dumps(_identities()))
    as_root = os.geteuid() == 0
    if as_root:
        shutil.chown(folder, OWNER)
    # Opened here and run by descriptor: that account may not enter the folders above the program.
    with (folder / "log").open("wb") as log, weed.open("rb") as program:
        process = subprocess.Popen(
            ["weed", "-logtostderr=true", "mini", *_options(folder, ports)],
            executable=f"/proc/self/fd/{program.fileno()}",
            pass_fds=(program.fileno(),),
            user=OWNER if as_root else None,
            stdout=log,
            stderr=log,
            cwd=folder,
            env={"HOME": str(folder), "TMPDIR": str(folder), "PATH": "/usr/bin:/bin"},
        )
    try:
        endpoint, master = (
            f"http://127.0.0.1:{ports[each]}" for each in ("s3.port", "master.port")
        )
        service = S3Service(endpoint, count(1), folder, master)
        _wait(service, process, folder / "log")
        yield service
    finally:
        process.terminate()
        try:
            process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        shutil.rmtree(folder, ignore_errors=True)


def _options(folder: Path, ports: dict[str, int]) -> list[str]:
    return [
        f"-dir={folder / 'data'}",
        f"-volume.max={MAX_VOLUMES}",
        "-ip=127.0.0.1",
        "-ip.bind=127.0.0.1",
        "-master.telemetry=false",
        "-webdav=false",
        "-admin.ui=false",
        "-s3.port.iceberg=0",
        "-s3.port.lance=0",
        f"-filer.localSocket={folder / 'f.sock'}",
        f"-s3.localSocket={folder / 's3.sock'}",
        f"-s3.config={folder / 's3.json'}",
        "-s3.autoCreateBucket=false",
        "-s3.allowDeleteBucketNotEmpty=false",
        *(f"-{name}={port}" for name, port in ports.items()),
    ]


def _identities() -> dict[str, object]:
    def identity(name: str, keys: Credentials, actions: list[str]) -> dict[str, object]:
        pair = {"accessKey": keys.access_key, "secretKey": keys.secret_key}
        return {"name": name, "credentials": [pair], "actions": actions}

    return {
        "identities": [
            identity("admin", ADMIN, ["Admin", "Read", "Write", "List", "Tagging"]),
            identity("app", APP, ["Read", "Write", "List"]),
            identity("reader", READER, ["Read", "List"]),
        ]
    }


def _free_ports(number: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(number)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def _wait(service: S3Service, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        try:
            client = service.admin()
            client.create_bucket(Bucket="ready")
            client.put_object(Bucket="ready", Key="probe", Body=b"x" * 70_000)
        except (BotoCoreError, ClientError):
            time.sleep(0.1)
        else:
            return
    raise RuntimeError(f"the S3 service did not start:\n{log.read_text()[-4000:]}")
