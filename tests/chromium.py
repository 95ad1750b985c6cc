"""A headless Chromium spoken to over a pipe, by the DevTools protocol
(https://chromedevtools.github.io/devtools-protocol/)."""

import json
import os
import shutil
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")


def find_chromium() -> str | None:
    """The path of a Chromium or a relative of it."""
    return next((found for name in NAMES if (found := shutil.which(name))), None)


class Chromium:
    """One page of a running browser; `events` are those since it was loaded, by name."""

    def __init__(self, requests: int, answers: int) -> None:
        self._requests = os.fdopen(requests, "wb", buffering=0)
        self._answers = os.fdopen(answers, "rb")
        self._session: str | None = None
        self._number = 0
        self.events: dict[str, list[Any]] = {}

    def open(self, url: str) -> None:
        """Opens a page of its own and waits until it is loaded."""
        self._session = None
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Log", "Runtime"):
            self.call(f"{domain}.enable")
        self._load("Page.navigate", url=url)

    def reload(self) -> None:
        """Loads the page again."""
        self._load("Page.reload")

    def _load(self, method: str, **parameters: Any) -> None:
        """The browser itself says when a page is loaded, also where scripts may not run."""
        self.events.clear()
        self.call(method, **parameters)
        while "Page.loadEventFired" not in self.events:
            self._read()

    def value(self, expression: str) -> Any:
        """What a JavaScript expression is, or what it promises."""
        answer = self.call("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def type(self, text: str) -> None:
        """Types into whatever has the focus."""
        self.call("Input.insertText", text=text)

    def press(self, key: str, code: int) -> None:
        """Presses a key that is no character."""
        about = {"key": key, "code": key, "windowsVirtualKeyCode": code}
        text = {"text": "\r"} if key == "Enter" else {}
        self.call("Input.dispatchKeyEvent", type="keyDown", **about, **text)
        self.call("Input.dispatchKeyEvent", type="keyUp", **about)

    def call(self, method: str, **parameters: Any) -> Any:
        """The result of a protocol method."""
        self._number += 1
        session = {"sessionId": self._session} if self._session else {}
        request = {"id": self._number, "method": method, "params": parameters, **session}
        self._requests.write(json.dumps(request).encode() + b"\0")
        while True:
            answer = self._read()
            if answer.get("id") == self._number:
                assert "error" not in answer, answer
                return answer["result"]

    def _read(self) -> dict[str, Any]:
        """The next message; an event is also kept."""
        message = bytearray()
        while (byte := self._answers.read(1)) != b"\0":
            assert byte, "the browser has gone"
            message += byte
        answer = json.loads(message)
        if "method" in answer:
            self.events.setdefault(answer["method"], []).append(answer["params"])
        return answer

    def close(self) -> None:
        """Lets go of the pipe, at which the browser ends."""
        self._requests.close()
        self._answers.close()


@contextmanager
def chromium(program: str, profile: Path) -> Generator[Chromium]:
    """A browser that lives as long as the block."""
    theirs_in, ours_out = os.pipe()
    ours_in, theirs_out = os.pipe()

    def hand_over() -> None:
        os.dup2(theirs_in, 3)
        os.dup2(theirs_out, 4)

    process = subprocess.Popen(
        [
            program,
            "--headless=new",
            "--no-sandbox",  # which root cannot have; the only page is our own
            "--disable-gpu",
            "--no-first-run",
            *(f"--disable-{what}" for what in ("background-networking", "component-update", "sync", "quic")),
            f"--user-data-dir={profile}",
            "--remote-debugging-pipe",
        ],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        preexec_fn=hand_over,  # noqa: PLW1509  it only gives the pipes the numbers that Chromium wants
        pass_fds=(3, 4),
        env={**os.environ, "HOME": str(profile)},
    )
    os.close(theirs_in)
    os.close(theirs_out)
    browser = Chromium(ours_out, ours_in)
    try:
        yield browser
    finally:
        browser.close()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
