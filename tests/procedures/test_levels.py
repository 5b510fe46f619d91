"""Which level a procedure reaches, and what it lacks for the next one."""

from __future__ import annotations

import pytest
import yaml

from procedures.loading import levels
from procedures.loading.checking import check_text
from tests import factories
from tests.procedures.test_loading import GOOD


@pytest.fixture(autouse=True)
def life_events(db):
    factories.offices()


def report_of(**changes) -> levels.LevelReport:
    """The report on the good procedure with some keys changed; None leaves a key out."""
    data = yaml.load(GOOD, Loader=yaml.BaseLoader)  # noqa: S506 - texts and nothing else
    for key, value in changes.items():
        data[key] = value
        if value is None:
            del data[key]
    document, _spec = check_text(yaml.safe_dump(data, allow_unicode=True), "mau.yaml")
    assert document.level is not None, document.faults
    return document.level


def test_a_procedure_that_has_everything_reaches_level_four():
    report = report_of()

    assert (report.reached, report.declared, report.missing) == (4, 4, {})
    assert report.lines()[0] == "Khai mức độ 4."


def test_too_few_first_questions_are_said_beside_the_level():
    asked = ["ban_sao.loai", "ban_sao.so_luong", "ban_sao.ghi_chu"]

    assert "ask_first nên có 3 đến 5 câu hỏi" in report_of(ask_first=asked[:2]).notes[0]
    assert report_of(ask_first=asked).notes == []


@pytest.mark.parametrize(
    "key", ["audience", "channels", "documents", "steps", "legal_basis", "decision"]
)
def test_a_page_without_one_of_the_laws_items_does_not_reach_level_one(key):
    report = report_of(**{key: None})

    assert report.reached == 0
    assert any(f"thêm {key}" in advice for advice in report.missing[1])


def test_steps_may_be_told_in_one_text():
    assert report_of(steps=None, steps_text="Nộp, chờ, nhận.").reached == 4


def test_a_procedure_without_form_reaches_level_one_and_hears_what_a_form_is():
    fees = [{"id": "p", "name": "Phí", "amount": "8.000", "pay": "at_filing", "source": "TT 1",
             "confirmed": "yes"}]  # fmt: skip
    papers = [{"id": "giay", "name": "Giấy", "how": "submit"}]

    report = report_of(form=None, fees=fees, documents=papers, service_level="1", online="none")

    assert report.reached == 1
    assert list(report.missing) == [2, 3]
    assert report.lines()[1].startswith("Để lên mức độ 2: thêm form")


def test_the_way_to_level_three_is_an_online_channel():
    channels = [{"type": "direct", "time": "3 working_days"}]

    report = report_of(channels=channels, service_level="2", online="none")

    assert report.reached == 2
    assert "thêm kênh online vào channels" in report.missing[3][0]


def test_a_channel_alone_is_not_yet_online():
    report = report_of(service_level="2", online="none")

    assert report.reached == 2
    assert report.missing[3] == [
        "ghi online: full (toàn trình), hoặc online: partial kèm partial_reason"
    ]


def fee(**changes) -> list[dict]:
    return [
        {"id": "p", "name": "Lệ phí", "amount": "8.000", "pay": "at_filing", "source": "TT 1",
         "confirmed": "yes"} | changes
    ]  # fmt: skip


@pytest.mark.parametrize(
    "changes",
    [
        {"amount": "unknown"},
        {"confirmed": "no"},
        {"pay": "at_collection"},
        {"alternatives": [{"when": "ban_sao.loai = hai", "label": "Hai", "amount": "unknown"}]},
    ],
)
def test_a_fee_that_cannot_be_paid_online_keeps_it_at_level_three(changes):
    report = report_of(fees=fee(**changes))

    assert report.reached == 3
    assert "“Lệ phí”" in report.missing[4][0]


def test_a_fee_of_the_counter_alone_does_not_touch_the_level():
    report = report_of(fees=fee(amount="unknown", channels=["direct"], pay="at_collection"))

    assert report.reached == 4
    assert not any("Lệ phí" in note for note in report.notes)


def test_an_open_fee_of_some_cases_is_said_beside_the_level():
    report = report_of(fees=fee(amount="unknown", when="ban_sao.loai = hai"))

    assert report.reached == 4
    assert "chỉ thu trong một số trường hợp" in " ".join(report.notes)


def test_an_open_fee_at_filing_closes_online_filing_and_leaves_the_counter():
    report = report_of(service_level="3", fees=fee(amount="unknown"))

    assert report.reached == 3
    assert "tạm đóng việc nộp trực tuyến; vẫn nộp được tại quầy" in " ".join(report.notes)


def test_a_result_at_the_counter_alone_keeps_it_at_level_three():
    report = report_of(result={"name": "Giấy", "made_in": "So", "give_by": ["counter"]})

    assert report.reached == 3
    assert "give_by" in report.missing[4][0]


def test_a_level_declared_too_high_is_refused_and_the_reached_one_is_still_told():
    data = yaml.load(GOOD, Loader=yaml.BaseLoader)  # noqa: S506 - texts and nothing else
    data["channels"] = [{"type": "direct", "time": "3 working_days"}]

    document, spec = check_text(yaml.safe_dump(data, allow_unicode=True), "mau.yaml")

    assert spec is None
    assert document.level.reached == 2
    assert document.level.lines()[0] == "Khai mức độ 4, đã đủ cho mức độ 2."
