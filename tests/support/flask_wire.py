"""The client's way to a service in the same process: Flask's test client behind ``client.wire``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from flask import Flask
from werkzeug.test import TestResponse

from exchange.client.wire import WireAnswer, WireRequest


class _Answer:
    def __init__(self, response: TestResponse) -> None:
        self._response = response

    @property
    def status(self) -> int:
        return self._response.status_code

    @property
    def headers(self) -> Mapping[str, str]:
        return {name.lower(): value for name, value in self._response.headers.items()}

    def stream(self) -> Iterator[bytes]:
        yield from self._response.response  # type: ignore[misc]  # bytes: the service sends no text
        self.close()

    def close(self) -> None:
        self._response.close()


class FlaskWire:
    """Sends requests into an application; cookies are the client's own business."""

    def __init__(self, app: Flask, url: str) -> None:
        self._app, self._url = app, url

    def send(self, request: WireRequest) -> WireAnswer:
        client = self._app.test_client(use_cookies=False)
        return _Answer(
            client.open(
                request.target,
                method=request.method,
                base_url=self._url,
                headers=dict(request.headers),
                data=request.body,
            )
        )
