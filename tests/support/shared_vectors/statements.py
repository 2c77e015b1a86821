"""Statements: one honest sample of each type, what no reader may accept, and whose signature counts."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime

from crypto.encoding import encode_base64
from crypto.keys import PartySigningSeed
from crypto.statements import Statement, pre_authentication_encoding, seal
from crypto.statements.custody import Destruction, Status
from crypto.statements.exchange import Complaint, Manifest, Withdrawal
from crypto.statements.model import MAX_DEPTH, MAX_INTEGER
from crypto.statements.registry import Agenda, Invitation, Role, Roster, Sitting, TrustPolicy
from tests.support.shared_vectors.encoded import Case, b64
from tests.support.statement_samples import DIGEST, ROOTS, sample, samples

SIGNER = ROOTS[0]
WITHDRAWAL = sample(Withdrawal)
TYPE = Withdrawal.payload_type()


def build() -> dict[str, list[Case]]:
    return {"samples": _samples(), "refused": _refused(), "signatures": _signatures()}


def _variants() -> list[Statement]:
    """What the samples leave out: what may be null, empty lists, enumerations, letters of all kinds."""
    letters = (
        'é œ Ÿ ’ « » \u202f € 漢 🙂 \u2028 \x7f " \\ / <script> \u00a0',
        "e\u0301 \u1e9b\u0323 \ufb01",  # not normalised: the bytes signed are the bytes stored
        "\U0010ffff",
    )
    made = [
        *(sample(Withdrawal, reason=text) for text in letters),
        sample(Withdrawal, reason="x" * 2_000),
        sample(Withdrawal, reason="🙂" * 2_000),  # counted in characters, not in UTF-16 units
        sample(Withdrawal, issued_at=datetime(999, 1, 1, tzinfo=UTC)),
        sample(Withdrawal, issued_at=datetime(2028, 2, 29, 23, 59, 59, tzinfo=UTC)),
        sample(TrustPolicy, version=MAX_INTEGER),
        sample(TrustPolicy, registrar_keys=(), roots=tuple(s.verify_key() for s in ROOTS[:3])),
        sample(Invitation, checkpoint="texte\nde deux lignes\n", roles=tuple(Role)),
        sample(Roster, seats=(), mandates=(), approvals=()),
        sample(Roster, version=2, previous=DIGEST),
        sample(Sitting, stage="planned", seats=(), urgency="Péril.", previous=DIGEST),
        sample(Agenda, items=tuple(bytes([number]) * 32 for number in range(128))),
        sample(Status, number=1, sitting=DIGEST, agenda=None, includes=(DIGEST, DIGEST)),
        sample(Manifest, audience=("cdom", "prefet"), complement_of=DIGEST, kind="engagement"),
        sample(Manifest, length=0),
        sample(Manifest, kind="conflict-card", complement_of=DIGEST),
        sample(Destruction, because=None, release_keys=()),
    ]
    return [*made, *(sample(Complaint, fault=fault, found=None) for fault in _FOUND_NOTHING)]


_FOUND_NOTHING = ("not-for-this-key", "altered", "other-content")


def _samples() -> list[Case]:
    return [
        {
            "type": each.TYPE,
            "payload_type": each.payload_type(),
            "seed": SIGNER.reveal().hex(),
            "body": each.body().decode(),
            "envelope": (sealed := seal(each, [SIGNER])).envelope.decode(),
            "digest": sealed.digest,
        }
        for each in (*samples(), *_variants())
    ]


def enveloped(payload_type: str, body: bytes, *seeds: PartySigningSeed) -> bytes:
    """An envelope of any body, truly signed."""
    encoding = pre_authentication_encoding(payload_type, body)
    return _outer(payload_type, body, [seed.sign(encoding) for seed in seeds or (SIGNER,)])


def _outer(payload_type: str, body: bytes, signatures: Sequence[bytes]) -> bytes:
    listed = [{"keyid": "", "sig": encode_base64(each)} for each in signatures]
    outer = {"payloadType": payload_type, "payload": encode_base64(body), "signatures": listed}
    return json.dumps(outer, separators=(",", ":")).encode()


def _refused() -> list[Case]:
    inside = [(name, enveloped(TYPE, body)) for name, body in _bodies()]
    return [
        {"name": name, "envelope_base64": b64(envelope), "error": "malformed"}
        for name, envelope in (*inside, *_other_types(), *_envelopes())
    ]


def _bodies() -> list[tuple[str, bytes]]:
    """Bodies of a withdrawal that are not strict, all under a true signature."""
    good = WITHDRAWAL.body()

    def swap(old: str, new: str | bytes) -> bytes:
        data = new if isinstance(new, bytes) else new.encode()
        assert good.count(old.encode()) == 1, old
        return good.replace(old.encode(), data)

    nested = "[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1)
    return [
        ("duplicate key", swap('"dossier":', '"dossier":"k7qf2-m3xta","dossier":')),
        ("unknown key", swap('"dossier":', '"extra":1,"dossier":')),
        ("missing key", swap('"dossier":"k7qf2-m3xta",', "")),
        ("float", swap('"Demande de la personne."', "1.0")),
        ("number for a string", swap('"Demande de la personne."', "1")),
        ("null for a string", swap('"Demande de la personne."', "null")),
        ("empty reason", swap('"Demande de la personne."', '""')),
        ("reason of 2,001 characters", swap('"Demande de la personne."', f'"{"x" * 2_001}"')),
        ("instant with an offset", swap("09:30:00Z", "09:30:00+00:00")),
        ("instant with a fraction", swap("09:30:00Z", "09:30:00.0Z")),
        ("instant in lower case", swap("T09:30:00Z", "t09:30:00z")),
        ("day that does not exist", swap("2026-03-02T", "2026-02-30T")),
        ("hour 24", swap("T09:30:00Z", "T24:00:00Z")),
        ("leap second", swap("T09:30:00Z", "T23:59:60Z")),
        ("id in upper case", swap("b" * 25 + "a", "B" * 25 + "A")),
        ("id with stray bits", swap("b" * 25 + "a", "b" * 26)),
        ("id too short", swap("b" * 25 + "a", "b" * 25)),
        ("digest in upper case", swap("0" * 63 + "1", "0" * 63 + "A")),
        ("reference in upper case", swap("k7qf2-m3xta", "K7QF2-M3XTA")),
        ("lone surrogate", swap("Demande de la personne.", "\\ud800")),
        ("invalid UTF-8", swap("Demande de la personne.", b"\xff")),
        ("control character", swap("Demande de la personne.", "a\nb")),
        ("byte order mark", "\ufeff".encode() + good),
        ("something after the object", good + b"{}"),
        ("nested too deep", swap('"Demande de la personne."', nested)),
        ("not an object", b"[]"),
        ("nothing", b""),
        ("NaN", swap('"Demande de la personne."', "NaN")),
    ]


def _other_types() -> list[tuple[str, bytes]]:
    policy = sample(TrustPolicy)
    kind, body = policy.payload_type(), policy.body()
    complaint = sample(Complaint)
    found, said = complaint.body(), complaint.payload_type()
    agenda, items = (
        sample(Agenda).body(),
        [f'"{encode_base64(bytes([n]) * 32)}"' for n in range(64)],
    )
    listing, agendas = ",".join(items).encode(), Agenda.payload_type()
    assert listing in agenda
    number = b'"threshold":1'
    assert number in body
    return [
        ("integer of 2^53", enveloped(kind, body.replace(number, b'"threshold":%d' % (MAX_INTEGER + 1)))),
        ("integer with an exponent", enveloped(kind, body.replace(number, b'"threshold":1e0'))),
        ("negative zero", enveloped(kind, body.replace(number, b'"threshold":-0'))),
        ("integer in a string", enveloped(kind, body.replace(number, b'"threshold":"1"'))),
        ("boolean for an integer", enveloped(kind, body.replace(number, b'"threshold":true'))),
        ("threshold of zero", enveloped(kind, body.replace(number, b'"threshold":0'))),
        ("no roots", enveloped(kind, body.replace(body[body.index(b'"roots"'):body.index(b',"threshold"')], b'"roots":[]'))),
        ("unknown type", enveloped("application/vnd.dossier-exchange.loan.v1+json", body)),
        ("unknown version of a type", enveloped(kind.replace(".v1+", ".v2+"), body)),
        ("body of another type", enveloped(TYPE, body)),
        ("agenda: 63 commitments", enveloped(agendas, agenda.replace(listing, ",".join(items[:63]).encode()))),
        ("agenda: no commitment", enveloped(agendas, agenda.replace(listing, b""))),
        ("agenda: not sorted", enveloped(agendas, agenda.replace(listing, ",".join([items[1], items[0], *items[2:]]).encode()))),
        ("agenda: one twice", enveloped(agendas, agenda.replace(listing, ",".join([items[0], *items[:63]]).encode()))),
        ("agenda: a reference in the clear", enveloped(agendas, agenda.replace(listing, b'"k7qf2-m3xta",' + listing))),
        ("complaint: found without its fault", enveloped(said, found.replace(b"other-file-key", b"altered"))),
        ("complaint: fault without what was found", enveloped(said, found.replace(encode_base64(b"f" * 32).encode(), b"").replace(b'"found":""', b'"found":null'))),
    ]  # fmt: skip


def _envelopes() -> list[tuple[str, bytes]]:
    """Outer envelopes that are not DSSE in its strict form."""
    good = seal(WITHDRAWAL, [SIGNER])
    text, signature = good.envelope.decode(), good.signatures[0]
    sig = encode_base64(signature)
    body = WITHDRAWAL.body()

    def swap(old: str, new: str) -> bytes:
        assert text.count(old) == 1, old
        return text.replace(old, new).encode()

    stray = sig[:-3] + chr(ord(sig[-3]) + 1) + "=="  # the same 64 bytes to a lenient decoder
    return [
        ("no signature", _outer(TYPE, body, [])),
        ("seventeen signatures", _outer(TYPE, body, [signature] * 17)),
        ("signature of 63 bytes", _outer(TYPE, body, [signature[:63]])),
        ("signature of 65 bytes", _outer(TYPE, body, [signature + b"\0"])),
        ("signature in non-canonical base64", swap(sig, stray)),
        ("signature without padding", swap(sig, sig.rstrip("="))),
        ("signature in base64url", swap(sig, "_" + sig[1:])),
        ("payload with white space", swap('"payload":"', '"payload":" ')),
        ("keyid that is no text", swap('"keyid":""', '"keyid":1')),
        ("unknown key in a signature", swap('"keyid":"",', '"keyid":"","alg":"none",')),
        ("unknown key in the envelope", swap('"signatures"', '"x":0,"signatures"')),
        ("duplicate key in the envelope", swap('"signatures"', '"payloadType":"","signatures"')),
        ("missing payloadType", swap(f'"payloadType":"{TYPE}",', "")),
        ("signatures not a list", swap(f'[{{"keyid":"","sig":"{sig}"}}]', f'{{"sig":"{sig}"}}')),
        ("not an object", b'"DSSE"'),
        ("not JSON", b"DSSEv1"),
        ("comma too many", text[:-1].encode() + b",}"),
    ]


def _signatures() -> list[Case]:
    body, policy = WITHDRAWAL.body(), sample(TrustPolicy)
    encoding = pre_authentication_encoding(TYPE, body)
    other_type = pre_authentication_encoding(TYPE.replace("withdrawal", "opinion"), body)
    one, two, three = ROOTS[:3]
    altered = bytearray(one.sign(encoding))
    altered[5] ^= 1
    single = {"keys": [one], "threshold": 1, "at_most": 1}
    several = {"keys": [one, two, three], "threshold": 2, "at_most": 16}
    plain, signed = (TYPE, body), (policy.payload_type(), policy.body())

    def by(what: tuple[str, bytes], *seeds: PartySigningSeed) -> bytes:
        return enveloped(*what, *seeds)

    with_keyid = by(plain, one).replace(b'"keyid":""', b'"keyid":"whoever"')
    without = by(plain, one).replace(b'"keyid":"",', b"")
    spaced = json.dumps(json.loads(by(plain, one)), indent=2).encode()
    return [
        _case("by the key", by(plain, one), True, single),
        _case("keyid is ignored", with_keyid, True, single),
        _case("keyid may be missing", without, True, single),
        _case("white space between the envelope's tokens is free", spaced, True, single),
        _case("by another key", by(plain, two), False, single),
        _case("altered signature", _outer(TYPE, body, [bytes(altered)]), False, single),
        _case("signature of the body alone", _outer(TYPE, body, [one.sign(body)]), False, single),
        _case("signature for another type", _outer(TYPE, body, [one.sign(other_type)]), False, single),
        _case("a second signature where one is due", by(plain, one, two), False, single),
        _case("two of three", by(signed, one, three), True, several),
        _case("three of three", by(signed, one, two, three), True, several),
        _case("one of three", by(signed, one), False, several),
        _case("one of three, twice", by(signed, one, one), False, several),
        _case("one of three and a stranger", by(signed, one, ROOTS[4]), False, several),
        _case("two of three and a stranger", by(signed, ROOTS[4], one, two), True, several),
        _case("a key listed twice counts once", by(signed, one), False, several | {"keys": [one, one]}),
        _case("threshold of zero", by(signed, one), False, several | {"threshold": 0}),
    ]  # fmt: skip


def _case(name: str, envelope: bytes, verifies: bool, terms: dict) -> Case:
    keys = [str(seed.verify_key()) for seed in terms["keys"]]
    return {
        "name": name,
        "envelope": envelope.decode(),
        **terms,
        "keys": keys,
        "verifies": verifies,
    }
