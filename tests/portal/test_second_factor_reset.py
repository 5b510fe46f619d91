"""`manage.py resetsecondfactor`."""

import pytest
from allauth.mfa.models import Authenticator
from django.core.management import CommandError, call_command

from tests import factories


@pytest.mark.django_db
def test_a_lost_device_is_forgotten_and_nobody_elses():
    lost, other = factories.user(), factories.user()
    for person in (lost, other):
        Authenticator.objects.create(user=person, type=Authenticator.Type.TOTP, data={})

    call_command("resetsecondfactor", lost.email.upper(), verbosity=0)

    assert list(Authenticator.objects.values_list("user", flat=True)) == [other.pk]


@pytest.mark.django_db
def test_an_unknown_address_is_said():
    with pytest.raises(CommandError, match="Không có người dùng"):
        call_command("resetsecondfactor", "khong-co@example.vn")


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["0912345678", "k7p 4xq 9m2"])
def test_a_person_without_address_is_found_by_what_they_log_in_by(name):
    lost = factories.user(
        email=None, phone="0912345678", phone_verified=True, account_number="K7P4XQ9M2"
    )
    Authenticator.objects.create(user=lost, type=Authenticator.Type.TOTP, data={})

    call_command("resetsecondfactor", name, verbosity=0)

    assert not Authenticator.objects.exists()
