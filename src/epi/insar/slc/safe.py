"""Sentinel-1 IW SLC products: open one, read its images and its bursts.

A product is a SAFE folder, a SAFE zip as downloaded, or one burst from ASF. Bursts and pixels count from 1 and 0:
burst number 1 begins at line 0 of its measurement file.

xarray-sentinel reads the calibration tables here, and in the book a labelled dataset of a product folder; annotations
are read by :mod:`epi.insar.slc.annotation_xml`, which says why, and pixels by rasterio windows, because
xarray-sentinel has no way to pixels inside a zip.
"""

import hashlib
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path

import numpy as np
import rasterio
import xarray as xr
from numpy.typing import NDArray
from rasterio import DatasetReader
from rasterio.errors import NotGeoreferencedWarning, RasterioError
from rasterio.windows import Window

from epi.errors import FileFormatError, ParameterError
from epi.insar.slc.annotation import Burst, Image
from epi.insar.slc.annotation_xml import read_annotation
from epi.insar.slc.asf_burst import open_burst, read_burst_image
from epi.insar.slc.manifest import Product, open_manifest, read_xml

TIFF = {".tif", ".tiff"}
ZIP = "/vsizip/{"  # GDAL's name of a place within a zip
CHUNK = 1 << 20  # bytes


def open_safe(path: str | Path) -> Product:
    """Open an IW SLC product of Sentinel-1; only its manifest is read.

    Parameters
    ----------
    path : a ``….SAFE`` folder, a ``….zip`` of one, or an ASF burst ``….tiff`` with its XML beside it.

    Returns
    -------
    Its name, platform, orbit, times, and the files of its images by (subswath, polarisation).

    Raises
    ------
    FileFormatError : missing, truncated, or not an IW SLC product.

    References
    ----------
    ESA, Sentinel-1 Product Specification, S1-RS-MDA-52-7441.
    """
    place = Path(path)
    return open_burst(place) if place.suffix in TIFF and place.is_file() else open_manifest(place)


def read_image(path: str | Path | Product, subswath: str, polarisation: str) -> Image:
    """Read the annotation of one image; its pixels are not touched.

    Parameters
    ----------
    path : a product, or where it is.
    subswath : IW1, IW2 or IW3.
    polarisation : VV, VH, HH or HV.

    Raises
    ------
    ParameterError : the product has no such image; the message lists what it has.
    FileFormatError : the annotation is missing or truncated.
    """
    product = path if isinstance(path, Product) else open_safe(path)
    files = product.images.get((subswath, polarisation))
    if files is None:
        there = ", ".join(" ".join(image) for image in product.images)
        raise ParameterError(f"{product.name} has no image {subswath} {polarisation}: it has {there}.")
    if product.path.suffix in TIFF:
        return read_burst_image(product, subswath, polarisation)
    image = read_annotation(
        read_xml(product.path, files.annotation),
        product=product.name,
        track=product.track,
        source=Path(files.annotation).name,
        measurement=files.measurement,
        crosses_node=product.crosses_node,
    )
    return replace(image, md5=files.md5)


@contextmanager
def open_pixels(image: Image) -> Iterator[DatasetReader]:
    """Hold a measurement open while several bursts are read, for one thread at a time.

    It matters in a zip: a file opened anew is inflated from its beginning for every burst, an open one only onward.

    Parameters
    ----------
    image : whose measurement.

    Yields
    ------
    What :func:`read_burst` takes as ``dataset``.

    Raises
    ------
    FileFormatError : the measurement is missing, truncated, or not of the shape its annotation says.
    """
    lines, samples = max(burst.number for burst in image.bursts) * image.lines_per_burst, image.samples_per_burst
    with ExitStack() as stack:
        with _stated(image), warnings.catch_warnings():
            warnings.simplefilter("ignore", NotGeoreferencedWarning)  # an SLC lies on no map
            dataset = stack.enter_context(rasterio.open(image.measurement))
        if dataset.height < lines or dataset.width != samples:
            raise FileFormatError(
                f"{image.measurement} has {dataset.height} x {dataset.width} pixels, its annotation says {lines} x "
                f"{samples}: the two are of different products, or one was cropped."
            )
        yield dataset


