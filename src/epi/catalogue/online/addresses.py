"""Addresses of the archives: what people may see of one, which are followed, why one is not reached."""

from urllib.parse import urljoin, urlsplit

import requests
from urllib3.exceptions import NameResolutionError

from epi.errors import DownloadError


def shown(address: str) -> str:
    """Return an address as people may see it: without the query, which may be signed, and without a login."""
    parts = urlsplit(address)
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{parts.hostname or ''}{port}{parts.path}"


def why(error: Exception) -> str:
    """Say in a word or two why a request failed; the error's own text may hold the address."""
    if nameless(error):
        return "no server of that name is found: is this machine online?"
    known = (
        (requests.exceptions.ProxyError, "the proxy fails"),
        (requests.exceptions.SSLError, "its certificate is not trusted"),
        (requests.Timeout, "no answer in time"),
        (requests.exceptions.ChunkedEncodingError, "the connection broke off"),
        (requests.ConnectionError, "no connection"),
    )
    return next((text for kind, text in known if isinstance(error, kind)), type(error).__name__)


def nameless(error: Exception) -> bool:
    """Tell whether a request failed because the server's name leads nowhere, as on a machine that is offline."""
    return any(isinstance(getattr(cause, "reason", None), NameResolutionError) for cause in error.args)


def checked(address: str) -> str:
    """Return an address that can be taken apart."""
    try:
        usable = bool(urlsplit(address).hostname) and urlsplit(address).port != 0
    except ValueError:
        usable = False
    if not usable:
        raise DownloadError("The record's address, or one it leads to, is none: search the archive again.")
    return address


def redirected(place: str, location: str) -> str:
    """Return where a redirect leads; never out of the web, nor from an encrypted place to an open one."""
    target = urljoin(place, location)
    before, after = urlsplit(place).scheme, urlsplit(target).scheme
    if after not in ("https", "http") or (before == "https" and after == "http"):
        raise DownloadError(f"{shown(place)} leads to {shown(target)}, which is not safe to follow: tell the archive.")
    return checked(target)
