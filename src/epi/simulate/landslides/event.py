"""One event: a product as an engine would make it, with the landslides that are really there."""

from datetime import datetime, timedelta
from typing import Any

import numpy as np
import xarray as xr

from epi.errors import ParameterError
from epi.insar import product
from epi.insar.product import SENTINEL1_WAVELENGTH_M
from epi.simulate.landslides import radar, sky
from epi.simulate.landslides.confusers import CONFUSERS, Confusers, draw_confusers, draw_old_scars
from epi.simulate.landslides.cover import Cover, draw_cover
from epi.simulate.landslides.fields import PIXEL_M, Floats
from epi.simulate.landslides.mixture import Mixture, Setting, draw_setting
from epi.simulate.landslides.relief import Relief, draw_relief
from epi.simulate.landslides.slides import Slides, draw_slides

LEAST_SIDE = 64
"""Pixels below which a scene shows no valley."""
FIRST_DAY = datetime(2018, 1, 1)
SLIDES_FACING = 25.0  # degrees of local incidence over which the change of backscatter of a slide turns its sign


def event_name(number: int) -> str:
    """Name of an event of a recipe, e.g. ``slides-07``."""
    return f"slides-{number:02d}"


def simulate_landslide_event(
    recipe: Mixture, seed: int, number: int, *, rows: int | None = None, columns: int | None = None
) -> xr.Dataset:
    """Simulate the pair of images around an event that set off landslides.

    Parameters
    ----------
    recipe : what is drawn: `FIELD`, `PRACTICE`, or one of your own.
    seed : of all that is random, with the recipe's stream and the event's number.
    number : of the event, from 0; a recipe with a list of events ends.
    rows, columns : of pixels of 30 m; default the recipe's.

    Returns
    -------
    Product on a map in UTM, with the variables of a processed pair, and what is true beside them: ``landslide`` (uint8,
    1 on ground that slid), ``slide`` (int32, number of the slide, 0 for none), ``slide_los_displacement`` (m toward the
    satellite, 0 elsewhere; NaN on slides that broke up), ``confuser`` (uint8, numbers of `CONFUSERS`). Beyond the swath
    the measurements are NaN and ``valid`` is False; water and layover keep their noise, and are flagged.

    Raises
    ------
    ParameterError : no such event, or a scene of fewer than 64 pixels a side.
    """
    shape = (rows or recipe.rows, columns or recipe.columns)
    if min(shape) < LEAST_SIDE:
        raise ParameterError(f"A scene of {shape[0]} x {shape[1]} pixels: give {LEAST_SIDE} or more a side.")
    if number < 0 or seed < 0:
        raise ParameterError(f"Seed {seed}, event {number}: give 0 or more.")
    streams = [np.random.default_rng([seed, number, recipe.stream, part]) for part in range(7)]
    setting = draw_setting(recipe, streams[0], number)
    relief = draw_relief(setting, shape, streams[1])
    scars = draw_old_scars(setting, relief, streams[2])
    cover = draw_cover(setting, relief, streams[2], bared=scars)
    confusers = draw_confusers(setting, relief, cover, scars, streams[3])
    slides = draw_slides(recipe, setting, relief, streams[4])
    return _seen(recipe, setting, relief, cover, confusers, slides, streams[5:], {"seed": seed, "number": number})


