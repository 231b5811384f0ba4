"""A headless Chromium, driven over pipes by its DevTools protocol; no package and no network port needed."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import time

# Seconds: a busy machine may take long to read plotly's script.
PATIENCE = 120
# Chromium reads commands from file descriptor 3 and answers on 4, both ended by a zero byte.
LAUNCH = """
import fcntl, os, sys
commands, answers = (fcntl.fcntl(int(fd), fcntl.F_DUPFD, 10) for fd in sys.argv[1:3])
os.dup2(commands, 3); os.dup2(answers, 4)
os.execv(sys.argv[3], sys.argv[3:])
"""
OPTIONS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run",
    "--disable-component-update", "--disable-dev-shm-usage", "--hide-scrollbars", "--remote-debugging-pipe",
)  # fmt: skip


class Browser:
    """One browser process with one page.

    Parameters
    ----------
    program : str
        Path of the browser.
    profile : Path
        A fresh folder for its profile.
    """

    def __init__(self, program, profile):
        commands, self._out = os.pipe()
        self._in, answers = os.pipe()
        self._process = subprocess.Popen(
            [
                sys.executable,
                "-c",
                LAUNCH,
                str(commands),
                str(answers),
                program,
                *OPTIONS,
                f"--user-data-dir={profile}",
            ],
            pass_fds=(commands, answers),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(commands)
        os.close(answers)
        self._buffer, self._number, self.events = b"", 0, []
        self._session = None
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.send(f"{domain}.enable")

    def send(self, method, **parameters):
        """Send a command and return its result; events that arrive meanwhile are kept."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._out, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._receive()
            if answer.get("id") == self._number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                return answer["result"]
            self.events.append(answer)

    def _receive(self, timeout_seconds=PATIENCE):
        deadline = time.monotonic() + timeout_seconds
        while b"\0" not in self._buffer:
            ready, _, _ = select.select([self._in], [], [], max(deadline - time.monotonic(), 0))
            data = os.read(self._in, 1 << 20) if ready else b""
            if not data:
                raise RuntimeError(f"The browser did not answer within {timeout_seconds} s, or it ended.")
            self._buffer += data
        message, self._buffer = self._buffer.split(b"\0", 1)
        return json.loads(message)

    def emulate(self, *, width=1200, height=900, dark=False, phone=False):
        """Set the window's size, the preferred colour scheme and whether it is touched by finger."""
        self.send("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=phone)
        self.send("Emulation.setTouchEmulationEnabled", enabled=phone)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.send("Emulation.setEmulatedMedia", features=[scheme])

    def open(self, address):
        """Load a page from the start and wait until its script has run."""
        self.send("Page.navigate", url="about:blank")
        self.events.clear()
        self.send("Page.navigate", url=address)
        self.wait_for("document.readyState === 'complete' && document.documentElement?.dataset.ready === 'yes'")

    def wait_for(self, claim, timeout_seconds=PATIENCE):
        """Wait until an expression is true."""
        deadline = time.monotonic() + timeout_seconds
        while not self.run(claim):
            if time.monotonic() > deadline:
                raise RuntimeError(f"After {timeout_seconds} s this was not true: {claim}; problems: {self.problems()}")
            time.sleep(0.02)

    def run(self, script):
        """Evaluate JavaScript and return its value."""
        answer = self.send(
            "Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True, userGesture=True
        )
        if "exceptionDetails" in answer:
            raise RuntimeError(str(answer["exceptionDetails"]))
        return answer["result"].get("value")

    def settle(self):
        """Wait for two frames, after which events of the window's state have reached the page."""
        self.run("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))).then(() => null)")

    def point_at(self, selector, across=0.5, down=0.5):
        """Move the mouse over an element, to a share of its width and height."""
        x, y, width, height = self.run(
            f"(() => {{ const e = document.querySelector({selector!r}); e.scrollIntoView({{ behavior: 'instant' }});"
            " const r = e.getBoundingClientRect(); return [r.x, r.y, r.width, r.height]; })()"
        )
        self.send("Input.dispatchMouseEvent", type="mouseMoved", x=x + across * width, y=y + down * height)
        self.settle()

    def problems(self):
        """Return uncaught exceptions, console errors and warnings, and what the page's policy has blocked."""
        found = []
        for event in self.events:
            method, details = event.get("method"), event.get("params", {})
            bad_call = method == "Runtime.consoleAPICalled" and details["type"] in ("error", "warning", "assert")
            bad_entry = method == "Log.entryAdded" and details["entry"]["level"] in ("error", "warning")
            if method == "Runtime.exceptionThrown" or bad_call or bad_entry:
                found.append(json.dumps(details))
        return found

    def requests(self):
        """Return the addresses that the page has asked for; what is written into the page itself is not asked for."""
        sent = [event["params"] for event in self.events if event.get("method") == "Network.requestWillBeSent"]
        return [one["request"]["url"] for one in sent if not one["request"]["url"].startswith(("data:", "blob:"))]

    def close(self):
        """End the browser."""
        self._session = None
        self.send("Browser.close")
        self._process.wait(timeout=20)
        os.close(self._out)
        os.close(self._in)
