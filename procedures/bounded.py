"""Programs of ours that open what people sent, each in a process with little to lose.

Such a process has no settings, no secrets, no database and, where the system lets it, no
network; its memory, its time and what it may write are limited before it looks at the
file (SECURITY.md 2.3, U07, U08, U24). It starts in a tenth of a second because it never
imports Django: a program that runs here is a module with a table `READERS`, from a word to a
function `(source, target) -> dict` that reads a binary file and may write another.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

MEMORY = 600 * 1024 * 1024
SECONDS = 10
MAX_WRITTEN = 120 * 1024 * 1024
# For a place to run in, and then for the process: together less than a proxy waits.
_PLACE_SECONDS = 35
_RUN_SECONDS = 20
_ROOT = Path(__file__).resolve().parent.parent
_LENGTH = 8


class Fault(Exception):
    """Why a file cannot be read, as one word; raised by programs, read as `{"fault": word}`."""


def ask(
    program: str, what: str, source: IO[bytes] | bytes, target: IO[bytes] | None = None
) -> dict[str, Any]:
    """What `READERS[what]` of the module `program` says about a file.

    `source` is a file of the system, read from where it stands, or its content; what the
    program writes is then in `target`, a new temporary file, which stands at its beginning.
    `{"fault": word}` when it could not be had: what the program said, "broken" when it died
    of the file or of its limits, "busy" when as many as may (`settings.READERS_AT_ONCE`) are
    running on this machine already, or the machine did not give it its ten seconds.
    """
    with contextlib.ExitStack() as stack:
        written = target or stack.enter_context(tempfile.TemporaryFile())
        if not stack.enter_context(_place()):
            return {"fault": "busy"}
        try:
            _run(program, what, source, written)
            return _take_words(written)
        except subprocess.TimeoutExpired:
            return {"fault": "busy"}
        except (subprocess.SubprocessError, ValueError, OSError):
            return {"fault": "broken"}


def _run(program: str, what: str, source: IO[bytes] | bytes, written: IO[bytes]) -> None:
    given = {"input": source} if isinstance(source, bytes) else {"stdin": source}
    subprocess.run(
        [sys.executable, "-I", __file__, program, what],
        **given, stdout=written, stderr=subprocess.DEVNULL, timeout=_RUN_SECONDS, env={},
        check=True,
    )  # fmt: skip


def _take_words(written: IO[bytes]) -> dict[str, Any]:
    """Cut the words off the end of what was written; the file itself stays."""
    size = written.seek(0, os.SEEK_END)
    written.seek(max(0, size - _LENGTH))
    length = int.from_bytes(written.read())
    start = size - _LENGTH - length
    if start < 0:
        raise ValueError("no answer")
    written.seek(start)
    said = json.loads(written.read(length))
    written.truncate(start)
    written.seek(0)
    return said


@contextlib.contextmanager
def _place() -> Iterator[bool]:
    """One of the few places on this machine, held while the process runs; False: none in time.

    A lock on a file, because it goes with its holder however that ends.
    """
    import fcntl

    from django.conf import settings

    folder = settings.VAR_DIR / "places"
    folder.mkdir(exist_ok=True)
    deadline = time.monotonic() + _PLACE_SECONDS
    with contextlib.ExitStack() as opened:
        names = range(settings.READERS_AT_ONCE)
        files = [opened.enter_context(open(folder / str(name), "wb")) for name in names]
        while True:
            for file in files:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    continue
                yield True
                return
            if time.monotonic() > deadline:
                yield False
                return
            time.sleep(0.05)


# --- In the process -------------------------------------------------------------------


def main() -> None:
    """Limit this process, then run the program on standard input and answer."""
    _, program, what = sys.argv
    _limit()
    try:
        target = sys.stdout.buffer
        source = io.BytesIO(sys.stdin.buffer.read())
        said = importlib.import_module(program).READERS[what](source, target)
    except Fault as fault:
        said = {"fault": str(fault)}
    except Exception:
        # Whatever a broken file makes a library say: it is broken.
        said = {"fault": "broken"}
    words = json.dumps(said).encode()
    target.write(words + len(words).to_bytes(_LENGTH))
    target.flush()


def _limit() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    resource.setrlimit(resource.RLIMIT_FSIZE, (MAX_WRITTEN, MAX_WRITTEN))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with contextlib.suppress(OSError):
        # Not every system lets a process without rights do this.
        os.unshare(os.CLONE_NEWUSER | os.CLONE_NEWNET)


if __name__ == "__main__":
    # The folder of this file must not be searched: it holds names of the standard library's kind.
    sys.path.append(str(_ROOT))
    from procedures.bounded import main as run

    run()