def _seen(
    recipe: Mixture,
    setting: Setting,
    relief: Relief,
    cover: Cover,
    confusers: Confusers,
    slides: Slides,
    streams: list[np.random.Generator],
    facts: dict[str, Any],
) -> xr.Dataset:
    """What the radar sees of a scene."""
    shape = relief.height.shape
    air, noise = streams
    incidence, look = radar.look_at(shape, setting.incidence_deg, setting.heading_deg)
    local = radar.local_incidence(relief, look)
    layover, shadow = radar.layover_shadow(relief.height, incidence, setting.heading_deg)
    slid = _slid(recipe, slides, local, look)
    before = radar.brightness(cover.sigma0_db, local, layover, shadow)
    after = before * 10 ** ((confusers.change_db * (1 - slides.share) + slid["change_db"] * slides.share) / 10)
    middle = tuple(float(each[shape[0] // 2, shape[1] // 2]) for each in look)
    to_phase = -4 * np.pi / SENTINEL1_WAVELENGTH_M
    quake = sky.earthquake(setting, shape, (middle[0], middle[1], middle[2]), air)
    smooth = to_phase * (sky.delay(setting, relief, air) + quake) + air.uniform(-np.pi, np.pi)
    errors = sky.height_error_phase(setting, relief, SENTINEL1_WAVELENGTH_M, air)
    stays = cover.coherence * confusers.keeps
    folded = np.where(layover, radar.FOLDED, 1.0)
    mixed = folded * stays * (1 - slides.share + slides.share * slid["keeps"] * np.exp(1j * to_phase * slid["los"]))
    gamma = radar.surviving(np.abs(mixed), (before, after), local, setting.baseline_m, SENTINEL1_WAVELENGTH_M)
    floor = np.float32(10 ** (radar.NOISE_DB / 10))
    seen = radar.speckle(
        gamma, (before + floor, after + floor), smooth + errors + np.angle(mixed), setting.looks, noise
    )
    coherence = radar.estimate_coherence(*seen)
    phase = radar.filtered_phase(seen[0], setting.goldstein)
    unwrapped = radar.unwrap_near(phase, smooth + errors, coherence, noise)
    beyond = _beyond_swath(shape, setting.outside, setting.heading_deg, noise)
    measured = {
        "i": seen[0].real, "q": seen[0].imag, "coherence": coherence, "phase": np.clip(phase, -np.pi, np.pi),
        "unwrapped_phase": unwrapped,
        "los_displacement": product.los_displacement(unwrapped, wavelength=SENTINEL1_WAVELENGTH_M),
        "intensity_reference": seen[1], "intensity_secondary": seen[2],
    }  # fmt: skip
    variables: dict[str, Any] = {name: np.where(beyond, np.nan, values) for name, values in measured.items()}
    variables |= {
        "elevation": relief.height, "incidence_angle": incidence, "local_incidence_angle": local,
        **dict(zip(product.LOOK, look, strict=True)),
        "layover_shadow": layover | shadow, "water": relief.water, "valid": ~beyond,
    }  # fmt: skip
    east, north = setting.corner_m
    made = product.build(
        variables,
        x=east + PIXEL_M * (np.arange(shape[1]) + 0.5),
        y=north - PIXEL_M * (np.arange(shape[0]) + 0.5),
        crs=setting.epsg,
        attrs=_attributes(recipe, setting, facts),
    )
    return product.validate(_with_truth(made, slides, slid["los"], relief, confusers))


def _slid(recipe: Mixture, slides: Slides, local: Floats, look: tuple[Floats, ...]) -> dict[str, Any]:
    """Coherence that stays, motion along the line of sight and change of backscatter of the slide of each pixel."""
    table, owner = slides.table, slides.owner

    def of(column: str) -> Floats:
        values = np.concatenate([[0.0], table[column].fillna(0.0).to_numpy(float)])
        return np.asarray(values[owner], np.float32)

    los = (
        of("motion_m")
        * slides.depth
        * sum(of(way) * part for way, part in zip(("east", "north", "up"), look, strict=True))
    )
    facing, turned = recipe.sides_db
    tilt = np.clip((local - 35.0) / SLIDES_FACING, -1, 1)
    aspect = np.where(of("slow") > 0, 0.0, (facing + turned) / 2 - (facing - turned) / 2 * tilt)
    return {"keeps": of("keeps"), "los": los, "change_db": of("change_db") + aspect}


def _beyond_swath(shape: tuple[int, int], share: float, heading_deg: float, rng: np.random.Generator) -> Any:  # noqa: ANN401
    """Ground outside the image: one side of the scene, along the flight."""
    rows, columns = (np.arange(size, dtype=float) for size in shape)
    across = columns[None, :] + np.tan(np.deg2rad(heading_deg)) * rows[:, None]
    side = rng.choice([-1, 1])
    return side * across > np.quantile(side * across, 1 - share) if share else np.zeros(shape, bool)


def _attributes(recipe: Mixture, setting: Setting, facts: dict[str, Any]) -> dict[str, Any]:
    """Attributes of the product, as the engines write them, and the region."""
    triggered = FIRST_DAY + timedelta(days=setting.date, hours=6)
    first = triggered - timedelta(days=max(setting.days // 2, 1))
    name = event_name(facts["number"])
    return {
        "event": name,
        "event_id": name,
        "event_time": triggered.isoformat(),
        "region": setting.region,
        "trigger": setting.trigger,
        "reference_time": first.isoformat(),
        "secondary_time": (first + timedelta(days=setting.days)).isoformat(),
        "temporal_baseline_days": float(setting.days),
        "perpendicular_baseline_m": setting.baseline_m,
        "direction": "ascending" if abs(setting.heading_deg) < 90 else "descending",
        "heading": setting.heading_deg,
        "wavelength": SENTINEL1_WAVELENGTH_M,
        "looks": setting.looks,
        "goldstein": setting.goldstein,
        "magnitude": setting.magnitude,
        "engine": "simulated",
        "recipe": recipe.name,
        "stream": recipe.stream,
        **facts,
    }


def _with_truth(made: xr.Dataset, slides: Slides, los: Floats, relief: Relief, confusers: Confusers) -> xr.Dataset:
    """Add what is true: where the ground slid, which slide it was, how far it moved, and what else happened there."""
    there = slides.mask & ~relief.water
    slow = np.concatenate([[True], slides.table["slow"].to_numpy(bool)])[slides.owner]
    truth = {
        "landslide": (there.astype(np.uint8), "1", "ground that slid between the images"),
        "slide": (np.where(there, slides.owner, 0), "1", "number of the landslide, 0 for none"),
        "slide_los_displacement": (
            np.where(there, np.where(slow, los, np.nan), 0).astype(np.float32),
            "m",
            "true motion of slides that did not break up, positive toward the satellite",
        ),
        "confuser": (
            np.where(there, 0, confusers.kind).astype(np.uint8),
            "1",
            "what may pass for a landslide: " + ", ".join(f"{n} {name}" for n, name in enumerate(CONFUSERS)),
        ),
    }
    mapping = {"grid_mapping": "spatial_ref"}
    return made.assign(
        {
            name: (("y", "x"), values, {"units": unit, "long_name": meaning} | mapping)
            for name, (values, unit, meaning) in truth.items()
        }
    )
