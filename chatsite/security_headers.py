"""Security headers of every response, and the content security policy of pages."""

from __future__ import annotations

from typing import Any, Final

#: Features of browsers that pages do not use: all but the clipboard, which copies a
#: reply. Browsers warn about unknown names.
UNUSED_FEATURES = (
    "accelerometer",
    "autoplay",
    "browsing-topics",
    "camera",
    "display-capture",
    "encrypted-media",
    "fullscreen",
    "gamepad",
    "geolocation",
    "gyroscope",
    "hid",
    "idle-detection",
    "local-fonts",
    "magnetometer",
    "microphone",
    "midi",
    "payment",
    "picture-in-picture",
    "publickey-credentials-create",
    "publickey-credentials-get",
    "screen-wake-lock",
    "serial",
    "storage-access",
    "usb",
    "window-management",
    "xr-spatial-tracking",
)
PERMISSIONS = ", ".join(f"{feature}=()" for feature in UNUSED_FEATURES)
#: A view or an inner middleware may have set another value.
HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "X-Frame-Options": "DENY",
    "Permissions-Policy": PERMISSIONS,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Permitted-Cross-Domain-Policies": "none",
}
#: The policy of responses that are not pages: errors of the server itself.
NOTHING_ALLOWED = "default-src 'none'; base-uri 'none'; frame-ancestors 'none'"


def content_security_policy(
    *, is_https_only: bool, has_push: bool = False
) -> dict[str, Any]:
    """Return the policy of pages for django-csp: nothing inline or from elsewhere.

    ``has_push`` allows the service worker (static/chat/push.js).
    """
    directives = {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "font-src": ["'self'"],
        "connect-src": ["'self'"],
        "frame-src": ["'self'"],
        "manifest-src": ["'self'"],
        "worker-src": ["'self'" if has_push else "'none'"],
        "object-src": ["'none'"],
        "form-action": ["'self'"],
        "base-uri": ["'none'"],
        "frame-ancestors": ["'none'"],
        "require-trusted-types-for": ["'script'"],
        "trusted-types": ["default", *(["service-worker"] if has_push else [])],
        "upgrade-insecure-requests": is_https_only,
    }
    return {"DIRECTIVES": directives}
