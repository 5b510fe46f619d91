"""What the gateway sends: signed messages, and a local server that plays it badly or well."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlencode

from django.conf import settings
from django.test import Client
from django.urls import reverse

from payments.gateways import vnpay
from payments.models import Payment

CONFIRMED = {"RspCode": "00", "Message": "Confirm Success"}
KNOWN = {"RspCode": "02", "Message": "Order already confirmed"}


def outcome(payment: Payment, code: str = "00", status: str = "", **changes: object) -> dict:
    """The gateway's signed word about a payment: `code` is vnp_ResponseCode.

    `changes` are signed too; None leaves a parameter out.
    """
    params = {
        "vnp_TmnCode": settings.VNPAY_TMN_CODE,
        "vnp_Amount": payment.amount * 100,
        "vnp_BankCode": "NCB",
        "vnp_PayDate": "20261125090500",
        "vnp_OrderInfo": f"Phi, le phi ho so {payment.dossier.code}",
        "vnp_TransactionNo": f"14{payment.pk:06d}" if code == "00" else "0",
        "vnp_ResponseCode": code,
        "vnp_TransactionStatus": status or ("00" if code == "00" else "02"),
        "vnp_TxnRef": payment.reference,
    } | changes
    params = {key: str(value) for key, value in params.items() if value is not None}
    return {**params, "vnp_SecureHash": vnpay.sign(params, settings.VNPAY_HASH_SECRET)}


def query_string(payment: Payment, code: str = "00", status: str = "", **changes: object) -> str:
    """The same as the gateway writes it into an address."""
    return urlencode(outcome(payment, code, status, **changes))


def momo_word(payment: Payment, code: int = 0, **changes: object) -> dict:
    """MoMo's signed word about a payment: `code` is resultCode; a change is signed too."""
    values = {
        "amount": payment.amount,
        "extraData": "",
        "message": "Thành công." if code == 0 else "Không thành công.",
        "orderId": payment.reference,
        "orderInfo": "Phi, le phi ho so",
        "orderType": "momo_wallet",
        "partnerCode": settings.MOMO_PARTNER_CODE,
        "payType": "qr",
        "requestId": payment.reference,
        "responseTime": 1721720663942,
        "resultCode": code,
        "transId": int(f"14{payment.pk:06d}") if code == 0 else 0,
    } | changes
    data = "&".join(f"{key}={value}" for key, value in values.items())
    content = f"accessKey={settings.MOMO_ACCESS_KEY}&{data}".encode()
    digest = hmac.new(settings.MOMO_SECRET_KEY.encode(), content, hashlib.sha256).hexdigest()
    return {**values, "signature": digest}


def call_back(raw_query: str, client: Client | None = None) -> dict:
    """The JSON that our callback answers, which always comes with status 200."""
    response = (client or Client()).get(f"{reverse('payments:ipn', args=['vnpay'])}?{raw_query}")
    assert response.status_code == 200
    assert response["Content-Type"] == "application/json"
    return response.json()


def query_answer(payment: Payment, status: str = "00", **changes: object) -> dict:
    """The gateway's signed answer to a query: `status` is vnp_TransactionStatus."""
    answer = {
        "vnp_ResponseId": "ANS1",
        "vnp_Command": "querydr",
        "vnp_ResponseCode": "00",
        "vnp_Message": "Query success",
        "vnp_TmnCode": settings.VNPAY_TMN_CODE,
        "vnp_TxnRef": payment.reference,
        "vnp_Amount": str(payment.amount * 100),
        "vnp_TransactionNo": f"14{payment.pk:06d}",
        "vnp_TransactionType": "01",
        "vnp_TransactionStatus": status,
    } | changes
    secret = settings.VNPAY_HASH_SECRET
    return {**answer, "vnp_SecureHash": vnpay.query_response_signature(answer, secret)}


@contextmanager
def gateway(respond: Callable[[dict], tuple[int, bytes]]) -> Iterator[str]:
    """A gateway on this machine; `respond` turns a body into a status and an answer."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            status, content = respond(body)
            with suppress(ConnectionError):  # whoever asked may have given up
                self.send_response(status)
                self.end_headers()
                self.wfile.write(content)

        def log_message(self, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/transaction"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
