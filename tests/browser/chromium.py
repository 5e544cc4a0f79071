"""A real browser, driven by its own debugging protocol over two pipes; it knows no page of ours.

Three dozen lines of protocol instead of a driver package that brings a browser and a runtime of its own.
"""

import base64
import json
import os
import select
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

#: Runs without a sandbox only where the tests themselves run as root, as in a container.
FLAGS = (
    "--headless=new", "--disable-gpu", "--disable-extensions", "--disable-background-networking", "--no-first-run",
    "--disable-component-update", "--disable-default-apps", "--disable-sync", "--hide-scrollbars=false",
    "--force-prefers-reduced-motion", "--disable-dev-shm-usage", "--lang=en", "--remote-debugging-pipe",
)  # fmt: skip
PATIENCE = 20
PRESS = """wanted => {
  const all = [...document.querySelectorAll('button, a')], says = e => e.textContent.trim();
  const exact = all.filter(e => says(e) === wanted);  // a tab of the navigation may say what a button says
  const one = exact.find(e => e.tagName === 'BUTTON') || exact[0] || all.find(e => says(e).includes(wanted));
  if (one) one.click();
  return Boolean(one);
}"""
FILL = """(name, value) => {
  const all = [...document.getElementsByName(name)].filter(e => e.type !== 'hidden');
  const picked = e => e.type === 'radio' || e.type === 'checkbox';
  const one = all.find(e => picked(e) ? e.value === value : true);
  if (picked(one)) one.checked = true; else one.value = value;
}"""


def binary() -> str | None:
    """Answer where Debian's Chromium is, if it is installed."""
    return os.environ.get("CHROMIUM_PATH") or shutil.which("chromium")


class Chromium:
    """One browser process, with a profile that is thrown away."""

    def __init__(self, path: str, profile: Path) -> None:
        to_browser, self._write = os.pipe()
        self._read, from_browser = os.pipe()
        rootless = [] if os.getuid() else ["--no-sandbox"]
        # The protocol speaks on descriptors 3 and 4; the shell (bash: any number of them) puts our pipes there.
        shell = f'exec "$0" "$@" 3<&{to_browser} 4>&{from_browser} 2>"{profile}.log"'
        self._process = subprocess.Popen(
            ["/bin/bash", "-c", shell, path, *FLAGS, *rootless, f"--user-data-dir={profile}", "about:blank"],
            pass_fds=(to_browser, from_browser),
            stdout=subprocess.DEVNULL,
        )
        os.close(to_browser)
        os.close(from_browser)
        self._buffer = b""
        self._number = 0
        self._tabs: dict[str, Tab] = {}

    def tab(self, *, width: int, height: int = 900) -> "Tab":
        """Open a tab with cookies of its own."""
        context = self.call("Target.createBrowserContext")["browserContextId"]
        target = self.call("Target.createTarget", url="about:blank", browserContextId=context)["targetId"]
        session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        tab = self._tabs[session] = Tab(self, session)
        tab.resize(width, height)
        for domain in ("Page", "Runtime", "Log", "Audits", "Network"):
            tab.call(f"{domain}.enable")
        return tab

    def call(self, method: str, session: str = "", **parameters: Any) -> dict[str, Any]:
        """Send a command and wait for its answer; whatever happens meanwhile goes to its tab."""
        number = self.send(method, session, **parameters)
        deadline = time.monotonic() + PATIENCE
        while True:
            answer = self._next(deadline)
            if answer.get("id") == number:
                assert "error" not in answer, (method, answer.get("error"))
                result: dict[str, Any] = answer["result"]
                return result

    def send(self, method: str, session: str = "", **parameters: Any) -> int:
        """Send a command and answer its number, without waiting."""
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": parameters}
        if session:
            message["sessionId"] = session
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self._write, data) :]
        return self._number

    def pump(self, deadline: float) -> None:
        """Take in one event."""
        self._next(deadline)

    def stop(self) -> None:
        """End the browser."""
        self._process.terminate()
        self._process.wait(10)
        os.close(self._write)
        os.close(self._read)

    def _next(self, deadline: float) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            ready, _, _ = select.select([self._read], [], [], max(0.0, deadline - time.monotonic()))
            assert ready, "the browser did not answer in time"
            chunk = os.read(self._read, 1 << 20)
            assert chunk, "the browser ended"
            self._buffer += chunk
        line, self._buffer = self._buffer.split(b"\0", 1)
        message: dict[str, Any] = json.loads(line)
        tab = self._tabs.get(message.get("sessionId", ""))
        if tab is not None and "method" in message:
            tab.happened(message["method"], message["params"])
        return message


