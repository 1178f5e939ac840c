"""One answer of an archive: redirects, logins, throttling and bad days, with no secret in any message.

Redirects are followed here, one by one, because a login may be sent to the servers of its own account alone: from an
archive to its login server and back to storage that has its own signed address, three owners see one request.
"""

import email.utils
import time
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from threading import Event
from types import TracebackType
from typing import Self

import requests
from requests.auth import AuthBase

from epi.catalogue.online import credentials
from epi.catalogue.online.addresses import checked, nameless, redirected, shown, why
from epi.catalogue.online.credentials import Account, Login, find_login, fits
from epi.errors import AccountError, DownloadError, RunError

MOST_REDIRECTS = 12
_REDIRECTS = (301, 302, 303, 307, 308)
_LATER = (202, 408, 425, 429, 500, 502, 503, 504)  # 202: a burst that is being cut out
_PASSWORD_FIELD = b'type="password"'


@dataclass(frozen=True)
class Patience:
    """How long an archive is asked again.

    Parameters
    ----------
    attempts : in a row that bring nothing new, before it is given up.
    first_wait_s : before the second attempt; every further wait is twice as long, or what the archive asks for.
    longest_wait_s : that an archive may ask for; more is said and not waited for.
    timeout_s : without a byte.
    """

    attempts: int = 5
    first_wait_s: float = 2.0
    longest_wait_s: float = 180.0
    timeout_s: float = 60.0


class TryAgain(Exception):  # noqa: N818
    """An attempt that failed and may do better later; never leaves this room.

    Parameters
    ----------
    reason : what happened, for people.
    wait_s : what the archive asks for, or None.
    nameless : the server's name leads nowhere: a few seconds will hardly change that.
    """

    def __init__(self, reason: str, wait_s: float | None = None, *, nameless: bool = False) -> None:
        super().__init__(reason)
        self.reason, self.wait_s, self.nameless = reason, wait_s, nameless


