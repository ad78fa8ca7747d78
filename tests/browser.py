"""A JupyterLab of its own and a headless Chromium for the tests that need a real browser."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]
TOKEN = "tests-only"
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update",
]
QUIET = {"fetchNews": "false", "checkForUpdates": False}  # nothing is asked of a network


def find_browser() -> str | None:
    """Path of an installed Chromium, None when there is none."""
    names = ("chromium", "chromium-browser", "google-chrome")
    return next((path for name in names if (path := shutil.which(name))), None)


def copy_review(target: Path) -> Path:
    """A copy of the review that a test may write into."""
    ignored = shutil.ignore_patterns(".*", "custom", "__pycache__")
    for folder in ("data", "notebooks", "figures"):
        shutil.copytree(REPOSITORY / folder, target / folder, ignore=ignored)
    shutil.copy(REPOSITORY / "references.bib", target)
    return target


@contextmanager
def jupyterlab(root: Path, home: Path):
    """JupyterLab over `root` with all its own folders below `home`; gives its address."""
    settings = home / "settings"
    folder = settings / "@jupyterlab" / "apputils-extension"
    folder.mkdir(parents=True)
    (folder / "notification.jupyterlab-settings").write_text(json.dumps(QUIET))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    own = {
        "HOME": home, "JUPYTER_CONFIG_DIR": home / "config", "JUPYTER_DATA_DIR": home / "data",
        "JUPYTER_RUNTIME_DIR": home / "runtime", "IPYTHONDIR": home / "ipython",
        "JUPYTERLAB_SETTINGS_DIR": settings, "JUPYTERLAB_WORKSPACES_DIR": home / "workspaces",
        "MPLCONFIGDIR": home / "matplotlib",
    }
    environment = os.environ | {name: str(path) for name, path in own.items()}
    environment.pop("EVIDENCE_STILL", None)
    command = [
        sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ip=127.0.0.1",
        f"--port={port}", "--ServerApp.port_retries=0", f"--ServerApp.root_dir={root}",
        f"--IdentityProvider.token={TOKEN}",
    ]
    with (home / "lab.log").open("w") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log, env=environment, cwd=root)
    try:
        _wait_for(f"http://127.0.0.1:{port}/api/status?token={TOKEN}", server, home / "lab.log")
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            server.kill()


def _wait_for(address: str, server: subprocess.Popen, log: Path, seconds: float = 90) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end and server.poll() is None:
        try:
            with urllib.request.urlopen(address, timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.3)
    raise RuntimeError(f"JupyterLab did not start:\n{log.read_text()[-2000:]}")


@contextmanager
def chromium(path: str, **context):
    """A page of a headless Chromium; keyword arguments go to its context."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, headless=True, args=FLAGS)
        try:
            yield browser.new_context(**context).new_page()
        finally:
            browser.close()


def required_browser() -> str:
    """Path of a browser; without one the test is skipped, or fails where one is required."""
    path = find_browser()
    if path is None:
        reason = "no Chromium found: install chromium, chromium-browser or google-chrome"
        if os.environ.get("EVIDENCE_REQUIRE_BROWSER"):
            pytest.fail(reason, pytrace=False)
        pytest.skip(reason)
    return path


class Watch:
    """What a page complained about, and what it asked of other machines."""

    def __init__(self, page):
        self.errors: list[str] = []
        self.foreign: list[str] = []
        page.on("console", self._said)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("request", self._asked)

    def _said(self, message) -> None:
        if message.type == "error":
            self.errors.append(f"{message.text} {message.location.get('url', '')}")

    def _asked(self, request) -> None:
        if not request.url.startswith(("http://127.0.0.1:", "data:", "blob:", "file:")):
            self.foreign.append(request.url)
