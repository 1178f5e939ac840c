"""A SAFE product on disk: measurement files, their data sets, and the manifest that names them all."""

import binascii
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.control import GroundControlPoint

from epi.simulate.safe.annotations import product_xml
from epi.simulate.safe.calibration import calibration_xml, noise_xml
from epi.simulate.safe.entries import data_take, last_time
from epi.simulate.safe.manifest import SCHEMAS, manifest_xml
from epi.simulate.safe.telemetry import Statistics
from epi.simulate.slc.plan import Exposure


@dataclass
class _Measurement:
    """One measurement file while it is written, with the sums its statistics need."""

    exposure: Exposure
    number: int
    path: Path
    target: Any
    count: int = 0
    total: complex = 0j
    squares: NDArray[np.float64] = field(default_factory=lambda: np.zeros(2))


class Writer:
    """Writes one product burst by burst.

    Parameters
    ----------
    folder : where the product goes; until `close` it has a temporary name there.
    exposures : its images, one a subswath, with their grids.
    """

    def __init__(self, folder: Path, exposures: list[Exposure]) -> None:
        first = exposures[0].image
        self._folder = folder / f"writing-{first.platform}-{first.orbit_number}"
        for name in ("measurement", "annotation/calibration"):
            (self._folder / name).mkdir(parents=True)
        self._images = {
            exposure.image.subswath: self._open(exposure, number) for number, exposure in enumerate(exposures, 1)
        }

    def burst(self, subswath: str, number: int, picture: NDArray[np.complex64]) -> None:
        """Write the valid part of a burst (from 0) as 16-bit integers; the border is zero."""
        measurement = self._images[subswath]
        burst = measurement.exposure.image.bursts[number]
        rows = slice(burst.first_line, burst.last_line + 1)
        columns = slice(burst.first_sample, burst.last_sample + 1)
        limit = np.iinfo(np.int16)
        parts = np.ascontiguousarray(picture[rows, columns]).view(np.float32)
        np.clip(np.rint(parts, out=parts), limit.min, limit.max, out=parts)
        whole = np.zeros_like(picture)
        whole[rows, columns] = parts.view(np.complex64)
        first = number * len(picture)
        measurement.target.write(whole, 1, window=((first, first + len(picture)), (0, picture.shape[1])))
        real, imaginary = parts[:, ::2], parts[:, 1::2]
        measurement.count += real.size
        measurement.total += complex(real.sum(dtype=float), imaginary.sum(dtype=float))
        measurement.squares += [np.square(part).sum(dtype=float) for part in (real, imaginary)]

    def close(self) -> Path:
        """Finish the measurements, write the data sets and the manifest, and give the product its name."""
        objects = [part for measurement in self._images.values() for part in self._finish(measurement)]
        exposures = [measurement.exposure for measurement in self._images.values()]
        manifest = manifest_xml(exposures, objects)
        (self._folder / "manifest.safe").write_bytes(manifest)
        return self._folder.rename(self._folder.with_name(product_name(exposures, manifest)))

    def _open(self, exposure: Exposure, number: int) -> _Measurement:
        image, grid = exposure.image, exposure.image.grid
        path = self._folder / "measurement" / f"{file_stem(exposure, number)}.tiff"
        points = [
            GroundControlPoint(row + 0.5, column + 0.5, x, y, z)
            for row, column, x, y, z in zip(
                *(
                    part.ravel().tolist()
                    for part in (grid.line, grid.pixel, grid.longitude, grid.latitude, grid.height)
                ),
                strict=True,
            )
        ]
        target = rasterio.open(
            path,
            "w",
            driver="GTiff",
            height=image.lines_per_burst * len(image.bursts),
            width=image.samples_per_burst,
            count=1,
            dtype="complex_int16",
            blockysize=1,
            gcps=points,
            crs="EPSG:4326",
        )
        return _Measurement(exposure, number, path, target)

    def _finish(self, measurement: _Measurement) -> list[tuple[str, str, Path]]:
        """Close one measurement and write its data sets; return identifier, schema and path of each file."""
        measurement.target.close()
        image = measurement.exposure.image
        with rasterio.open(measurement.path) as written:
            offsets = [
                int(written.get_tag_item(f"BLOCK_OFFSET_0_{k * image.lines_per_burst}", "TIFF", bidx=1))
                for k in range(len(image.bursts))
            ]
        bursts = tuple(replace(burst, byte_offset=offset) for burst, offset in zip(image.bursts, offsets, strict=True))
        exposure = replace(measurement.exposure, image=replace(image, bursts=bursts))
        mean = measurement.total / measurement.count
        spread = np.sqrt(measurement.squares / measurement.count - np.array([mean.real, mean.imag]) ** 2)
        statistics = Statistics(mean, float(spread[0]), float(spread[1]))
        stem, annotation = measurement.path.stem, self._folder / "annotation"
        sets = {
            annotation / f"{stem}.xml": product_xml(exposure, statistics, number=measurement.number),
            annotation / "calibration" / f"noise-{stem}.xml": noise_xml(exposure, number=measurement.number),
            annotation / "calibration" / f"calibration-{stem}.xml": calibration_xml(
                exposure, number=measurement.number
            ),
        }
        for path, content in sets.items():
            path.write_bytes(content)
        name = stem.replace("-", "")
        kinds = ("product", "noise", "calibration", "")
        schemas = [key for key in SCHEMAS if key != "s1ObjectTypesSchema"]
        return [
            (kind + name, schema, path)
            for kind, schema, path in zip(kinds, schemas, [*sets, measurement.path], strict=True)
        ]


def file_stem(exposure: Exposure, number: int) -> str:
    """Name of a measurement and its data sets, without suffix."""
    image = exposure.image
    start, stop = (_compact(time).lower() for time in (image.bursts[0].azimuth_time, last_time(exposure)))
    return (
        f"{image.platform}-{image.subswath}-slc-{image.polarisation}-{start}-{stop}-"
        f"{image.orbit_number:06d}-{data_take(exposure):06x}-{number:03d}"
    ).lower()


def product_name(exposures: list[Exposure], manifest: bytes) -> str:
    """Name of the product; its last four digits are the checksum of the manifest."""
    image = exposures[0].image
    start = _compact(min(each.image.bursts[0].azimuth_time for each in exposures))
    stop = _compact(max(last_time(each) for each in exposures))
    return (
        f"{image.platform}_IW_SLC__1SS{image.polarisation[0]}_{start}_{stop}_{image.orbit_number:06d}_"
        f"{data_take(exposures[0]):06X}_{binascii.crc_hqx(manifest, 0xFFFF):04X}.SAFE"
    )


def _compact(time: np.datetime64) -> str:
    return str(time.astype("datetime64[s]")).replace("-", "").replace(":", "")
