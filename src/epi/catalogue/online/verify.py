"""Whether a file that came is the one that was asked for: its checksum, its own checksums, its form."""

import hashlib
import warnings
import xml.etree.ElementTree as ET
import zipfile
import zlib
from pathlib import Path, PurePosixPath, PureWindowsPath

from epi.errors import DownloadError

_CHUNK = 1 << 20
_LINK = 0o120000  # file type of a symbolic link, in the upper half of a zip member's attributes
_TYPE = 0o170000


def verify(path: Path, *, name: str, md5: str = "") -> tuple[str, str]:
    """Verify a file by its checksum, where one is known, and by what its form allows.

    Parameters
    ----------
    path : the file, under whatever name.
    name : its own name, whose suffix says its form: a zip of a SAFE product, a TIFF, an XML, an orbit file.
    md5 : as the archive's record states it; empty where it states none.

    Returns
    -------
    Its MD5 as computed, and by what it was verified, in words: where no checksum is known, that is said.

    Raises
    ------
    DownloadError : it is not whole, or not what it should be.
    """
    with path.open("rb") as stream:
        beginning = stream.read(256).lstrip().lower()
    if beginning.startswith((b"<!doctype html", b"<html")):
        raise DownloadError(f"{name} is a web page instead of the file: what came is deleted. It may ask for a login.")
    found = _md5(path)
    if md5 and found != md5.lower():
        raise DownloadError(f"{name} has MD5 {found}, the archive's record says {md5.lower()}: what came is deleted.")
    suffix = Path(name).suffix.lower()
    check = _CHECKS.get(suffix)
    form = check(path, name) if check else "nothing else"
    return found, f"MD5 of the record, {form}" if md5 else f"{form} (the record has no checksum)"


def check_zip(path: Path, name: str) -> str:
    """Check every member's checksum, and that a SAFE product comes out of the zip and nothing beside it.

    Raises
    ------
    DownloadError : a member is damaged, would be unpacked outside the folder, or is a link; or it is no SAFE product.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            for member in members:
                check_member(member, name)
            for member in members:
                with archive.open(member) as stream:
                    while stream.read(_CHUNK):
                        pass
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, NotImplementedError) as error:
        raise DownloadError(f"{name} is damaged ({error}): what came is deleted; fetch it again.") from error
    if not any(PurePosixPath(member.filename).name == "manifest.safe" for member in members):
        raise DownloadError(f"{name} holds no manifest.safe: it is no SAFE product; search the archive again.")
    return f"checksums of the {len(members)} files in the zip"


def check_member(member: zipfile.ZipInfo, name: str) -> None:
    """Refuse a member of a zip that would be unpacked outside the folder.

    Raises
    ------
    DownloadError : it has an absolute path, one that climbs, or is a link.
    """
    place = member.orig_filename
    parts = PurePosixPath(place).parts + PureWindowsPath(place).parts
    absolute = PurePosixPath(place).is_absolute() or PureWindowsPath(place).drive or place.startswith("\\")
    link = (member.external_attr >> 16) & _TYPE == _LINK
    if absolute or ".." in parts or link or "\0" in place:
        kind = "is a link" if link else "would leave the folder it is unpacked in"
        raise DownloadError(
            f"{name} is refused: its member {place!r} {kind}. No archive makes such a zip: tell the archive."
        )


def _check_tiff(path: Path, name: str) -> str:
    """Read every pixel once: a file that ends early fails."""
    import rasterio
    from rasterio.errors import NotGeoreferencedWarning, RasterioError

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NotGeoreferencedWarning)  # a burst lies on no map
            with rasterio.open(path, driver="GTiff") as dataset:
                for _, window in dataset.block_windows(1):
                    dataset.read(1, window=window)
                shape = f"{dataset.height} x {dataset.width}"
    except RasterioError:
        raise DownloadError(f"{name} is no whole TIFF: what came is deleted; fetch it again.") from None
    return f"every one of its {shape} pixels read"


def _check_xml(path: Path, name: str) -> str:
    try:
        root = ET.parse(path).getroot()
    except ET.ParseError as error:
        raise DownloadError(f"{name} is no whole XML ({error}): what came is deleted; fetch it again.") from error
    return f"read as XML to its end, <{root.tag}>"


_CHECKS = {".zip": check_zip, ".tif": _check_tiff, ".tiff": _check_tiff, ".xml": _check_xml, ".eof": _check_xml}


def _md5(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
