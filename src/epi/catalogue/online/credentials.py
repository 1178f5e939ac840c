"""Accounts of the archives: where a login is looked for, and which servers ever see it.

A login is never an option, a parameter or a line of a file of this project. Its text is held by `Login` alone, which
prints none of it.
"""

import netrc
import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from epi.errors import AccountError
from epi.settings import settings


@dataclass(frozen=True)
class Account:
    """An account that archives ask for.

    Parameters
    ----------
    name : what people know it as.
    key : begins its environment variables, and in small letters names its token file.
    servers : that a token is sent to, as scheme and host; ``*.`` stands for any subdomain.
    login : the server that passwords are sent to.
    machines : its entries in a netrc file, the first found serves.
    page : where people make one.
    exchange : address that gives a token for a password; empty where the login server itself lets a password in.
    """

    name: str
    key: str
    servers: tuple[str, ...]
    login: str
    machines: tuple[str, ...]
    page: str
    exchange: str = ""

    def serves(self, address: str) -> bool:
        """Tell whether an address is of this account: of a server that gets the token, or of the login."""
        return any(fits(address, server) for server in (*self.servers, self.login))

    def remedy(self) -> str:
        """Return how to state a login."""
        return (
            f"Make an account at {self.page}, then set {self.key}_TOKEN, or {self.key}_USERNAME and "
            f"{self.key}_PASSWORD, or put a token into {self.token_file()} (mode 600), or a line for "
            f"{self.machines[0]} into ~/.netrc (mode 600)."
        )

    def token_file(self) -> Path:
        """Return where a token may lie."""
        return settings().tokens / f"{self.key.lower()}.token"


EARTHDATA = Account(
    name="Earthdata",
    key="EARTHDATA",
    servers=("https://*.asf.alaska.edu",),
    login="https://urs.earthdata.nasa.gov",
    machines=("urs.earthdata.nasa.gov",),
    page="https://urs.earthdata.nasa.gov/users/new",
)
"""NASA's, for what the Alaska Satellite Facility gives out."""

COPERNICUS = Account(
    name="Copernicus Data Space",
    key="CDSE",
    servers=("https://*.dataspace.copernicus.eu",),
    login="https://identity.dataspace.copernicus.eu",
    machines=("dataspace.copernicus.eu", "identity.dataspace.copernicus.eu"),
    page="https://dataspace.copernicus.eu",
    exchange="https://identity.dataspace.copernicus.eu/auth/realms/CDSE/protocol/openid-connect/token",
)
"""ESA's, for what the Copernicus Data Space gives out."""

ACCOUNTS = (EARTHDATA, COPERNICUS)


@dataclass(frozen=True)
class Login:
    """A token, or a name and a password; its text appears in no ``repr``.

    Parameters
    ----------
    where : in which place it was found, for people.
    token, user, password : one or the other; empty where not given.
    """

    where: str
    token: str = field(default="", repr=False)
    user: str = field(default="", repr=False)
    password: str = field(default="", repr=False)


def find_login(account: Account) -> Login | None:
    """Look for a login: in the environment, then in the token file, then in the netrc file.

    Returns
    -------
    The first found, or None.

    Raises
    ------
    AccountError : a file holds one but others may read it too, or it cannot be read, or a variable is half of a login.
    """
    return _from_environment(account) or _from_token_file(account) or _from_netrc(account)


def logins_for(addresses: Iterable[str]) -> list[str]:
    """Say of every account that these addresses are of where its login was found, or how to state one.

    Raises
    ------
    AccountError : as in `find_login`.
    """
    asked = list(addresses)
    lines = []
    for account in ACCOUNTS:
        if any(account.serves(address) for address in asked):
            login = find_login(account)
            lines.append(
                f"No {account.name} login was found, and its archive will most likely ask for one. {account.remedy()}"
                if login is None
                else f"{account.name} login: {login.where}"
            )
    return lines


def _from_environment(account: Account) -> Login | None:
    names = [f"{account.key}_{part}" for part in ("TOKEN", "USERNAME", "PASSWORD")]
    token, user, password = (os.environ.get(name, "").strip() for name in names)
    if token:
        return Login(f"in {names[0]}", token=_plain(token, names[0]))
    if bool(user) != bool(password):
        raise AccountError(f"Only one of {names[1]} and {names[2]} is set: set both, or neither.")
    return Login(f"in {names[1]} and {names[2]}", user=user, password=password) if user else None


def _from_token_file(account: Account) -> Login | None:
    path = account.token_file()
    if not path.is_file():
        return None
    _check_private(path)
    try:
        token = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        raise AccountError(f"{path} cannot be read: put the token alone into it, in one line.") from None
    return Login(f"in {path}", token=_plain(token, str(path))) if token else None


def _from_netrc(account: Account) -> Login | None:
    path = Path(os.environ.get("NETRC") or "~/.netrc").expanduser()
    if not path.is_file():
        return None
    try:
        table = netrc.netrc(str(path))
    except (netrc.NetrcParseError, OSError, UnicodeDecodeError):  # their messages may quote the line
        raise AccountError(
            f"{path} cannot be read: one login a line, as machine HOST login NAME password WORD, with mode 600."
        ) from None
    for machine in account.machines:
        entry = table.hosts.get(machine)
        if entry is not None:
            _check_private(path)
            return Login(f"for {machine} in {path}", user=entry[0] or "", password=entry[2] or "")
    return None


def _check_private(path: Path) -> None:
    """Refuse a file of secrets that others than its owner may read."""
    mode = path.stat().st_mode & 0o777
    if mode & 0o077:
        raise AccountError(
            f"{path} may be read by others (mode {mode:o}): chmod 600 {path}, and change what is in it if others did."
        )


def _plain(token: str, where: str) -> str:
    """Refuse what cannot stand in a header."""
    if not token.isprintable() or not token.isascii() or " " in token:
        raise AccountError(f"What is in {where} is no token: it has spaces, breaks or letters no token has.")
    return token


def fits(address: str, server: str) -> bool:
    """Tell whether an address is on a server, scheme and port included; ``*.`` stands for any subdomain."""
    asked, known = urlsplit(address), urlsplit(server)
    host, wanted = (asked.hostname or "").lower(), (known.hostname or "").lower()
    usual = {"https": 443, "http": 80}
    ports = [part.port or usual.get(part.scheme) for part in (asked, known)]
    same = host.endswith(wanted[1:]) if wanted.startswith("*.") else host == wanted
    return asked.scheme == known.scheme and ports[0] == ports[1] and same
