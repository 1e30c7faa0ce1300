"""`make lab` opens JupyterLab, and a kernel there can run lesson 00."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
import uuid
from pathlib import Path

import nbformat
import pytest
from websocket import create_connection

PROJECT = Path(__file__).resolve().parent.parent
TOKEN = "for-this-test"


@pytest.fixture(scope="module")
def port():
    if shutil.which("make") is None:
        pytest.skip("make is not installed")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    options = f"--no-browser --port {port} --ServerApp.port_retries=0 --IdentityProvider.token={TOKEN}"
    server = subprocess.Popen(
        ["make", "lab", f"LAB_ARGS={options}"], cwd=PROJECT, start_new_session=True, stderr=subprocess.DEVNULL
    )
    try:
        wait_until_up(port)
        yield port
    finally:
        os.killpg(server.pid, signal.SIGTERM)  # the process group that this test started
        server.wait(30)


def wait_until_up(port, seconds=120):
    deadline = time.monotonic() + seconds
    while True:
        try:
            return call(port, "api/status")
        except (urllib.error.URLError, ConnectionError):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.3)


def call(port, path, data=None):
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/{path}",
        data=None if data is None else json.dumps(data).encode(),
        headers={"Authorization": f"token {TOKEN}"},
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.loads(answer.read() or "{}")


def execute(port, kernel_id, code):
    """What the code printed, as the page's own connection to the kernel sees it."""
    socket = create_connection(f"ws://127.0.0.1:{port}/api/kernels/{kernel_id}/channels?token={TOKEN}", timeout=120)
    header = {
        "msg_id": uuid.uuid4().hex,
        "msg_type": "execute_request",
        "username": "",
        "session": "s",
        "version": "5.3",
    }
    content = {"code": code, "silent": False, "store_history": True, "user_expressions": {}, "allow_stdin": False}
    message = {"header": header, "parent_header": {}, "metadata": {}, "content": content, "channel": "shell"}
    socket.send(json.dumps(message))
    printed = ""
    while True:
        reply = json.loads(socket.recv())
        if reply["parent_header"].get("msg_id") != header["msg_id"]:
            continue
        if reply["msg_type"] == "stream":
            printed += reply["content"]["text"]
        if reply["msg_type"] == "error":
            pytest.fail("\n".join(reply["content"]["traceback"]))
        if reply["msg_type"] == "status" and reply["content"]["execution_state"] == "idle":
            socket.close()
            return printed


def test_lab_answers_and_runs_the_first_cells_of_lesson_00(port):
    lesson = call(port, "api/contents/00_start_here.ipynb")["content"]
    assert lesson["cells"][0]["source"].startswith("# 00 · Start here")
    session = {"path": "00_start_here.ipynb", "type": "notebook", "name": "", "kernel": {"name": "python3"}}
    kernel_id = call(port, "api/sessions", session)["kernel"]["id"]
    stored = nbformat.read(PROJECT / "notebooks" / "00_start_here.ipynb", as_version=4)
    first, second = [cell for cell in stored.cells if cell.cell_type == "code"][:2]
    execute(port, kernel_id, first.source)
    assert execute(port, kernel_id, second.source) == second.outputs[0].text


def test_lab_wants_its_token(port):
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(f"http://127.0.0.1:{port}/api/contents", timeout=30)
