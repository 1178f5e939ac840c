"""Sound tables of labels, cut from simulated scenes in many places, for the tests of the audit."""

import numpy as np
import pandas as pd

from epi.patches import concatenate, cut, offset
from patch_scenes import plane_scene

PLACES = [(39.7, 22.2), (-20.1, -69.9), (35.8, 140.5), (61.0, -150.1), (-17.8, 179.6), (33.7, 45.8), (4.5, -77.2)]
"""One of them on the antimeridian, one far north; none in reach of another."""


def sound_table(places=PLACES, *, subswaths=("IW1",), seed=0):
    """120 x 120 patches' worth of ground a scene, ten columns and more, so that offsets sort differently as text."""
    rng, parts = np.random.default_rng(seed), []
    for number, origin in enumerate(places):
        for subswath in subswaths:
            scene = plane_scene(120, 1000.0, origin=origin)
            reference, secondary = pd.Timestamp("2019-01-03") + pd.to_timedelta(30 * number + np.array([0, 12]), "D")
            scene.attrs |= {"subswath": subswath, "reference": image(reference), "secondary": image(secondary)}
            epicentre = np.add(origin, rng.uniform(-0.2, 0.2, 2))
            parts.append(
                cut(scene, size_km=10, pixels=2, overlap=0, epicentre=tuple(epicentre), event=f"event-{number}")
            )
    return concatenate(parts).table


def image(day):
    """Name of a Sentinel-1 product of that day."""
    return f"S1A_IW_SLC__1SDV_{day:%Y%m%d}T054210_{day:%Y%m%d}T054237_020028_0221F4_0110"


def relabelled(table, epicentre_of=None):
    """The table with its events' epicentres changed, and all that follows from places and epicentres made anew."""
    table = table.copy()
    for event, (lat, lon) in (epicentre_of or {}).items():
        table.loc[table["event"] == event, ["epicenter_lat", "epicenter_lon"]] = lat, lon
    for _, rows in table.groupby("event").groups.items():
        one = table.loc[rows]
        epicentre = tuple(one[["epicenter_lat", "epicenter_lon"]].iloc[0])
        seen = offset(one["center_lat"], one["center_lon"], epicentre)
        table.loc[rows, ["distance_km", "offset_east_km", "offset_north_km"]] = np.transpose(seen)
    return table
