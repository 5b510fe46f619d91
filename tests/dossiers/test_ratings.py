"""What people say of the service when it is over, and who learns of it."""

from __future__ import annotations

import datetime
import time
from urllib.parse import urlsplit

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from dossiers import personal, ratings, tracking
from dossiers.models import Dossier, Rating
from procedures.models import Posting
from tests import factories
from tests.payments.test_payment_races import at_once

pytestmark = pytest.mark.django_db

Grade = Rating.Grade
GOOD = {"overall": Grade.VERY_GOOD, "timeliness": Grade.GOOD}


def returned(**fields) -> Dossier:
    """A dossier whose result the citizen has."""
    dossier = factories.filed(**fields)
    values = {"state": Dossier.State.RETURNED, "ended_at": timezone.now()}
    Dossier.objects.filter(pk=dossier.pk).update(**values)
    return Dossier.objects.get(pk=dossier.pk)


def page_of(dossier: Dossier) -> str:
    return reverse("dossiers:rate", args=[dossier.code])


def logged_in(person) -> Client:
    client = Client()
    client.force_login(person)
    return client


def many(dossier: Dossier, count: int, **fields) -> None:
    """As many ratings, each of a dossier like this one."""
    for number in range(count):
        copy = Dossier.objects.get(pk=dossier.pk)
        copy.pk, copy.key, copy.code = (
            None,
            f"{number:022}",
            f"000.00.61.H50-261124-{5000 + number}",
        )
        copy.save(force_insert=True)
        Rating.objects.create(dossier=copy, **({"overall": Grade.GOOD} | fields))


def test_the_filer_rates_once_may_change_it_for_a_week_and_is_asked_on_the_page():
    dossier = returned()
    client = logged_in(dossier.owner)
    asked = client.get(dossier.get_absolute_url()).content.decode()

    nothing = client.post(page_of(dossier), {"words": "Cán bộ tốt"})
    first = client.post(page_of(dossier), {"overall": "3", "words": "Cán bộ tốt"}, follow=True)
    Rating.objects.update(read_at=timezone.now())
    client.post(page_of(dossier), {"overall": "1", "attitude": "1", "words": "Chờ lâu"})
    changed = Rating.objects.get()
    old = timezone.now() - datetime.timedelta(days=8)
    Rating.objects.update(rated_at=old)
    late = client.post(page_of(dossier), {"overall": "3"})

    assert page_of(dossier) in asked
    assert "Hãy chọn một mức hài lòng." in nothing.content.decode()
    assert "Cán bộ tốt" in nothing.content.decode()
    assert "Cảm ơn ông/bà" in first.content.decode()
    assert (changed.overall, changed.attitude, changed.timeliness) == (1, 1, None)
    assert (changed.words, changed.read_at) == ("Chờ lâu", None)
    assert late.status_code == 302
    assert Rating.objects.get().overall == 1
    assert not dossier.events.filter(name__contains="rat").exists()


def test_whoever_has_shown_the_secret_rates_too_but_no_official_for_another():
    dossier = returned()
    by_link = Client()
    by_link.get(urlsplit(tracking.signed_url(dossier)).path)
    official = logged_in(factories.official(Posting.Role.RECEPTION))
    official.get(urlsplit(tracking.signed_url(dossier)).path)

    others = [
        Client().post(page_of(dossier), {"overall": "3"}).status_code,
        logged_in(factories.user()).post(page_of(dossier), {"overall": "3"}).status_code,
        official.post(page_of(dossier), {"overall": "3"}).status_code,
    ]
    rated = by_link.post(page_of(dossier), {"overall": "2"})

    assert others == [302, 404, 404]
    assert rated.url == tracking.signed_path(dossier)
    assert Rating.objects.get().overall == Grade.GOOD


def test_what_is_not_through_or_was_withdrawn_is_not_rated():
    dossier = factories.filed()

    assert logged_in(dossier.owner).get(page_of(dossier)).status_code == 302
    with pytest.raises(ratings.NotRated):
        ratings.rate(dossier, GOOD, "")
    Dossier.objects.filter(pk=dossier.pk).update(state=Dossier.State.WITHDRAWN)
    with pytest.raises(ratings.NotRated):
        ratings.rate(dossier, GOOD, "")


@pytest.mark.parametrize(
    "sent", [{"overall": "4"}, {"overall": "x"}, {"overall": "2", "words": "d" * 2001}]
)
def test_a_grade_that_is_none_and_words_without_end_are_refused_and_kept_on_the_page(sent):
    dossier = returned()

    answer = logged_in(dossier.owner).post(page_of(dossier), sent)

    assert answer.status_code == 200
    assert "mc-field-error" in answer.content.decode()
    assert not Rating.objects.exists()


