"""A Jupyter server of one test's own: started on a free port, asked over HTTP and WebSocket, stopped by its id."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
import uuid
from contextlib import contextmanager

import pytest
from websocket import create_connection

TOKEN = "for-this-test"
PATIENCE = 300.0  # seconds; on a busy machine everything comes, only later


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def running(command: list[str], port: int, path: str = "api/status", **options):
    """The server that `command` starts on `port`, up as soon as `path` answers."""
    process = subprocess.Popen(command, start_new_session=True, stderr=subprocess.DEVNULL, **options)
    try:
        server = Server(port, process.pid)
        server.wait_until_up(path)
        yield server
    finally:
        os.killpg(process.pid, signal.SIGTERM)  # the process group that this test started
        process.wait(PATIENCE)


class Server:
    """A running Jupyter server, spoken with as the page does."""

    def __init__(self, port: int, process_id: int) -> None:
        self.port, self.address, self.process_id = port, f"http://127.0.0.1:{port}", process_id

    def wait_until_up(self, path: str, seconds: float = PATIENCE) -> None:
        deadline = time.monotonic() + seconds
        while True:
            try:
                self.read(path)
                return
            except urllib.error.HTTPError:
                return  # it answers, if only to say no
            except (urllib.error.URLError, ConnectionError):
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.3)

    def read(self, path: str, data: dict | None = None, method: str | None = None) -> bytes:
        request = urllib.request.Request(
            f"{self.address}/{path}",
            data=None if data is None else json.dumps(data).encode(),
            headers={"Authorization": f"token {TOKEN}"},
            method=method,
        )
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            return answer.read()

    def call(self, path: str, data: dict | None = None):
        return json.loads(self.read(path, data) or "{}")

    def delete(self, path: str) -> None:
        self.read(path, method="DELETE")

    def execute(self, kernel_id: str, code: str) -> str:
        """What the code printed in that kernel; an error fails the test."""
        address = f"ws://127.0.0.1:{self.port}/api/kernels/{kernel_id}/channels?token={TOKEN}"
        connection = create_connection(address, timeout=PATIENCE)
        header = {
            "msg_id": uuid.uuid4().hex,
            "msg_type": "execute_request",
            "username": "",
            "session": "s",
            "version": "5.3",
        }
        content = {"code": code, "silent": False, "store_history": False, "user_expressions": {}, "allow_stdin": False}
        message = {"header": header, "parent_header": {}, "metadata": {}, "content": content, "channel": "shell"}
        connection.send(json.dumps(message))
        printed = ""
        while True:
            frame = connection.recv()
            if isinstance(frame, bytes):
                continue  # a widget's message with buffers, for the page
            reply = json.loads(frame)
            if reply["parent_header"].get("msg_id") != header["msg_id"]:
                continue
            if reply["msg_type"] == "stream":
                printed += reply["content"]["text"]
            if reply["msg_type"] == "error":
                pytest.fail("\n".join(reply["content"]["traceback"]))
            if reply["msg_type"] == "status" and reply["content"]["execution_state"] == "idle":
                connection.close()
                return printed
