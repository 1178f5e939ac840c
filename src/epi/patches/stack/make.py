"""From a product and what slid in it to the stack: seven bands, a mask of landslides and a mask of valid pixels."""

import json
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from epi.catalogue.inventories import Inventory, select_dates
from epi.errors import EmptyScene, ProductError
from epi.insar.contract import DIMENSIONS, crs_of, geometry_of, validate
from epi.insar.product import los_displacement, unwrapped_phase, wavelength_of
from epi.insar.stack_bands import BAND_FACTS, BANDS
from epi.patches.stack.mask import landslide_mask

STEPS = {
    ("i", "q", "phase", "coherence"): "the interferogram (epi interferogram; a displacement alone is not enough)",
    ("unwrapped_phase", "los_displacement"): "unwrapping (epi.insar.unwrap.unwrap, or epi interferogram --unwrap)",
    ("elevation", "local_incidence_angle"): "the terrain (by the native engine always; by SNAP's Terrain-Correction "
    "with saveDEM and saveLocalIncidenceAngle)",
}
"""What makes the variables that a stack needs."""

OUT = ("water", "layover_shadow")
"""Variables of a product that leave a pixel out where they are true."""

SLACK = 0.01
"""Part of a pixel by which two grids may differ and still be one: coordinates are stored rounded."""

REGRID = "burn the inventory onto the product with landslide_mask."


def make_stack(
    product: xr.Dataset,
    landslide: Inventory | xr.DataArray,
    *,
    all_touched: bool = False,
    required: Sequence[str] = BANDS,
) -> xr.Dataset:
    """Stack what a pair of images tells of slopes with where they slid.

    Parameters
    ----------
    product : of either engine, on a map or a radar's grid, with phase, coherence, ``i`` and ``q``, elevation, unwrapped
        phase or displacement, and local incidence angle.
    landslide : an inventory, whose dates are held against the product's (`epi.catalogue.select_dates`); where the
        product states no dates, or none of the landslides has one, all of them are taken, and a warning says so. Or a
        mask of true and false (or 1 and 0) on the product's grid. A mask without coordinates is taken to be on it.
    all_touched : as for `landslide_mask`.
    required : bands without which a pixel is not valid; as published, all. An unwrapping that leaves out decorrelated
        ground leaves out landslides: the attributes say how many of their pixels are valid.

    Returns
    -------
    A dataset on the product's grid that is itself a product: the variables ``BANDS`` (float32, NaN where unknown),
    ``landslide`` (uint8, 1 where it slid) and ``valid`` (bool: every required band is finite, the product's own
    ``valid`` does not say otherwise, neither water nor layover or shadow). To the product's attributes come ``event``
    (its name; empty where the product has none), ``masked`` (which of water and layover were known),
    ``landslide_pixels``, ``landslide_pixels_valid``, and with an inventory what became of it.

    Raises
    ------
    ProductError : variables that are missing, with the step that adds them; a mask on another grid, or none.
    InventoryError : an inventory of another date or outside the scene.
    EmptyScene : no pixel is valid.
    """
    if unknown := sorted(set(required) - set(BANDS)):
        raise ProductError(f"No band {', '.join(unknown)}: a stack has {', '.join(BANDS)}.")
    if not isinstance(landslide, (Inventory, xr.DataArray)):
        raise ProductError(
            f"landslide is a {type(landslide).__name__}: give an inventory (epi.catalogue.read_inventory, or "
            "inventory_of a table), or a DataArray on the product's grid."
        )
    bands = _bands(validate(product))
    mask = _burned(product, landslide, all_touched) if isinstance(landslide, Inventory) else landslide
    slid = _on_grid(mask, product)
    valid = np.logical_and.reduce([np.isfinite(bands[name]) for name in required]) if required else np.ones_like(slid)
    valid &= product["valid"].to_numpy() if "valid" in product else True
    for name in OUT:
        valid &= ~product[name].to_numpy() if name in product else True
    if not valid.any():
        shares = [f"{name} finite {np.isfinite(bands[name]).mean():.0%}" for name in required]
        shares += [f"{name} {product[name].to_numpy().mean():.0%}" for name in ("valid", *OUT) if name in product]
        raise EmptyScene(
            f"No pixel of the stack is valid; shares of the product's: {', '.join(shares)}. Look at it first."
        )
    return _assembled(product, bands, slid, valid, mask.attrs if isinstance(landslide, Inventory) else {})


