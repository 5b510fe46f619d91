"""Stored files that no row names are swept up, and nothing else is."""

from __future__ import annotations

import os
import time

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from dossiers import orphans, wallet
from tests import factories
from tests.factories import FUNERAL
from tests.sentfiles import pdf, upload

pytestmark = pytest.mark.django_db


def stored(folder: str, *, hours: int) -> str:
    """The name of a file in this month's folder of a kind, made so many hours ago."""
    month = time.strftime("%Y/%m", time.localtime())
    name = default_storage.save(f"{folder}/{month}/{os.urandom(8).hex()}.pdf", ContentFile(b"x"))
    _age(name, hours)
    return name


def _age(name: str, hours: int) -> None:
    then = time.time() - hours * 3600
    os.utime(default_storage.path(name), (then, then))


def test_only_old_files_without_a_row_are_deleted():
    draft = factories.draft(FUNERAL)
    paper = wallet.add(draft.owner, upload(pdf()), title="Sổ đỏ", expires_on=None)
    named = [draft.attachments.get().file.name, paper.file.name]
    for name in named:
        _age(name, 49)
    left = [stored(folder, hours=49) for folder in ("attachments", "wallet", "bundles", "pages")]
    fresh, other = stored("attachments", hours=47), stored("papers", hours=49)

    assert orphans.sweep() >= 4

    assert not any(default_storage.exists(name) for name in left)
    assert all(default_storage.exists(name) for name in [*named, fresh, other])


def test_one_run_deletes_a_bounded_number(monkeypatch):
    orphans.sweep()
    monkeypatch.setattr(orphans, "AT_MOST", 2)
    for _file in range(3):
        stored("attachments", hours=49)

    assert orphans.sweep() == 2
    assert orphans.sweep() == 1


def test_it_looks_once_a_day():
    stored("bundles", hours=49)

    assert orphans.sweep_daily() >= 1
    stored("bundles", hours=49)
    assert orphans.sweep_daily() == 0
