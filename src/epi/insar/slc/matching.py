"""Which products and bursts belong together: the two dates of a pair, the slices of one passage."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from epi.errors import OrbitError, PairError, ParameterError
from epi.insar.slc.annotation import Burst, Image
from epi.insar.slc.manifest import Product
from epi.insar.slc.orbit_files import fetch_orbit, find_orbit, with_orbit
from epi.insar.slc.orbits import shown
from epi.insar.slc.safe import open_safe, read_image

SUBSWATHS = ("IW1", "IW2", "IW3")
CO_POLARISED_FIRST = ("VV", "HH", "VH", "HV")


@dataclass(frozen=True)
class BurstPair:
    """The same piece of ground in two images."""

    reference: Image
    reference_burst: Burst
    secondary: Image
    secondary_burst: Burst


def check_pair(reference: Image, secondary: Image) -> None:
    """Make sure that two images can make an interferogram.

    Parameters
    ----------
    reference, secondary : the earlier and the later image.

    Raises
    ------
    PairError : they differ in pass, track, subswath or polarisation, are of one date, or are swapped.
    """
    both = f"{reference.product} and {secondary.product}"
    for what, remedy in (
        ("direction", "choose two passes of one direction"),
        ("track", "choose two dates of one track"),
        ("subswath", "read the same subswath of both"),
        ("polarisation", "read the same polarisation of both"),
    ):
        first, second = getattr(reference, what), getattr(secondary, what)
        if first != second:
            raise PairError(f"{both} differ in {what} ({first}, {second}): {remedy}.")
    if abs(secondary.start - reference.start) < np.timedelta64(1, "h"):
        raise PairError(f"{both} are of one passage ({shown(reference.start)}): choose two dates.")
    if secondary.start < reference.start:
        raise PairError(
            f"The reference {reference.product} is later than the secondary {secondary.product}: swap them; the "
            "reference is the earlier date."
        )


def common_bursts(reference: Image, secondary: Image) -> list[tuple[int, int]]:
    """Match the bursts of a pair by ESA's burst number.

    Parameters
    ----------
    reference, secondary : a pair that passes :func:`check_pair`.

    Returns
    -------
    (number in the reference, number in the secondary) in order of time.

    Raises
    ------
    PairError : the images cannot make an interferogram, or have no common burst.
    """
    check_pair(reference, secondary)
    for image in (reference, secondary):
        if len({burst.burst_id for burst in image.bursts}) < len(image.bursts):
            raise PairError(
                f"{image.product} has two bursts of one number in {image.subswath}: its annotation is wrong."
            )
    numbers = {burst.burst_id: burst.number for burst in secondary.bursts}
    common = [(burst.number, numbers[burst.burst_id]) for burst in reference.bursts if burst.burst_id in numbers]
    if not common:
        raise PairError(
            f"{reference.product} and {secondary.product} have no common burst in {reference.subswath} "
            f"({_span(reference)} and {_span(secondary)}): choose products of one frame, or join neighbouring slices."
        )
    return common


def slices(paths: Iterable[str | Path | Product], subswath: str, polarisation: str) -> list[Image]:
    """Read one image of neighbouring slices of a data take, in order of time, to be joined.

    Parameters
    ----------
    paths : products, or where they are, in any order.
    subswath, polarisation : the image to read of each.

    Returns
    -------
    Images whose bursts follow one another; where two slices overlap, a burst is in both.

    Raises
    ------
    PairError : they are of several data takes, one is given twice, or bursts are missing between two.
    """
    products = [path if isinstance(path, Product) else open_safe(path) for path in paths]
    read = [(product, read_image(product, subswath, polarisation)) for product in products]
    read.sort(key=lambda pair: pair[1].start)
    for (earlier, before), (later, after) in pairwise(read):
        both = f"{earlier.name} and {later.name}"
        if (earlier.platform, earlier.data_take) != (later.platform, later.data_take):
            raise PairError(f"{both} are of different data takes: give slices of one passage to be joined.")
        if before.start == after.start:
            raise PairError(f"{both} are the same slice: give each once.")
        if after.bursts[0].burst_id > before.bursts[-1].burst_id + 1:
            raise PairError(
                f"{both} do not touch in {subswath} ({_span(before)}, {_span(after)}): give the slices between too."
            )
    return [image for _, image in read]


def burst_pairs(
    reference: Sequence[Product],
    secondary: Sequence[Product],
    subswath: str,
    polarisation: str,
    *,
    bursts: tuple[int, int] | None = None,
    orbits: str | Path | None = None,
    fetch: bool = False,
) -> list[BurstPair]:
    """Match the bursts of two passages in one subswath, over slices.

    Parameters
    ----------
    reference, secondary : slices of each passage.
    subswath, polarisation : which image.
    bursts : first and last, counted from 1 over the joined slices of the reference; default all that both have.
    orbits : folder of orbit files to use instead of the annotations' state vectors.
    fetch : whether a file that the folder lacks is fetched into it.

    Returns
    -------
    Pairs in order of time, each burst once.

    Raises
    ------
    PairError : no common burst, or none of the chosen ones is common.
    """
    images = [
        [_with_orbit(image, orbits, fetch=fetch) for image in slices(side, subswath, polarisation)]
        for side in (reference, secondary)
    ]
    order = list(dict.fromkeys(burst.burst_id for image in images[0] for burst in image.bursts))
    found: dict[int, BurstPair] = {}
    reason: PairError | None = None
    for earlier in images[0]:
        for later in images[1]:
            try:
                common = common_bursts(earlier, later)
            except PairError as error:
                reason = error
                continue
            for one, other in common:
                pair = BurstPair(earlier, _numbered(earlier, one), later, _numbered(later, other))
                found.setdefault(pair.reference_burst.burst_id, pair)
    if not found:
        raise reason or PairError(f"No burst of {subswath} is in both passages: choose products of one frame.")
    first, last = bursts or (1, len(order))
    if not 1 <= first <= last <= len(order):
        raise ParameterError(f"Bursts {first} to {last} of {subswath}: the reference has bursts 1 to {len(order)}.")
    chosen = [found[number] for number in order[first - 1 : last] if number in found]
    if not chosen:
        raise PairError(f"None of bursts {first} to {last} of {subswath} is in the secondary: choose others.")
    return chosen


def open_products(paths: str | Path | Sequence[str | Path]) -> list[Product]:
    """Open one or more products."""
    return [open_safe(path) for path in ([paths] if isinstance(paths, str | Path) else paths)]


def common_polarisation(first: Iterable[Product], second: Iterable[Product]) -> str:
    """Return the polarisation that all products have."""
    held = [{channel for _, channel in item.images} for item in (*first, *second)]
    common = [channel for channel in CO_POLARISED_FIRST if all(channel in each for each in held)]
    if not common:
        shown = ", ".join("+".join(sorted(each)) for each in held)
        raise PairError(f"The products share no polarisation ({shown}): choose two of one mode.")
    return common[0]


def common_subswaths(
    first: Iterable[Product], second: Iterable[Product], polarisation: str, asked: Sequence[str]
) -> list[str]:
    """Return the subswaths to make, those that all products have unless some are asked for.

    Of single bursts, which have one subswath each, it is enough that either passage has one.
    """
    sides = [list(first), list(second)]
    everything = [*sides[0], *sides[1]]
    common = [swath for swath in SUBSWATHS if all(_has(side, swath, polarisation) for side in sides)]
    for swath in asked or common:
        if swath not in common:
            raise ParameterError(
                f"Subswath {swath} in {polarisation} is not in every product: they share {', '.join(common) or 'none'}."
            )
    if not common:
        held = "; ".join(f"{item.name} has {', '.join(map(' '.join, item.images))}" for item in everything)
        raise PairError(f"The products share no subswath in {polarisation} ({held}): choose what both have.")
    return list(asked or common)


def holding(products: Iterable[Product], subswath: str, polarisation: str) -> list[Product]:
    """Return those of a passage's products that have an image: all its slices, or some of its single bursts."""
    return [item for item in products if (subswath, polarisation) in item.images]