def read_burst(
    image: Image,
    number: int,
    *,
    lines: slice | None = None,
    samples: slice | None = None,
    dataset: DatasetReader | None = None,
) -> NDArray[np.complex64]:
    """Read the pixels of one burst.

    Parameters
    ----------
    image : which image.
    number : of the burst, from 1.
    lines, samples : part of the burst, counted from its first line and sample, without steps; all where not given.
    dataset : from :func:`open_pixels`, where several bursts are read one after the other.

    Returns
    -------
    (lines, samples) digital numbers as the processor wrote them; the invalid border is zero.

    Raises
    ------
    ParameterError : no such burst, line or sample.
    FileFormatError : the measurement is missing, truncated, or not of the shape its annotation says.
    """
    burst = _burst(image, number)
    line, line_stop = _bounds(lines, image.lines_per_burst, "lines")
    sample, sample_stop = _bounds(samples, image.samples_per_burst, "samples")
    first = (burst.number - 1) * image.lines_per_burst + line
    window = Window(sample, first, sample_stop - sample, line_stop - line)
    with nullcontext(dataset) if dataset is not None else open_pixels(image) as opened, _stated(image):
        pixels: NDArray[np.complex64] = opened.read(1, window=window, out_dtype=np.complex64)
    return pixels


def check_pixels(image: Image) -> None:
    """Make sure, before the work, that the measurement is there, whole and of the annotated shape.

    In a folder its last line is read, and the file compared with the manifest's MD5. In a zip its checksum is computed,
    which inflates it once: GDAL does not, and may give wrong pixels out of a damaged zip without a word.

    Raises
    ------
    FileFormatError : it is not.
    """
    within = _in_zip(image)
    if within is not None:
        archive, name = within
        with open_pixels(image), zipfile.ZipFile(archive) as opened:
            try:
                with opened.open(name) as stream:
                    while stream.read(CHUNK):
                        pass
            except (zipfile.BadZipFile, zlib.error, EOFError) as error:
                raise FileFormatError(
                    f"{name} in {archive} is damaged ({error}): download the product again."
                ) from error
    else:
        last = max(image.bursts, key=lambda burst: burst.number)
        read_burst(image, last.number, lines=slice(image.lines_per_burst - 1, None))
        if image.md5 and _md5(image.measurement) != image.md5:
            raise FileFormatError(
                f"{image.measurement} is not the file its manifest describes (another MD5): a part is missing or was "
                "changed; download the product again."
            )


def slc(image: Image, number: int, *, lines: slice | None = None, samples: slice | None = None) -> xr.DataArray:
    """Read one burst as a labelled array.

    Parameters
    ----------
    image, number, lines, samples : as for :func:`read_burst`.

    Returns
    -------
    (azimuth, range) complex64 with zero-Doppler ``azimuth_time`` (UTC) and two-way ``slant_range_time`` (s).
    """
    line, line_stop = _bounds(lines, image.lines_per_burst, "lines")
    sample, sample_stop = _bounds(samples, image.samples_per_burst, "samples")
    burst = _burst(image, number)
    since_first_line = np.round(np.arange(line, line_stop) * image.azimuth_time_interval * 1e9).astype(
        "timedelta64[ns]"
    )
    slant_range_time = image.slant_range_time + np.arange(sample, sample_stop) / image.range_sampling_rate
    return xr.DataArray(
        read_burst(image, number, lines=lines, samples=samples),
        dims=("azimuth", "range"),
        coords={
            "line": ("azimuth", np.arange(line, line_stop)),
            "sample": ("range", np.arange(sample, sample_stop)),
            "azimuth_time": ("azimuth", burst.azimuth_time + since_first_line),
            "slant_range_time": ("range", slant_range_time, {"units": "s"}),
        },
        attrs={
            "product": image.product,
            "subswath": image.subswath,
            "polarisation": image.polarisation,
            "burst_number": number,
            "burst_id": burst.burst_id,
            "wavelength": image.wavelength,
            "orbit": f"{image.orbit.kind} {image.orbit.source}",
        },
        name="slc",
    )


