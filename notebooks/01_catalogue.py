# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # From a catalogue row to an earthquake
#
# A study of an earthquake begins with one line of a table that somebody else made. This chapter reads such a table,
# asks how far each of its numbers can be trusted, and says of every earthquake in it, before any image is downloaded,
# whether a radar in orbit could have seen it at all.
#
# **You will learn**
#
# * what a magnitude, a depth and an epicentre in a catalogue mean, and how uncertain they are;
# * how to filter a catalogue and draw it on a map;
# * how to predict what the radar would see, and how good such a prediction is.
#
# **Prerequisites**: a little Python and pandas. **Run time**: a few seconds.

# %% tags=["parameters"]
event_id: str = "20210303-thessaly"  # the earthquake of this run
run_folder: str = "runs/20210303-thessaly"  # where its files go

# %%
import json
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from pyproj import Geod

from epi import plots
from epi.catalogue import find_event, read_events, select_events
from epi.insar.product import SENTINEL1_WAVELENGTH_M
from epi.source.detectability import NOISE_M, detectability, peak_los
from epi.source.size import magnitude_moment
from epi.storage import atomic_path

FRINGE_M = SENTINEL1_WAVELENGTH_M / 2

# %% [markdown]
# ## The catalogue
#
# The book ships a small catalogue: earthquakes that Sentinel-1 saw well, and some that it did not. Every row has the
# same columns; a larger list, from the USGS or the ISC, can take its place once it has them.

# %%
events = read_events()
shown = ["event_id", "time", "latitude", "longitude", "depth_km", "magnitude", "magnitude_type"]
events[shown].assign(time=events["time"].dt.strftime("%Y-%m-%d %H:%M")).round(2)

# %% [markdown]
# One row is one event. The identifier, made of date and place, names the event everywhere in this book, its run folder
# included. This run is about the following one; where strike, dip and rake are empty, the mechanism is not known.

# %%
event = find_event(event_id)
pd.Series(event.to_dict()).to_frame("value")

# %% [markdown]
# ## Where, and how deep?
#
# The position is that of the **hypocentre**, the point where the rupture began, computed from the arrival times of
# seismic waves {cite:p}`bondar2011`. It carries an error, and it is not where most of the ground moved: a fault tens of
# kilometres long can start to break at one of its ends.
#
# Two rows of our catalogue come from the thesis this book starts from {cite:p}`buccoliero2024`. The USGS lists the same
# two earthquakes. How well do the two agree?

# %%
usgs = pd.DataFrame(
    [
        ("20180111-iran-iraq", 33.7131, 45.7239, 10.0, 5.5, "mww"),
        ("20180119-gulf-of-california", 26.6862, -111.0785, 10.0, 6.3, "mww"),
    ],
    columns=["event_id", "latitude", "longitude", "depth_km", "magnitude", "magnitude_type"],
)
both = events.merge(usgs, on="event_id", suffixes=("", "_usgs"))
ends = [both[name] for name in ("longitude", "latitude", "longitude_usgs", "latitude_usgs")]
both["apart_km"] = Geod(ellps="WGS84").inv(*ends)[2] / 1000
both[["event_id", "apart_km", "depth_km", "depth_km_usgs"]].round(1)

# %% [markdown]
# The epicentres are 4 and 15 km apart, the depths up to 9 km. Such differences are ordinary. In the USGS list of the
# 18,334 earthquakes of magnitude 5 and more of 2013 to 2023, the median of the stated horizontal errors is 7 km, and of
# the earthquakes shallower than 70 km, 48 % lie at a depth of *exactly* 10 km: that is not a measurement but the value
# that is put in when the data cannot say.
#
# Keep both in mind. The epicentre in a catalogue is what a location from radar will be compared with, and it may be the
# worse of the two.

# %% [markdown]
# ## How large?
#
# A magnitude means little without its type. **mb** is read from the amplitude of the first second or so of the P wave,
# at distant stations. It stops growing somewhere above 6, because a large rupture takes longer than a second. **Mw**
# (`mw`, `mww`, …) is computed from the seismic moment, the product of rigidity $\mu$, fault area $A$ and mean slip $D$
# {cite:p}`hanks1979`:
#
# $$ M_0 = \mu\,A\,D , \qquad M_\mathrm{w} = \tfrac{2}{3}\,\bigl(\log_{10} M_0 - 9.1\bigr) \quad (M_0 \text{ in N m}). $$
#
# Only the moment has to do with how much ground moves. Global fits such as $M_\mathrm{w} = 0.85\,m_\mathrm{b} + 1.03$
# {cite:p}`scordilis2006` hold on average; here is what they say of our two earthquakes.

