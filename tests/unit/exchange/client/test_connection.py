"""HTTP as the client speaks it: retries, cookies, problems; no exception of a library past it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import pytest

from exchange.client.connection import MAX_ANSWER_BYTES, Connection
from exchange.client.errors import ServerRefusedError, TransportError
from exchange.client.transport import HttpWire, parse_server_url
from exchange.client.wire import WireAnswer, WireRequest

PROBLEM = {"content-type": "application/problem+json"}


@dataclass
class Canned:
    status: int = 200
    body: bytes = b"{}"
    headers: Mapping[str, str] = field(default_factory=dict)

    def stream(self) -> Iterator[bytes]:
        yield self.body

    def close(self) -> None:
        pass


class Script:
    """Answers in the order given; an exception is raised instead."""

    def __init__(self, *answers: Canned | Exception) -> None:
        self.answers = list(answers)
        self.requests: list[WireRequest] = []

    def send(self, request: WireRequest) -> WireAnswer:
        self.requests.append(request)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def connect(script: Script) -> Connection:
    return Connection(script, "https://a.example/", language="en", pause=lambda _seconds: None)


def problem(status: int, code: str, detail: str) -> Canned:
    return Canned(status, json.dumps({"code": code, "detail": detail}).encode(), PROBLEM)


def test_every_request_says_whence_and_how() -> None:
    """Requests carry Origin and the person's language."""
    script = Script(Canned())
    connect(script).post("/x", {})
    assert script.requests[0].headers["Origin"] == "https://a.example"
    assert script.requests[0].headers["Accept-Language"] == "en"


def test_cookie_is_kept_and_sent() -> None:
    """The login's cookie goes with what follows."""
    script = Script(Canned(headers={"set-cookie": "__Host-dossier=abc; Path=/; Secure"}), Canned())
    connection = connect(script)
    connection.post("/login", {})
    connection.get("/x")
    assert script.requests[1].headers["Cookie"] == "__Host-dossier=abc"


def test_get_is_tried_again() -> None:
    """A broken connection and a proxy without its server are tried again for what is idempotent."""
    script = Script(TransportError("x"), problem(503, "unavailable", "x"), Canned(body=b"[1]"))
    assert connect(script).get("/x") == [1]


def test_post_is_tried_again_only_with_a_key() -> None:
    """What has no idempotency key is sent once, whatever happens."""
    script = Script(TransportError("x"), Canned())
    with pytest.raises(TransportError):
        connect(script).post("/x", {})
    script = Script(TransportError("x"), Canned())
    connect(script).post("/x", {}, key="k")
    assert [each.headers["Idempotency-Key"] for each in script.requests] == ["k", "k"]


def test_it_gives_up() -> None:
    """A server that stays away is reported, not waited for without end."""
    script = Script(*[TransportError("x") for _ in range(9)])
    with pytest.raises(TransportError):
        connect(script).get("/x")
    assert len(script.requests) == 4


def test_refusal_carries_the_servers_words() -> None:
    """A refusal says what the server said, and keeps its stable code."""
    script = Script(problem(403, "not-allowed", "Pas pour vous."))
    with pytest.raises(ServerRefusedError) as caught:
        connect(script).get("/x")
    assert caught.value.code == "not-allowed"
    assert "Pas pour vous." in str(caught.value)


def test_braces_in_the_servers_words() -> None:
    """A detail with braces is text, not a template."""
    script = Script(problem(403, "x", "{0.__class__} {nothing}"))
    with pytest.raises(ServerRefusedError) as caught:
        connect(script).get("/x")
    assert "{0.__class__}" in str(caught.value)


@pytest.mark.parametrize(
    "answer",
    [
        Canned(404, b"<html>not found</html>", {"content-type": "text/html"}),
        Canned(500, b"oops", PROBLEM),
        Canned(302, b"", {"location": "https://elsewhere.example"}),
        Canned(200, b"<html>"),
        Canned(200, b"[" * 100_000),
    ],
)
def test_no_server_of_ours(answer: Canned) -> None:
    """Answers of something else are a transport's matter, never a traceback nor a redirect."""
    with pytest.raises(TransportError):
        connect(Script(answer)).get("/x")


def test_endless_answer() -> None:
    """An answer without end does not fill the memory."""

    class Endless(Canned):
        def stream(self) -> Iterator[bytes]:
            while True:
                yield bytes(1_048_576)

    with pytest.raises(TransportError, match=str(MAX_ANSWER_BYTES)):
        connect(Script(Endless())).get("/x")


def test_range_must_be_honoured() -> None:
    """A server that ignores Range would splice a wrong file: refused."""
    with pytest.raises(TransportError):
        list(connect(Script(Canned(200, b"whole"))).stream("/x", first=3))


def test_paths_are_encoded() -> None:
    """An id from outside never adds a path step or a query."""
    script = Script(Canned())
    connect(script).get("/a/x?y=1#z")
    assert script.requests[0].target == "/a/x%3Fy%3D1%23z"


@pytest.mark.parametrize(
    "url",
    ["ftp://a", "a.example", "https://", "http://a.example", "https://a/?x=1", "http://10.0.0.1"],
)
def test_addresses_refused(url: str) -> None:
    """Only https, or http to this machine."""
    with pytest.raises(TransportError):
        parse_server_url(url)


@pytest.mark.parametrize("url", ["https://a.example/", "http://127.0.0.1:8080", "http://[::1]:1"])
def test_addresses_taken(url: str) -> None:
    """An address is kept without its final slash."""
    assert parse_server_url(url) == url.rstrip("/")


def test_nobody_there() -> None:
    """No exception of the HTTP library crosses the border."""

    class Refusing:
        def request(self, *_args: object, **_options: object) -> None:
            import urllib3.exceptions

            raise urllib3.exceptions.ProtocolError("refused")

    wire = HttpWire("http://127.0.0.1:9")
    wire._pool = Refusing()  # type: ignore[assignment]
    with pytest.raises(TransportError):
        wire.send(WireRequest("GET", "/"))
