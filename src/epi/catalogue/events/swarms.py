"""Events that one pair of images cannot tell apart."""

import numpy as np
import pandas as pd

from epi.catalogue.events.near import neighbours
from epi.errors import ParameterError
from epi.source.size import scaling

SWARM_DAYS = 6.0
"""The shortest time in which one track is imaged again (two satellites): closer events are rarely imaged between."""

SWARM_KM = 20.0
"""About two errors of a catalogue's epicentre (7 to 10 km each)."""

MAGNITUDE_STEP = 1.0
"""One unit of magnitude is a factor of ten in displacement: a smaller companion does not show beside the larger."""


def flag_swarms(
    events: pd.DataFrame,
    *,
    days: float = SWARM_DAYS,
    km: float = SWARM_KM,
    magnitudes: float = MAGNITUDE_STEP,
) -> pd.DataFrame:
    """Name the swarm that each earthquake belongs to.

    Two earthquakes belong together where less than ``days`` lie between them, so that hardly a pair of images holds the
    one without the other; where their epicentres are closer than ``km`` and half the length of both their faults, so
    that the ground they move overlaps; and where their magnitudes differ by no more than ``magnitudes``, so that both
    show. What belongs together is joined to one swarm, however long the chain.

    Parameters
    ----------
    events : a frame from `read_events`; rows that are no earthquake, or of unknown magnitude, belong to no swarm.
    days, km, magnitudes : the limits. Where one satellite flies alone, a track is imaged every 12 days.

    Returns
    -------
    The same rows with two more columns: ``swarm``, the ``event_id`` of the largest member (of equals the first), empty
    for an event that stands alone; ``swarm_size``, the number of members, 1 for such an event.
    """
    if not (days >= 0 and km >= 0 and magnitudes >= 0):
        raise ParameterError("Days, km and magnitudes of a swarm are 0 or more.")
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    rows = events.reset_index(drop=True)
    quakes = rows.index[(rows["kind"] == "earthquake") & rows["magnitude"].notna()].to_numpy()
    size = rows["magnitude"].to_numpy(float)[quakes]
    reach = km / 2 + scaling(size)[0] / 2
    near = neighbours(rows.iloc[quakes], seconds=days * 86400, km=reach)
    alike = np.abs(size[near.first] - size[near.second]) <= magnitudes + 1e-9  # 5.5 - 4.5 is not 1 to a computer
    links = (np.ones(int(alike.sum())), (near.first[alike], near.second[alike]))
    _, group = connected_components(coo_array(links, shape=(len(quakes), len(quakes))), directed=False)
    members = pd.DataFrame({"group": group, "event_id": rows["event_id"].to_numpy()[quakes], "magnitude": size})
    members["size"] = members.groupby("group")["group"].transform("size")
    largest = members.sort_values("magnitude", ascending=False, kind="stable").groupby("group")["event_id"].first()
    found = rows.assign(swarm="", swarm_size=1)
    many = (members["size"] > 1).to_numpy()
    found.loc[quakes[many], "swarm"] = members.loc[many, "group"].map(largest).to_numpy()
    found.loc[quakes[many], "swarm_size"] = members.loc[many, "size"].to_numpy()
    return found
