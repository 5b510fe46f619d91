"""Addresses of paying."""

from django.conf import settings
from django.urls import path

from payments.bank import webhook
from payments.sandbox import bank as sandbox_bank
from payments.sandbox import views as sandbox
from payments.views import gateway, legal, paying

app_name = "payments"

urlpatterns = [
    path("ho-so/<str:code>/", paying.start, name="start"),
    path("ho-so/<str:code>/chuyen-khoan/", paying.transfer, name="transfer"),
    path("ho-so/<str:code>/cong/<slug:method>/", gateway.go, name="go"),
    path("bien-lai/<slug:reference>/", legal.legal_receipt, name="legal_receipt"),
    path("ngan-hang/", webhook.receive, name="bank_webhook"),
    path("<slug:method>/ket-qua/", gateway.returned, name="return"),
    path("<slug:method>/ipn/", gateway.ipn, name="ipn"),
]
if settings.PAYMENT_SANDBOX:
    vnpay, momo = {"method": "vnpay"}, {"method": "momo"}
    api = "cong-thu/momo/v2/gateway/api/<path:what>"
    urlpatterns += [
        path("cong-thu/", sandbox.pay, vnpay, name="sandbox"),
        path("cong-thu/truy-van/", sandbox.api, {**vnpay, "what": ""}, name="sandbox_query"),
        path("cong-thu/ngan-hang/<str:code>/", sandbox_bank.transfer, name="sandbox_bank"),
        path("cong-thu/momo/", sandbox.pay, momo, name="sandbox_momo"),
        path(api, sandbox.api, momo, name="sandbox_momo_api"),
    ]
