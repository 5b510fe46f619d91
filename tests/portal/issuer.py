"""An OpenID Connect service on the loopback, as a VNeID gateway would speak to us.

Real HTTP and real signatures; what a test wants wrong, it sets on the issuer.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

CLIENT, SECRET = "mot-cua", "bi-mat-cua-cong"


class Issuer:
    """Logs everybody in as `claims` says, and remembers the codes it gave."""

    def __init__(self) -> None:
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.claims: dict[str, Any] = {"sub": "nguoi-1", "name": "Trần Thị Bình"}
        self.in_token: dict[str, Any] = {}  # overrides in the identity token alone
        self.in_userinfo: dict[str, Any] = {}
        self.signs_with: Any = self.key
        self.algorithm, self.has_token = "RS256", True
        self.codes: dict[str, dict[str, str]] = {}
        self.refused: list[str] = []
        issuer = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *args: object) -> None:
                pass

            def do_GET(self) -> None:
                issuer._get(self)

            def do_POST(self) -> None:
                issuer._token(self)

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    def authorize(self, address: str) -> str:
        """What a browser that the person lets through is sent back to."""
        query = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        assert query["client_id"] == CLIENT and query["response_type"] == "code"
        code = secrets.token_urlsafe(8)
        self.codes[code] = query
        return f"{query['redirect_uri']}?{urlencode({'code': code, 'state': query['state']})}"

    def _get(self, request: BaseHTTPRequestHandler) -> None:
        path = urlsplit(request.path).path
        if path == "/authorize":
            request.send_response(302)
            request.send_header("Location", self.authorize(request.path))
            request.end_headers()
            return
        answers = {
            "/.well-known/openid-configuration": {
                "issuer": self.url,
                "authorization_endpoint": f"{self.url}/authorize",
                "token_endpoint": f"{self.url}/token",
                "userinfo_endpoint": f"{self.url}/userinfo",
                "jwks_uri": f"{self.url}/keys",
                "token_endpoint_auth_methods_supported": ["client_secret_post"],
            },
            "/keys": {"keys": [self._public()]},
            "/userinfo": {**self.claims, **self.in_userinfo},
        }
        self._answer(request, 200 if path in answers else 404, answers.get(path, {}))

    def _token(self, request: BaseHTTPRequestHandler) -> None:
        body = request.rfile.read(int(request.headers["Content-Length"])).decode()
        data = {name: values[0] for name, values in parse_qs(body).items()}
        asked = self.codes.pop(data.get("code", ""), None)
        fault = self._fault(data, asked)
        if fault:
            self.refused.append(fault)
            self._answer(request, 400, {"error": "invalid_grant"})
            return
        answer = {"access_token": secrets.token_urlsafe(8), "token_type": "Bearer"}
        if self.has_token:
            answer["id_token"] = self._identity(asked)
        self._answer(request, 200, answer)

    def _fault(self, data: dict[str, str], asked: dict[str, str] | None) -> str:
        if asked is None:
            return "code"
        if (data.get("client_id"), data.get("client_secret")) != (CLIENT, SECRET):
            return "client"
        digest = hashlib.sha256(data.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        is_proven = asked.get("code_challenge_method") == "S256"
        return "" if is_proven and asked.get("code_challenge") == challenge else "pkce"

    def _identity(self, asked: dict[str, str]) -> str:
        now = int(time.time())
        claims = {
            "iss": self.url, "aud": CLIENT, "iat": now, "exp": now + 300,
            "nonce": asked.get("nonce", ""), **self.claims, **self.in_token,
        }  # fmt: skip
        key = "" if self.algorithm == "none" else self.signs_with
        return jwt.encode(claims, key, algorithm=self.algorithm, headers={"kid": "k1"})

    def _public(self) -> dict[str, Any]:
        public = jwt.algorithms.RSAAlgorithm.to_jwk(self.key.public_key(), as_dict=True)
        return {**public, "kid": "k1", "use": "sig", "alg": "RS256"}

    @staticmethod
    def _answer(request: BaseHTTPRequestHandler, status: int, content: dict) -> None:
        body = json.dumps(content).encode()
        request.send_response(status)
        request.send_header("Content-Type", "application/json")
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)