def _has(products: list[Product], subswath: str, polarisation: str) -> bool:
    """Tell whether a passage has an image: in every slice, or in one of its single bursts."""
    held = holding(products, subswath, polarisation)
    bursts = all(item.path.suffix.lower() in (".tif", ".tiff") for item in products)
    return bool(held) and (bursts or len(held) == len(products))


def _with_orbit(image: Image, folder: str | Path | None, *, fetch: bool) -> Image:
    """Give an image the best orbit file of a folder; where no folder is given it keeps the annotation's vectors."""
    if folder is None:
        return image
    if not fetch and not Path(folder).is_dir():
        raise OrbitError(f"{folder} is no folder: give the folder of the orbit files, or leave it out.")
    found = find_orbit(image, folder) or (fetch_orbit(image, folder) if fetch else None)
    if found is None:
        raise OrbitError(
            f"No file in {folder} covers {image.product}: fetch it (epi interferogram: --fetch-orbits), or leave the "
            "folder out to use the annotation's own state vectors."
        )
    return with_orbit(image, found)


def _numbered(image: Image, number: int) -> Burst:
    """Return a burst by its number in the image."""
    return next(burst for burst in image.bursts if burst.number == number)


def _span(image: Image) -> str:
    """Return the burst numbers an image holds, in words."""
    return f"bursts {image.bursts[0].burst_id} to {image.bursts[-1].burst_id}"
