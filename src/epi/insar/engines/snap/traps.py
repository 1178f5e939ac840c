"""Values that SNAP takes without a word and that do not do what they say."""

from collections.abc import Mapping
from dataclasses import dataclass

from epi.errors import ParameterError
from epi.insar.engines.snap import operators


@dataclass(frozen=True)
class Needs:
    """A parameter that has no effect unless another has a certain value.

    Parameters
    ----------
    operator, parameter : which.
    other, wanted : the parameter it hangs on, and the value that one must have; ``""`` means not given, or zero.
    at_all : whether the parameter is refused even at its default (then its value is what someone meant to say).
    """

    operator: str
    parameter: str
    other: str
    wanted: str
    at_all: bool = False


NO_EFFECT = (
    Needs("Interferogram", "outputElevation", "subtractTopographicPhase", "true"),
    Needs("Interferogram", "outputLatLon", "subtractTopographicPhase", "true"),
    Needs("Interferogram", "outputTopoPhase", "subtractTopographicPhase", "true"),
    Needs("Interferogram", "demName", "subtractTopographicPhase", "true", at_all=True),
    Needs("Interferogram", "outputFlatEarthPhase", "subtractFlatEarthPhase", "true"),
    Needs("Interferogram", "cohWinAz", "cohWinSizeMeters", "", at_all=True),
    Needs("Interferogram", "cohWinRg", "cohWinSizeMeters", "", at_all=True),
    Needs("GoldsteinPhaseFiltering", "alpha", "useAdaptiveAlpha", "false", at_all=True),
    Needs("GoldsteinPhaseFiltering", "alphaMin", "useAdaptiveAlpha", "true"),
    Needs("GoldsteinPhaseFiltering", "alphaMax", "useAdaptiveAlpha", "true"),
    Needs("GoldsteinPhaseFiltering", "FFTSizeString", "fftSizeMeters", "", at_all=True),
    Needs("GoldsteinPhaseFiltering", "coherenceThreshold", "useCoherenceMask", "true"),
    Needs("Enhanced-Spectral-Diversity", "overallRangeShift", "useSuppliedRangeShift", "true"),
    Needs("Enhanced-Spectral-Diversity", "overallAzimuthShift", "useSuppliedAzimuthShift", "true"),
    Needs("Write", "clearCacheAfterRowWrite", "writeEntireTileRows", "true"),
    *(
        Needs("Read", name, "useAdvancedOptions", "true")
        for name in ("sourceBands", "sourceMasks", "pixelRegion", "geometryRegion", "vectorFile", "polygonRegion")
    ),
)

LINES_PER_BURST = 1500  # of the IW subswaths, in round numbers: 1490 to 1520


def check_traps(operator: str, parameters: Mapping[str, str], *, version: int) -> None:
    """Refuse parameters, valid one by one, that together are not what they seem.

    Parameters
    ----------
    operator, parameters : as for `operators.check_operator`, which comes first.
    version : major version of SNAP.

    Raises
    ------
    ParameterError : one of `NO_EFFECT`; an elevation model named but not given, or given but not named; looks or a
        window left to a dialog; a window larger than a burst; bursts counted backwards; metadata thrown away.
    """
    given = operators.canonical(operator, parameters, version=version)

    def value(name: str) -> str:
        if not operators.knows(operator, name, version=version):
            return ""
        return given.get(name, operators.default(operator, name, version=version) or "")

    for trap in NO_EFFECT:
        if trap.operator != operator or trap.parameter not in given:
            continue
        if not operators.knows(operator, trap.other, version=version):
            continue  # the parameter it hangs on came with a later SNAP: it always has its effect here
        said = value(trap.other)
        holds = float(said or 0) == 0 if trap.wanted == "" else said == trap.wanted
        usual = given[trap.parameter] == operators.default(operator, trap.parameter, version=version)
        if not holds and (trap.at_all or not usual):
            remedy = f"leave {trap.other} out" if trap.wanted == "" else f"give {trap.other}={trap.wanted} too"
            raise ParameterError(
                f"{operator}: {trap.parameter} is {given[trap.parameter]!r}, which has no effect while {trap.other} is "
                f"{said!r}; {remedy}, or leave {trap.parameter} out."
            )
    _check_elevation_model(operator, given)
    if operator == "Interferogram" and "gslcModeAutoDetected" in given:
        raise ParameterError("Interferogram: gslcModeAutoDetected is set by SNAP itself; leave it out.")
    if operator == "Multilook":
        _check_looks(given)
    if operator == "TOPSAR-Split" and int(value("firstBurstIndex")) > int(value("lastBurstIndex")):
        raise ParameterError(
            f"TOPSAR-Split: firstBurstIndex is {value('firstBurstIndex')}, allowed is lastBurstIndex "
            f"({value('lastBurstIndex')}) and less."
        )
    if operator == "Enhanced-Spectral-Diversity" and int(value("fineWinHeightStr")) > LINES_PER_BURST:
        raise ParameterError(
            f"Enhanced-Spectral-Diversity: fineWinHeightStr is {value('fineWinHeightStr')!r}, more lines than a burst "
            f"has (about {LINES_PER_BURST}); allowed is 1024 and less."
        )
    if operator == "Subset" and value("copyMetadata") != "true":
        raise ParameterError(
            f"Subset: copyMetadata is {value('copyMetadata')!r} (the default of SNAP {version}), which throws away the "
            "metadata every radar operator needs; give copyMetadata=true."
        )


def _check_elevation_model(operator: str, given: Mapping[str, str]) -> None:
    own, name = given.get("externalDEMFile"), given.get("demName")
    if name == operators.EXTERNAL_DEM and not own:
        raise ParameterError(f"{operator}: demName is {name!r}, but no externalDEMFile is given; name the file.")
    if own and name != operators.EXTERNAL_DEM:
        raise ParameterError(
            f"{operator}: externalDEMFile is used instead of demName {name!r}; give demName="
            f"{operators.EXTERNAL_DEM!r} with it."
        )


def _check_looks(given: Mapping[str, str]) -> None:
    missing = {"nRgLooks", "nAzLooks"} - set(given)
    if missing:
        raise ParameterError(
            f"Multilook: {' and '.join(sorted(missing))} not given, so SNAP takes 1: grSquarePixel works looks out in "
            "the dialog only. Give nRgLooks and nAzLooks."
        )
    if given.get("outputIntensity") == "true":
        raise ParameterError(
            "Multilook: outputIntensity is 'true', which turns i and q into intensity; no phase is left."
        )
