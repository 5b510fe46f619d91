"""What a refused move must leave as it was: every row that a move may write."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django_tasks_db.models import DBTaskResult

from dossiers.models import (
    Attachment,
    Breach,
    DayCounter,
    Dossier,
    Event,
    Note,
    Notice,
    Paper,
    Proposal,
    Result,
    ResultCounter,
    SupplementRequest,
)
from payments.models import Payment, Receipt

WRITTEN = (
    Attachment, Breach, DayCounter, DBTaskResult, Dossier, Event, Note, Notice, Paper, Payment,
    Proposal, Receipt, Result, ResultCounter, SupplementRequest,
)  # fmt: skip


def written() -> dict[str, list[dict]]:
    """Every row of every table that a move may write."""
    return {model.__name__: list(model.objects.order_by("pk").values()) for model in WRITTEN}


@contextmanager
def unchanged() -> Iterator[None]:
    """No row has changed after the block."""
    before = written()
    yield
    assert written() == before


@contextmanager
def refused(error: type[Exception], match: str | None = None) -> Iterator[pytest.ExceptionInfo]:
    """The block raises exactly `error`, and no row has changed after it."""
    with unchanged(), pytest.raises(error, match=match) as caught:
        yield caught
    assert caught.type is error
