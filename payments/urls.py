"""Addresses of paying."""

from django.conf import settings
from django.urls import path

from payments import views
from payments.sandbox import views as sandbox

app_name = "payments"

urlpatterns = [
    path("ho-so/<str:code>/", views.start, name="start"),
    path("ket-qua/", views.returned, name="return"),
    path("vnpay/ipn/", views.ipn, name="ipn"),
]
if settings.PAYMENT_SANDBOX:
    urlpatterns += [
        path("cong-thu/", sandbox.pay, name="sandbox"),
        path("cong-thu/truy-van/", sandbox.query, name="sandbox_query"),
    ]
