"""An internal service at the REST doors: JSON in, JSON out, one key."""

import json
from typing import Any

import urllib3

#: Several threads may call several servers at once.
_POOL = urllib3.PoolManager(maxsize=16, retries=False)


class Service:
    """Calls the doors of one server with one key."""

    def __init__(self, address: str, key: str) -> None:
        self.address = address
        self._headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}

    def at(self, address: str) -> "Service":
        """The same service, calling another server process."""
        other = Service(address, "")
        other._headers = self._headers  # its twin
        return other

    def post(self, path: str, body: object, expect: int = 200) -> Any:
        """Call a door and answer what it says; the status must be the expected one."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        answer = _POOL.request("POST", self.address + path, body=data, headers=self._headers)
        assert answer.status == expect, (path, answer.status, answer.data[:2000])
        return json.loads(answer.data)

    def get(self, path: str, expect: int = 200) -> Any:
        """Read a door."""
        answer = _POOL.request("GET", self.address + path, headers=self._headers)
        assert answer.status == expect, (path, answer.status, answer.data[:2000])
        return json.loads(answer.data)


def email(value: str) -> dict[str, str]:
    """An e-mail identifier as the doors take it."""
    return {"type": "email", "value": value}
