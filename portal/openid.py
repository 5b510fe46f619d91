"""Logging in through an OpenID Connect service: VNeID's gateway, or any other.

allauth speaks the protocol; this module is stricter. The identity token is always checked
by its signature, issuer, audience and nonce; an account belongs to (issuer, subject); an
address never decides whose account it is (SECURITY.md A21).
"""

from __future__ import annotations

import hashlib
import secrets
from typing import Any

from allauth.account.internal.userkit import filter_users_by_email
from allauth.account.models import EmailAddress
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.helpers import render_authentication_error
from allauth.socialaccount.models import SocialLogin
from allauth.socialaccount.providers.base.constants import AuthProcess
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from allauth.socialaccount.providers.oauth2.views import OAuth2CallbackView
from allauth.socialaccount.providers.openid_connect.provider import OpenIDConnectProvider
from allauth.socialaccount.providers.openid_connect.views import OpenIDConnectOAuth2Adapter
from django.conf import settings
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from requests import RequestException

from portal import counter, unconfirmed
from portal.accounts import AccountAdapter
from procedures.formspec.fields import check_citizen_number
from procedures.text import normalise

# Never "none", and nothing that is keyed with what both sides know.
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "ES256", "ES384")
NAME_LENGTH = 120


class TokenAdapter(OpenIDConnectOAuth2Adapter):
    """The exchange with the issuer; `nonce` is what this login sent."""

    nonce = ""

    def complete_login(self, request: HttpRequest, app: Any, token: Any, **kwargs: Any):
        """Refuse an answer without an identity token, or whose two halves are two people."""
        response, expected = kwargs["response"], app.settings["server_url"]
        if not response.get("id_token"):
            raise OAuth2Error("no identity token")
        if self.openid_config["issuer"].rstrip("/") != expected.rstrip("/"):
            raise OAuth2Error("the service calls itself otherwise than configured")
        identity = self._decode_id_token(app, response["id_token"])
        userinfo = self._fetch_user_info(token.token) if self._has_userinfo else {}
        if userinfo and userinfo.get("sub") != identity["sub"]:
            raise OAuth2Error("userinfo is about somebody else")
        claims = {**userinfo, **identity}
        return self.get_provider().sociallogin_from_response(request, {"id_token": claims})

    @property
    def _has_userinfo(self) -> bool:
        return bool(self.openid_config.get("userinfo_endpoint"))

    def _decode_id_token(self, app: Any, id_token: str) -> dict[str, Any]:
        """The claims of a token that this issuer signed for this login."""
        import jwt

        try:
            claims = jwt.decode(
                id_token,
                key=self._key_of(id_token),
                algorithms=list(ALGORITHMS),
                issuer=self.openid_config["issuer"],
                audience=app.client_id,
                options={"require": ["iss", "sub", "aud", "exp", "iat"]},
                leeway=30,
            )
        except (jwt.PyJWTError, KeyError, ValueError) as error:
            raise OAuth2Error("the identity token is not valid") from error
        if not self.nonce or not secrets.compare_digest(str(claims.get("nonce", "")), self.nonce):
            raise OAuth2Error("the identity token answers another login")
        return claims

    def _key_of(self, id_token: str) -> Any:
        import jwt

        with OpenIdAdapter().get_requests_session() as session:
            answer = session.get(self.openid_config["jwks_uri"])
            answer.raise_for_status()
        wanted = jwt.get_unverified_header(id_token).get("kid")
        keys = jwt.PyJWKSet.from_dict(answer.json()).keys
        found = next((key for key in keys if key.key_id == wanted), None)
        if found is None:
            raise OAuth2Error("the identity token names a key that the issuer has not")
        return found


