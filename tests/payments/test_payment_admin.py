"""The cash desk on the officials' pages."""

import datetime

import pytest
from django.contrib import admin
from django.urls import reverse
from django.utils import timezone

from dossiers import workflow
from dossiers.models import Dossier, Relative
from payments import callbacks, services
from payments.models import GatewayMessage, Payment, Receipt
from tests import factories

pytestmark = pytest.mark.django_db

BUTTON = "Thu tiền mặt"


@pytest.fixture
def dossier():
    return factories.filed(factories.COPY)


@pytest.fixture
def payment(dossier):
    return dossier.payments.get()


@pytest.fixture
def cashier(dossier):
    return factories.official("cashier")


def cash_address(payment):
    return reverse("admin:payments_payment_cash", args=[payment.reference])


def page(client, dossier):
    return client.get(reverse("admin:dossiers_dossier_change", args=[dossier.pk]))


def fresh(row):
    return type(row).objects.get(pk=row.pk)


def test_the_cashier_takes_cash_with_one_button(client, dossier, payment, cashier):
    client.force_login(cashier)
    assert BUTTON in page(client, dossier).text

    response = client.post(cash_address(payment), follow=True)

    assert "Đã thu tiền mặt" in response.text
    assert BUTTON not in response.text
    assert "Xác nhận số 1/2026" in response.text
    assert fresh(payment).method == Payment.Method.CASH
    assert fresh(dossier).state == Dossier.State.SUBMITTED


def test_a_second_click_is_told_that_it_was_paid(client, payment, cashier):
    client.force_login(cashier)
    client.post(cash_address(payment))

    response = client.post(cash_address(payment), follow=True)

    assert "đã được nộp trước đó" in response.text
    assert Receipt.objects.count() == 1


def test_nobody_takes_the_cash_of_a_declared_relative(client, dossier, payment, cashier):
    relative = dossier.owner
    relative.citizen_number = "045190001234"
    relative.save()
    Relative.objects.create(user=cashier, name="Chị gái", citizen_number="045190001234")
    client.force_login(cashier)

    response = client.post(cash_address(payment), follow=True)

    assert "có người thân trong hồ sơ này" in response.text
    assert fresh(payment).state == Payment.State.PENDING


@pytest.mark.parametrize("role", ["reception", "case_officer", "approver"])
def test_others_of_the_office_have_no_button_and_are_refused(client, dossier, payment, role):
    client.force_login(factories.official(role))
    assert page(client, dossier).status_code == 200
    assert BUTTON not in page(client, dossier).text

    response = client.post(cash_address(payment), follow=True)

    assert "Chỉ thu ngân" in response.text
    assert fresh(payment).state == Payment.State.PENDING


def test_for_another_office_the_payment_is_not_found(client, payment):
    client.force_login(factories.official("cashier", factories.OTHER_COMMUNE))

    response = client.post(cash_address(payment))

    assert response.status_code == 404
    assert fresh(payment).state == Payment.State.PENDING


def test_a_cashier_who_moved_yesterday_is_refused(client, payment, cashier, clock):
    yesterday = timezone.localdate() - datetime.timedelta(days=1)
    cashier.postings.update(valid_from=yesterday, valid_until=yesterday)
    client.force_login(cashier)

    response = client.post(cash_address(payment))

    assert response.status_code in {302, 403, 404}
    assert fresh(payment).state == Payment.State.PENDING


@pytest.mark.parametrize("is_logged_in", [False, True])
def test_a_citizen_is_sent_away(client, dossier, payment, is_logged_in):
    if is_logged_in:
        client.force_login(dossier.owner)

    response = client.post(cash_address(payment))

    assert response.status_code in {302, 403, 404}
    assert fresh(payment).state == Payment.State.PENDING


@pytest.mark.parametrize("method", ["get", "head", "put", "delete"])
def test_cash_is_taken_by_post_alone(client, payment, cashier, method):
    client.force_login(cashier)

    response = getattr(client, method)(cash_address(payment))

    assert response.status_code == 405
    assert fresh(payment).state == Payment.State.PENDING


def test_an_unknown_reference_is_not_found(client, cashier):
    client.force_login(cashier)

    response = client.post(reverse("admin:payments_payment_cash", args=["KHONGCO"]))

    assert response.status_code == 404


def test_after_a_failure_online_the_button_is_still_there(client, dossier, payment, cashier):
    services.begin(dossier)
    callbacks._fail(payment)
    client.force_login(cashier)
    assert page(client, dossier).text.count(BUTTON) == 1

    client.post(cash_address(payment))

    assert fresh(dossier).state == Dossier.State.SUBMITTED


def test_a_dossier_that_has_ended_takes_no_cash(client, dossier, payment, cashier):
    workflow.perform(dossier, "withdraw", by=dossier.owner)
    client.force_login(cashier)
    assert BUTTON not in page(client, dossier).text

    response = client.post(cash_address(payment), follow=True)

    assert "không có khoản nào đang chờ nộp" in response.text
    assert not Receipt.objects.exists()


def test_money_to_give_back_stands_on_the_page(client, dossier, payment, cashier):
    services.begin(dossier)
    services.take_cash(payment, by=cashier)
    services.confirm(payment, amount=payment.amount, transaction_number="1")
    client.force_login(cashier)

    assert "Cần hoàn trả" in page(client, dossier).text


@pytest.mark.parametrize("model", [Payment, GatewayMessage])
def test_nothing_about_money_is_edited_by_hand(rf, model):
    request = rf.get("/")
    request.user = factories.user(is_staff=True, is_superuser=True)
    model_admin = admin.site._registry[model]

    assert not model_admin.has_add_permission(request)
    assert not model_admin.has_change_permission(request)
    assert not model_admin.has_delete_permission(request)
    assert model_admin.get_actions(request) == {}


def test_officials_see_the_payments_of_their_offices_alone(rf, payment):
    request = rf.get("/")
    model_admin = admin.site._registry[Payment]

    request.user = factories.official("cashier")
    assert list(model_admin.get_queryset(request)) == [payment]
    request.user = factories.official("cashier", factories.OTHER_COMMUNE)
    assert list(model_admin.get_queryset(request)) == []
