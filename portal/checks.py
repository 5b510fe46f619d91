"""Settings that would be wrong for a real office: `manage.py check --deploy` says which."""

from __future__ import annotations

from django.conf import settings
from django.core import checks
from django.utils.module_loading import import_string

from payments import gateways

SECRET_LENGTH = 32  # characters, below which one that signs money may be guessed


@checks.register(checks.Tags.security)
def production_is_no_demo(**kwargs: object) -> list[checks.CheckMessage]:
    """Demo people, the sandbox gateway and local secrets have no place in production."""
    if not settings.PRODUCTION:
        return []
    wrong = {
        "portal.E001": (
            settings.DEMO,
            "DEMO is on: demo people could log in without a second factor.",
            "Unset DEMO.",
        ),
        "portal.E002": (
            not settings.SECRET_KEY,
            "SECRET_KEY is empty.",
            "Set a random SECRET_KEY.",
        ),
        "portal.E003": (
            not settings.SITE_URL.startswith("https://"),
            "SITE_URL is not an https address.",
            "Set SITE_URL=https://… : links in mails and papers are made from it.",
        ),
        "portal.E004": (
            settings.PAYMENT_SANDBOX,
            "The sandbox gateway is on.",
            "Unset PAYMENT_SANDBOX.",
        ),
        "portal.E005": (settings.DEBUG, "DEBUG is on.", "Unset DEBUG."),
        "portal.E006": (
            "*" in settings.ALLOWED_HOSTS,
            "ALLOWED_HOSTS takes any host.",
            "Name the hosts.",
        ),
        "portal.E007": (
            bool(settings.OIDC_ISSUER) and not settings.OIDC_ISSUER.startswith("https://"),
            "OIDC_ISSUER is not an https address.",
            "Set the https address of the login service, or unset it.",
        ),
        "portal.E009": (
            not all(address.startswith("https://") for address in _gateway_addresses()),
            "A payment gateway's address is not an https address.",
            "Set https addresses in VNPAY_PAY_URL, VNPAY_QUERY_URL and MOMO_URL, or unset them.",
        ),
        "portal.E010": (
            0 < len(settings.BANK_WEBHOOK_SECRET) < SECRET_LENGTH,
            "BANK_WEBHOOK_SECRET is short enough to be guessed.",
            "Agree on 32 random characters or more with the bank, or unset it.",
        ),
        "portal.E011": (
            any(secret.startswith("SANDBOX-") for secret in _money_secrets()),
            "A secret that signs money is one of the trial's, which everybody can read.",
            "Set the secrets that the gateway and the bank gave to the office.",
        ),
        "portal.E012": (
            ".standin." in settings.ERECEIPT_BACKEND,
            "Receipts come from the stand-in of a trial, and are none in law.",
            "Set ERECEIPT_BACKEND to the office's e-receipt service, or unset it.",
        ),
    }
    return [
        checks.Error(message, hint=hint, id=check_id)
        for check_id, (is_wrong, message, hint) in wrong.items()
        if is_wrong
    ]


def _money_secrets() -> tuple[str, ...]:
    return (settings.VNPAY_HASH_SECRET, settings.MOMO_SECRET_KEY, settings.BANK_WEBHOOK_SECRET)


def _gateway_addresses() -> list[str]:
    addresses = (settings.VNPAY_PAY_URL, settings.VNPAY_QUERY_URL, settings.MOMO_URL)
    return [address for address in addresses if address]


@checks.register(checks.Tags.security, deploy=True)
def production_has_what_it_needs(**kwargs: object) -> list[checks.CheckMessage]:
    """What works for a trial on one machine is not enough for an office."""
    wrong = {
        "portal.W001": (
            settings.DATABASES["default"]["ENGINE"].endswith("sqlite3"),
            "The database is SQLite, which has one writer at a time.",
            "Set DATABASE_URL to a PostgreSQL database.",
        ),
        "portal.W002": (
            not settings.SIGNING_KEY_FILE,
            "There is no signing key, so no result can be signed.",
            "Set SIGNING_KEY_FILE and SIGNING_KEY_PASSWORD (PKCS#12 of the office).",
        ),
        "portal.W003": (
            not gateways.open(),
            "There is no payment gateway, so nobody can pay by card or wallet.",
            "Set VNPAY_TMN_CODE, VNPAY_HASH_SECRET, VNPAY_PAY_URL and VNPAY_QUERY_URL, or MOMO_*.",
        ),
        "portal.W004": (
            "filebased" in settings.MAILERS["default"]["BACKEND"],
            "Mail is written to files and reaches nobody.",
            "Set EMAIL_HOST.",
        ),
        "portal.W005": (
            not settings.SMS_BACKEND or ".console." in settings.SMS_BACKEND,
            "There is no SMS gateway: a person without e-mail is told in the portal only.",
            "Set SMS_BACKEND to the dotted path of a class with send(to, text).",
        ),
    }
    wrong["portal.W006"] = (
        bool(settings.OIDC_ISSUER) and not _has_oidc_client(),
        "There is a login service without a client: it will refuse everybody.",
        "Set OIDC_CLIENT_ID and OIDC_CLIENT_SECRET.",
    )
    return [
        checks.Warning(message, hint=hint, id=check_id)
        for check_id, (is_wrong, message, hint) in wrong.items()
        if is_wrong
    ]


def _has_oidc_client() -> bool:
    [app] = settings.SOCIALACCOUNT_PROVIDERS["openid_connect"]["APPS"]
    return bool(app["client_id"] and app["secret"])


@checks.register(checks.Tags.compatibility)
def ports_exist(**kwargs: object) -> list[checks.CheckMessage]:
    """A gateway that is named but not there would fail at the first notice, days later."""
    return [
        checks.Error(
            f"{name} names no class: {getattr(settings, name)}.",
            hint=f"Set {name} to the dotted path of a class with send(to, text), or to nothing.",
            id="portal.E008",
        )
        for name in ("SMS_BACKEND", "ZALO_BACKEND")
        if getattr(settings, name) and not _is_there(getattr(settings, name))
    ]


def _is_there(path: str) -> bool:
    try:
        import_string(path)
    except ImportError:
        return False
    return True