class Provider(OpenIDConnectProvider):
    """allauth's provider, with a nonce in each login and only the claims that we use."""

    package = "allauth.socialaccount.providers.openid_connect"
    oauth2_adapter_class = TokenAdapter

    def redirect(
        self, request: HttpRequest, process, next_url=None, data=None, **kwargs: Any
    ) -> HttpResponse:
        """Send the browser to the issuer; what ties the answer to it stays in the session."""
        nonce = secrets.token_urlsafe(24)
        # What the address of our own page asks for beyond our settings is not passed on.
        kwargs |= {"auth_params": {"nonce": nonce}, "scope": self.get_scope()}
        try:
            return super().redirect(request, process, next_url, data, nonce=nonce, **kwargs)
        except (RequestException, KeyError, ValueError) as error:
            return render_authentication_error(request, self, exception=error)

    def extract_uid(self, data: dict[str, Any]) -> str:
        """The account's key: a digest of issuer and subject, which may be long together."""
        claims = data["id_token"]
        return hashlib.sha256(f"{claims['iss']}\n{claims['sub']}".encode()).hexdigest()

    def extract_extra_data(self, data: dict[str, Any]) -> dict[str, Any]:
        """What is kept of the answer: who said it, and whom they call so."""
        return {name: data["id_token"][name] for name in ("iss", "sub")}

    def extract_common_fields(self, data: dict[str, Any]) -> dict[str, Any]:
        """Name, citizen number and verified telephone, for a new account."""
        claims = data["id_token"]
        is_verified = claims.get("phone_number_verified") is True
        return {
            "name": normalise(str(claims.get("name") or ""))[:NAME_LENGTH],
            "citizen_number": str(claims.get(settings.OIDC_CITIZEN_NUMBER_CLAIM) or ""),
            "phone": claims.get("phone_number") if is_verified else None,
            "phone_verified": is_verified,
        }

    def extract_email_addresses(self, data: dict[str, Any]) -> list[EmailAddress]:
        """A verified address, or none: an unverified one is what somebody typed."""
        claims = data["id_token"]
        if not claims.get("email") or claims.get("email_verified") is not True:
            return []
        return [EmailAddress(email=str(claims["email"]).lower(), verified=True, primary=True)]


class OpenIdAdapter(DefaultSocialAccountAdapter):
    """Whose account an answer opens, and what a new one begins with."""

    error_messages = {
        **DefaultSocialAccountAdapter.error_messages,
        "no_password": gettext_lazy("Hãy đặt mật khẩu trước khi bỏ liên kết."),
        "no_verified_email": gettext_lazy("Tài khoản chưa có thư điện tử đã xác minh."),
        "connected_other": gettext_lazy("Tài khoản ấy đã liên kết với một người dùng khác."),
    }

    def list_apps(self, request: HttpRequest, provider=None, client_id=None) -> list:
        """Services come from the settings alone, so no page asks the database for them."""
        from allauth.socialaccount.adapter import _build_apps_from_settings

        found = _build_apps_from_settings(provider=provider, client_id=client_id)
        return [app for apps in found.values() for app in apps]

    def pre_social_login(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        """Nobody comes into an account of the portal by an address or a card's number alone:
        they log in to it once, and connect the two."""
        connecting = sociallogin.state.get("process") == AuthProcess.CONNECT
        if sociallogin.is_existing or connecting:
            return
        for address in sociallogin.email_addresses:  # which the issuer has verified
            unconfirmed.remove_registration_of(address.email)
        if not _has_account_here(sociallogin):
            return
        words = _(
            "Ông/bà đã có tài khoản tại cổng này. Mời đăng nhập bằng tài khoản ấy, rồi vào "
            "Tài khoản, mục “Đăng nhập qua %(name)s” để liên kết."
        )
        messages.warning(request, words % {"name": settings.OIDC_NAME})
        raise ImmediateHttpResponse(redirect("account_login"))

    def populate_user(self, request: HttpRequest, sociallogin: SocialLogin, data: dict):
        """A new person as the issuer knows them."""
        user = sociallogin.user
        user.full_name = data.get("name") or ""
        user.email = data.get("email")
        _set_citizen_number(user, data.get("citizen_number") or "")
        if sociallogin.phone and AccountAdapter().get_user_by_phone(sociallogin.phone):
            sociallogin.phone = None
        return user


def _has_account_here(sociallogin: SocialLogin) -> bool:
    number = sociallogin.user.citizen_number
    emails = [address.email for address in sociallogin.email_addresses]
    by_email = any(filter_users_by_email(email) for email in emails)
    return by_email or (bool(number) and counter.account_of(number) is not None)


def _set_citizen_number(user: Any, number: str) -> None:
    try:
        check_citizen_number(number)
    except ValidationError:
        return
    user.citizen_number, user.identity_checked_at = number, timezone.now()


class _Callback(OAuth2CallbackView):
    """allauth's, which keeps the login's state from its adapter."""

    def _get_state(self, request: HttpRequest, provider: Any) -> tuple[Any, Any]:
        state, response = super()._get_state(request, provider)
        self.adapter.nonce = (state or {}).get("nonce", "")
        return state, response


def callback(request: HttpRequest, provider_id: str) -> HttpResponse:
    """Where the issuer sends the browser back to."""
    if not is_offered() or provider_id != "oidc":
        raise Http404
    return _Callback.adapter_view(TokenAdapter(request, provider_id))(request)


def is_offered() -> bool:
    """Whether an issuer is configured."""
    return bool(settings.SOCIALACCOUNT_PROVIDERS["openid_connect"]["APPS"])