class Archives:
    """A connection to archives for one thread.

    Parameters
    ----------
    accounts : whose logins are looked for when a server of theirs is met; `ACCOUNTS` by default.
    patience : how long an archive is asked again.
    stop : set when everything is to end.
    """

    def __init__(
        self, *, accounts: Sequence[Account] | None = None, patience: Patience | None = None, stop: Event | None = None
    ) -> None:
        self.accounts = credentials.ACCOUNTS if accounts is None else accounts
        self.patience = patience or Patience()
        self.stop = stop or Event()
        self._logins: dict[str, Login | None] = {}
        self._tokens: dict[str, str] = {}
        self._session = requests.Session()
        self._answer: requests.Response | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._session.close()

    @contextmanager
    def get(self, address: str, headers: Mapping[str, str]) -> Iterator[requests.Response]:
        """Ask once for an address, through whatever redirects and logins; the body is not read yet.

        Yields
        ------
        An answer with status 200, 206 or 416.

        Raises
        ------
        TryAgain : it may do better later.
        AccountError : a login is missing or refused. DownloadError : it will do no better.
        """
        with self._arrive(address, headers) as answer:
            self._refuse_pages(answer, address)
            yield answer

    def wait(self, attempt: int, trouble: TryAgain) -> None:
        """Wait before the next attempt, or stop with everything else.

        Raises
        ------
        DownloadError : the archive asks for more than `Patience.longest_wait_s`.
        """
        asked = trouble.wait_s
        if asked is not None and asked > self.patience.longest_wait_s:
            raise DownloadError(f"{trouble.reason}; it asks to come back in {asked:.0f} s: run the same again then.")
        pause = self.patience.first_wait_s * 2 ** (attempt - 1)
        pause = min(pause, self.patience.longest_wait_s) if asked is None else asked
        self.stop.wait(pause)
        self.check()

    def break_off(self) -> None:
        """End an answer that another thread is waiting for: it would wait as long as `Patience.timeout_s`."""
        if self._answer is not None:
            with suppress(OSError, ValueError, RuntimeError):  # it ended by itself
                self._answer.raw.shutdown()

    def check(self) -> None:
        """Stop here where everything is to end."""
        if self.stop.is_set():
            raise StoppedError("stopped, because another file failed or the run was interrupted")

    @contextmanager
    def _arrive(self, address: str, headers: Mapping[str, str]) -> Iterator[requests.Response]:
        """Follow redirects to an answer that is one."""
        place, renewed = checked(address), False
        for _ in range(MOST_REDIRECTS):
            self.check()
            self._answer = answer = self._ask(place, headers)
            with answer:
                self.check()  # who stops everything breaks off the answer that is known by now
                if answer.status_code in _REDIRECTS and answer.headers.get("Location"):
                    place = redirected(place, answer.headers["Location"])
                    continue
                account = self._account(place)
                if answer.status_code == 401 and account is not None and account.key in self._tokens and not renewed:
                    renewed = True  # a token that was exchanged for a password lives minutes
                    del self._tokens[account.key]
                    continue
                self._refuse(answer, place, account)
                yield answer
                return
        raise DownloadError(f"{shown(address)} leads in a circle of redirects: try again later, or tell the archive.")

    def _ask(self, place: str, headers: Mapping[str, str]) -> requests.Response:
        """Send one request; its login goes only where it may."""
        try:
            return self._session.get(
                place,
                headers={"User-Agent": "epi", "Accept-Encoding": "identity", **headers},
                auth=_Header(self._authority(place)),
                stream=True,
                allow_redirects=False,
                timeout=self.patience.timeout_s,
            )
        except ValueError:  # the library takes the next address apart, whether it follows it or not
            raise DownloadError(f"{shown(place)} is, or leads to, no address: search the archive again.") from None
        except requests.RequestException as error:  # its text may hold a signed address
            raise TryAgain(f"{shown(place)} cannot be reached ({why(error)})", nameless=nameless(error)) from None

    def _account(self, place: str) -> Account | None:
        return next((account for account in self.accounts if account.serves(place)), None)

    def _authority(self, place: str) -> str:
        """Return the Authorization header for one address; empty where it must see none."""
        account = self._account(place)
        if account is None:
            return ""
        if account.key not in self._logins:
            self._logins[account.key] = find_login(account)
        login = self._logins[account.key]
        if login is None:
            return ""
        if login.token:
            return f"Bearer {login.token}"
        if account.exchange:
            if account.key not in self._tokens:
                self._tokens[account.key] = self._exchange(account, login)
            return f"Bearer {self._tokens[account.key]}"
        named = b64encode(f"{login.user}:{login.password}".encode()).decode()
        return f"Basic {named}" if fits(place, account.login) else ""

    def _exchange(self, account: Account, login: Login) -> str:
        """Give a password for a token, which lives some minutes."""
        form = {"client_id": "cdse-public", "grant_type": "password"}
        try:
            with self._session.post(
                account.exchange,
                data=form | {"username": login.user, "password": login.password},
                auth=_Header(""),
                allow_redirects=False,
                timeout=self.patience.timeout_s,
            ) as answer:
                if answer.status_code in _LATER:
                    raise TryAgain(f"{shown(account.exchange)} answered {answer.status_code}", _asked(answer))
                token = answer.json().get("access_token") if answer.status_code == 200 else None
        except requests.JSONDecodeError:
            token = None
        except requests.RequestException as error:
            said = f"{shown(account.exchange)} cannot be reached ({why(error)})"
            raise TryAgain(said, nameless=nameless(error)) from None
        if not isinstance(token, str) or not token:
            raise AccountError(f"{account.name} refused the login {login.where}. {account.remedy()}")
        return token

    def _refuse(self, answer: requests.Response, place: str, account: Account | None) -> None:
        """Turn a status that is no file into what to do about it."""
        status = answer.status_code
        if status in (200, 206, 416):
            return
        said = f"{shown(place)} answered {status}"
        if status in _LATER:
            raise TryAgain(said, _asked(answer))
        if status in (401, 403) and account is not None:
            raise AccountError(self._refused(account, said, status))
        if status == 403:  # a signed address that is too old: from the start, it is signed anew
            raise TryAgain(said)
        if status == 401:
            raise AccountError(f"{said}: it asks for a login, and is of no archive that logins are known for.")
        reason = "there is no such file" if status in (404, 410) else answer.reason
        raise DownloadError(f"{said}: {reason}. Search the archive again; its records may have changed.")

    def _refused(self, account: Account, said: str, status: int) -> str:
        login = self._logins.get(account.key)
        if login is None:
            return f"{said}: it asks for the {account.name} account, and no login was found. {account.remedy()}"
        if status == 401:
            return f"{said}: it refused the {account.name} login {login.where}. Renew it there. {account.remedy()}"
        return (
            f"{said}: the {account.name} login {login.where} is known but may not have this file: accept the archive's "
            f"terms of use once at {account.login}, or renew the token."
        )

    def _refuse_pages(self, answer: requests.Response, address: str) -> None:
        """Refuse a web page in place of a file, before any of it is kept."""
        if answer.status_code == 416 or "text/html" not in answer.headers.get("Content-Type", "").lower():
            return
        beginning = next(answer.iter_content(1 << 16), b"").lower()
        account = self._account(answer.url) or self._account(address)
        page = f"{shown(address)} gave a web page instead of the file"
        if account is not None and (_PASSWORD_FIELD in beginning or fits(answer.url, account.login)):
            raise AccountError(f"{page}: the page where {account.name} asks for a login. {account.remedy()}")
        raise DownloadError(f"{page}: open the address in a browser to read what the archive says.")


class StoppedError(RunError):
    """Work that ended because other work failed."""


class _Header(AuthBase):
    """The Authorization header that is wanted, or none: requests adds none of its own from a netrc file."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if self.text:
            request.headers["Authorization"] = self.text
        return request


def _asked(answer: requests.Response) -> float | None:
    """Return how many seconds an archive asks to wait, which it says as seconds or as a date."""
    text = answer.headers.get("Retry-After", "").strip()
    if text.isdigit():
        return float(text)
    moment = email.utils.parsedate_tz(text)
    return None if moment is None else max(email.utils.mktime_tz(moment) - time.time(), 0.0)
