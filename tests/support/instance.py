"""A real service in a temporary directory: SQLite, files, the in-process broker. No socket."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import quote

from crypto.keys import PartySigningSeed
from exchange.settings import load_settings
from exchange.wiring.instance import InstancePlan, make_instance
from exchange.wiring.service import WiredService, wire_service

PUBLIC_URL = "http://127.0.0.1:8999"


def wired_instance(directory: Path) -> WiredService:
    root = PartySigningSeed.generate(os.urandom)
    home = directory / "server"
    plan = InstancePlan(
        directory=home,
        broker_directory=directory / "broker",
        preset="92-2018",
        roots=(root.verify_key(),),
        threshold=1,
        database_url=f"sqlite:///{home / 'database.sqlite'}",
        objects_url=f"file://{quote(str(home / 'objects'))}",
        origin="test.example/log",
        public_url=PUBLIC_URL,
        listen="127.0.0.1:8999",
    )
    made = make_instance(plan, os.urandom)
    return wire_service(load_settings(made.settings_file, {}))
