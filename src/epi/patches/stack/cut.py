"""From a stack to patches, and the patches of several stacks as one."""

from collections.abc import Sequence

import numpy as np
import xarray as xr

from epi.errors import EmptyScene, ParameterError, PatchStoreError
from epi.insar.contract import DIMENSIONS, geometry_of
from epi.insar.frame import local_frame
from epi.insar.stack_bands import BANDS
from epi.patches.regions import regions
from epi.patches.stack.make import check_stack, event_of

SIZE = 256
"""Pixels a side of a patch, as published."""

COORDINATES = ("event", "region", "row", "column")


def cut_patches(
    stack: xr.Dataset, size: int = SIZE, *, event: str | None = None, region: str | None = None
) -> xr.Dataset:
    """Cut a stack into patches that do not overlap; what is left over at the last rows and columns is not used.

    Parameters
    ----------
    stack : from `make_stack`.
    size : pixels a side.
    event : name of the event; default the stack's. What trains and what tests is told by it.
    region : which events are kept together when a test's ground must be new; default the stack's attribute ``region``,
        else the Flinn-Engdahl region of its middle, else the event.

    Returns
    -------
    Dimensions ``patch``, ``band``, ``y``, ``x``: ``bands`` (float32, NaN where unknown), ``landslide`` (uint8, 0 or 1),
    ``valid`` (bool); coordinates ``band`` (``BANDS``) and, of each patch, ``event``, ``region``, ``row`` and ``column``
    of its first pixel. Attributes: ``pixel_m``, side of a pixel on the ground (geometric mean of both sides), and
    ``invalid_patches``, how many had no valid pixel and were left out.

    Raises
    ------
    ProductError : not a stack. ParameterError : the stack is smaller than a patch, or no event is named.
    EmptyScene : no valid pixel.
    """
    check_stack(stack)
    called = event or event_of(stack)
    if not called:
        raise ParameterError("The stack does not name its event, and patches are split by it: give event.")
    dims = DIMENSIONS[geometry_of(stack)]
    shape = [stack.sizes[name] for name in dims]
    if size < 1 or min(shape) < size:
        raise ParameterError(
            f"Patches of {size} x {size} pixels were asked of a stack of {shape[0]} x {shape[1]}: ask for smaller "
            "ones, of at least one pixel."
        )
    corners = [
        (row, column) for row in range(0, shape[0] - size + 1, size) for column in range(0, shape[1] - size + 1, size)
    ]
    valid = stack["valid"].to_numpy()
    kept = [(row, column) for row, column in corners if valid[row : row + size, column : column + size].any()]
    if not kept:
        raise EmptyScene(
            f"None of the {len(corners)} patches holds a valid pixel: choose another scene, or smaller ones."
        )
    rows, columns = (np.array(place, dtype=np.int64) for place in zip(*kept, strict=True))
    bands = np.empty((len(kept), len(BANDS), size, size), dtype=np.float32)
    masks = {
        name: np.empty((len(kept), size, size), dtype=kind) for name, kind in (("landslide", "u1"), ("valid", "?"))
    }
    for filled, name in [(bands[:, n], name) for n, name in enumerate(BANDS)] + [(masks[name], name) for name in masks]:
        whole = stack[name].to_numpy()
        for number, (row, column) in enumerate(kept):
            filled[number] = whole[row : row + size, column : column + size]
    where = region or str(stack.attrs.get("region", "")) or _region(stack, called)
    patches = xr.Dataset(
        {
            "bands": (("patch", "band", "y", "x"), bands, {"long_name": "what the pair of images tells of the slope"}),
            "landslide": (("patch", "y", "x"), masks["landslide"], {"units": "1", "long_name": "1 where it slid"}),
            "valid": (("patch", "y", "x"), masks["valid"], {"units": "1", "long_name": "true where all is known"}),
        },
        coords={
            "band": list(BANDS),
            "event": ("patch", np.array([called] * len(kept))),
            "region": ("patch", np.array([where] * len(kept))),
            "row": ("patch", rows),
            "column": ("patch", columns),
        },
        attrs={"pixel_m": _pixel_m(stack), "invalid_patches": len(corners) - len(kept)},
    )
    return check_patches(patches)


