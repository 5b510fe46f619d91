"""A Wednesday morning in office hours, for every test about money."""

import datetime

import pytest
import time_machine

from procedures.worktime import VIETNAM

MORNING = datetime.datetime(2026, 11, 25, 9, 0, tzinfo=VIETNAM)


@pytest.fixture(autouse=True)
def clock():
    """The clock, which a test may move."""
    with time_machine.travel(MORNING, tick=False) as traveller:
        yield traveller
