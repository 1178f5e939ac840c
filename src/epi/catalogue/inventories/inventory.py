"""What an inventory is once it is read: sound outlines or points with their days, and a count of what was done."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import geopandas as gpd


@dataclass(frozen=True)
class Report:
    """What was found in an inventory, and what became of it.

    Parameters
    ----------
    read : features in the file.
    polygons, points : landslides kept, a feature of several parts counting once; one of both kinds counts as polygon.
    mended : outlines that crossed themselves or were not closed, made sound. Ground inside both loops of a figure of
        eight is kept.
    flattened : features whose heights were dropped.
    empty : features without ground, left out: no geometry, or an outline without area.
    duplicates : features left out because one before has the same outline and the same date.
    holes : ground inside an outline that did not slide, kept so.
    dated : landslides kept that have a date.
    other_dates : dated landslides that `select_dates` left out.
    """

    read: int
    polygons: int = 0
    points: int = 0
    mended: int = 0
    flattened: int = 0
    empty: int = 0
    duplicates: int = 0
    holes: int = 0
    dated: int = 0
    other_dates: int = 0

    @property
    def summary(self) -> str:
        """One line for a reader; what did not occur is not named."""
        done = {
            "mended": self.mended,
            "without their heights": self.flattened,
            "empty, left out": self.empty,
            "twice, left out": self.duplicates,
            "of another date, left out": self.other_dates,
            "holes kept": self.holes,
        }
        kept = f"{self.read} features read: {self.polygons} outlines and {self.points} points, {self.dated} dated"
        return "; ".join([kept, *(f"{count} {what}" for what, count in done.items() if count)])


@dataclass(frozen=True, eq=False)
class Inventory:
    """Landslides of one file.

    Parameters
    ----------
    landslides : geopandas frame in the file's own reference system, one row a landslide: ``geometry`` (polygons,
        multipolygons, points, multipoints or collections of them; two dimensions, valid, not empty) and ``date`` (UTC,
        NaT where unknown). The index counts the features of the file from 0.
    source : name of the file, for messages.
    report : what was done to it.
    radius_m : radius of the disk of ground that a point stands for, m; None where a point is one pixel.
    """

    landslides: "gpd.GeoDataFrame"
    source: str
    report: Report
    radius_m: float | None = None

    def __len__(self) -> int:
        """Number of landslides."""
        return len(self.landslides)