def check_stack(stack: xr.Dataset) -> xr.Dataset:
    """Return a dataset unchanged if it is a stack.

    Raises
    ------
    ProductError : bands or masks that are missing, of another unit or kind; or what breaks the product's contract.
    """
    if missing := [name for name in (*BANDS, "landslide", "valid") if name not in stack]:
        raise ProductError(f"No stack: it lacks {', '.join(missing)}. Make it with make_stack.")
    for name, fact in BAND_FACTS.items():
        if (unit := stack[name].attrs.get("units")) != fact.unit:
            raise ProductError(f"Band {name} of the stack is in {unit!r}, it must be in {fact.unit!r}: convert it.")
    grids = {str(name): stack[name].dims for name in (*BANDS, "landslide", "valid")}
    if other := [name for name, dims in grids.items() if dims != DIMENSIONS[geometry_of(stack)]]:
        raise ProductError(f"{other[0]} of the stack has dimensions {grids[other[0]]}: transpose it.")
    _zeros_and_ones(stack["landslide"])
    return validate(stack)


def event_of(product: xr.Dataset) -> str:
    """Name of a product's event: ``event_id``, or ``event``, which may be a name or a row of the catalogue as JSON.

    Empty where neither is stated.
    """
    stated = str(product.attrs.get("event_id") or product.attrs.get("event") or "")
    try:
        row = json.loads(stated)
    except ValueError:
        return stated
    return str(row.get("event_id", "")) if isinstance(row, dict) else stated


def _bands(product: xr.Dataset) -> dict[str, NDArray[np.float32]]:
    """The seven bands of a product, those that follow from others included."""
    if geometry_of(product) == "points":
        raise ProductError("A table of points was given, and a stack is a grid: give a product with one.")
    here = {str(name): product[name].to_numpy() for name in product.data_vars}
    if {"i", "q"} <= set(here):
        here.setdefault("phase", np.arctan2(here["q"], here["i"]))
    if "unwrapped_phase" in here and "los_displacement" not in here:
        here["los_displacement"] = los_displacement(here["unwrapped_phase"], wavelength=wavelength_of(product))
    if "los_displacement" in here and "unwrapped_phase" not in here:
        here["unwrapped_phase"] = unwrapped_phase(here["los_displacement"], wavelength=wavelength_of(product))
    lacking = {step: [name for name in names if name not in here] for names, step in STEPS.items()}
    if any(lacking.values()):
        said = "; ".join(f"{', '.join(names)}: added by {step}" for step, names in lacking.items() if names)
        raise ProductError(f"The product lacks what a stack needs: {said}.")
    with np.errstate(divide="ignore"):
        modulus = np.hypot(here["i"], here["q"])
        here["intensity"] = np.where(modulus > 0, 10 * np.log10(modulus), np.nan)
    return {name: here[name].astype(np.float32) for name in BANDS}


def _burned(product: xr.Dataset, inventory: Inventory, all_touched: bool) -> xr.DataArray:
    """Burn what slid between the product's two images; attributes say what became of the inventory."""
    first, last = (str(product.attrs.get(f"{side}_time", "")) for side in ("reference", "secondary"))
    if first and last:
        between = select_dates(inventory, first, last)
        if between.landslides["date"].isna().all():
            warnings.warn(
                f"None of the {len(between)} landslides of {inventory.source} that are burned in says when it slid, so "
                f"they were not held against the images of {first[:10]} and {last[:10]}: some may be older or younger. "
                "Name the column of their dates (date_column), or choose those of this event first.",
                UserWarning,
                stacklevel=3,
            )
    else:
        warnings.warn(
            "The product does not say when its two images were taken (attributes reference_time and secondary_time), "
            "so the inventory's dates were not held against them: all of its landslides are burned in. State the "
            "times, or choose the landslides with select_dates first.",
            UserWarning,
            stacklevel=3,
        )
        between = inventory
    mask = landslide_mask(product, between, all_touched=all_touched)
    return mask.assign_attrs(report=between.report.summary)


