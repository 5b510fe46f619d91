"""The office's virus scanner, played by a server that speaks its protocol."""

from __future__ import annotations

import contextlib
import io
import socket
import struct
import threading

import pytest
from django.core.exceptions import ValidationError

from dossiers import intake, scanning
from tests.sentfiles import pdf, upload

# Put together here, so that no scanner takes this file for the thing itself.
EICAR = "".join(
    ["X5O!P%@AP[4", "\\PZX54(P^)7CC)7}$", "EICAR-STANDARD-", "ANTIVIRUS-TEST-FILE!", "$H+H*"]
).encode()


@contextlib.contextmanager
def clamd(settings, answer=None, path=None):
    """A scanner at `settings.CLAMD_ADDRESS`; `answer(content)` is what it says, None nothing."""
    server = socket.socket(socket.AF_UNIX if path else socket.AF_INET)
    server.bind(str(path) if path else ("127.0.0.1", 0))
    server.listen()
    settings.CLAMD_ADDRESS = str(path) if path else f"127.0.0.1:{server.getsockname()[1]}"
    served = threading.Thread(target=_serve, args=(server, answer or _scanned))
    served.start()
    try:
        yield
    finally:
        server.shutdown(socket.SHUT_RDWR)
        server.close()
        served.join()


def _serve(server, answer):
    while True:
        try:
            link, _address = server.accept()
        except OSError:
            return
        with link, contextlib.suppress(OSError):
            said = answer(_received(link.makefile("rb")))
            if said is None:
                link.recv(1)  # until the other side has had enough
            else:
                link.sendall(said)


def _received(stream) -> bytes:
    assert stream.read(10) == b"zINSTREAM\0"
    content = b""
    while size := struct.unpack("!L", stream.read(4))[0]:
        content += stream.read(size)
    return content


def _scanned(content: bytes) -> bytes:
    return b"stream: Eicar-Test FOUND\0" if EICAR in content else b"stream: OK\0"


def take(content: bytes) -> None:
    with intake.taken(upload(content)):
        pass


def test_a_clean_file_passes_whole_and_is_taken(settings, tmp_path):
    seen = []

    def note(content):
        seen.append(content)
        return _scanned(content)

    sent = pdf() + b" " * 200_000
    with clamd(settings, note, tmp_path / "clamd"), intake.taken(upload(sent)) as one:
        assert one.content.read() == sent
    assert seen == [sent]


def test_an_infected_file_is_refused_wherever_the_thing_is_in_it(settings):
    with clamd(settings):
        for content in (pdf() + EICAR, pdf() + b"\0" * 70_000 + EICAR):
            with pytest.raises(ValidationError, match="mã độc") as caught:
                take(content)
            assert not isinstance(caught.value, intake.NotNow)


@pytest.mark.parametrize(
    "said",
    [
        b"INSTREAM size limit exceeded. ERROR\0",
        b"stream: OK",
        b"",
        b"\x00",
        b"\xff\x00garbage OK\0",
        b"stream: OKAY\0",
        b"a" * 10_000,
    ],
)
def test_whatever_is_no_clear_answer_keeps_the_file_out(settings, said):
    refused = pytest.raises(intake.NotNow, match="Chưa kiểm tra được vi-rút")
    with clamd(settings, lambda content: said), refused:
        take(pdf())


def test_a_scanner_that_never_answers_keeps_nobody_waiting_for_ever(settings, monkeypatch):
    monkeypatch.setattr(scanning, "SECONDS", 0.2)

    with clamd(settings, lambda content: None), pytest.raises(scanning.NotScanned):
        scanning.scan(io.BytesIO(b"x"))


def test_a_scanner_that_is_not_there_keeps_the_file_out(settings, tmp_path):
    for address in (str(tmp_path / "nobody"), "127.0.0.1:1"):
        settings.CLAMD_ADDRESS = address

        with pytest.raises(intake.NotNow), intake.taken(upload(pdf())):
            pass
