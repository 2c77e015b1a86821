"""Many minutes of ordinary use under random kills: ``python -m tests.bench.soak --minutes 10``.

PostgreSQL, S3, two workers, the broker a process of its own. Depositors deposit, members read, while a
random process of the product (a worker, the whole service, the broker, a client) is killed every few
seconds. At the end every acknowledged deposit must open bit for bit, the exported log must verify with
nothing found, and S3 must hold the acknowledged objects and no other. The seed is printed: it repeats the
order of the kills, not their moments.
"""

from __future__ import annotations

import argparse
import os
import random  # noqa: TID251 - the order of kills, repeated from a printed seed
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from exchange.demo.broker_host import start_broker, unlock
from exchange.demo.commands import Person
from tests.support.postgres import find_programs, postgres_server
from tests.support.s3 import find_weed, s3_service
from tests.support.small_commission import SmallCommission, kill_tree, small_commission

KINDS: Final = ("worker", "worker", "service", "broker", "client", "client")
"""What is killed, as often as it stands here."""
PAUSE_SECONDS: Final = (1.0, 5.0)
"""Between two kills."""
PAPER_BYTES: Final = (1_000, 12_000_000)
"""Up to two parts."""
MAX_DEPOSITS: Final = 60
"""A sitting of the size of a busy one; later deposits of a long soak are fewer and reads more."""


@dataclass
class Soak:
    """What happened so far."""

    commission: SmallCommission
    sitting: str
    dice: random.Random
    until: float
    papers: dict[str, bytes] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)
    running: list[subprocess.Popen[bytes]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)
    faults: list[str] = field(default_factory=list)

    @property
    def over(self) -> bool:
        return time.monotonic() > self.until

    def command(self, who: Person, *words: str) -> tuple[int, bytes]:
        """A command in a process of its own, which may be killed; status and complaint."""
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "exchange.cli", "--profile", str(who.directory)),
                *("--passphrase-file", str(who.passphrase_file), *words),
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        with self.lock:
            self.running.append(process)
        _, complained = process.communicate()
        with self.lock:
            self.running.remove(process)
        if b"Traceback" in complained:
            self.faults.append(complained.decode()[-600:])
        return process.returncode, complained

    # --- people ---------------------------------------------------------------------------

    def deposits(self) -> None:
        """One depositor, one dossier after the other, each until it is acknowledged."""
        who = self.commission.people["referente"]
        number = 0
        while not self.over and number < MAX_DEPOSITS:
            name = f"piece-{number}"
            number += 1
            data = b"%PDF-1.4 " + os.urandom(self.dice.randint(*PAPER_BYTES))
            folder = self.commission.folder(name, **{name: data})
            words = ("deposit", "--sitting", self.sitting, "--kind", "engagement")
            status, _ = self.command(who, *words, "--keep-metadata", "--any-type", str(folder))
            while status != 0:
                self.counts["deposits interrupted"] += 1
                if any((who.directory / "deposits").glob("*/state.json")):
                    status, _ = self.command(who, "deposit", "--resume")
                else:  # nothing was sealed yet
                    status, _ = self.command(
                        who, *words, "--keep-metadata", "--any-type", str(folder)
                    )
            self.papers[name] = data
            self.counts["deposits acknowledged"] += 1

    def looks(self, name: str) -> None:
        """A member or the auditor, who logs in and lists the sittings again and again."""
        who = self.commission.people[name]
        while not self.over:
            status, _ = self.command(who, "sittings")
            self.counts["lists read" if status == 0 else "lists interrupted"] += 1

    # --- the reaper -----------------------------------------------------------------------

    def kills(self) -> None:
        """Something, every few seconds; what an operator starts again is started again."""
        while not self.over:
            time.sleep(self.dice.uniform(*PAUSE_SECONDS))
            kind = self.dice.choice(KINDS)
            getattr(self, f"kill_{kind}")()
            self.counts[f"killed: {kind}"] += 1

    def kill_worker(self) -> None:
        workers = self.commission.workers()
        if workers:
            _kill(self.dice.choice(workers))

    def kill_service(self) -> None:
        self.commission.kill()
        self.commission.restart()

    def kill_broker(self) -> None:
        assert self.commission.broker is not None
        kill_tree(self.commission.broker.process.pid)
        self.commission.broker.process.wait()
        directory = self.commission.broker_directory
        self.commission.broker = start_broker(directory)
        unlock(self.commission.people["gardien"], directory)

    def kill_client(self) -> None:
        with self.lock:
            running = list(self.running)
        if running:
            _kill(self.dice.choice(running).pid)


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def run(minutes: float, seed: int) -> tuple[Soak, list[str]]:
    """The soak and what is wrong after it."""
    programs, weed = find_programs(), find_weed()
    assert programs is not None, "PostgreSQL is not installed"
    assert weed is not None, "SeaweedFS is not installed"
    with (
        tempfile.TemporaryDirectory() as name,
        postgres_server(programs) as postgres,
        s3_service(weed) as s3,
    ):
        os.environ.update(s3.environment())
        bucket = s3.new_bucket()
        places = (postgres.new_database(), s3.url(bucket))
        with small_commission(Path(name) / "c", places, separate_broker=True) as commission:
            dice = random.Random(seed)
            until = time.monotonic() + 60 * minutes
            soak = Soak(commission, commission.plan_sitting(), dice, until)
            threads = [
                threading.Thread(target=soak.deposits),
                threading.Thread(target=soak.kills),
                *(
                    threading.Thread(target=soak.looks, args=(who,))
                    for who in ("medecin", "prefete", "verificatrice")
                ),
            ]
            for each in threads:
                each.start()
            for each in threads:
                each.join()
            wrong = [*soak.faults, *_examine(soak, Path(name))]
            commission.registrar.does("purge", "--settings", str(commission.settings_file), "--due")
            listed = s3.admin().list_objects_v2(Bucket=bucket).get("Contents", ())
            objects = [each["Key"] for each in listed if "/objects/" in each["Key"]]
            if len(objects) != len(soak.papers):
                wrong.append(f"{len(objects)} objects for {len(soak.papers)} deposits")
            return soak, wrong


