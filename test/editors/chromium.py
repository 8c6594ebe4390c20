"""Chromium without a window, driven by its own protocol over two pipes.

What a test needs of it and no more: a page, what its scripts see, a mouse, keys and
photographs. Every request that a page makes is noted.
"""

import base64
import json
import os
import shutil
import subprocess
import tempfile

NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")


def find():
    """The program, or None."""
    return next(filter(None, map(shutil.which, NAMES)), None)


class Chromium:
    def __init__(self, width=1200, height=1000):
        self.profile = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        # It reads from its descriptor 3 and writes to 4.
        read, self.commands = os.pipe()
        self.answers, write = os.pipe()
        self.process = subprocess.Popen(
            ["bash", "-c", 'exec "$0" "$@" 3<&%d 4>&%d' % (read, write), find(), "--headless",
             "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--remote-debugging-pipe",
             f"--user-data-dir={self.profile.name}", f"--window-size={width},{height}",
             "--force-color-profile=srgb", "about:blank"],
            pass_fds=(read, write), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL)
        os.close(read)
        os.close(write)
        self.number, self.unread, self.session = 0, b"", None
        self.requests, self.problems = [], []
        self.loaded = False
        targets = self.ask("Target.getTargets")["targetInfos"]
        target = next(target["targetId"] for target in targets if target["type"] == "page")
        self.session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Network", "Runtime", "Log"):
            self.ask(domain + ".enable")

    def close(self):
        self.session = None
        self.ask("Browser.close")
        self.process.wait(timeout=60)
        os.close(self.commands)
        os.close(self.answers)
        self.profile.cleanup()

    def read(self):
        """The next message; one about the page is noted."""
        while b"\0" not in self.unread:
            more = os.read(self.answers, 1 << 16)
            assert more, "Chromium has gone"
            self.unread += more
        text, self.unread = self.unread.split(b"\0", 1)
        message = json.loads(text)
        about, params = message.get("method"), message.get("params", {})
        if about == "Network.requestWillBeSent":
            self.requests.append(params["request"]["url"])
        elif about == "Runtime.exceptionThrown":
            self.problems.append(params["exceptionDetails"]["text"])
        elif about == "Log.entryAdded":
            self.problems.append(params["entry"]["text"])
        elif about == "Page.loadEventFired":
            self.loaded = True
        return message

    def ask(self, method, **params):
        self.number += 1
        message = {"id": self.number, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.commands, json.dumps(message).encode() + b"\0")
        while True:
            answer = self.read()
            if answer.get("id") == self.number:
                assert "error" not in answer, (method, answer["error"])
                return answer["result"]

    def open(self, path):
        self.requests.clear()
        self.problems.clear()
        self.loaded = False
        self.ask("Page.navigate", url=path.resolve().as_uri())
        while not self.loaded:
            self.read()

    def value(self, expression):
        """Of an expression of JavaScript in the page."""
        answer = self.ask("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def mouse(self, what, x, y, **params):
        self.ask("Input.dispatchMouseEvent", type=what, x=x, y=y, **params)

    def key(self, name):
        for what in ("keyDown", "keyUp"):
            self.ask("Input.dispatchKeyEvent", type=what, key=name)

    def photograph(self, path):
        path.write_bytes(base64.b64decode(self.ask("Page.captureScreenshot")["data"]))