# %%
moment = 10 ** (1.5 * both["magnitude_usgs"] + 9.1)
assert np.allclose(moment, magnitude_moment(both["magnitude_usgs"]))
both["mw_from_mb"] = 0.85 * both["magnitude"] + 1.03
both["moment_ratio"] = moment / magnitude_moment(both["mw_from_mb"])
both.set_index("event_id")[["magnitude", "mw_from_mb", "magnitude_usgs", "moment_ratio"]].round(2)

# %% [markdown]
# The first was less than half as large as its mb suggests, the second five times as large. A filter on "magnitude" that
# mixes types mixes these up.

# %% [markdown]
# ## Filters
#
# A catalogue is searched by size, depth, time and place. The box is given as west, south, east, north, and may cross
# the antimeridian.

# %%
shallow = select_events(events, min_magnitude=6.0, max_depth_km=15)
east = select_events(events, box=(-20, 25, 60, 45), since="2018-01-01")
print(f"M 6 and above, down to 15 km: {', '.join(shallow['event_id'])}")
print(f"Mediterranean to Iran since 2018: {', '.join(east['event_id'])}")

# %% [markdown]
# The thesis kept every earthquake above mb 4. Is that a sensible limit for a radar?

# %% [markdown]
# ## What the radar would see
#
# Radar interferometry measures how far the ground moved along the line of sight. One colour cycle, a **fringe**, is
# half a wavelength: 2.8 cm for Sentinel-1. Water vapour in the air alone changes an interferogram by about a centimetre
# {cite:p}`hanssen2001`. An earthquake that moves the ground by less is hidden.
#
# How far the ground moves follows from magnitude and depth. The magnitude gives the size of a fault and its slip
# {cite:p}`leonard2010`, and an elastic half-space gives the movement at the surface {cite:p}`okada1985`. Where the
# mechanism is unknown, the mean over several is taken.

# %%
depths = np.linspace(5, 30, 26)
figure, axes = plt.subplots(figsize=(7.5, 4.2), layout="constrained")
for magnitude, colour in zip((5.0, 5.5, 6.0, 6.5), plt.cm.viridis(np.linspace(0, 0.8, 4)), strict=True):
    axes.plot(depths, peak_los(magnitude, depths) * 100, color=colour, label=f"Mw {magnitude}")
axes.axhspan(1e-3, NOISE_M * 100, color="0.9", label="below the noise")
axes.axhline(FRINGE_M * 100, color="black", linestyle=":", label="one fringe")
axes.set(xlabel="depth of the fault's centre (km)", ylabel="largest displacement (cm)", yscale="log", ylim=(0.03, 100))
_ = axes.legend(frameon=False, ncols=2)

# %% [markdown]
# *Largest line-of-sight displacement against depth, for four magnitudes and an unknown mechanism. Grey: less than the
# usual noise of 1 cm.* At a depth of 10 km the limit lies near Mw 5.5. Most of the earthquakes above mb 4 are far below
# it, since each unit of magnitude below means about ten times as many of them.
#
# The same for every row of the catalogue:

# %%
seen = events.join(detectability(events))
seen[["event_id", "magnitude", "depth_km", "peak_los_m", "visible"]].round(3)

# %%
_ = plots.catalogue_map(seen)

# %% [markdown]
# *The catalogue: size by magnitude, colour and shape by what a single interferogram would show. Plain: at least three
# times the noise; faint: at least the noise; hidden: less.*
#
# ## How good is the prediction?
#
# For four of them real Sentinel-1 interferograms have been published, and the largest displacement can be read from
# them (sources in `data/README.md`).

# %%
observed_m = {"20140824-napa": 0.11, "20190706-ridgecrest": 1.2, "20200124-elazig": 0.14, "20210303-thessaly": 0.44}
seen["observed_m"] = seen["event_id"].map(observed_m)
_ = plots.peak_bars(seen, noise_m=NOISE_M, fringe_m=FRINGE_M)

