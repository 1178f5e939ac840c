"""The choices of a chain, and those of two theses by name."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from epi.errors import ParameterError
from epi.insar.engines.snap import operators

LATEST = 14  # version of SNAP the graphs are for unless another is named
LINE_M = 13.95  # a line of the wide swath on the ground: 13.9 to 14.0 m in real annotations
SAMPLE_M = 2.3296  # a sample of it along the line of sight
MIDDLE_INCIDENCE_DEG = {"IW1": 34.5, "IW2": 39.5, "IW3": 44.0}  # of each subswath, from real annotations


@dataclass(frozen=True, kw_only=True)
class Options:
    """What a chain does. The defaults end in an unwrapped, geocoded displacement.

    Parameters
    ----------
    snap_version : 10 to 14.
    subswaths : of ``IW1``, ``IW2``, ``IW3``; each goes through the chain by itself, unless merged.
    polarisation : ``VV``, ``VH``, ``HH`` or ``HV``.
    bursts : first and last, from 1; None for all.
    orbit : ``precise`` (three weeks after the acquisition) or ``restituted`` (three hours); SNAP downloads it.
    dem : elevation model by SNAP's name; SNAP downloads it.
    dem_file : an own model in its place.
    esd : refine the azimuth shift where bursts overlap; needs two bursts, and an earthquake's own azimuth motion
        biases it.
    topography : where the phase of the topography is removed: in ``"interferogram"``, or by an operator of its own
        (``"separate"``), or not at all (``"none"``).
    coherence_window : azimuth and range, pixels; None where ``parameters`` say it otherwise.
    merge : join the subswaths after deburst.
    looks : azimuth and range; ``"square"`` for square pixels of about ``pixel_m``, by each subswath's usual incidence
        (the native engine reads it from the annotation); None for none.
    goldstein : filter the phase; ``goldstein_alpha`` (0 to 1) its strength (None, from SNAP 14: by the coherence),
        ``goldstein_fft`` the side of its block, ``goldstein_window`` of its smoothing, ``goldstein_coherence`` the
        least coherence it filters (None: all).
    unwrap : unwrap with SNAPHU and make the displacement.
    geocode : put the result on a map of ``pixel_m`` metres.
    elevation, latitude_longitude : keep the heights and the coordinates of the pixels.
    incidence : keep the local incidence angle; on a map only.
    format : of the result: ``HDF5``, ``BEAM-DIMAP``, ``ZNAP``, ``NetCDF4-CF`` or another writer of SNAP.
    parameters : for any operator, more parameters or other values: ``{"Multilook": {"nAzLooks": 2}}``.

    Raises
    ------
    ParameterError : a value that no chain can have.
    """

    snap_version: int = LATEST
    subswaths: tuple[str, ...] = operators.SUBSWATHS
    polarisation: str = "VV"
    bursts: tuple[int, int] | None = None
    orbit: Literal["precise", "restituted"] = "precise"
    dem: str = "Copernicus 30m Global DEM"
    dem_file: Path | None = None
    esd: bool = False
    topography: Literal["interferogram", "separate", "none"] = "interferogram"
    coherence_window: tuple[int, int] | None = (3, 10)
    merge: bool = False
    looks: tuple[int, int] | Literal["square"] | None = "square"
    goldstein: bool = True
    goldstein_alpha: float | None = 1.0
    goldstein_fft: int = 64
    goldstein_window: int = 3
    goldstein_coherence: float | None = None
    unwrap: bool = True
    geocode: bool = True
    pixel_m: float = 30.0
    elevation: bool = True
    latitude_longitude: bool = False
    incidence: bool = True
    format: str = "NetCDF4-CF"
    parameters: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        operators.check_version(self.snap_version)
        for swath in self.subswaths:
            if swath not in operators.SUBSWATHS:
                raise _wrong("subswaths", swath, operators.listed(operators.SUBSWATHS))
        if not self.subswaths or len(set(self.subswaths)) < len(self.subswaths):
            raise _wrong("subswaths", self.subswaths, "one or more of IW1, IW2, IW3, each once")
        for name, allowed in _CHOICES.items():
            if getattr(self, name) not in allowed:
                raise _wrong(name, getattr(self, name), operators.listed(allowed))
        if isinstance(self.looks, str) and self.looks != "square":
            raise _wrong("looks", self.looks, "(azimuth, range), 'square' or None")
        if self.bursts is not None and not 1 <= self.bursts[0] <= self.bursts[1]:
            raise _wrong("bursts", self.bursts, "first and last, from 1")
        if self.esd and self.bursts is not None and self.bursts[0] == self.bursts[1]:
            raise _wrong("bursts", self.bursts, "two bursts or more with esd, which measures where bursts overlap")
        if self.merge and len(self.subswaths) < 2:
            raise _wrong("merge", True, "two subswaths or more with it")
        if self.goldstein_alpha is None and self.snap_version < 14:
            raise _wrong("goldstein_alpha", None, f"a number in (0, 1] for SNAP {self.snap_version}")
        if self.dem_file is not None and self.dem != operators.EXTERNAL_DEM:
            raise _wrong("dem", self.dem, f"{operators.EXTERNAL_DEM!r} with dem_file")
        if self.unwrap and self.topography == "none":
            raise _wrong(
                "topography", "none", "'interferogram' or 'separate' with unwrap: it would be taken for motion"
            )
        self._check_kept_bands()

    def looks_of(self, name: str) -> tuple[int, int] | None:
        """Return the looks in azimuth and range of a subswath, ``iw1`` to ``iw3``, or of all of them, ``merged``."""
        if not isinstance(self.looks, str):
            return self.looks
        swaths = self.subswaths if name == "merged" else (name.upper(),)
        middle = sum(MIDDLE_INCIDENCE_DEG[swath] for swath in swaths) / len(swaths)
        sample_m = SAMPLE_M / math.sin(math.radians(middle))
        return max(round(self.pixel_m / LINE_M), 1), max(round(self.pixel_m / sample_m), 1)

    def _check_kept_bands(self) -> None:
        """Heights and coordinates must have an operator that can write them."""
        if self.geocode:
            return
        wanted = [name for name in ("elevation", "latitude_longitude") if getattr(self, name)]
        if self.incidence:
            raise _wrong("incidence", True, "False without geocode: only Terrain-Correction writes it")
        if wanted and (self.topography == "none" or (self.merge and self.topography == "interferogram")):
            raise _wrong(
                wanted[0], True, "False here: TOPSAR-Merge drops it; use topography='separate', which makes it after"
            )


_CHOICES: dict[str, tuple[str, ...]] = {
    "polarisation": operators.POLARISATIONS,
    "orbit": ("precise", "restituted"),
    "topography": ("interferogram", "separate", "none"),
}


def _wrong(name: str, value: object, allowed: str) -> ParameterError:
    return ParameterError(f"Option {name} is {value!r}; allowed is {allowed}.")


@dataclass(frozen=True)
class Preset:
    """Options by name.

    Parameters
    ----------
    title : in words.
    source : where the values come from, a key of ``book/references.bib`` and its sections.
    options : as used here.
    corrected : what the source says and could not be done so, and what is done in its place.
    assumed : values the source does not state.
    """

    title: str
    source: str
    options: Options
    corrected: tuple[str, ...]
    assumed: tuple[str, ...]


PRESETS = {
    "srtm-hdf5": Preset(
        title="SRTM 1Sec HGT without ESD to HDF5",
        source="buccoliero2024, sections 4.2 to 4.5",
        options=Options(
            bursts=(1, 9),
            dem="SRTM 1Sec HGT",
            topography="separate",
            coherence_window=(10, 10),
            looks=None,
            unwrap=False,
            geocode=False,
            elevation=False,
            incidence=False,
            format="HDF5",
        ),
        corrected=(
            "One TOPSAR-Split cannot take three subswaths: each goes through the chain by itself, as its three results "
            "show.",
            "An elevation model given to Interferogram has no effect while it does not subtract the topography, as by "
            "default: only Back-Geocoding and TopoPhaseRemoval are given it.",
            "ESD is not for several subswaths: it needs several bursts of one. It is left out because the source does.",
            "HDF5 loses virtual bands, phase and intensity among them: the phase is made from i and q, and as "
            "atan2(q, i), not as an arctan of two quadrants.",
        ),
        assumed=(
            "The defaults of SNAP, written out: coherence window 10 x 10; Goldstein exponent 1, block 64, window 3, no "
            "mask (SNAP 14 would take the exponent from the coherence: useAdaptiveAlpha is off).",
            "The split comes before the orbit file: the phase is the same and a third of the pixels is written.",
        ),
    ),
    "copernicus-netcdf": Preset(
        title="Copernicus 30m with ESD to NetCDF",
        source="benotto2026, chapter 4",
        options=Options(esd=True, coherence_window=(10, 10), looks=(2, 8)),
        corrected=(
            "Terrain-Correction turns i and q into intensity, and interpolates a wrapped phase across its jumps: it is "
            "asked for complex output and for i, q, coherence, unwrapped phase, displacement and elevation by name; "
            "phase and intensity are made from i and q.",
            "The looks in range do not follow the width of the image, which would change the resolution from place to "
            "place: they are 2 x 8 (azimuth x range), square pixels of about the 30 m that are asked for.",
            "SNAPHU's 100 tiles, SNAP's default, overlap by more than their size in a small image: one tile.",
        ),
        assumed=(
            "All subswaths, VV, all bursts; coherence window 10 x 10, Goldstein and SNAPHU (DEFO, MST) by SNAP's "
            "defaults, written out (on SNAP 14 useAdaptiveAlpha is off, so that versions agree).",
        ),
    ),
}
"""The two theses' chains by name."""


def preset(name: str, **changes: Any) -> Options:  # noqa: ANN401  checked by Options
    """Return the options of a preset, with changes: ``preset("srtm-hdf5", subswaths=("IW1",))``.

    Raises
    ------
    ParameterError : an unknown preset or option.
    """
    if name not in PRESETS:
        raise ParameterError(f"Preset {name!r} is not known; known are {operators.listed(PRESETS)}.")
    try:
        return replace(PRESETS[name].options, **changes)
    except TypeError as error:
        known = operators.listed(Options.__dataclass_fields__)
        raise ParameterError(f"Unknown option ({error}); known are {known}.") from error
