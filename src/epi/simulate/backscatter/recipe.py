"""What is drawn for pairs of backscatter images.

Written down before any network was trained, and changed once since, after five had been trained on it and had told
earthquakes from none no better than chance (AUC of about a half). A series began with fields that nobody had worked and
forest that nobody had felled, so its first image could give its date away, and with it a pair's label. Now fields were
worked before it as after it and forget it, and felled forest greens again (`regrowth_days`).
"""

from dataclasses import dataclass, replace

from epi.errors import ParameterError

POLARISATIONS = ("VV", "VH")
SPLITS = {"train": 0, "validation": 1_000_000, "test": 2_000_000}
"""Parts by their names in QuakeSet, and the number of the first earthquake of each: a test stays the same however many
earthquakes are learned from."""


@dataclass(frozen=True)
class Backscatter:
    """From where to where places, dates and earthquakes are drawn.

    What has no source is an assumption, meant to be ordinary. One thing was changed after networks had been scored, for
    the reason in this module's first lines; the other numbers stayed.

    Attributes
    ----------
    name : under which scores are kept.
    stream : makes the random numbers of each recipe its own.
    magnitude : smallest and largest; QuakeSet holds earthquakes of magnitude 4 and more.
    b_value : of the law of Gutenberg & Richter between them. The Earth's is about 1, with which one in a thousand
        would reach magnitude 7; 0.1 keeps the order (fewer large ones) and lets large ones occur at all.
    depth_km : of the hypocentre, uniform.
    reach_km : the patch's centre lies within so far of the epicentre, evenly over that disc.
    side : pixels of the patch at full resolution.
    posting_m : distance of these pixels: of ground range detected and terrain-corrected Sentinel-1 images.
    looks : equivalent number of looks of these images (Sentinel-1 product specification: 4.4 in IW GRDH).
    spread : weight of a pixel's neighbours in its speckle beside its own 1: resolution of about 20 m on pixels of 10 m.
    slope_deg : root mean square slope of the terrain, uniform.
    incidence_deg : of the radar on flat ground, uniform: the middle of the IW swath.
    lakes, lake_share : how many patches hold water, and largest share of the patch, uniform from 0.
    towns, town_share : the same of built-up ground, as a share of gentle ground.
    vulnerability : index of the town's buildings, uniform: from reinforced concrete to adobe (Giovinazzi & Lagomarsino
        2004: 0.5 to 0.85 for most types).
    crops_db : standard deviation of a field's state about its mean, beside what work adds.
    memory_days, interval_days : time in which fields forget, work included, and between two images.
    harvest, harvest_db : share of fields worked between two images, and the standard deviation of that change.
    moisture_db : standard deviation from date to date of bare and cropped ground of the whole patch.
    canopy_db : the same of forest.
    wind_db : the same of water.
    logging : probability that some forest is cut between two images.
    regrowth_days : time in which the difference of felled ground to forest falls to 1/e.
    season_db : half of what a year changes in the VH of crops; see `epi.simulate.backscatter.dates.SEASON`.
    """

    name: str
    stream: int
    magnitude: tuple[float, float] = (4.0, 8.0)
    b_value: float = 0.1
    depth_km: tuple[float, float] = (3.0, 20.0)
    reach_km: float = 15.0
    side: int = 512
    posting_m: float = 10.0
    looks: float = 4.4
    spread: float = 0.3
    slope_deg: tuple[float, float] = (2.0, 30.0)
    incidence_deg: tuple[float, float] = (31.0, 45.0)
    lakes: float = 0.3
    lake_share: float = 0.2
    towns: float = 0.5
    town_share: float = 0.4
    vulnerability: tuple[float, float] = (0.5, 0.85)
    crops_db: float = 1.5
    memory_days: float = 60.0
    interval_days: float = 12.0
    harvest: float = 0.08
    harvest_db: float = 2.5
    moisture_db: float = 1.0
    canopy_db: float = 0.4
    wind_db: float = 3.0
    logging: float = 0.2
    regrowth_days: float = 730.0
    season_db: float = 0.0

    def __post_init__(self) -> None:
        for name in ("lakes", "lake_share", "towns", "town_share", "harvest", "logging"):
            if not 0 <= getattr(self, name) <= 1:
                raise ParameterError(f"{name} {getattr(self, name):g}: give a share from 0 to 1.")
        for name in ("magnitude", "depth_km", "slope_deg", "incidence_deg", "vulnerability"):
            low, high = getattr(self, name)
            if not 0 <= low <= high:
                raise ParameterError(f"{name} from {low:g} to {high:g}: give two positive numbers, the smaller first.")
        sizes = ("side", "posting_m", "looks", "reach_km", "b_value")
        for name in (*sizes, "memory_days", "interval_days", "regrowth_days"):
            if not getattr(self, name) > 0:
                raise ParameterError(f"{name} {getattr(self, name):g}: give more than 0.")
        for name in ("spread", "crops_db", "harvest_db", "moisture_db", "canopy_db", "wind_db", "season_db"):
            if not getattr(self, name) >= 0:
                raise ParameterError(f"{name} {getattr(self, name):g}: give 0 or more.")
        if self.magnitude[1] > 10:
            raise ParameterError(f"magnitude up to {self.magnitude[1]:g}: the scale ends at 10.")

    @property
    def size_km(self) -> float:
        """Side of the patch."""
        return self.side * self.posting_m / 1000


SIMULATED = Backscatter("simulated", 31)
"""The recipe of the shipped tables: patches of 5.12 km, as large on the ground as QuakeSet's at 10 m a pixel."""
SEASONAL = replace(SIMULATED, name="seasonal", season_db=3.0)
"""The same scenes in a climate with seasons: nothing learns from them."""
