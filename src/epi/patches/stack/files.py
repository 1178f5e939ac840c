"""Stacks and patches on disk: NetCDF-4, whole or not there at all."""

from pathlib import Path

import xarray as xr

from epi.errors import FileFormatError, PatchStoreError, ProductError
from epi.insar.product import load, save
from epi.patches.stack.cut import COORDINATES, check_patches
from epi.patches.stack.make import check_stack
from epi.storage import atomic_path


def save_stack(stack: xr.Dataset, path: str | Path) -> Path:
    """Write a stack as NetCDF-4, whole or not at all.

    Raises
    ------
    ProductError : not a stack. StorageError : the disk is full or the folder cannot be written.
    """
    return save(check_stack(stack), path)


def load_stack(path: str | Path) -> xr.Dataset:
    """Read a stack written by :func:`save_stack`.

    Raises
    ------
    FileFormatError : no such file, or not NetCDF-4. ProductError : NetCDF-4, but not a stack.
    """
    try:
        return check_stack(load(path))
    except ProductError as error:
        raise ProductError(f"{path}: {str(error).removeprefix(f'{path}: ')}") from error


def save_patches(patches: xr.Dataset, path: str | Path) -> Path:
    """Write patches as NetCDF-4, a chunk a patch, whole or not at all.

    Raises
    ------
    PatchStoreError : no patches of stacks. StorageError : the disk is full or the folder cannot be written.
    """
    check_patches(patches)
    packed = {"zlib": True, "complevel": 2, "shuffle": True}
    encoding = {name: packed | {"chunksizes": (1, *array.shape[1:])} for name, array in patches.data_vars.items()}
    whole = patches.to_netcdf(
        engine="h5netcdf", encoding=encoding
    )  # HDF5 itself crashes where a disk fills up under it
    with atomic_path(path) as temporary:
        temporary.write_bytes(whole)
    return Path(path)


def load_patches(path: str | Path) -> xr.Dataset:
    """Read patches written by :func:`save_patches` into memory.

    Raises
    ------
    FileFormatError : no such file, or not NetCDF-4. PatchStoreError : NetCDF-4, but no patches of stacks.
    """
    source = Path(path)
    if not source.is_file():
        raise FileFormatError(f"No file {source}: check the path, relative to {Path.cwd()}.")
    try:
        with xr.open_dataset(source, engine="h5netcdf") as stored:
            patches = stored.load()
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        raise FileFormatError(f"{source} is not a readable NetCDF-4 file ({error}): it may be truncated.") from error
    for name in ("band", *COORDINATES[:2]):
        if name in patches.coords:
            patches[name] = patches[name].astype(str)
    try:
        return check_patches(patches)
    except PatchStoreError as error:
        raise PatchStoreError(f"{source}: {error}") from error
