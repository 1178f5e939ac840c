"""ZNAP: SNAP's own zarr (version 2), a folder or a zip; metadata as JSON beside the arrays."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import numpy as np

from epi.errors import FileFormatError
from epi.insar.engines.snap_files.file import Floats, Raster, Scale, SnapFile, TiePoints, guarded, map_grid
from epi.insar.engines.snap_files.metadata import Metadata, tree_of_json

PLACE = ("offset_x", "offset_y", "subsampling_x", "subsampling_y")


class Store:
    """The arrays and the JSON of a ZNAP folder or zip."""

    def __init__(self, source: Path) -> None:
        self.source = source
        self.zipped = not source.is_dir()
        headers = self._names("/.zarray")
        self.arrays = [header[: -len("/.zarray")] for header in headers]

    def attributes(self, name: str = "") -> dict[str, Any]:
        """Return the attributes of an array, or of the product."""
        text = self._text(f"{name}/.zattrs".lstrip("/"))
        return dict(json.loads(text)) if text else {}

    def metadata(self) -> Metadata:
        """Return SNAP's metadata; empty where the product was written without."""
        text = self._text("SNAP/product_metadata.json")
        return tree_of_json(json.loads(text)) if text else {}

    def read(self, name: str) -> Raster:
        """Return an array; FileFormatError where a chunk is missing, which zarr would take for empty."""
        import zarr  # here, because importing it takes longer than reading a small product
        from zarr.storage import LocalStore, ZipStore

        store = ZipStore(self.source, mode="r") if self.zipped else LocalStore(self.source, read_only=True)
        array = zarr.open_array(store=store, path=name, mode="r", zarr_format=2)
        if (found := array.nchunks_initialized) < array.nchunks:
            raise FileFormatError(
                f"{self.source.name} holds {found} of the {array.nchunks} pieces of {name}: copy the whole product, or "
                "write it again."
            )
        values = np.asarray(array[...])
        store.close()
        return values

    def _names(self, ending: str) -> list[str]:
        """Return the files one level down that end so, in SNAP's order of writing."""
        if self.zipped:
            with ZipFile(self.source) as archive:
                return sorted(name for name in archive.namelist() if name.endswith(ending) and name.count("/") == 1)
        return sorted(path.parent.name + ending for path in self.source.glob("*" + ending))

    def _text(self, name: str) -> str | None:
        """Return a text file of the product, or None where it is not there."""
        if self.zipped:
            with ZipFile(self.source) as archive:
                return archive.read(name).decode() if name in archive.namelist() else None
        path = self.source / name
        return path.read_text() if path.is_file() else None


def open_znap(source: Path) -> SnapFile:
    """Open a ``.znap`` folder or its zip: zarr version 2."""
    store = Store(source)
    top = store.attributes()
    shape = int(top["product_scene_raster_height"]), int(top["product_scene_raster_width"])
    described = {name: store.attributes(name) for name in store.arrays}
    grids = {
        name: TiePoints(store.read(name).astype(float), *(float(facts[key]) for key in PLACE))
        for name, facts in described.items()
        if "subsampling_x" in facts
    }
    real = {
        name: facts for name, facts in described.items() if name not in grids and "virtual_band_expression" not in facts
    }
    wkt, transform = _find(top.get("geocoding"), "WKT"), _find(top.get("geocoding"), "IMAGE_TO_MODEL_TRANSFORM")
    return SnapFile(
        source.name,
        "ZNAP",
        shape,
        {name: guarded(source, _znap_band(store, name, facts)) for name, facts in real.items()},
        grids,
        store.metadata(),
        map_grid(wkt, transform, shape) if isinstance(wkt, str) and isinstance(transform, str | list) else None,
    )


def _znap_band(store: Store, name: str, facts: Mapping[str, Any]) -> Callable[[], Floats]:
    """Return how to read one band of a ZNAP product; a no-data value of zero is not written down."""
    no_data = float(facts.get("_FillValue", 0.0)) if facts.get("no_data_value_used") else None
    scale = Scale(float(facts.get("scale_factor", 1)), float(facts.get("add_offset", 0)), no_data=no_data)
    return lambda: scale.physical(store.read(name))


def _find(tree: object, name: str) -> object:
    """Return the first value of that name anywhere in nested dicts, or None."""
    if isinstance(tree, dict):
        if name in tree:
            return tree[name]
        return next((found for part in tree.values() if (found := _find(part, name)) is not None), None)
    return None
