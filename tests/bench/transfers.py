"""Payloads through the service against the same bytes without it: down from nginx, up to the same S3.

Downloads: ``ours`` is ``GET /deposits/{id}/payload`` of a released deposit, ``theirs`` nginx serving the
same bytes as a static file. Behind nginx as shipped (buffering on) the service is measured, too; and the
three ways in which a program can hand a file over, without the service around them: streaming, sendfile
(``wsgi.file_wrapper``), and ``X-Accel-Redirect``. Uploads: ``ours`` is all parts, several at once, and
the commit; ``theirs`` boto3's own multipart upload of the same bytes to the same bucket.
"""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from exchange.client.deposit_upload import UPLOAD_WORKERS
from exchange.demo.service_process import free_port
from tests.bench.paired import Figure, Result, paired
from tests.bench.served import Served, engines, get, of_today, served
from tests.support.live_service import API, Answered, LiveService, live_service
from tests.support.s3 import S3Service
from tests.support.small_commission import wait_until

MIB: Final = 1_048_576
DOWN_BYTES: Final = 200 * MIB
UP_BYTES: Final = 64 * MIB
PART_BYTES: Final = 8 * MIB
ROUNDS: Final = 5

NGINX: Final = """
daemon off; pid {folder}/nginx.pid; worker_processes 1; error_log {folder}/error.log crit; {user}
events {{ worker_connections 64; }}
http {{
  access_log off;
  client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2; fastcgi_temp_path {folder}/t3;
  uwsgi_temp_path {folder}/t4; scgi_temp_path {folder}/t5;
  server {{
    listen 127.0.0.1:{port};
    location /static/ {{ alias {files}/; sendfile on; }}
    location /kept/ {{ internal; alias {files}/; sendfile on; }}
    location /api/ {{ proxy_pass http://127.0.0.1:{service}; {proxied} }}
    location /stub/ {{ proxy_pass http://127.0.0.1:{stub}; {proxied} }}
  }}
}}
"""
PROXIED: Final = (
    "proxy_http_version 1.1; proxy_set_header Connection ''; proxy_set_header Host $http_host; "
    "proxy_buffering on; proxy_max_temp_file_size 64m; "
    "proxy_buffer_size 64k; proxy_buffers 16 64k; proxy_busy_buffers_size 128k;"
)
"""As ``deploy/proxy/nginx.conf`` has it, without TLS."""

STUB: Final = """
import sys
from gunicorn.app.base import BaseApplication

FILE, PORT = sys.argv[1], sys.argv[2]


def pieces():
    with open(FILE, "rb") as file:
        while piece := file.read(1_048_576):
            yield piece


def application(environ, start):
    path = environ["PATH_INFO"]
    length = ("Content-Length", str(__import__("os").path.getsize(FILE)))
    if path.endswith("accel"):
        start("200 OK", [("X-Accel-Redirect", "/kept/payload")])
        return [b""]
    start("200 OK", [length])
    if path.endswith("sendfile"):
        return environ["wsgi.file_wrapper"](open(FILE, "rb"), 1_048_576)
    return pieces()


class Server(BaseApplication):
    def load_config(self):
        self.cfg.set("bind", [f"127.0.0.1:{PORT}"])
        self.cfg.set("workers", 2)
        self.cfg.set("threads", 16)
        self.cfg.set("worker_class", "gthread")
        self.cfg.set("control_socket_disable", True)

    def load(self):
        return application


Server().run()
"""


def measure() -> Iterator[Result | Figure]:
    """Downloads with a directory, then uploads with S3."""
    with tempfile.TemporaryDirectory() as name:
        yield from _downloads(Path(name))
    with tempfile.TemporaryDirectory() as name, engines() as s3:
        yield from _uploads(Path(name), s3)


def _downloads(folder: Path) -> Iterator[Result | Figure]:
    live = live_service(folder / "live")
    path = _released(live)
    (kept,) = (
        each for each in (folder / "live/server/objects/objects").rglob("*") if each.is_file()
    )
    files = folder / "files"
    files.mkdir()
    os.link(kept, files / "payload")
    with served(live, folder) as running, _stub(folder, files / "payload") as stub:
        cookie = running.cookie(live.people["claire"])
        with _nginx(folder, files, running.port, stub) as nginx:
            buffer = bytearray(MIB)
            static = lambda: get(nginx, "/static/payload", buffer=buffer)  # noqa: E731
            size = kept.stat().st_size
            assert static() == size == get(running.port, path, cookie)
            against = f"nginx, static, {size // MIB} MiB"
            for what, port, where in (
                ("download through the service", running.port, path),
                ("download through the service behind nginx", nginx, path),
                ("a file by streaming, no service", stub, "/stub/stream"),
                ("a file by sendfile, no service", stub, "/stub/sendfile"),
                ("a file by streaming behind nginx, no service", nginx, "/stub/stream"),
                ("a file by X-Accel-Redirect, no service", nginx, "/stub/accel"),
            ):
                ours = lambda port=port, where=where: get(port, where, cookie, buffer)  # noqa: E731
                yield paired(what, against, ours, static, rounds=ROUNDS)
            with ThreadPoolExecutor(8) as pool:
                list(pool.map(lambda _: get(running.port, path, cookie), range(16)))
            peak = running.workers_peak_mib()
            yield Figure("memory of a worker after 8 such downloads at once", f"{peak:.0f} MiB")
    live.shut()