def calibration(path: str | Path, subswath: str, polarisation: str) -> xr.Dataset:
    """Read the calibration tables of one image through xarray-sentinel, from a folder or a zip.

    Parameters
    ----------
    path : a SAFE folder or zip; ASF's bursts are not read.
    subswath, polarisation : which image.

    Returns
    -------
    ``sigmaNought``, ``betaNought``, ``gamma`` and ``dn`` by line and pixel: divide an amplitude by the first for its
    radar backscatter.

    Raises
    ------
    ParameterError : the product has no such image.
    FileFormatError : its calibration is missing or unreadable.
    """
    from xarray_sentinel import open_sentinel1_dataset

    product = open_manifest(path)
    if (subswath, polarisation) not in product.images:
        read_image(product, subswath, polarisation)
    place = str(product.path)
    if product.path.is_file():
        folder = product.images[subswath, polarisation].annotation.rpartition("annotation/")[0]
        place = f"zip://{folder}manifest.safe::{product.path.resolve()}"
    try:
        return open_sentinel1_dataset(place, group=f"{subswath}/{polarisation}/calibration")
    except (OSError, ValueError, KeyError) as error:
        raise FileFormatError(
            f"{product.name} has no readable calibration of {subswath} {polarisation} ({error}): download it again, or "
            "go on without: an interferogram needs none."
        ) from error


def _burst(image: Image, number: int) -> Burst:
    """Return a burst by its number."""
    for burst in image.bursts:
        if burst.number == number:
            return burst
    held = f"{image.bursts[0].number} to {image.bursts[-1].number}"
    raise ParameterError(f"{image.product} {image.subswath} has no burst {number}: it has {held}.")


def _bounds(part: slice | None, size: int, what: str) -> tuple[int, int]:
    """Return first and one past last of a part of a burst."""
    chosen = part or slice(None)
    start = 0 if chosen.start is None else int(chosen.start)
    stop = size if chosen.stop is None else int(chosen.stop)
    if not 0 <= start < stop <= size or chosen.step not in (None, 1):
        raise ParameterError(f"Cannot read {what} {start} to {stop} by {chosen.step or 1}: a burst has 0 to {size}.")
    return start, stop


@contextmanager
def _stated(image: Image) -> Iterator[None]:
    """Turn what rasterio raises into a stated error."""
    try:
        yield
    except (RasterioError, OSError) as error:
        if not _exists(image):
            raise FileFormatError(
                f"{image.product} has no pixels of {image.subswath} {image.polarisation} ({image.measurement} is "
                "missing): the product is incomplete; download it again."
            ) from error
        reason = str(error.__cause__ or error).partition("\n")[0]
        raise FileFormatError(
            f"The pixels in {image.measurement} cannot be read ({reason}): it is truncated; download it again."
        ) from error


def _exists(image: Image) -> bool:
    """Whether the measurement of an image is there, in its folder or within its zip."""
    within = _in_zip(image)
    if within is None:
        return Path(image.measurement).is_file()
    archive, name = within
    if not Path(archive).is_file():
        return False
    with zipfile.ZipFile(archive) as opened:
        return name in opened.namelist()


def _in_zip(image: Image) -> tuple[str, str] | None:
    """Return the zip of a measurement and its name within, or None where it lies in a folder."""
    if not image.measurement.startswith(ZIP):
        return None
    archive, _, name = image.measurement.removeprefix(ZIP).partition("}/")
    return archive, name


def _md5(path: str) -> str:
    """Return the MD5 of a file as hexadecimal digits; the archive's own check, not a protection."""
    with Path(path).open("rb") as stream:
        return hashlib.file_digest(stream, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