# %% [markdown]
# *Expected displacement (bars; the line reaches to the most favourable mechanism) and what real interferograms showed
# (diamonds), on a logarithmic scale.* The prediction is close for Elazığ, and too small by a factor of two to five for
# the other three. At Napa and Ridgecrest the rupture began at depth and then broke the surface: the hypocentre's depth
# is not that of the slip. So "faint" means "look at it", and "hidden" means that a clear signal would be a surprise
# that needs an explanation.
#
# ## The earthquake that should not be visible
#
# The thesis' case study is Iran-Iraq 2018, and its interferograms are shown with "concentric phase fringes". The
# catalogue gives mb 5.58 at a depth of 19 km. What do the possible readings of that row predict?

# %%
readings = pd.DataFrame(
    [("as listed", 5.58, 19), ("USGS", 5.5, 10), ("mb turned into Mw", 5.77, 19), ("the same, shallow", 5.77, 8)],
    columns=["reading", "magnitude", "depth_km"],
)
readings["peak_mm"] = peak_los(readings["magnitude"], readings["depth_km"], strike=342, dip=35, rake=76) * 1000
readings["fringes"] = readings["peak_mm"] / (FRINGE_M * 1000)
readings.round({"peak_mm": 0, "fringes": 1})

# %% [markdown]
# As it is listed, the earthquake moves the ground by millimetres, a fraction of a fringe; even the reading that helps
# it most does not reach two. Several concentric fringes can therefore hardly be this earthquake. What were they, then?
# Other earthquakes between the two dates, water vapour over mountains, or the terrain left in the phase are all
# candidates, and the chapters that follow give the means to tell them apart. The event stays in the catalogue as the
# one that should *not* be found.

# %% [markdown]
# ## The event of this run
#
# The chosen row goes into the run folder, where the next chapters read it.

# %%
row = seen.set_index("event_id").loc[event.event_id]
print(
    f"{event.event_id}: {event.magnitude_type} {event.magnitude}, {event.depth_km:g} km deep, {event.time:%H:%M:%S} UTC"
)
print(f"expected: {row['peak_los_m'] * 100:.1f} cm along the line of sight, {row['visible']}")
with atomic_path(Path(run_folder) / "event.json") as path:
    path.write_text(json.dumps(event.to_dict(), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")

# %% [markdown]
# ## Exercise
#
# The Iran-Iraq earthquake of 06:59 was the first of a swarm. On the same morning, within 25 km, the USGS lists four
# more: 5.3 at 07:00, 5.3 at 07:14, 5.1 at 07:55 and 5.3 at 08:00, all with a depth of 10 km. An interferogram adds up
# everything between its two dates. Could all five together make several fringes?
#
# :::{admonition} Solution
# :class: dropdown
#
# If all five broke the same spot with the same mechanism, their displacements would add up. The cell below sums their
# peaks: about 4 cm, a fringe and a half, and only if the depth of 10 km, which is a default, is right. At 19 km it is
# one centimetre. So the swarm makes the fringes less absurd than its largest member does, but not several of them. Note
# also what follows for learning: an image pair that holds five earthquakes has no single epicentre to learn.
# :::

# %% tags=["hide-cell"]
swarm = np.array([5.5, 5.3, 5.3, 5.1, 5.3])
for depth in (10, 19):
    total = peak_los(swarm, depth, strike=342, dip=35, rake=76).sum()
    print(f"all five at {depth} km: {total * 1000:.0f} mm, {total / FRINGE_M:.1f} fringes")

# %% [markdown]
# ## Summary
#
# * A catalogue's epicentre is where the rupture began, good to some kilometres; a depth of exactly 10 km is usually no
#   measurement.
# * Magnitudes of different type differ by up to half a unit and more; only the moment tells how far the ground moves.
# * Magnitude and depth predict what the radar would see to within a factor of a few: most earthquakes below Mw 5.5 are
#   hidden.
#
# ## Next
#
# {doc}`02_pairs` looks for the two images that show the ground before and after.
#
# ## References
#
# {cite:t}`buccoliero2024`, the thesis; {cite:t}`bondar2011` on locations; {cite:t}`hanks1979` and
# {cite:t}`scordilis2006` on magnitudes; {cite:t}`leonard2010` and {cite:t}`okada1985` behind the prediction;
# {cite:t}`hanssen2001` on the noise. Full entries: {doc}`/references`.
