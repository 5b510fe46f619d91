"""`manage.py serve` as people run it: real processes, real signals."""

import signal
import socket
import subprocess
import sys
import time
import urllib.request

import psutil
import pytest
from django.conf import settings

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def served(subprocess_env, port):
    process = subprocess.Popen(
        [sys.executable, settings.BASE_DIR / "manage.py", "serve", "--port", str(port)],
        # The address follows the port, as with `make run PORT=…`.
        env={**subprocess_env, "PORT": str(port), "SITE_URL": f"http://localhost:{port}"},
        stdout=subprocess.PIPE,
        text=True,
    )
    while line := process.stdout.readline():
        if f"http://localhost:{port}" in line:
            break
    yield process
    process.terminate()
    process.wait(timeout=40)
    process.stdout.close()


def _child(served: subprocess.Popen, words: str) -> psutil.Process | None:
    for child in psutil.Process(served.pid).children():
        try:
            if words in " ".join(child.cmdline()):
                return child
        except (psutil.NoSuchProcess, psutil.ZombieProcess):
            continue  # it has just died
    return None


def test_it_answers_when_it_says_so_and_ends_everything_when_asked(served, port):
    everything = psutil.Process(served.pid).children(recursive=True)

    with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz") as answer:
        status = answer.status
    served.send_signal(signal.SIGINT)
    code = served.wait(timeout=40)

    assert status == 200
    assert code == 0
    assert len(everything) >= 5  # gunicorn and its two workers, the task worker, the periodic
    assert psutil.wait_procs(everything, timeout=5)[1] == []


def test_a_task_worker_that_died_is_started_again(served):
    first = _child(served, "db_worker")

    first.kill()

    deadline = time.monotonic() + 15
    while (second := _child(served, "db_worker")) in (None, first):
        assert time.monotonic() < deadline, "the worker did not come back"
        time.sleep(0.2)
    assert second.pid != first.pid


def test_the_death_of_the_web_server_ends_it_with_an_error(served):
    _child(served, "gunicorn").kill()

    code = served.wait(timeout=40)

    assert code == 1


def test_a_taken_port_is_said_plainly(subprocess_env, port):
    with socket.socket() as other:
        other.bind(("127.0.0.1", port))
        other.listen()

        result = subprocess.run(
            [sys.executable, settings.BASE_DIR / "manage.py", "serve", "--port", str(port)],
            env=subprocess_env,
            capture_output=True,
            text=True,
        )

    assert result.returncode == 1
    assert str(port) in result.stderr
    assert "Traceback" not in result.stderr
