"""A real browser, a real server, a real worker in another process, and real mail in files."""

from __future__ import annotations

import email
import email.policy
import io
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from django.core.management import call_command

CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
FLAGS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
).split()


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args):
    """Debian's Chromium, which speaks to nothing but the test server."""
    return {**browser_type_launch_args, "executable_path": CHROMIUM, "args": FLAGS}


@pytest.fixture(scope="session")
def browser_context_args(browser_context_args):
    """A Vietnamese browser on a cheap phone."""
    return {
        **browser_context_args,
        "locale": "vi-VN",
        "timezone_id": "Asia/Ho_Chi_Minh",
        "viewport": {"width": 360, "height": 740},
    }


@pytest.fixture
def site(live_server, settings):
    """The portal with its fixtures and demo people, whose links lead to the test server."""
    url = live_server.url.replace("127.0.0.1", "localhost")
    settings.SITE_URL = url
    settings.ALLOWED_HOSTS = ["localhost", "127.0.0.1"]
    settings.VNPAY_PAY_URL = f"{url}/thanh-toan/cong-thu/"
    settings.VNPAY_QUERY_URL = f"{url}/thanh-toan/cong-thu/truy-van/"
    settings.MOMO_URL = f"{url}/thanh-toan/cong-thu/momo"
    call_command("createcachetable", verbosity=0)
    call_command("seed_demo", stdout=io.StringIO())
    return url


@pytest.fixture
def worker(site, subprocess_env):
    """A task worker as it runs in production: another process on the same database."""
    command = [sys.executable, "manage.py", "db_worker", "--interval", "0.2", "--no-startup-delay"]
    process = subprocess.Popen(
        command,
        cwd=django_settings.BASE_DIR,
        env={**subprocess_env, "SITE_URL": site},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    yield process
    process.terminate()
    process.wait(timeout=20)


@pytest.fixture
def mailbox(settings):
    """A function that gives the newest mail to an address whose subject has some words."""
    folder = Path(settings.VAR_DIR) / "mail"
    for old in folder.glob("*.log"):
        old.unlink()

    def newest(address: str, words: str = "") -> str | None:
        for file in sorted(
            folder.glob("*.log"), key=lambda path: path.stat().st_mtime, reverse=True
        ):
            text = file.read_bytes().split(b"\n" + b"-" * 79)[0]
            message = email.message_from_bytes(text, policy=email.policy.default)
            if message["To"] is None:
                continue  # the worker is still writing it
            if address in message["To"] and words in message["Subject"]:
                return message.get_body(("plain",)).get_content()
        return None

    return newest


@pytest.fixture
def wait_until():
    """A function that waits until `condition()` gives something true, at most `seconds`."""

    def wait(condition, *, seconds: float = 10):
        deadline = time.monotonic() + seconds
        while not (found := condition()):
            if time.monotonic() > deadline:
                pytest.fail(f"nothing after {seconds} s")
            time.sleep(0.1)
        return found

    return wait


@pytest.fixture
def console(page):
    """What the browser complained about: CSP violations and scripts that failed."""
    complaints: list[str] = []
    page.on("console", lambda m: complaints.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    return complaints


def pdf_text(path: str | Path) -> str:
    """The words of a PDF with their accents, in one line."""
    run = subprocess.run(
        ["pdftotext", "-layout", str(path), "-"], capture_output=True, check=True, text=True
    )
    return re.sub(r"\s+", " ", run.stdout)
