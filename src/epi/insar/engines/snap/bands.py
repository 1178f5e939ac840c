"""Names of the bands SNAP makes, operator by operator, so that a name that will not be there is refused beforehand.

A virtual band is a formula over other bands: SNAP keeps it in memory and in some formats, and loses it in others.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from epi.catalogue.images.scenes import Scene
from epi.errors import ParameterError
from epi.insar.engines.snap import operators

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

_KEPT = {"BEAM-DIMAP": "kept", "ZNAP": "kept", "NetCDF4-CF": "made real"}  # virtual bands in a file; lost in all others


@dataclass(frozen=True)
class Bands:
    """The bands of one product.

    Parameters
    ----------
    real, virtual : their names.
    subswaths : those whose pixels it holds.
    polarisation : the one it is about; empty before the split.
    dates : of reference and secondary, as SNAP writes them in names (``06Jan2018``); one before coregistration.
    made_by : the operators behind it, in order.
    complex_of : the common end of the names of i and q once there is an interferogram, such as ``ifg_IW1_VV_…``.
    flat : whether the phase of the topography is removed.
    """

    real: tuple[str, ...]
    virtual: tuple[str, ...] = ()
    subswaths: tuple[str, ...] = ()
    polarisation: str = ""
    dates: tuple[str, ...] = ()
    made_by: tuple[str, ...] = ()
    complex_of: str = ""
    flat: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """All names."""
        return self.real + self.virtual

    @property
    def phase(self) -> str:
        """Name of the wrapped phase band, or empty where there is none."""
        return next((name for name in self.names if name.startswith("Phase_ifg_")), "")


def stamp(scene: Scene) -> str:
    """Return the date of an image as SNAP writes it in names, whatever the language of the machine."""
    return f"{scene.start.day:02d}{MONTHS[scene.start.month - 1]}{scene.start.year}"


def of_image(scene: Scene) -> Bands:
    """Return the bands of a whole SLC image."""
    ends = [f"{swath}_{pol}" for swath in operators.SUBSWATHS for pol in scene.polarisations]
    return Bands(
        real=tuple(f"{part}_{end}" for end in ends for part in "iq"),
        virtual=tuple(f"Intensity_{end}" for end in ends),
        subswaths=operators.SUBSWATHS,
        dates=(stamp(scene),),
    )


def after(operator: str, sources: Sequence[Bands], parameters: Mapping[str, str], *, version: int) -> Bands:
    """Return the bands an operator makes of its sources.

    Parameters
    ----------
    operator, parameters : one operator of a graph, which `operators.check_operator` has passed.
    sources : bands of its sources in order.
    version : major version of SNAP: the stack's names changed with 14.

    Raises
    ------
    ParameterError : the sources are not what the operator works on, or a band is named that they do not have.
    """
    first = sources[0]
    given = operators.canonical(operator, parameters, version=version)
    _check_names(operator, first, given, version=version)
    _check_order(operator, sources)
    made = _RULES.get(operator, _unchanged)(sources, given, version)
    return replace(made, made_by=(*first.made_by, operator))


def _check_names(operator: str, source: Bands, given: Mapping[str, str], *, version: int) -> None:
    """Refuse band names the first source does not have: SNAP stops at them, after the work before is done."""
    facts = operators.contract()["operators"][operator]["parameters"]
    for parameter, fact in facts.items():
        if fact.get("names") != "Band" or parameter not in given:
            continue
        for name in filter(None, given[parameter].split(",")):
            if name.strip() not in source.names:
                raise ParameterError(
                    f"{operator}: {parameter} names the band {name.strip()!r}, which SNAP {version} will not have "
                    f"made; its source has: {operators.listed(source.names)}."
                )


_BEFORE = {  # what must have been done to the first source, and what must not
    "Back-Geocoding": (("TOPSAR-Split",), ("Back-Geocoding", "TOPSAR-Deburst")),
    "Enhanced-Spectral-Diversity": (("Back-Geocoding",), ("TOPSAR-Deburst", "Interferogram")),
    "Interferogram": (("Back-Geocoding",), ("Interferogram",)),
    "TOPSAR-Deburst": (("TOPSAR-Split",), ("TOPSAR-Deburst",)),
    "TOPSAR-Merge": (("TOPSAR-Deburst",), ("TOPSAR-Merge", "Multilook")),
    "TopoPhaseRemoval": (("Interferogram", "TOPSAR-Deburst"), ("TopoPhaseRemoval", "Multilook")),
    "Multilook": (("TOPSAR-Deburst",), ()),
    "GoldsteinPhaseFiltering": (("Interferogram", "TOPSAR-Deburst"), ()),
    "SnaphuExport": (("Interferogram", "TOPSAR-Deburst"), ()),
    "SnaphuImport": (("Interferogram", "TOPSAR-Deburst"), ()),
    "PhaseToDisplacement": (("SnaphuImport",), ()),
    "TOPSAR-Split": ((), ("TOPSAR-Split",)),
    "SliceAssembly": ((), ("Back-Geocoding", "TOPSAR-Deburst")),
    "Terrain-Correction": (("TOPSAR-Deburst",), ("Terrain-Correction",)),
}


def _check_order(operator: str, sources: Sequence[Bands]) -> None:
    needed, forbidden = _BEFORE.get(operator, ((), ()))
    for source in sources[:1] if operator == "SnaphuImport" else sources:
        done = operators.listed(source.made_by) or "none"
        for name in needed:
            if name not in source.made_by:
                raise ParameterError(f"{operator}: its source must have gone through {name}; it went through: {done}.")
        for name in forbidden:
            if name in source.made_by:
                raise ParameterError(
                    f"{operator}: its source must not have gone through {name}; it went through: {done}."
                )


def _unchanged(sources: Sequence[Bands], given: Mapping[str, str], version: int) -> Bands:
    return sources[0]


def _split(sources: Sequence[Bands], given: Mapping[str, str], version: int) -> Bands:
    swath = given.get("subswath") or operators.SUBSWATHS[0]
    polarisations = [part.strip() for part in given.get("selectedPolarisations", "").split(",") if part.strip()]

    def kept(name: str) -> bool:
        return f"_{swath}_" in name and (not polarisations or name.rsplit("_", 1)[1] in polarisations)

    real = tuple(filter(kept, sources[0].real))
    if not real:
        raise ParameterError(
            f"TOPSAR-Split: no band of subswath {swath} in {operators.listed(polarisations)}; the image has: "
            f"{operators.listed(sources[0].names)}."
        )
    virtual = tuple(filter(kept, sources[0].virtual))
    polarisation = real[0].rsplit("_", 1)[1]
    return replace(sources[0], real=real, virtual=virtual, subswaths=(swath,), polarisation=polarisation)


def _stack(sources: Sequence[Bands], given: Mapping[str, str], version: int) -> Bands:
    first, *others = sources
    for other in others:
        if (other.subswaths, other.polarisation) != (first.subswaths, first.polarisation):
            raise ParameterError(
                f"Back-Geocoding: reference is {_of(first)}, secondary {_of(other)}; split both images alike."
            )
    reference, secondary = ("ref", "sec") if version >= 14 else ("mst", "slv")
    names = [f"{name}_{reference}_{first.dates[0]}" for name in first.real]
    for number, other in enumerate(others, start=1):
        names += [f"{name}_{secondary}{number}_{other.dates[0]}" for name in other.real]
    return replace(first, real=tuple(names), virtual=(), dates=tuple(source.dates[0] for source in sources))


def _of(bands: Bands) -> str:
    return f"{'+'.join(bands.subswaths)} {bands.polarisation}"


def _interferogram(sources: Sequence[Bands], given: Mapping[str, str], version: int) -> Bands:
    stack = sources[0]
    end = "_".join((stack.subswaths[0], stack.polarisation, *stack.dates[:2]))
    on = {name for name, value in given.items() if value == "true"}
    real = [f"i_ifg_{end}", f"q_ifg_{end}"]
    real += [] if given.get("includeCoherence") == "false" else [f"coh_{end}"]
    real += [f"topo_{end}"] if "outputTopoPhase" in on else []
    real += [f"fep_{end}"] if "outputFlatEarthPhase" in on else []
    real += ["elevation"] if "outputElevation" in on else []
    real += ["orthorectifiedLat", "orthorectifiedLon"] if "outputLatLon" in on else []
    virtual = (f"Intensity_ifg_{end}", f"Phase_ifg_{end}")
    return replace(
        stack, real=tuple(real), virtual=virtual, complex_of=f"ifg_{end}", flat="subtractTopographicPhase" in on
    )


def _merge(sources: Sequence[Bands], given: Mapping[str, str], version: int) -> Bands:
    first = sources[0]
    swaths = [source.subswaths[0] for source in sources]
    if len(set(swaths)) < len(swaths):
        raise ParameterError(f"TOPSAR-Merge: its sources are of {operators.listed(swaths)}; give each subswath once.")
    with_polarisation = [name for name in first.names if f"_{first.polarisation}" in name]
    renamed = {name: name.replace(f"{swaths[0]}_", "") for name in with_polarisation}
    return replace(
        first,
        real=tuple(renamed[name] for name in first.real if name in renamed),
        virtual=tuple(renamed[name] for name in first.virtual if name.startswith("Phase_ifg_")),
        subswaths=tuple(swaths),
        complex_of=first.complex_of.replace(f"{swaths[0]}_", ""),
    )


def _topography(sources: Sequence[Bands], given: Mapping[str, str], version: int) -> Bands:
    source = sources[0]
    if source.flat:
        raise ParameterError(
            "TopoPhaseRemoval: the topography is removed already, by subtractTopographicPhase of Interferogram; "
            "doing it twice puts it back with the other sign. Leave one out."
        )
    end = "_".join((source.polarisation, *source.dates[:2]))
    on = {name for name, value in given.items() if value == "true"}
    real = [f"i_ifg_{end}", f"q_ifg_{end}", *(name for name in source.real if name.startswith("coh_"))]
    real += [f"topo_phase_{end}"] if "outputTopoPhaseBand" in on else []
    real += ["elevation"] if "outputElevationBand" in on else []
    real += ["orthorectifiedLat", "orthorectifiedLon"] if "outputLatLonBands" in on else []
    virtual = (f"Phase_ifg_srd_{end}", f"Intensity_ifg_{end}_ifg_srd_{end}")
    return replace(source, real=tuple(real), virtual=virtual, complex_of=f"ifg_{end}", flat=True)


def _multilook(sources: Sequence[Bands], given: Mapping[str, str], version: int) -> Bands:
    named = [name.strip() for name in given.get("sourceBands", "").split(",") if name.strip()]
    return replace(sources[0], real=tuple(named), virtual=()) if named else sources[0]


def _goldstein(sources: Sequence[Bands], given: Mapping[str, str], version: int) -> Bands:
    source = sources[0]
    virtual = (f"Phase_{source.complex_of}", f"Intensity_{source.complex_of}_db")
    return replace(source, virtual=virtual)


def _import(sources: Sequence[Bands], given: Mapping[str, str], version: int) -> Bands:
    if len(sources) != 2:
        raise ParameterError(f"SnaphuImport: needs the wrapped and the unwrapped phase, found {len(sources)} sources.")
    first = sources[0]
    kept = () if given.get("doNotKeepWrapped") == "true" else first.names
    return replace(first, real=(*kept, "_".join(("Unw_Phase_ifg", *first.dates[:2]))), virtual=())


def _displacement(sources: Sequence[Bands], given: Mapping[str, str], version: int) -> Bands:
    return replace(sources[0], real=("displacement",), virtual=())


def _band_merge(sources: Sequence[Bands], given: Mapping[str, str], version: int) -> Bands:
    first = sources[0]
    real = first.real + tuple(name for source in sources[1:] for name in source.real if name not in first.real)
    virtual = first.virtual
    named = [name.strip() for name in given.get("sourceBands", "").split(",") if name.strip()]
    for name in named:
        if name not in real + virtual:
            raise ParameterError(
                f"BandMerge: sourceBands names the band {name!r}; its sources have: {operators.listed(real + virtual)}."
            )
    return replace(first, real=tuple(named) or real, virtual=() if named else virtual)


def _terrain(sources: Sequence[Bands], given: Mapping[str, str], version: int) -> Bands:
    source = sources[0]
    named = [name.strip() for name in given.get("sourceBands", "").split(",") if name.strip()] or list(source.real)
    pairs = [name[2:] for name in named if name.startswith("i_") and f"q_{name[2:]}" in named]
    names = []
    for name in named:
        if name[2:] in pairs and name[:2] in ("i_", "q_") and given.get("outputComplex") != "true":
            name = f"Intensity_{name[2:]}"
        alone = not re.search(r"(^|_)(VV|VH|HH|HV)(_|$)", name)
        names.append(f"{name}_{source.polarisation}" if alone else name)
    extra = {
        "saveDEM": ("elevation",),
        "saveLatLon": ("latitude", "longitude"),
        "saveLocalIncidenceAngle": ("localIncidenceAngle",),
        "saveProjectedLocalIncidenceAngle": ("projectedLocalIncidenceAngle",),
        "saveIncidenceAngleFromEllipsoid": ("incidenceAngleFromEllipsoid",),
        "saveLayoverShadowMask": ("layoverShadowMask",),
    }
    names += [band for switch, made in extra.items() if given.get(switch) == "true" for band in made]
    return replace(source, real=tuple(dict.fromkeys(names)), virtual=())


def _written(sources: Sequence[Bands], given: Mapping[str, str], version: int) -> Bands:
    source = sources[0]
    format_name = given.get("formatName", "BEAM-DIMAP")
    fate = _KEPT.get(format_name, "lost")
    if format_name == "HDF5" and "Terrain-Correction" in source.made_by and "latitude" not in source.real:
        raise ParameterError(
            "Write: formatName is 'HDF5', which does not write a map's grid; give saveLatLon=true to "
            "Terrain-Correction, or write NetCDF4-CF, BEAM-DIMAP or ZNAP."
        )
    if fate == "made real":
        return replace(source, real=source.names, virtual=())
    return source if fate == "kept" else replace(source, virtual=())


def _exported(sources: Sequence[Bands], given: Mapping[str, str], version: int) -> Bands:
    source = sources[0]
    if not source.phase or not any(name.startswith("coh_") for name in source.names):
        raise ParameterError(
            "SnaphuExport: needs the bands Phase_ifg_… and coh_…; its source has: "
            f"{operators.listed(source.names)}. A format that loses virtual bands, such as HDF5, loses the phase: keep "
            "what comes before in BEAM-DIMAP, and leave includeCoherence on."
        )
    return source


_RULES = {
    "TOPSAR-Split": _split,
    "Back-Geocoding": _stack,
    "Interferogram": _interferogram,
    "TOPSAR-Merge": _merge,
    "TopoPhaseRemoval": _topography,
    "Multilook": _multilook,
    "GoldsteinPhaseFiltering": _goldstein,
    "SnaphuExport": _exported,
    "SnaphuImport": _import,
    "PhaseToDisplacement": _displacement,
    "BandMerge": _band_merge,
    "Terrain-Correction": _terrain,
    "Write": _written,
}
