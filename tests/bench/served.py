"""The shipped service under measurement: ``dossier serve`` with its workers, around a played commission.

The commission is made in this process (its people's keys are here), then the real program serves it,
under a clock that says the commission's time.
"""

from __future__ import annotations

import http.client
import json
import os
import time
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

from crypto.encoding import encode_base64
from crypto.statements.exchange import Login
from exchange.demo.service_process import ServiceProcess, free_port, start
from tests.support.broker_world_log import ORIGIN
from tests.support.broker_world_registry import Person
from tests.support.engines import POSTGRES_VARIABLE, S3_ADMIN_VARIABLE, S3_VARIABLE
from tests.support.host_clock import HostClock
from tests.support.live_service import API, URL, LiveService
from tests.support.postgres import find_programs, postgres_server
from tests.support.s3 import ADMIN, S3Service, find_weed, s3_service

PIECE_BYTES: Final = 1_048_576
TRUE_SECONDS: Final = 200
"""A commission this near to the true time is served under the true clock; tolerances are larger."""


@contextmanager
def engines() -> Iterator[S3Service]:
    """PostgreSQL and S3 for the instances made inside; without, SQLite and a directory."""
    programs, weed = find_programs(), find_weed()
    assert programs is not None, "PostgreSQL is not installed"
    assert weed is not None, "SeaweedFS is not installed"
    with postgres_server(programs) as postgres, s3_service(weed) as s3:
        changed = {
            POSTGRES_VARIABLE: str(postgres.folder),
            S3_VARIABLE: s3.endpoint,
            S3_ADMIN_VARIABLE: f"{ADMIN.access_key}:{ADMIN.secret_key}",
            **s3.environment(),
        }
        before = {name: os.environ.get(name) for name in changed}
        os.environ.update(changed)
        try:
            yield s3
        finally:
            for name, value in before.items():
                if value is None:
                    del os.environ[name]
                else:
                    os.environ[name] = value


L = TypeVar("L", bound=LiveService)


def of_today(kind: type[L], folder: Path, *, days_ago: int = 0) -> L:
    """A commission that began so many days ago: once its time has advanced by them, it is the true one.

    S3 refuses requests that are signed at another time, and a witness has a clock of its own.
    """
    began = datetime.now(UTC).replace(microsecond=0) - timedelta(days=days_ago)
    return kind(folder, now=began, began=began)


@dataclass
class Served:
    """The running program and the commission that it serves."""

    live: LiveService
    port: int
    process: ServiceProcess
    began: float = field(default_factory=time.monotonic)

    def now(self) -> datetime:
        """The service's time."""
        return self.live.now + timedelta(seconds=time.monotonic() - self.began)

    def connection(self) -> http.client.HTTPConnection:
        """A connection that is kept open."""
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)

    def cookie(self, who: Person) -> str:
        """Log in; what the browser would send from then on."""
        line = self.connection()
        challenge = self.post(line, "/login/challenge", {}, "")
        signed = self.live.by(
            who,
            Login,
            origin=ORIGIN,
            nonce=b64decode(challenge["nonce"]),
            expires_at=self.now().replace(microsecond=0) + timedelta(minutes=1),
            issued_at=self.now().replace(microsecond=0),
        )
        body = json.dumps({"statement": signed.envelope.decode()})
        line.request("POST", f"{API}/login", body, _headers(""))
        answer = line.getresponse()
        said = answer.read()
        assert answer.status == 200, said
        cookies = answer.headers.get_all("Set-Cookie") or []
        return "; ".join(each.partition(";")[0] for each in cookies)

    def post(self, line: http.client.HTTPConnection, path: str, body: Any, cookie: str) -> Any:
        """POST JSON; the answer, which must be a good one."""
        line.request("POST", f"{API}{path}", json.dumps(body), _headers(cookie))
        answer = line.getresponse()
        said = answer.read()
        assert answer.status in {200, 201}, said
        return json.loads(said)

    def put_part(
        self, line: http.client.HTTPConnection, deposit: str, number: int, data: bytes, cookie: str
    ) -> None:
        """One part, as a client sends it."""
        digest = encode_base64(sha256(data).digest())
        headers = {
            **_headers(cookie),
            "Content-Type": "application/octet-stream",
            "Content-Digest": f"sha-256=:{digest}:",
        }
        line.request("PUT", f"{API}/deposits/{deposit}/parts/{number}", data, headers)
        answer = line.getresponse()
        said = answer.read()
        assert answer.status == 204, said

    def workers_peak_mib(self) -> float:
        """The largest memory that any worker has held, in MiB (VmHWM)."""
        pid = self.process.process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        peaks = []
        for child in children:
            status = Path(f"/proc/{child}/status").read_text()
            (line,) = (each for each in status.splitlines() if each.startswith("VmHWM"))
            peaks.append(int(line.split()[1]) / 1024)
        return max(peaks)


def _headers(cookie: str) -> dict[str, str]:
    return {
        "Origin": URL,
        "Host": urlsplit(URL).netloc,
        "Content-Type": "application/json",
        "Cookie": cookie,
    }


def get(port: int, path: str, cookie: str = "", buffer: bytearray | None = None) -> int:
    """GET, reading the whole body into the same memory again and again; how many bytes."""
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    line.request("GET", path, headers=_headers(cookie))
    answer = line.getresponse()
    assert answer.status == 200, answer.read(500)
    into = memoryview(buffer or bytearray(PIECE_BYTES))
    total = 0
    while count := answer.readinto(into):
        total += count
    line.close()
    return total


@contextmanager
def served(live: LiveService, folder: Path, **environment: str) -> Iterator[Served]:
    """Start the program on the commission's instance, at the commission's time."""
    late = round((live.now - datetime.now(UTC)).total_seconds())
    clock: tuple[str, ...] = ("env",)
    if abs(late) > TRUE_SECONDS:
        set_clock = HostClock(folder / "clock", cached=True)
        set_clock.steps(late)
        clock = set_clock.prefix()
    port = free_port()
    address = f"127.0.0.1:{port}"
    # As the shipped unit has it.
    extra = {"DOSSIER_LISTEN": address, "MALLOC_ARENA_MAX": "1", **environment}
    prefix = (*clock, *(f"{name}={value}" for name, value in extra.items()))
    process = start(
        live.instance.settings_file, f"http://{address}", folder / "service.log", prefix=prefix
    )
    try:
        yield Served(live, port, process)
    finally:
        process.stop()
