"""Events in life: what there is to do, in which order, for whom, and where."""

from __future__ import annotations

import html
import re

import pytest
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from procedures import lifeevents
from procedures.loading.offices import ListError, load_life_events
from procedures.models import LifeEvent
from tests import factories

pytestmark = pytest.mark.django_db

FILE = factories.FIXTURES / "life_events.yaml"
# Bảo trợ xã hội, hưu trí xã hội, người có công, cựu chiến binh, thanh niên xung phong,
# dân công hỏa tuyến, bảo hiểm xã hội.
SEVEN = {
    "1.001731", "1.014028", "1.010824", "2.002307", "2.002308", "1.014359", "1.014177",
}  # fmt: skip


@pytest.fixture
def events() -> dict[str, LifeEvent]:
    load_life_events(FILE)
    return {event.slug: event for event in LifeEvent.objects.all()}


def text_of(response) -> str:
    return html.unescape(" ".join(re.sub(r"<[^>]+>", " ", response.content.decode()).split()))


# --- The pages ------------------------------------------------------------------------


def test_every_event_has_its_steps(events):
    assert [slug for slug, event in events.items() if not event.steps] == []


def test_a_death_begins_with_the_paper_and_who_issues_it(client, events):
    page = text_of(client.get(events["nguoi-than-mat"].get_absolute_url()))

    paper, register, support = (
        page.index(words)
        for words in ("Xin Giấy báo tử", "Đăng ký khai tử", "Nhận hỗ trợ chi phí mai táng")
    )
    assert paper < register < support
    assert "Bệnh viện hoặc trạm y tế cấp" in page
    assert "cơ quan Công an" in page
    assert "Xin chia buồn" in page


def test_the_seven_supports_each_name_who_the_person_was(events):
    [step] = [s for s in events["nguoi-than-mat"].steps if "mai táng" in s["title"]]

    assert {choice["code"] for choice in step["choices"]} == SEVEN
    assert all(choice["when"] for choice in step["choices"])


def test_a_place_to_eat_needs_three_things_in_their_order(events):
    codes = [step.get("code") for step in events["khoi-su-kinh-doanh"].steps]

    assert codes[:3] == ["1.001612", "1.013855", "1.011022"]


def test_a_step_says_whether_one_needs_it(client, events):
    page = text_of(client.get(events["co-con-nho"].get_absolute_url()))

    assert "Ai cũng phải làm" in page
    assert "Khi mẹ hoặc cha có đóng bảo hiểm xã hội" in page


def test_a_procedure_of_the_catalogue_is_linked_and_another_one_named(client, events):
    funeral = factories.procedure(factories.FUNERAL)

    response = client.get(events["nguoi-than-mat"].get_absolute_url())

    assert funeral.get_absolute_url() in response.content.decode()
    assert "(mã 1.014177, chưa có trên cổng này)" in text_of(response)


def test_a_procedure_of_the_event_that_no_step_names_stands_below(client, tmp_path):
    birth = factories.procedure(factories.BIRTH)
    event = LifeEvent.objects.get(slug="co-con-nho")
    event.steps = [{"title": "Giấy chứng sinh"}]
    event.save()

    page = text_of(client.get(event.get_absolute_url()))

    assert page.index("Giấy chứng sinh") < page.index("Thủ tục khác có thể cần")
    assert birth.current.short_name in page.split("Thủ tục khác có thể cần")[1]


def test_every_page_asks_little_and_as_often(client, events):
    counts = set()
    for code in factories.FILES:
        factories.procedure(code)

    for event in events.values():
        with CaptureQueriesContext(connection) as queries:
            assert client.get(event.get_absolute_url()).status_code == 200
        counts.add(len(queries))

    assert len(counts) == 1
    assert max(counts) <= 10


# --- The file -------------------------------------------------------------------------


def write(folder, text: str):
    file = folder / "life_events.yaml"
    file.write_text(text)
    return file


def test_loading_again_follows_the_file(tmp_path, events):
    file = write(tmp_path, "- {slug: nha-dat, name: Nhà đất, steps: [{title: Đo đất}]}")

    assert load_life_events(file) == 1
    assert load_life_events(file) == 0

    event = LifeEvent.objects.get(slug="nha-dat")
    assert (event.name, event.steps) == ("Nhà đất", [{"title": "Đo đất"}])
    assert event.summary == events["nha-dat"].summary


def test_what_staff_changed_in_the_admin_stays_theirs(tmp_path, events):
    event = events["nha-dat"]
    LogEntry.objects.create(
        user=factories.user(is_staff=True), object_id=str(event.pk), action_flag=CHANGE,
        content_type=ContentType.objects.get_for_model(LifeEvent), object_repr=event.name,
    )  # fmt: skip
    file = write(tmp_path, "- {slug: nha-dat, name: Nhà đất, steps: []}")

    assert load_life_events(file) == 0

    event.refresh_from_db()
    assert event.name == "Nhà và đất"
    assert event.steps


def test_an_event_that_only_staff_have_stays(tmp_path, events):
    own = LifeEvent.objects.create(slug="di-lam-xa", name="Đi làm xa")

    load_life_events(FILE)

    assert LifeEvent.objects.filter(pk=own.pk).exists()


@pytest.mark.parametrize(
    ("steps", "sentence"),
    [
        ("một việc", "phải là một danh sách"),
        ("[{text: Không tên}]", "phải có title"),
        ("[{title: A, nơi: B}]", "không có khóa “nơi”"),
        ("[{title: A, choices: [{code: 1.001731}]}]", "phải có when"),
        ("[{title: A, choices: B}]", "choices phải là một danh sách"),
    ],
)
def test_a_slip_in_the_steps_is_told_with_its_event(tmp_path, steps, sentence):
    file = write(tmp_path, f"- {{slug: viec-moi, name: Việc mới, steps: {steps}}}")

    with pytest.raises(ListError) as caught:
        load_life_events(file)

    assert "viec-moi" in str(caught.value)
    assert sentence in str(caught.value)
    assert not LifeEvent.objects.filter(slug="viec-moi").exists()


def test_every_step_of_the_file_can_be_shown(events):
    assert [lifeevents.faults(event.steps) for event in events.values() if event.steps] == [
        [] for _event in events
    ]


def test_no_step_of_a_death_is_cheerful(events):
    said = str(events["nguoi-than-mat"].steps)

    assert "!" not in said
    assert "chúc mừng" not in said.lower()


def test_the_home_page_leads_to_every_event(client, events):
    page = client.get(reverse("home")).content.decode()

    assert [e.slug for e in events.values() if e.get_absolute_url() not in page] == []