def join_patches(parts: Sequence[xr.Dataset]) -> xr.Dataset:
    """Join the patches of several stacks, in the order given.

    Parameters
    ----------
    parts : from `cut_patches`.

    Returns
    -------
    One dataset of the same form; ``pixel_m`` is the mean over patches.

    Raises
    ------
    ParameterError : nothing to join, patches of different sizes, pixels whose sides differ by more than a quarter, or
        some with the truth beside the labels and some without.
    PatchStoreError : a part that is no set of patches.
    """
    if not parts:
        raise ParameterError("No patches to join: give those of at least one stack.")
    sizes = sorted({check_patches(part).sizes["x"] for part in parts})
    if len(sizes) > 1:
        raise ParameterError(f"Patches of {', '.join(map(str, sizes))} pixels a side: cut them all to one size.")
    pixels = np.array([float(part.attrs["pixel_m"]) for part in parts])
    if pixels.max() > 1.25 * pixels.min():
        raise ParameterError(
            f"Pixels of {pixels.min():.1f} and of {pixels.max():.1f} m were to be joined: a landslide would have two "
            "sizes. Make the products with one spacing."
        )
    kinds = sorted({", ".join(sorted(map(str, part.data_vars))) for part in parts})
    if len(kinds) > 1:
        raise ParameterError(f"Patches with {' and some with '.join(kinds)}: all must hold the same.")
    joined = xr.concat(
        list(parts),
        dim="patch",
        data_vars="minimal",
        coords="minimal",
        compat="override",
        join="exact",
        combine_attrs="drop",
    )
    shares = np.array([part.sizes["patch"] for part in parts])
    lost = sum(int(part.attrs["invalid_patches"]) for part in parts)
    joined.attrs = {"pixel_m": float(np.average(pixels, weights=shares)), "invalid_patches": lost}
    for name in joined.data_vars:
        joined[name].attrs = dict(parts[0][name].attrs)
    return joined


def check_patches(patches: xr.Dataset) -> xr.Dataset:
    """Return a dataset unchanged if it holds patches of stacks.

    Raises
    ------
    PatchStoreError : the first thing that is missing or of another form, with what was found.
    """
    forms = {"bands": ("patch", "band", "y", "x"), "landslide": ("patch", "y", "x"), "valid": ("patch", "y", "x")}
    for name, dims in forms.items():
        if name not in patches or patches[name].dims != dims:
            found = f"dimensions {patches[name].dims}" if name in patches else "none"
            raise PatchStoreError(
                f"Patches need {name} with dimensions {dims}, and there is {found}: cut the stack again."
            )
    bands = tuple(map(str, patches["band"].to_numpy())) if "band" in patches.coords else ()
    if bands != BANDS:
        raise PatchStoreError(
            f"The bands of the patches are {', '.join(bands) or 'not named'}, and must be {', '.join(BANDS)}, in this "
            "order: cut the stack again."
        )
    if missing := [name for name in COORDINATES if name not in patches.coords]:
        raise PatchStoreError(f"The patches lack {', '.join(missing)}: cut the stack again.")
    if missing := [name for name in ("pixel_m", "invalid_patches") if name not in patches.attrs]:
        raise PatchStoreError(f"The patches lack the attribute {', '.join(missing)}: cut the stack again.")
    if not float(patches.attrs["pixel_m"]) > 0:
        raise PatchStoreError(f"The patches have pixels of {patches.attrs['pixel_m']} m: give their side as pixel_m.")
    if patches.sizes["x"] != patches.sizes["y"]:
        raise PatchStoreError(f"Patches of {patches.sizes['y']} x {patches.sizes['x']} pixels: they must be square.")
    if patches["valid"].dtype != bool:
        raise PatchStoreError(f"The valid mask of the patches is {patches['valid'].dtype}, and must be bool.")
    return patches


def _middle(stack: xr.Dataset) -> xr.Dataset:
    """A window about the middle of a stack."""
    dims = DIMENSIONS[geometry_of(stack)]
    return stack.isel({name: slice(max(stack.sizes[name] // 2 - 8, 0), stack.sizes[name] // 2 + 8) for name in dims})


def _region(stack: xr.Dataset, event: str) -> str:
    """Flinn-Engdahl region of a stack's middle, or its event where it has no georeference."""
    origin = local_frame(_middle(stack)).origin
    return event if origin is None else regions(*origin)[0]


def _pixel_m(stack: xr.Dataset) -> float:
    """Side of a pixel on the ground in the middle of a stack, to 0.1 m."""
    frame = local_frame(_middle(stack))
    sides = [np.hypot(np.diff(frame.east_km, axis=axis), np.diff(frame.north_km, axis=axis)) for axis in (0, 1)]
    return round(float(np.sqrt(np.prod([np.nanmean(side) for side in sides]))) * 1e3, 1)