def _released(live: LiveService) -> str:
    """A deposit that Claire has been given; the path of its payload."""
    claire, nadia = live.people["claire"], live.people["nadia"]
    sitting = live.publish_sitting("claire")
    drawn = live.draw_up(nadia, sitting, claire, size=DOWN_BYTES)
    for number, at in enumerate(range(0, len(drawn.payload), PART_BYTES), start=1):
        part = drawn.payload[at : at + PART_BYTES]
        assert live.put(nadia, drawn.deposit, number, part).status_code == 204
    assert live.commit_by_http(nadia, drawn).status_code == 201
    live.keep(drawn.key, len(live.attested))
    live.keep(drawn.manifest, len(live.attested))
    deposit = live.deposit_of(drawn, claire, nadia)
    live.publish_agenda(sitting, deposit)
    live.advance(days=5)
    live.undertake(claire)
    live.declare(claire, sitting, deposit)
    assert live.ask(claire, live.request(claire, sitting, deposit)).status_code == 200
    return f"{API}/deposits/{drawn.deposit}/payload"


def _uploads(folder: Path, s3: S3Service) -> Iterator[Result | Figure]:
    live = of_today(LiveService, folder / "live")
    live.found()
    nadia = live.people["nadia"]
    sitting = live.publish_sitting("claire")
    drawn = [
        live.draw_up(nadia, sitting, live.people["claire"], size=UP_BYTES)
        for _ in range(ROUNDS + 1)
    ]
    bucket, admin = s3.new_bucket(), s3.admin()
    with served(live, folder) as running:
        cookie = running.cookie(nadia)
        waiting = iter(drawn)
        yield paired(
            f"upload of {UP_BYTES // MIB} MiB and commit, {UPLOAD_WORKERS} parts at once",
            "boto3, multipart, the same S3",
            lambda: _send(running, next(waiting), cookie),
            lambda: admin.upload_fileobj(io.BytesIO(drawn[0].payload), bucket, os.urandom(8).hex()),
            rounds=ROUNDS,
        )
        yield Figure("memory of a worker after them", f"{running.workers_peak_mib():.0f} MiB")
    live.shut()


def _send(running: Served, drawn: Answered, cookie: str) -> None:
    parts = [
        (number, drawn.payload[at : at + PART_BYTES])
        for number, at in enumerate(range(0, len(drawn.payload), PART_BYTES), start=1)
    ]

    def put(part: tuple[int, bytes]) -> None:
        running.put_part(running.connection(), drawn.deposit, *part, cookie)

    with ThreadPoolExecutor(UPLOAD_WORKERS) as pool:
        list(pool.map(put, parts))
    body = LiveService.commit_body(drawn)
    running.post(running.connection(), f"/deposits/{drawn.deposit}/commit", body, cookie)


@contextmanager
def _stub(folder: Path, file: Path) -> Iterator[int]:
    """The same web server with nothing in it but a file to hand over."""
    port = free_port()
    script = folder / "stub.py"
    script.write_text(STUB)
    process = subprocess.Popen(
        [sys.executable, str(script), str(file), str(port)], stderr=subprocess.DEVNULL
    )
    try:
        wait_until(lambda: _listens(port))
        yield port
    finally:
        process.terminate()
        process.wait()


@contextmanager
def _nginx(folder: Path, files: Path, service: int, stub: int) -> Iterator[int]:
    port = free_port()
    user = "user root;" if os.geteuid() == 0 else ""
    text = NGINX.format(
        folder=folder,
        files=files,
        port=port,
        service=service,
        stub=stub,
        proxied=PROXIED,
        user=user,
    )
    (folder / "nginx.conf").write_text(text)
    process = subprocess.Popen(
        ["nginx", "-e", f"{folder}/main.log", "-c", str(folder / "nginx.conf")]
    )
    try:
        wait_until(lambda: _listens(port))
        yield port
    finally:
        process.terminate()
        process.wait()


def _listens(port: int) -> bool:
    import socket

    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
