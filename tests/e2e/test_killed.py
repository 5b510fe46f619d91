"""The web process is killed in the middle of saves and uploads: what was acknowledged is there."""

from __future__ import annotations

import hashlib
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from django.contrib.auth import get_user_model
from django.test import Client

from dossiers.models import Attachment, Dossier
from procedures.formspec.conditions import lookup
from tests import factories
from tests.browsing import Answer, Citizen

pytestmark = [pytest.mark.both_databases, pytest.mark.django_db(transaction=True)]

PEOPLE, SECONDS, KILLS = 4, 6, 3
SECTION, FIELD, PAPER = "nguoi_mat", "nguoi_mat.ho_ten", "giay_chung_tu"


@pytest.fixture
def server(site, subprocess_env):
    """gunicorn as it runs in production, on the test database; gives its process and port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "manage.py", "serve", "--web-only", "--port", str(port)]
    process = subprocess.Popen(
        command,
        cwd=django_settings.BASE_DIR,
        env={
            **subprocess_env,
            "SITE_URL": f"http://localhost:{port}",
            "DJANGO_SETTINGS_MODULE": "tests.settings",  # static files as they are written
        },
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            Citizen("127.0.0.1", port).get("/healthz")
            break
        except OSError:
            time.sleep(0.2)
    yield process, port
    process.terminate()
    process.wait(timeout=60)


def workers_of(process: subprocess.Popen) -> list[int]:
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    return [int(pid) for pid in children.read_text().split()]


def kill_workers(process: subprocess.Popen) -> None:
    """Kill every worker now and then; the master starts new ones."""
    for _number in range(KILLS):
        time.sleep(SECONDS / (KILLS + 1))
        for pid in workers_of(process):
            os.kill(pid, signal.SIGKILL)


def people(port: int) -> list[tuple[Citizen, Dossier]]:
    found = []
    for _number in range(PEOPLE):
        draft = factories.draft(factories.FUNERAL)
        client = Client()
        client.force_login(get_user_model().objects.get(pk=draft.owner_id))
        session = client.cookies["session"].value
        found.append((Citizen("127.0.0.1", port, session=session), draft))
    return found


def keep_trying(act, until: float) -> list:
    """Do it again and again; what was acknowledged. A broken connection acknowledges nothing."""
    acknowledged = []
    number = 0
    while time.monotonic() < until:
        number += 1
        try:
            acknowledged += act(number)
        except (OSError, EOFError, LookupError, RuntimeError, ValueError):
            time.sleep(0.05)
        except Exception as error:
            if type(error).__module__ != "http.client":
                raise
            time.sleep(0.05)
    return acknowledged


def saves(citizen: Citizen, draft: Dossier, log: list[str]):
    """A function that saves another name each time; `log` has all that were sent."""
    address = f"/ho-so/nhap/{draft.key}/phan/{SECTION}/"
    letters = "abcdefghijklmnopqrstuvwxyz"

    def act(number: int) -> list[str]:
        name = f"Trần Văn {letters[number // 26 % 26]}{letters[number % 26]}"
        page = citizen.get(address)
        log.append(name)
        answer = citizen.send(page, "ho_ten", ho_ten=name)
        return [name] if answer.status == 200 and f"/phan/{SECTION}/" not in answer.url else []

    return act


def uploads(citizen: Citizen, draft: Dossier, seed: int):
    """A function that attaches another picture each time, until a paper may have no more."""
    address = f"/ho-so/nhap/{draft.key}/giay-to/"
    colors = iter(f"#{seed:02x}{number:02x}80" for number in range(12))

    def act(_number: int) -> list[str]:
        page = citizen.get(address)
        before = keys(page)
        photo = (PAPER, "anh.jpg", factories.picture(next(colors, "#000000")).read())
        answer = citizen.send(page, PAPER, files=[photo], add="1")
        return sorted(keys(answer) - before) if answer.status == 200 else []

    return act


def keys(page: Answer) -> set[str]:
    return set(re.findall(r"/ho-so/tep/([A-Za-z0-9_-]{22})/", page.text))


def test_nothing_that_was_acknowledged_is_lost_when_the_web_process_is_killed(server):
    process, port = server
    crowd = people(port)
    until = time.monotonic() + SECONDS
    sent: dict[int, list[str]] = {draft.pk: [] for _citizen, draft in crowd}
    saved: dict[int, list[str]] = {}
    uploaded: dict[int, list[str]] = {}

    def run(number: int) -> None:
        citizen, draft = crowd[number]
        if number % 2:
            saved[draft.pk] = keep_trying(saves(citizen, draft, sent[draft.pk]), until)
        else:
            uploaded[draft.pk] = keep_trying(uploads(citizen, draft, number), until)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(PEOPLE)]
    threads.append(threading.Thread(target=kill_workers, args=(process,)))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=90)

    assert all(saved.values()) and all(uploaded.values())
    for pk, names in saved.items():
        now = lookup(Dossier.objects.get(pk=pk).answers, FIELD)
        assert now in sent[pk][sent[pk].index(names[-1]) :]
    for acknowledged in uploaded.values():
        for key in acknowledged:
            row = Attachment.objects.get(key=key)
            with row.file.open() as file:
                assert hashlib.sha256(file.read()).hexdigest() == row.sha256