def _examine(soak: Soak, folder: Path) -> list[str]:
    """Read everything as a member, verify everything as the auditor."""
    wrong = []
    commission = soak.commission
    commission.open_now(soak.sitting)
    doctor = commission.people["medecin"]
    doctor.does("declare", soak.sitting, "--yes")
    pack, out = folder / "pack.tar", folder / "opened"
    doctor.does("pack", "get", soak.sitting, "--out", str(pack))
    doctor.does("pack", "open", str(pack), "--out", str(out))
    opened = {path.stem: path.read_bytes() for path in out.rglob("*.pdf")}
    wrong += [
        f"{name} is not what was sent"
        for name in soak.papers
        if opened.get(name) != soak.papers[name]
    ]
    wrong += [f"{name} was never acknowledged" for name in set(opened) - set(soak.papers)]
    auditor = commission.people["verificatrice"]
    bundle = folder / "bundle.tar"
    auditor.does("audit", "export", "--out", str(bundle))
    trust = str(commission.directory / "trust.json")
    verdict = auditor.tries("audit", "verify", "--bundle", str(bundle), "--trust", trust, "--json")
    found = verdict.data()
    wrong += [str(each) for each in found["findings"] if each["severity"] != "info"]
    soak.counts["events in the log"] = sum(found["counts"].values())
    return wrong


def main() -> int:
    """Print the report; status 1 when anything was lost."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    options = parser.parse_args()
    begun = time.monotonic()
    soak, wrong = run(options.minutes, options.seed)
    print(
        f"seed {options.seed}, {options.minutes:g} minutes under kills, "
        f"{(time.monotonic() - begun) / 60:.1f} minutes in all\n"
    )
    print("| what | how often |\n| --- | --- |")
    for what, count in sorted(soak.counts.items()):
        print(f"| {what} | {count} |")
    print("\nNothing was lost." if not wrong else "\n".join(["\nWRONG:", *wrong]))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
