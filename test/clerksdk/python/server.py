"""A Countersign server on a free loopback port with an empty data directory."""

import os
import subprocess
import tempfile

import httpx

SECRET_KEY = "sk_test_python"


class Server:
    """The process of `countersign serve`. COUNTERSIGN names the binary."""

    def __init__(self):
        self.data = tempfile.TemporaryDirectory()
        command = [os.environ["COUNTERSIGN"], "serve", "--listen", "localhost:0", "--data", self.data.name]
        env = {**os.environ, "COUNTERSIGN_SECRET_KEY": SECRET_KEY}
        self.process = subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        first = self.process.stdout.readline()
        if not first.startswith("Countersign runs on "):
            raise RuntimeError(f"countersign did not start: {first!r}")
        self.url = first.split()[-1]

    def stop(self):
        """Ends the server, and fails if it did not stop cleanly."""
        self.process.terminate()
        self.process.stdout.read()
        status = self.process.wait(timeout=20)
        self.process.stdout.close()
        self.data.cleanup()
        if status != 0:
            raise RuntimeError(f"countersign ended with {status}")

    def sign_in(self, ticket):
        """Returns the id of the session that a native app gets for a ticket, and a token of it."""
        answer, client = self.post("/v1/client/sign_ins", "", {"strategy": "ticket", "ticket": ticket})
        session = answer["response"]["created_session_id"]
        token, _ = self.post(f"/v1/client/sessions/{session}/tokens", client, {})
        return session, token["jwt"]

    def post(self, path, client, form):
        """Sends a form to the Frontend API as a client. Returns the body and the client's token."""
        answer = httpx.post(f"{self.url}{path}?_is_native=1", data=form, headers={"authorization": client}).raise_for_status()
        return answer.json(), answer.headers.get("authorization", client)

    def code(self, number):
        """Returns the code of the last message to a number."""
        answer = httpx.get(f"{self.url}/dev/sms", params={"phone_number": number}).raise_for_status()
        return answer.json()["messages"][-1]["code"]
