"""Questions to the archives' catalogues: the Alaska Satellite Facility and the Copernicus Data Space, page after page.

No account is needed to search. Every request has a timeout; what may be a passing trouble (too many requests, a server
that is down, a broken connection) is asked again after a growing pause, or after the one that the archive names.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import pandas as pd
import requests
from requests.adapters import HTTPAdapter, Retry  # type: ignore[attr-defined]
from shapely import Polygon

from epi.errors import ArchiveError

CDSE_CATALOGUE = "https://catalogue.dataspace.copernicus.eu/odata/v1/Products"
"""The Copernicus Data Space's catalogue of products."""

ASF_HOST = "cmr.earthdata.nasa.gov"
"""NASA's catalogue, where the Alaska Satellite Facility's holdings are listed."""

TIMEOUT_S = 60.0
"""How long an archive may take for one page."""

ATTEMPTS: dict[str, Any] = {"total": 5, "connect": 2, "read": 3, "status": 4}
"""How often a page is asked again, by kind of trouble."""

BACKOFF_S = 1.0
"""First pause before asking again; it doubles every time."""

LONGEST_PAUSE_S = 60.0
"""No pause is longer, whatever an archive asks for."""

_CDSE_PAGE = 200
_MOST_PAGES = 500
_PASSING = (429, 500, 502, 503, 504)


@dataclass(frozen=True)
class Query:
    """What is asked of a catalogue.

    Parameters
    ----------
    areas : boxes in degrees, none across the antimeridian; what touches any of them is wanted.
    start, end : UTC.
    bursts : ask for single bursts in place of whole slices.
    """

    areas: tuple[Polygon, ...]
    start: pd.Timestamp
    end: pd.Timestamp
    bursts: bool = False


class _Patience(Retry):
    """Pauses that an archive asks for, but none without end."""

    def get_retry_after(self, response: Any) -> float | None:  # noqa: ANN401
        asked = super().get_retry_after(response)
        return None if asked is None else min(asked, LONGEST_PAUSE_S)


class _Adapter(HTTPAdapter):
    """Gives every request a timeout."""

    def send(self, request: requests.PreparedRequest, *args: Any, **options: Any) -> requests.Response:  # noqa: ANN401
        options["timeout"] = TIMEOUT_S
        return super().send(request, *args, **options)


def prepared(session: requests.Session, archive: str) -> requests.Session:
    """Give a session timeouts, patience and a check of what is answered.

    Parameters
    ----------
    session : any, such as asf_search's own.
    archive : names it in errors.
    """
    patience = _Patience(
        **ATTEMPTS,
        backoff_factor=BACKOFF_S,
        backoff_max=LONGEST_PAUSE_S,
        status_forcelist=_PASSING,
        allowed_methods=None,
        raise_on_status=False,
    )
    for scheme in ("https://", "http://"):
        session.mount(scheme, _Adapter(max_retries=patience))
    session.hooks["response"].append(_check(archive))
    return session


def _check(archive: str) -> Callable[..., None]:
    """Make the function that stops at every answer that is no list of products."""

    def check(response: requests.Response, **_: object) -> None:
        if response.is_redirect:
            return
        fault = _fault(response.status_code, response.headers.get("Content-Type", "nothing").split(";")[0])
        if fault:
            response.close()
            raise ArchiveError(f"{archive} {fault}")

    return check


def _fault(code: int, kind: str) -> str:
    """Say why an answer is no list of products, or nothing."""
    if code in (401, 403):
        return f"refuses the search (HTTP {code}), though a search needs no account"
    if code in _PASSING:
        return f"is busy or down (HTTP {code} again and again)"
    if code >= 400:
        return f"does not take the question (HTTP {code})"
    if "json" not in kind:
        return f"answers with {kind} where JSON is due, perhaps a page of a login or a proxy"
    return ""


