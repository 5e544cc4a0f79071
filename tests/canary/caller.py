"""A caller whose every header names a canary, and what is read of the answers; it tells no story."""

from __future__ import annotations

import io
import json
import zipfile
from typing import TYPE_CHECKING, Any

from django.test import Client

if TYPE_CHECKING:
    from django.http import HttpResponse

    from tests.canary.canaries import Canaries


class Watched(Client):
    """A caller with canaries in every header that says where somebody comes from; keeps what was answered."""

    def __init__(self, canaries: Canaries, answers: list[HttpResponse]) -> None:
        forwarded = canaries.forwarded
        super().__init__(
            raise_request_exception=False,
            REMOTE_ADDR=canaries.address,
            headers={
                "User-Agent": canaries.agent,
                "X-Forwarded-For": f"{forwarded}, 10.0.0.1",
                "X-Real-IP": forwarded,
                "Forwarded": f'for="[{forwarded}]"',
                "X-Request-ID": canaries.correlation,
                "X-Correlation-ID": canaries.correlation,
                "Traceparent": canaries.correlation,
            },
        )
        self.answers = answers

    def request(self, **request: Any) -> HttpResponse:
        """Ask, and keep the answer."""
        answer = super().request(**request)
        self.answers.append(answer)
        return answer

    def send(self, path: str, body: object, key: str = "", **headers: str) -> Any:
        """Post JSON as a service with its key."""
        headers = headers | ({"Authorization": f"Bearer {key}"} if key else {})
        return self.post(path, json.dumps(body), content_type="application/json", headers=headers)


def unzipped(content: bytes) -> bytes:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return b"\n".join(name.encode() + b" " + archive.read(name) for name in archive.namelist())