class Tab:
    """One page at a time; notes every dialog, error, blocked resource and breach of the policy."""

    def __init__(self, browser: Chromium, session: str) -> None:
        self._browser = browser
        self._session = session
        self._loads = 0
        self.status = 0
        #: What a clean page never does.
        self.noises: list[str] = []

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Send a command to this tab."""
        return self._browser.call(method, self._session, **parameters)

    def happened(self, method: str, given: dict[str, Any]) -> None:
        """Note an event."""
        if method == "Page.loadEventFired":
            self._loads += 1
        elif method == "Network.responseReceived" and given["type"] == "Document":
            self.status = given["response"]["status"]
        elif method == "Page.javascriptDialogOpening":
            self.noises.append(f"dialog: {given['message']}")
            # Without waiting: another command is waiting for its own answer.
            self._browser.send("Page.handleJavaScriptDialog", self._session, accept=False)
        elif method in {"Runtime.exceptionThrown", "Runtime.consoleAPICalled"}:
            self.noises.append(f"{method}: {json.dumps(given)[:300]}")
        elif method == "Log.entryAdded" and not self._is_own_status(given["entry"]):
            self.noises.append(f"log: {given['entry']['text']} {given['entry'].get('url', '')}")
        elif method == "Audits.issueAdded" and given["issue"]["code"] == "ContentSecurityPolicyIssue":
            self.noises.append(f"policy: {json.dumps(given['issue']['details'])[:300]}")

    def open(self, url: str) -> "Tab":
        """Go to an address and wait until it is there."""
        before = self._loads
        answer = self.call("Page.navigate", url=url)
        assert "errorText" not in answer, (url, answer)
        return self._wait(before)

    def press(self, words: str) -> "Tab":
        """Press the button or link that says this, and wait for the page it leads to."""
        before = self._loads
        found = self.run(f"({PRESS})({json.dumps(words)})")
        assert found, f"nothing says {words!r} on {self.run('location.href')}"
        return self._wait(before)

    def fill(self, **values: str) -> "Tab":
        """Type into fields, or choose among answers, by name."""
        for name, value in values.items():
            self.run(f"({FILL})({json.dumps(name)}, {json.dumps(value)})")
        return self

    def run(self, script: str) -> Any:
        """Evaluate an expression in the page, past its policy, as the console of a developer does."""
        answer = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def key(self, name: str, code: int) -> None:
        """Press a key of the keyboard."""
        for kind in ("rawKeyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=name, code=name, windowsVirtualKeyCode=code)

    def resize(self, width: int, height: int = 900) -> None:
        """Give the window another size."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.call("Emulation.setDeviceMetricsOverride", **size)

    def scheme(self, name: str) -> None:
        """Prefer "light" or "dark", as a person's system does."""
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": name}])

    def picture(self, path: Path) -> None:
        """Keep what a person sees, the whole page."""
        shot = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=True)
        path.write_bytes(base64.b64decode(shot["data"]))

    def cookies(self, cookies: list[tuple[str, str]], url: str) -> None:
        """Take over cookies, such as those of a session that was opened elsewhere."""
        for name, value in cookies:
            self.call("Network.setCookie", name=name, value=value, url=url, httpOnly=True)

    def _wait(self, before: int) -> "Tab":
        deadline = time.monotonic() + PATIENCE
        while self._loads == before:
            self._browser.pump(deadline)
        return self

    @staticmethod
    def _is_own_status(entry: dict[str, Any]) -> bool:
        """Tell Chromium's own line about a page that answers 4xx or 5xx, as our error pages do, from real errors."""
        return entry["source"] == "network" and "the server responded with a status of" in entry["text"]