def _on_grid(mask: xr.DataArray, product: xr.Dataset) -> NDArray[np.bool_]:
    """The values of a mask that lies on the product's grid."""
    dims = DIMENSIONS[geometry_of(product)]
    sizes = {name: product.sizes[name] for name in dims}
    if mask.dims != dims or mask.shape != tuple(sizes.values()):
        raise ProductError(f"The mask of landslides is {_size(mask.sizes)}, the product {_size(sizes)}: {REGRID}")
    system, other = crs_of(product), crs_of(mask.to_dataset(name="landslide"))
    if system is not None and other is not None and not other.equals(system, ignore_axis_order=True):
        raise ProductError(f"The mask of landslides is in {other.name}, the product in {system.name}: {REGRID}")
    for name in ("x", "y"):
        if name in mask.coords and name in product.coords:
            there, here = mask[name].to_numpy(), product[name].to_numpy()
            pixels = np.abs(there - here).max() / (np.abs(np.diff(here)).mean() if here.size > 1 else 1.0)
            if pixels > SLACK:
                raise ProductError(
                    f"The mask of landslides is {pixels:.3g} pixels off the product's in {name}: {REGRID}"
                )
    return _zeros_and_ones(mask)


def _size(sizes: Mapping[Any, int]) -> str:
    """The sizes of a grid, in words."""
    return " x ".join(f"{size} {name}" for name, size in sizes.items())


def _zeros_and_ones(mask: xr.DataArray) -> NDArray[np.bool_]:
    """The values of a mask as bool."""
    values = mask.to_numpy()
    if values.dtype != bool and not np.isin(values, (0, 1)).all():
        raise ProductError("The mask of landslides holds values other than 0 and 1: compare it with a threshold first.")
    return values.astype(bool)


def _assembled(
    product: xr.Dataset,
    bands: Mapping[str, NDArray[np.float32]],
    slid: NDArray[np.bool_],
    valid: NDArray[np.bool_],
    facts: Mapping[Any, Any],
) -> xr.Dataset:
    """Put the stack together."""
    geometry = geometry_of(product)
    dims, mapping = DIMENSIONS[geometry], {"grid_mapping": "spatial_ref"} if "spatial_ref" in product.coords else {}
    kept = {"latitude", "longitude"} if geometry == "radar" else set()
    places = product.drop_vars([name for name in product.data_vars if name not in kept])
    made: dict[str, Any] = {
        name: (dims, values, {"units": BAND_FACTS[name].unit, "long_name": BAND_FACTS[name].meaning} | mapping)
        for name, values in bands.items()
    }
    made["landslide"] = (dims, slid.astype(np.uint8), {"units": "1", "long_name": "1 where the ground slid"} | mapping)
    about = "true where all that is needed is known, and neither water nor layover or shadow"
    made["valid"] = (dims, valid, {"units": "1", "long_name": about} | mapping)
    counts = {"landslide_pixels": int(slid.sum()), "landslide_pixels_valid": int((slid & valid).sum())}
    said = {
        f"inventory_{name}": value for name, value in facts.items() if name not in ("units", "long_name", "inventory")
    }
    said |= {"inventory": facts["inventory"]} if "inventory" in facts else {}
    known = ", ".join(name for name in OUT if name in product)
    attrs = product.attrs | {"event": event_of(product), "masked": known or "nothing"} | counts | said
    stack = places.assign(made)
    stack.attrs = attrs
    return check_stack(stack)
