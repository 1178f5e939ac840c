"""Is there an earthquake in an interferogram, and which ground did it move?"""

import time
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from epi.cli.options import (
    Coherence,
    Columns,
    Crs,
    Json,
    Par,
    Positive,
    Quantity,
    Units,
    Wavelength,
    stated,
)
from epi.console import degrees, one_line, print_json, say
from epi.errors import EpiError, ParameterError

if TYPE_CHECKING:
    import xarray as xr

    from epi.learn.detect.networks import Detector

SIGN = "motion away was taken for positive: state --positive, for ground that sinks looks less like an earthquake"
SHIPPED = "detector_unet_resnet10.safetensors"
PRODUCTS = ("product", "SNAP product")
LAYERS = ("wrapped", "unwrapped")
"""Quantities that may be chosen of a product, which can hold both."""


def detect(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE…", help="Scenes, each for itself, or folders of patches.")
    ],
    *,
    quantity: Quantity = None,
    units: Units = None,
    positive: Positive = None,
    wavelength: Wavelength = None,
    columns: Columns = None,
    crs: Crs = None,
    par: Par = None,
    coherence: Coherence = None,
    network: Annotated[Path | None, typer.Option(metavar="FILE", help="Weights (default: those that ship).")] = None,
    mask: Annotated[
        Path | None,
        typer.Option(metavar="FILE.nc", help="Also write the probability that ground moved, of one scene or folder."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Say whether an interferogram holds an earthquake: probability, moved ground, boxes around it.

    Of a product that holds both phases, --quantity chooses one. Of several files, those that are refused are named on
    stderr, and in JSON with their error; the exit code is then 1. Patches of a folder are judged each for itself.
    """
    from epi.learn.detect.weights import load_detector
    from epi.settings import settings

    if mask is not None:
        _check_mask(mask, files, [each for each in (par, coherence, network) if each is not None])
    given = stated(locals() | dict.fromkeys(("incidence", "heading", "pass_direction")))
    trained = load_detector(network or settings().data / SHIPPED)
    results: list[dict[str, Any]] = []
    for file in files:
        start = time.perf_counter()
        try:
            found = _found(trained, file, given, mask)
        except (EpiError, OSError) as error:
            if len(files) == 1:
                raise
            say(f"{file}: {one_line(error)}")
            results.append({"file": str(file), "error": one_line(error)})
            continue
        seconds = round(time.perf_counter() - start, 2)
        told = [{"file": str(file)} | one | {"seconds": seconds} for one in found]
        results += told
        if not as_json:
            print("\n".join(map(detection_text, told)), flush=True)
    if as_json:
        print_json(results)
    if any("error" in each for each in results):
        raise typer.Exit(1)


def _check_mask(mask: Path, files: list[Path], beside: list[Path]) -> None:
    """Refuse to write a mask over what is read, or where no file can be."""
    if len(files) != 1:
        raise ParameterError("--mask writes one file: give one scene, or one folder of patches, with it.")
    if mask.suffix != ".nc" or mask.is_dir() or not mask.absolute().parent.is_dir():
        raise ParameterError(f"--mask {mask}: give a file name that ends in .nc, in a folder that is there.")
    made = mask.resolve()
    for read in (*files, *beside):
        if made == read.resolve():
            raise ParameterError(f"--mask {mask} would be written over what is read, {read}: give another name.")
    if files[0].resolve() in made.parents:
        raise ParameterError(f"--mask {mask} lies in the folder that is read, {files[0]}: write it beside.")


def detection_text(found: dict[str, Any]) -> str:
    """Write what was detected in a few lines."""
    verdict = "an earthquake" if found["present"] else "no earthquake"
    name = " ".join(str(found[part]) for part in ("file", "patch") if part in found)
    lines = [f"{name}: {verdict} (probability {found['probability']:.3f}, called so from {found['alarm']:.3f})"]
    if not found["present"] and found["moved_km2"]:
        lines.append("  what follows may be air")
    if found["moved_km2"]:
        lines.append(f"  moved ground: {found['moved_km2']:.0f} km²")
    if centre := found.get("centre"):
        place = f"{centre['east_km']:.1f} km east, {centre['north_km']:.1f} km north of the scene's origin"
        if "latitude" in centre:
            place = f"{degrees(centre['latitude'], 'NS')} {degrees(centre['longitude'], 'EW')}"
        lines.append(f"  its centre: {place}")
    for box in found.get("boxes", []):
        lines.append(
            f"  box: {box['west_km']:.1f} to {box['east_km']:.1f} km east, "
            f"{box['south_km']:.1f} to {box['north_km']:.1f} km north"
        )
    lines += [f"  note: {flag}" for flag in found.get("flags", [])]
    return "\n".join(lines)


def _options(given: dict[str, Any]) -> str:
    return ", ".join(f"--{name.replace('_', '-')}" for name in given)


def _is_store(folder: Path) -> bool:
    """Whether a folder holds patches, and not a product of SNAP's."""
    return (folder / "patches.csv").is_file()


def _found(network: "Detector", file: Path, given: dict[str, Any], mask: Path | None) -> list[dict[str, Any]]:
    """What a network says of a scene, or of each patch of a folder."""
    if not (file.is_dir() and _is_store(file)):
        return [_of_scene(network, file, given, mask)]
    if given:
        raise ParameterError(f"{file} holds patches, which say what they are: leave {_options(given)} out.")
    return _of_patches(network, file, mask)


def _of_patches(network: "Detector", folder: Path, mask: Path | None) -> list[dict[str, Any]]:
    from epi.learn.detect.scene import NO_MASK
    from epi.learn.detect.tiles import detect_patches
    from epi.patches import read

    results, masks = detect_patches(network, read(folder))
    if mask is not None:
        if masks is None:
            raise ParameterError(NO_MASK)
        _write(masks, mask)
        results = [one | {"mask_file": str(mask)} for one in results]
    return results


def _of_scene(network: "Detector", file: Path, given: dict[str, Any], mask: Path | None) -> dict[str, Any]:
    from epi.insar.readers.files import kind_of
    from epi.learn.detect.scene import detect_scene, mask_product

    of_product, layer = kind_of(file, given.get("par")) in PRODUCTS, None
    if of_product and given.get("quantity") in LAYERS:
        given = dict(given)
        layer = given.pop("quantity")
    scene = _read(file, given)
    result, found = detect_scene(network, scene, quantity=layer)
    if "positive" not in given and "stated_positive" in scene.attrs and found.grid.unwrapped and not of_product:
        result["flags"].append(SIGN)
    if mask is not None:
        _write(mask_product(found), mask)
        result["mask_file"] = str(mask)
    return result


def _write(masks: "xr.Dataset", path: Path) -> None:
    """Write masks as NetCDF, whole or not at all."""
    from epi.storage import atomic_path

    with atomic_path(path) as temporary:
        masks.to_netcdf(temporary, engine="h5netcdf")


def _read(file: Path, given: dict[str, Any]) -> "xr.Dataset":
    """Read a scene; where the satellite stood does not matter here, and which way motion counts is noted if unsaid."""
    from epi.insar.readers.files import kind_of, read_scene

    if kind_of(file, given.get("par")) not in ("GeoTIFF", "float file"):
        return read_scene(file, **given)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*assumed, Sentinel-1's middle.*")
        return read_scene(file, **({"positive": "away", "pass_direction": "ascending"} | given))
