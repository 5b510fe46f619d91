"""Five hundred payments, each called back twice by its gateway, shuffled, at four workers.

The calls go over HTTP to gunicorn with four worker processes on a PostgreSQL of their own,
from several senders at once, half of them VNPay's and half MoMo's. Then the books are read:
every payment paid once, by its own transaction, receipts numbered without a gap.
BENCH_CALLBACKS makes it smaller.
"""

from __future__ import annotations

import http.client
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from django.conf import settings

PAYMENTS = int(os.environ.get("BENCH_CALLBACKS", "500"))
PORT = int(os.environ.get("BENCH_PORT", "8793"))
WORKERS, SENDERS = 4, 12
TARGET = 500  # a minute
LONGEST = 300  # seconds
WAIT = 30  # seconds for one answer


def measure() -> Iterator[str]:
    """The rate, and what the books say afterwards."""
    from tests import postgres

    try:
        holder, url = postgres.start()
    except (ImportError, RuntimeError):
        yield "no PostgreSQL at hand: the callbacks are not measured"
        return
    try:
        with tempfile.TemporaryDirectory(prefix="mot-cua-callbacks-") as folder:
            yield from _measured(_environment(url, folder))
    finally:
        postgres.stop(holder)


def _environment(url: str, folder: str) -> dict[str, str]:
    import psycopg

    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE DATABASE callbacks")
    return {
        **os.environ, "VAR_DIR": folder, "STATIC_ROOT": str(settings.STATIC_ROOT),
        "DATABASE_URL": url.replace("/postgres?", "/callbacks?"), "DATABASE_POOL": "4",
    }  # fmt: skip


def _measured(environment: dict[str, str]) -> Iterator[str]:
    calls = _child(environment, "prepare") * 2
    random.Random(6).shuffle(calls)  # noqa: S311 - the same order each time
    with _workers(environment):
        started = time.monotonic()
        until = started + LONGEST
        with ThreadPoolExecutor(SENDERS) as senders:
            answers = Counter(senders.map(lambda call: _send(call, until), calls))
        took = time.monotonic() - started
    found = _child(environment, "check")
    yield (
        f"{len(calls)} calls in {took:.1f} s: {len(calls) / took * 60:,.0f} calls and"
        f" {found['paid'] / took * 60:,.0f} payments a minute, target {TARGET} calls"
    )
    told = ", ".join(f"{answer} {count}" for answer, count in sorted(answers.items()))
    yield f"answers: {told}"
    yield (
        f"paid {found['paid']} of {PAYMENTS}, by their own transaction {found['right']},"
        f" receipts {found['receipts']}, gaps {found['gaps']}, moves {found['moves']},"
        f" wrong {found['wrong']}"
    )


def _child(environment: dict[str, str], what: str) -> Any:
    """What this module prints as JSON in a process of its own."""
    run = subprocess.run(
        [sys.executable, "-m", "benchmarks.callbacks", what],
        env=environment, cwd=settings.BASE_DIR, stdout=subprocess.PIPE, text=True,
        check=True, timeout=LONGEST,
    )  # fmt: skip
    return json.loads(run.stdout.splitlines()[-1])


@contextmanager
def _workers(environment: dict[str, str]) -> Iterator[None]:
    command = [
        *(sys.executable, "-m", "gunicorn", "portal.wsgi", "--chdir", str(settings.BASE_DIR)),
        *("--bind", f"127.0.0.1:{PORT}", "--workers", str(WORKERS), "--log-level", "error"),
    ]
    process = subprocess.Popen(command, env=environment)
    try:
        _await_server()
        yield
    finally:
        process.terminate()
        process.wait(timeout=WAIT)


def _await_server() -> None:
    for _number in range(100):
        try:
            _ask("GET", "/healthz", None)
        except OSError:
            time.sleep(0.2)
        else:
            return
    raise RuntimeError("the workers did not start")


def _ask(verb: str, address: str, body: str | None) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=WAIT)
    try:
        headers = {"Host": "localhost", "Content-Type": "application/json"}
        connection.request(verb, address, body, headers)
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def _send(call: list, until: float) -> str:
    """The gateway's own name for what it was answered."""
    if time.monotonic() > until:
        return "not sent"
    try:
        status, content = _ask(*call)
    except (OSError, http.client.HTTPException):
        return "no answer"
    return json.loads(content)["RspCode"] if status == 200 else str(status)


# --- In a process of its own ----------------------------------------------------------


def _prepare() -> list[list]:
    """The calls of `PAYMENTS` payments that were begun: (verb, address, body)."""
    from django.core.management import call_command
    from django.urls import reverse

    from payments import services
    from payments.models import Payment
    from tests import factories
    from tests.payments import wire

    call_command("migrate", verbosity=0)
    call_command("createcachetable", verbosity=0)
    calls = []
    for number in range(PAYMENTS):
        method = Payment.GATEWAYS[number % 2]
        payment = services.begin(factories.filed(factories.COPY), method)
        address = reverse("payments:ipn", args=[method])
        if method == Payment.Method.VNPAY:
            calls.append(["GET", f"{address}?{wire.query_string(payment)}", None])
        else:
            calls.append(["POST", address, json.dumps(wire.momo_word(payment))])
    return calls


def _check() -> dict[str, int]:
    from dossiers.models import Event
    from payments.models import Payment, Receipt

    paid = list(Payment.objects.filter(state=Payment.State.PAID))
    numbers = sorted(Receipt.objects.values_list("number", flat=True))
    return {
        "paid": len(paid),
        "right": sum(row.transaction == f"14{row.pk:06d}" for row in paid),
        "receipts": len(numbers),
        "gaps": len(set(range(1, len(numbers) + 1)) - set(numbers)),
        "moves": Event.objects.filter(name="confirm_payment").count(),
        "wrong": Payment.objects.exclude(state=Payment.State.PAID).count()
        + sum(row.needs_refund for row in paid),
    }


if __name__ == "__main__":
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    django.setup()
    print(json.dumps({"prepare": _prepare, "check": _check}[sys.argv[1]]()))
