"""The office's virus scanner, asked about every file before anything else is.

The protocol is clamd's INSTREAM: pieces with their length before them, a length of nothing at
the end, one line for an answer. Whatever is not a clear answer in time counts as no
answer, and the file is not taken (SECURITY.md 2.3, U09, U10).
"""

from __future__ import annotations

import socket
import struct
import time
from typing import IO

from django.conf import settings

SECONDS = 30
_CONNECT_SECONDS = 5
_PIECE = 64 * 1024
_MAX_ANSWER = 4096


class Infected(Exception):
    """The scanner knows this file for a bad one."""


class NotScanned(Exception):
    """There was no clear answer: no scanner, too slow, too large for it, or nonsense."""


def scan(file: IO[bytes]) -> None:
    """Nothing for a clean file, or where no scanner is set; `Infected` and `NotScanned`."""
    if not settings.CLAMD_ADDRESS:
        return
    try:
        answer = _ask(file)
    except OSError as error:
        raise NotScanned from error
    verdict = answer.rstrip(b"\0\n").rpartition(b": ")[2]
    if verdict == b"OK":
        return
    if verdict.endswith(b" FOUND"):
        raise Infected
    raise NotScanned


def _ask(file: IO[bytes]) -> bytes:
    deadline = time.monotonic() + SECONDS
    file.seek(0)
    with _connect() as link:
        link.sendall(b"zINSTREAM\0")
        while piece := file.read(_PIECE):
            link.settimeout(_left(deadline))
            link.sendall(struct.pack("!L", len(piece)) + piece)
        link.sendall(struct.pack("!L", 0))
        answer = b""
        while not answer.endswith(b"\0") and len(answer) < _MAX_ANSWER:
            link.settimeout(_left(deadline))
            if not (piece := link.recv(_MAX_ANSWER)):
                break
            answer += piece
    if not answer.endswith(b"\0"):
        raise OSError("the answer was cut off")
    return answer


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def _connect() -> socket.socket:
    address = settings.CLAMD_ADDRESS
    if address.startswith("/"):
        link = socket.socket(socket.AF_UNIX)
        link.settimeout(_CONNECT_SECONDS)
        try:
            link.connect(address)
        except OSError:
            link.close()
            raise
        return link
    host, _colon, port = address.rpartition(":")
    return socket.create_connection((host, int(port)), timeout=_CONNECT_SECONDS)
