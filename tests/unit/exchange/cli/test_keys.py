"""Keys, and folders sealed and opened with them where no service is needed."""

from __future__ import annotations

from tests.support.office import Office


def test_keys(office: Office) -> None:
    """A key is shown, printed, recovered and exported; the profile's server is not needed."""
    made = office.run("moi", "key", "new", "--work-factor", "10", "--json").data()
    shown = office.run("moi", "key", "show", "--json").data()
    assert shown["key"] == made["key"]
    assert office.run("moi", "key", "new").status == 1
    kit = office.run("moi", "key", "show", "--kit").out.split()[0]
    assert kit.startswith("DOSSIER-SEED-1")
    seed = office.folder / "kit.txt"
    seed.write_text(kit.lower())
    recovered = office.run(
        "neuf", "key", "recover", "--seed-file", str(seed), "--work-factor", "10"
    )
    assert recovered.status == 0
    assert office.run("neuf", "key", "show", "--json").data()["key"] == made["key"]
    assert office.run("moi", "key", "export-age").out.startswith("AGE-SECRET-KEY-PQ-1")
    svg = office.folder / "kit.svg"
    assert office.run("moi", "key", "show", "--kit-svg", str(svg)).status == 0
    assert b"<svg" in svg.read_bytes()


def test_local_seal_and_open(office: Office) -> None:
    """A folder is sealed to two people without any service, and each opens it."""
    recipients = []
    for who in ("un", "deux"):
        office.run(who, "key", "new", "--work-factor", "10")
        recipients.append(office.run(who, "key", "show", "--json").data()["recipient"])
    folder = office.folder / "papiers"
    (folder / "sub").mkdir(parents=True)
    (folder / "sub" / "a.txt").write_text("a")
    sealed = office.folder / "x.age"
    words = [word for each in recipients for word in ("-r", each)]
    office.run("un", "seal", str(folder), *words, "--out", str(sealed), "--json").data()
    for who in ("un", "deux"):
        out = office.folder / f"out-{who}"
        assert office.run(who, "open", str(sealed), "--out", str(out)).status == 0
        assert (out / "sub" / "a.txt").read_text() == "a"
    identity = office.folder / "age.txt"
    office.run("deux", "key", "export-age", "--out", str(identity))
    by_file = office.folder / "by-file"
    words = ["open", str(sealed), "-i", str(identity), "--out", str(by_file)]
    assert office.run("personne", *words).status == 0
    data = bytearray(sealed.read_bytes())
    data[-1] ^= 1
    sealed.write_bytes(bytes(data))
    spoilt = office.folder / "spoilt"
    assert office.run("un", "open", str(sealed), "--out", str(spoilt)).status == 1
    assert not spoilt.exists()