def ask_asf(query: Query) -> list[dict[str, Any]]:
    """Ask the Alaska Satellite Facility through asf_search.

    Returns
    -------
    One record a product: its properties, geometry, state vectors and full metadata, as `epi.catalogue.scenes_of` reads.

    Raises
    ------
    ArchiveError : no connection, a refusal, an answer that breaks off or is no list.
    """
    import asf_search  # loads slowly

    asf_search.REPORT_ERRORS = False  # it would post the question to a third server
    dataset = asf_search.DATASET.SLC_BURST if query.bursts else asf_search.DATASET.SENTINEL1
    level = asf_search.PRODUCT_TYPE.BURST if query.bursts else asf_search.PRODUCT_TYPE.SLC
    found: dict[str, dict[str, Any]] = {}
    try:
        with prepared(asf_search.ASFSession(), "ASF") as session:
            for area in query.areas:
                options = asf_search.ASFSearchOptions(
                    dataset=dataset,
                    processingLevel=level,
                    intersectsWith=area.wkt,
                    start=query.start.to_pydatetime(),
                    end=query.end.to_pydatetime(),
                    session=session,
                    host=ASF_HOST,
                )
                found |= _asf_pages(asf_search.search_generator(opts=options))
    except (asf_search.exceptions.ASFError, requests.RequestException, ValueError, KeyError, TypeError) as error:
        raise ArchiveError(f"ASF gives no list of products ({_why(error)})") from error
    return list(found.values())


def _asf_pages(pages: Iterable[Any]) -> dict[str, dict[str, Any]]:
    """Read a list to its end, one record a product."""
    found: dict[str, dict[str, Any]] = {}
    complete = False
    for page in pages:
        found |= {str(product.properties["fileID"]): _asf_record(product) for product in page}
        complete = page.searchComplete
    if not complete:
        raise ArchiveError("ASF broke off in the middle of its list")
    return found


def _asf_record(product: Any) -> dict[str, Any]:  # noqa: ANN401
    parts = {name: getattr(product, name, None) for name in ("properties", "geometry", "baseline", "umm")}
    return {"type": "Feature"} | {name: part for name, part in parts.items() if part}


def ask_cdse(query: Query) -> list[dict[str, Any]]:
    """Ask the Copernicus Data Space by OData; whole slices only.

    Returns
    -------
    One record a product with its attributes, as `epi.catalogue.scenes_of` reads them.

    Raises
    ------
    ArchiveError : as `ask_asf`; single bursts were asked for.
    """
    if query.bursts:
        raise ArchiveError("The Copernicus Data Space is asked here for whole images, not for single bursts")
    found: dict[str, dict[str, Any]] = {}
    try:
        with prepared(requests.Session(), "The Copernicus Data Space") as session:
            for area in query.areas:
                found |= {str(record["Name"]): record for record in _cdse_records(session, area, query)}
    except (requests.RequestException, ValueError, KeyError, TypeError) as error:
        raise ArchiveError(f"The Copernicus Data Space gives no list of products ({_why(error)})") from error
    return list(found.values())


def _cdse_records(session: requests.Session, area: Polygon, query: Query) -> list[dict[str, Any]]:
    times = f"ContentDate/Start ge {_zulu(query.start)} and ContentDate/Start le {_zulu(query.end)}"
    where = f"OData.CSC.Intersects(area=geography'SRID=4326;{area.wkt}')"
    wanted = f"Collection/Name eq 'SENTINEL-1' and contains(Name,'_SLC__') and {times} and {where}"
    options = {"$filter": wanted, "$orderby": "ContentDate/Start asc", "$expand": "Attributes", "$top": _CDSE_PAGE}
    records: list[dict[str, Any]] = []
    answer = session.get(CDSE_CATALOGUE, params={name: str(value) for name, value in options.items()}).json()
    for _ in range(_MOST_PAGES):
        records += answer["value"]
        following = answer.get("@odata.nextLink")
        if not following or not answer["value"]:
            return records
        if urlsplit(following).netloc != urlsplit(CDSE_CATALOGUE).netloc:
            raise ArchiveError("The Copernicus Data Space's list goes on at another server, which is not asked")
        answer = session.get(following).json()
    raise ArchiveError(f"The Copernicus Data Space's list has no end after {_MOST_PAGES} pages")


def _zulu(time: pd.Timestamp) -> str:
    return f"{time:%Y-%m-%dT%H:%M:%S.000Z}"


def _why(error: Exception) -> str:
    """Say in a few words what stood in the way; the error's own text may hold whole addresses."""
    kinds: tuple[tuple[type[Exception], str], ...] = (
        (requests.exceptions.ProxyError, "the proxy fails"),
        (requests.exceptions.SSLError, "its certificate is not trusted"),
        (requests.exceptions.JSONDecodeError, "its answer is no JSON"),
        (requests.Timeout, "no answer in time"),
        (requests.exceptions.RetryError, "busy or down, again and again"),
        (requests.exceptions.ChunkedEncodingError, "the connection broke off"),
        (requests.ConnectionError, "no connection: this machine may be offline"),
        (KeyError, f"its answer lacks {error}"),
    )
    return next((text for kind, text in kinds if isinstance(error, kind)), type(error).__name__)
