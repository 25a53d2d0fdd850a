"""What stands before every request: limits, headers, and the proof that a form is ours."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from amanat.core.errors import Forbidden

API_PREFIX = "/v1/"
API_BODY_BYTES_MAX = 16 * 2**20
FORM_BODY_BYTES_MAX = 2**20
# What stands around a document in an upload: its name, the form's token, the parts' borders.
UPLOAD_AROUND_BYTES_MAX = 2**16
_RETURNS = re.compile(r"/v1/programmes/[^/]+/returns")
_UPLOADS = re.compile(r"/p/[^/]+/apply/.+/upload|/v1/programmes/[^/]+/documents")
POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; font-src 'self'; img-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": (
        "camera=(), geolocation=(), microphone=(), payment=(), usb=(), "
        "publickey-credentials-create=(self), publickey-credentials-get=(self)"
    ),
    "X-Frame-Options": "DENY",
    "X-Permitted-Cross-Domain-Policies": "none",
}
_STRICT_TRANSPORT = "max-age=63072000"  # two years; browsers heed it by https alone


class FormNotOurs(Forbidden):
    """A form is sent from our own page, by the browser that was shown it."""

    template = "This form did not come from this site's own page; open the page again and resend."


class BodyTooLarge(HTTPException):
    """More bytes came than are taken."""

    def __init__(self, most: int) -> None:
        super().__init__(413, f"At most {most} bytes are taken at once; send the input in parts.")


class Guard:
    """ASGI middleware: sets the headers of every response and bounds the body of every request."""

    def __init__(
        self, app: ASGIApp, document_bytes_max: int = 0, return_bytes_max: int = 0
    ) -> None:
        self.app = app
        self._return_bytes_max = return_bytes_max
        self._document_bytes_max = document_bytes_max

    def _most(self, path: str) -> int:
        """How many bytes the body of a request to this path has at most."""
        if _RETURNS.fullmatch(path):
            return self._return_bytes_max
        if _UPLOADS.fullmatch(path):
            return self._document_bytes_max + UPLOAD_AROUND_BYTES_MAX
        return API_BODY_BYTES_MAX if path.startswith(API_PREFIX) else FORM_BODY_BYTES_MAX

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        most = self._most(scope["path"])

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
                if scope.get("scheme") == "https":
                    headers.setdefault("Strict-Transport-Security", _STRICT_TRANSPORT)
                headers.setdefault("Cache-Control", "no-store")
                headers.add_vary_header("Cookie")
            await send(message)

        await self.app(scope, _bounded(scope, receive, most), send_with_headers)


def _bounded(scope: Scope, receive: Receive, most: int) -> Receive:
    stated = Headers(scope=scope).get("content-length", "")
    too_large = stated.isdigit() and int(stated) > most
    came = 0

    async def bounded() -> Message:
        nonlocal came
        if too_large:
            raise BodyTooLarge(most)
        message = await receive()
        came += len(message.get("body", b""))
        if came > most:
            raise BodyTooLarge(most)
        return message

    return bounded


class FormTokens:
    """Tokens of forms: bound to the reader's session, masked anew on every page.

    Masked, so that compression of the page tells nothing about them (BREACH).
    """

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def issue(self, session: str) -> str:
        """A token for a form that this session is shown."""
        mask = secrets.token_bytes(32)
        masked = bytes(a ^ b for a, b in zip(mask, self._of(session), strict=True))
        return base64.urlsafe_b64encode(mask + masked).decode()

    def holds(self, session: str, token: str) -> bool:
        """Whether a token was issued to this session."""
        try:
            raw = base64.b64decode(token.encode("ascii"), altchars=b"-_", validate=True)
        except ValueError:
            return False
        if len(raw) != 64:
            return False
        plain = bytes(a ^ b for a, b in zip(raw[:32], raw[32:], strict=True))
        return hmac.compare_digest(plain, self._of(session))

    def _of(self, session: str) -> bytes:
        return hmac.new(self._secret, session.encode(), hashlib.sha256).digest()


def require_own_origin(request: Request) -> None:
    """Refuse `FormNotOurs` where the browser says that another site sent this.

    Browsers state `Sec-Fetch-Site` or `Origin` with every form that they post; a client that
    states neither is no browser, and carries no other site's cookies.
    """
    site = request.headers.get("sec-fetch-site")
    if site is not None and site not in {"same-origin", "none"}:
        raise FormNotOurs()
    origin = request.headers.get("origin")
    if origin is not None and urlsplit(origin).netloc != request.headers.get("host"):
        raise FormNotOurs()
