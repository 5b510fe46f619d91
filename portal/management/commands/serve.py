"""`manage.py serve`: the web server, the task worker and the periodic command together."""

import ctypes
import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _

GRACE = 30  # seconds that requests and tasks have to end
START_LIMIT = 60  # seconds after which a web server that does not answer has failed
RESTART_DELAYS = (1, 2, 5, 10, 30)  # seconds, longer each time it dies again
STEADY = 60  # seconds of life after which a death is a first one again


def web_command(host: str, port: int) -> list[str]:
    """The command that starts gunicorn on `host`:`port`."""
    shared_memory = Path("/dev/shm")  # noqa: S108 - a heartbeat file on a disk can block a worker
    return [
        *(sys.executable, "-m", "gunicorn", "portal.wsgi", "--chdir", str(settings.BASE_DIR)),
        *("--bind", f"{host}:{port}", "--workers", "2", "--worker-class", "gthread"),
        *("--threads", "4", "--graceful-timeout", str(GRACE), "--timeout", "60"),
        *("--no-control-socket", "--log-level", "warning"),
        *(("--worker-tmp-dir", str(shared_memory)) if shared_memory.is_dir() else ()),
    ]


def _manage(*arguments: str) -> list[str]:
    return [sys.executable, str(settings.BASE_DIR / "manage.py"), *arguments]


def _end_with_parent() -> None:
    """Ask Linux to end this process when the one that started it dies without a word."""
    if sys.platform == "linux":
        set_parent_death_signal = 1
        ctypes.CDLL(None).prctl(set_parent_death_signal, signal.SIGTERM)


class Child:
    """One process of the portal: started, watched, started again, ended."""

    def __init__(self, name: str, command: list[str], environment: dict[str, str]) -> None:
        self.name = name
        self.command = command
        self.environment = environment
        self.process: subprocess.Popen | None = None
        self.started_at = 0.0
        self.restart_at: float | None = None
        self.deaths = 0

    def start(self) -> None:
        """Start the process, in a session of its own: Ctrl+C reaches the supervisor alone."""
        self.restart_at = None
        self.started_at = time.monotonic()
        self.process = subprocess.Popen(
            self.command,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=_end_with_parent,
        )

    @property
    def is_running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def schedule_restart(self) -> float:
        """Note a death; return the seconds until the next start."""
        if time.monotonic() - self.started_at > STEADY:
            self.deaths = 0
        delay = RESTART_DELAYS[min(self.deaths, len(RESTART_DELAYS) - 1)]
        self.deaths += 1
        self.restart_at = time.monotonic() + delay
        return delay


class Command(BaseCommand):
    """Supervise the processes of one machine until SIGINT or SIGTERM.

    The web server's death ends everything with an error, for whoever started us to see;
    the worker and the periodic command are started again.
    """

    @property
    def help(self) -> str:
        return _("Chạy máy chủ web, tiến trình xử lý tác vụ và lệnh định kỳ cùng nhau.")

    def add_arguments(self, parser):
        parser.add_argument("--host", default="127.0.0.1", help=_("địa chỉ lắng nghe"))
        parser.add_argument("--port", type=int, default=settings.PORT, help=_("cổng lắng nghe"))
        parser.add_argument("--web-only", action="store_true", help=_("chỉ chạy máy chủ web"))

    def handle(self, *, host: str, port: int, web_only: bool, **options):
        environment = {**os.environ, "PORT": str(port)}
        if web_only:
            os.execve(sys.executable, web_command(host, port), environment)  # noqa: S606
        self._refuse_taken_port(host, port)
        self.signals = 0
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._note_signal)
        self.web = Child("web", web_command(host, port), environment)
        worker = _manage("db_worker", "--interval", "0.5", "--no-startup-delay", "--no-reload")
        self.restarted = [
            Child("db_worker", worker, environment),
            Child("run_due", _manage("run_due", "--loop"), environment),
        ]
        address = settings.SITE_URL if port == settings.PORT else f"http://localhost:{port}"
        try:
            for child in (self.web, *self.restarted):
                child.start()
            self._wait_for_answer(host, port, address)
            self._watch()
        finally:
            self._end()

    def _note_signal(self, number, frame):
        self.signals += 1

    def _refuse_taken_port(self, host: str, port: int) -> None:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError as error:
                raise CommandError(
                    _("Không mở được cổng %(port)s: %(reason)s. Hãy chọn cổng khác: PORT=…")
                    % {"port": port, "reason": error.strerror}
                ) from error

    def _wait_for_answer(self, host: str, port: int, address: str) -> None:
        reachable = "127.0.0.1" if host == "0.0.0.0" else host  # noqa: S104 - compared, not bound
        deadline = time.monotonic() + START_LIMIT
        while not self.signals and not self._answers(reachable, port, address):
            self._tick()
            if time.monotonic() > deadline:
                raise CommandError(_("Máy chủ web không trả lời sau %d giây.") % START_LIMIT)
        if not self.signals:
            self.stdout.write(_("Một Cửa đang chạy tại %s (Ctrl+C để dừng)") % address)
            self.stdout.flush()

    def _answers(self, host: str, port: int, address: str) -> bool:
        connection = http.client.HTTPConnection(host, port, timeout=10)
        try:
            connection.request("GET", "/healthz", headers={"Host": urlsplit(address).netloc})
            return connection.getresponse().status < http.client.INTERNAL_SERVER_ERROR
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def _watch(self) -> None:
        while not self.signals:
            self._tick()

    def _tick(self) -> None:
        if not self.web.is_running:
            code = self.web.process.returncode
            raise CommandError(_("Máy chủ web đã dừng (mã %s).") % code)
        for child in self.restarted:
            if child.is_running:
                continue
            if child.restart_at is None:
                code, delay = child.process.returncode, child.schedule_restart()
                self.stderr.write(
                    _("Tiến trình %(name)s đã dừng (mã %(code)s); chạy lại sau %(delay)d giây.")
                    % {"name": child.name, "code": code, "delay": delay}
                )
            elif time.monotonic() >= child.restart_at:
                child.start()
        time.sleep(0.2)

    def _end(self) -> None:
        """End every child: kindly, then, after the grace or a second Ctrl+C, by force."""
        running = [child for child in (self.web, *self.restarted) if child.is_running]
        for child in running:
            child.process.terminate()
        deadline = time.monotonic() + GRACE + 5
        while any(child.is_running for child in running):
            if time.monotonic() > deadline or self.signals > 1:
                for child in running:
                    child.process.kill()
            time.sleep(0.05)
