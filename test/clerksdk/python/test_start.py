"""docs/start/python.md: its files and commands as they stand, with a browser's requests."""

import os
import re
import signal
import socket
import stat
import subprocess
import sys
import sysconfig
import tempfile
import unittest
from pathlib import Path

import httpx

from server import SECRET_KEY, Server

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs/start/python.md").read_text()

# The page makes an environment and installs the SDK. This one has the SDK already, in the version that pip then
# finds, so that the test needs no registry.
PYTHON = """#!/bin/sh
"{python}" "$@" || exit
if [ "$1 $2" = "-m venv" ]; then echo "{site}" >"$(echo "$3"/lib/python3.*/site-packages)/tests.pth"; fi
"""


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.M | re.S)


class Start(unittest.TestCase):
    def setUp(self):
        self.server = Server()
        self.addCleanup(self.server.stop)
        found = tempfile.TemporaryDirectory()
        self.addCleanup(found.cleanup)
        folder = Path(found.name)
        for name, text in re.findall(r"`([^`\n]+)`:\n\n```\w*\n(.*?)^```$", PAGE, re.M | re.S):
            (folder / name).write_text(text)
        tool = folder / "tools/python3"
        tool.parent.mkdir()
        tool.write_text(PYTHON.format(python=sys.executable, site=sysconfig.get_path("purelib")))
        tool.chmod(tool.stat().st_mode | stat.S_IXUSR)
        with socket.create_server(("localhost", 0)) as free:
            self.app = f"http://localhost:{free.getsockname()[1]}"
        env = {**os.environ, "PATH": f"{tool.parent}:{os.environ['PATH']}", "PIP_NO_INDEX": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1",
               "CLERK_SECRET_KEY": SECRET_KEY, "CLERK_API_URL": self.server.url, "APP_URL": self.app}
        self.shell = subprocess.Popen(["bash", "-c", "set -euo pipefail\n" + "".join(blocks("sh"))], cwd=folder, env=env,
                                      stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True)
        self.addCleanup(self.end)
        said = self.shell.stdout.readline()
        self.assertEqual(said, f"open {self.app}\n", said + ("" if said.startswith("open") else self.shell.stdout.read()))

    def end(self):
        os.killpg(self.shell.pid, signal.SIGTERM)
        self.shell.stdout.close()
        self.shell.wait(timeout=20)

    def test_the_page(self):
        """Grace signs in with password and code, and the server sees both factors."""
        browser = httpx.Client(headers={"origin": self.app}, timeout=20)
        self.addCleanup(browser.close)
        page = browser.get(self.app)
        self.assertIn(f"fetch('{self.server.url}/v1'", page.text)
        away = browser.get(f"{self.app}/sign-in")
        self.assertEqual([away.status_code, away.headers["location"].split("?")[0]], [303, f"{self.server.url}/sign-in"])
        self.assertEqual(browser.get(f"{self.app}/api/me").status_code, 403)

        def post(path, **form):
            return browser.post(f"{self.server.url}/v1/client/{path}", data=form).raise_for_status().json()

        for value in ("grace@example.com", "demo-password", "424242"):
            self.assertIn(f"`{value}`", PAGE)
        attempt = post("sign_ins", strategy="password", identifier="grace@example.com", password="demo-password")["response"]["id"]
        post(f"sign_ins/{attempt}/prepare_second_factor", strategy="phone_code")
        session = post(f"sign_ins/{attempt}/attempt_second_factor", strategy="phone_code", code="424242")["response"]["created_session_id"]
        token = post(f"sessions/{session}/tokens")["jwt"]

        def me(token):
            answer = browser.get(f"{self.app}/api/me", headers={"authorization": f"Bearer {token}"})
            return answer.status_code, answer.text

        status, text = me(token)
        self.assertEqual(status, 200)
        self.assertRegex(text, r"^The server sees user_\w+, second factor verified 0 minutes ago\.$")
        head, body, signature = token.split(".")
        self.assertEqual(me(f"{head}.{body}.{signature[::-1]}")[0], 403, "a forged token")
        browser.headers["origin"] = "http://localhost:1"
        self.assertEqual(me(post(f"sessions/{session}/tokens")["jwt"])[0], 403, "a token for another application")
        httpx.post(f"{self.server.url}/dev/sessions/{session}/age", json={"minutes": 11}).raise_for_status()
        browser.headers["origin"] = self.app
        self.assertEqual(me(post(f"sessions/{session}/tokens")["jwt"])[0], 403, "an old proof")

    def test_the_script_of_the_page(self):
        """The page in a browser is that of docs/start/go.md, which a browser runs."""
        other = (ROOT / "docs/start/go.md").read_text()
        self.assertIn(f"```html\n{blocks('html')[0]}```", other)


if __name__ == "__main__":
    unittest.main()