def test_figures_are_public_from_five_ratings_on_and_words_never(django_assert_num_queries):
    dossier = returned()
    many(dossier, 4, words="Bà Bình kêu ca")
    url = reverse("dossiers:satisfaction")
    few = Client().get(url).content.decode()
    ratings.rate(dossier, {"overall": Grade.POOR, "attitude": Grade.GOOD}, "")
    Rating.objects.filter(dossier=dossier).update(
        rated_at=timezone.now() - datetime.timedelta(days=400)
    )
    last_year = ratings.total(ratings.since_new_year())
    Rating.objects.filter(dossier=dossier).update(rated_at=timezone.now())

    with django_assert_num_queries(3):
        rows = ratings.since_new_year()
        total = ratings.total(rows)
        offices, procedures = ratings.by_office(rows), ratings.by_procedure(rows)
    enough = Client().get(url, {"thu-tuc": factories.FUNERAL}).content.decode()

    assert "Chưa đủ lượt" in few
    assert (last_year.count, last_year.answers) == (4, [])
    assert [answer.satisfied for answer in total.answers] == [80, None, None, 100]
    assert (offices[0].name, offices[0].count) == ("Ủy ban nhân dân xã Gio Linh", 5)
    assert procedures[0].answers[0].satisfied == 80
    assert "80%" in enough
    assert "Bình" not in few + enough
    assert Client().get(url, {"thu-tuc": "9.999999"}).status_code == 404


def test_words_go_to_who_watches_over_the_office_unread_first_and_to_nobody_else():
    dossier = returned()
    ratings.rate(dossier, GOOD, "Chị ở quầy rất tận tình")
    many(dossier, 2, words="Cũ", read_at=timezone.now(), read_by=dossier.owner)
    url = reverse("admin:ratings")
    watcher = factories.official(Posting.Role.SUPERVISOR)
    elsewhere = factories.official(Posting.Role.SUPERVISOR, office=factories.OTHER_COMMUNE)
    officer = factories.official(Posting.Role.CASE_OFFICER)

    seen = logged_in(watcher).get(url).content.decode()
    rating = Rating.objects.get(dossier=dossier)
    read_url = reverse("admin:rating_read", args=[rating.pk])
    refused = [
        logged_in(elsewhere).post(read_url).status_code,
        logged_in(officer).post(read_url).status_code,
    ]
    logged_in(watcher).post(read_url)
    rating.refresh_from_db()
    of_officer = logged_in(officer).get(reverse("admin:dossiers_dossier_change", args=[dossier.pk]))

    assert seen.index("tận tình") < seen.index("Cũ")
    assert "tận tình" not in logged_in(elsewhere).get(url).content.decode()
    assert refused == [404, 403]
    assert rating.read_by == watcher
    assert "tận tình" not in of_officer.content.decode()


def test_the_page_of_words_asks_as_much_for_one_as_for_many():
    dossier = returned()
    watcher = logged_in(factories.official(Posting.Role.SUPERVISOR))
    many(dossier, 1, words="Tốt")
    watcher.get(reverse("admin:ratings"))
    one = _queries(watcher)
    Rating.objects.all().delete()
    Dossier.objects.exclude(pk=dossier.pk).delete()
    many(dossier, 30, words="Tốt")

    assert _queries(watcher) == one


def _queries(client: Client) -> int:
    with CaptureQueriesContext(connection) as queries:
        client.get(reverse("admin:ratings"))
    return len(queries)


def test_the_words_are_in_the_persons_copy_and_go_with_the_account():
    dossier = returned()
    ratings.rate(dossier, GOOD, "Chị ở quầy rất tận tình")

    copied = personal.copy_of(dossier.owner)["ho_so"][0]["danh_gia"]
    personal.erase(dossier.owner)

    assert (copied["y_kien"], copied["thuan_tien"]) == ("Chị ở quầy rất tận tình", "")
    assert Rating.objects.get().words == ""
    assert Rating.objects.get().overall == Grade.VERY_GOOD


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_two_ratings_at_once_are_one(monkeypatch):
    dossier, of = returned(), ratings.of

    def slowly(dossier):
        found = of(dossier)
        time.sleep(0.2)  # so that others get in between, were there no lock
        return found

    monkeypatch.setattr(ratings, "of", slowly)

    kept = at_once(*[lambda: ratings.rate(dossier, GOOD, "") for _time in range(4)])

    assert Rating.objects.count() == 1
    assert {row.pk for row in kept} == {Rating.objects.get().pk}
