"""Addresses of paying."""

from django.conf import settings
from django.urls import path

from payments.sandbox import views as sandbox
from payments.views import gateway, paying

app_name = "payments"

urlpatterns = [
    path("ho-so/<str:code>/", paying.start, name="start"),
    path("ket-qua/", gateway.returned, name="return"),
    path("vnpay/ipn/", gateway.ipn, name="ipn"),
]
if settings.PAYMENT_SANDBOX:
    urlpatterns += [
        path("cong-thu/", sandbox.pay, name="sandbox"),
        path("cong-thu/truy-van/", sandbox.query, name="sandbox_query"),
    ]
