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
# # Which two images
#
# An interferogram needs two radar images of the same ground, one from before the earthquake and one from after it,
# taken from the same place in the sky. The archive holds many candidates. This chapter chooses two of them, and keeps a
# record of why each of the others was left.
#
# **You will learn**
#
# * what a track is, and how to read it from the name of an image;
# * why before and after are instants, not dates;
# * how the best pair of each track is chosen, and what disqualifies a candidate.
#
# **Prerequisites**: {doc}`01_catalogue`. **Run time**: a few seconds.

# %% tags=["parameters"]
event_id: str = "20210303-thessaly"  # the earthquake of this run
run_folder: str = "runs/20210303-thessaly"  # where its files go
scenes: str = ""  # a file of archive records; empty: shipped records, or else the simulated calendar
days: float = 15.0  # how far from the earthquake an image may be, on either side

# %%
import json
from pathlib import Path

import pandas as pd

from epi import plots
from epi.catalogue import Event, find_event, match_pairs, read_scenes, scene_from_name
from epi.catalogue.pairs import AREA_RADIUS_KM
from epi.simulate.acquisitions import candidate_scenes, passages, simulated_scenes
from epi.storage import atomic_path

pd.options.display.max_colwidth = 150

# %% [markdown]
# ## The satellite comes back
#
# Sentinel-1 flies 175 times around the Earth in 12 days and then repeats its path over the ground to within about a
# hundred metres {cite:p}`torres2012`. The 175 paths are its **tracks**. Two images can interfere only if they come from
# the same one: from anywhere else the ground looks different to the radar, and the phases have nothing in common.
#
# Every product name carries the number of the orbit, counted since launch, so the name alone tells the track. Here is
# the first image of the thesis' case study {cite:p}`buccoliero2024`.

# %%
name = "S1A_IW_SLC__1SDV_20180106T025411_20180106T025439_020028_0221F4_0110"
orbit = int(name.split("_")[7])
track = (orbit - 73) % 175 + 1  # Sentinel-1A's orbit 73 was on track 1; for Sentinel-1B it was orbit 27
image = scene_from_name(name)
assert image.track == track
print(
    f"{image.platform}, {image.mode}, {'+'.join(image.polarisations)}, {image.start:%Y-%m-%d %H:%M:%S} UTC, track {track}"
)

# %% [markdown]
# The radar looks to its right, at the ground between 31 and 46 degrees from the vertical. From which tracks does it see
# the epicentre of this run? A circular orbit hung on one recorded passage of the equator is enough to say.

# %%
row = json.loads((Path(run_folder) / "event.json").read_text(encoding="utf-8"))
event = Event.from_dict(row)
assert event.event_id == event_id
views = pd.DataFrame([vars(passage) for passage in passages(event.latitude, event.longitude)])
views.drop(columns="seconds").round(1)

# %% [markdown]
# *Tracks that see the epicentre, with the angle of incidence there and the direction of flight, in degrees.*
# **Ascending** passes go north in the local evening and look east, **descending** ones go south in the morning and look
# west. One earthquake seen from both sides shows two different displacements, which is worth a great deal in chapter 7:
# so pairs of both kinds are kept.
#
# ## The candidates
#
# Candidates come from a file of archive records if one is given, else from the records that ship with the book if they
# show this earthquake, and else from a calendar computed from the same orbit. The names in the calendar begin with
# `SIM_`: it tells when the satellites *could* have taken an image, not whether they did.

# %%
candidates = candidate_scenes(event, scenes)
simulated = sum(scene.simulated for scene in candidates)
print(f"{len(candidates)} candidates, {simulated} of them simulated")

# %% [markdown]
# ## Before and after are instants
#
# Take the images nearest to the origin time.

# %%
match = match_pairs(event, candidates, days=days)
table = match.table()
nearest = table.loc[table["days"].abs().nsmallest(4).index].sort_values("days")
times = {"start": nearest["start"].astype(str).str[:19], "hours": (nearest["days"] * 24).round(1)}
nearest.assign(**times)[["track", "direction", "start", "hours"]]

# %% [markdown]
# For Thessaly two images carry the date of the earthquake itself: the descending one was taken hours before it and can
# serve as a reference, the ascending one hours after it, as a secondary. Whoever compares dates and leaves out the day
# of the earthquake, as one data set for learning does {cite:p}`regecambrin2024`, loses both. And a later secondary
# shows more than the earthquake: aftershocks, and slip that goes on.
#
# ## The choice
#
# A pair must
#
# 1. be single-look complex, since only that product keeps the phase;
# 2. share track, pass and mode, and at least one polarisation;
# 3. end before, and start after, the origin time, inside the window;
# 4. cover the epicentre with both images.
#
# Of several pairs on a track the one that covers most of the surroundings wins, then the one with the shortest time
# between its images (the ground changes its face as plants grow and soil dries), then the one whose secondary is
# nearest to the earthquake. Nothing is dropped without a reason:

# %%
table.groupby(["role", "rule"])["reason"].agg(count="count", example="first")

# %%
label = "simulated calendar" if simulated else "archive records"
_ = plots.timeline(table, window_days=days).set_title(f"{event.event_id}: {label}")

# %% [markdown]
# *Each line is a track, each mark an image, in days from the origin time. Joined: the chosen pair of that track. Grey
# marks: left, by rule.* Two satellites, six days apart, make the six-day pairs of 2016 to 2021; with one alone the
# shortest pair spans twelve days.

# %%
axes = plots.footprint_map(table, latitude=event.latitude, longitude=event.longitude, radius_km=AREA_RADIUS_KM)
_ = axes.set_title(f"{event.event_id}: {label}")

# %% [markdown]
# *Footprints of the chosen pairs around the epicentre (star).* Each is about 250 km wide, from the near to the far edge
# of the swath. The part of the dotted circle inside both footprints of a pair is the coverage that is compared.
#
# ## The pairs
#
# The first column is the pair that the coming chapters use.

# %%
chosen = [pair.to_dict() for pair in match.pairs]
columns = ["track", "direction", "polarisation", "coverage", "temporal_baseline_days", "perpendicular_baseline_m"]
print(match.pairs[0].reason if match.pairs else f"no pair: {match.missing}")
pd.DataFrame(chosen, columns=[*columns, "simulated"]).T

# %% [markdown]
# The published interferogram of the Thessaly earthquake was made from the ascending images of 25 February and 3 March
# 2021 {cite:p}`tolomei2021`: calendar and rules lead to the same two.
#
# The **perpendicular baseline**, the distance between the two orbits across the line of sight, decides how much the
# terrain shows: heights that differ by
#
# $$ h_\mathrm{a} = \frac{\lambda\,R\,\sin\theta}{2\,B_\perp} $$
#
# differ by one fringe {cite:p}`bamler1998`; with $R = 850$ km, $\theta = 39°$ and $B_\perp = 100$ m that is 148 m. It
# is computed from the orbit's state vectors, and left unknown where, as in a calendar, there are none.

# %%
with atomic_path(Path(run_folder) / "pairs.json") as path:
    path.write_text(json.dumps(match.to_dict(), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")

# %% [markdown]
# ## A real archive
#
# A calendar is tidy; an archive is not. The book ships twelve real records of the Alaska Satellite Facility around the
# earthquake of Borrego Springs, California, on 10 June 2016.

# %%
borrego = find_event("20160610-borrego-springs")
records = match_pairs(borrego, read_scenes(), days=days)
real = records.table()
passes = real.assign(start=real["start"].dt.strftime("%Y-%m-%d %H:%M:%S"))
passes[["start", "polarisations", "role", "reason"]]

# %%
_ = plots.timeline(real, window_days=days).set_title(f"{borrego.event_id}: archive records")

# %% [markdown]
# *Real records of track 64 around the earthquake of Borrego Springs.* Three things no calendar has: the images
# alternate between one polarisation and two, so that only VV is common; each pass is cut into slices, and the southern
# slice, 87 km away, is of no use; and some passages are not there at all. Which ones?

# %%
possible = {scene.start.date() for scene in simulated_scenes(borrego, days=40) if scene.track == 64}
taken = {scene.start.date() for scene in read_scenes()}
print(f"{len(possible)} passages, {len(taken)} with an image; missing: {', '.join(map(str, sorted(possible - taken)))}")
print(records.best.reason)

# %%
axes = plots.footprint_map(real, latitude=borrego.latitude, longitude=borrego.longitude, radius_km=AREA_RADIUS_KM)
_ = axes.set_title(f"{borrego.event_id}: archive records")

# %% [markdown]
# *Chosen slice (blue) and the others (grey).* Both images of the pair have the epicentre well inside. What they would
# show of a magnitude 5.2 at a depth of 12 km is another matter: by chapter 1, nothing.
#
# ## Exercise
#
# Shrink the window until no pair is left. What is the smallest window, in whole days, that keeps one, and what does the
# message say just below it?
#
# :::{admonition} Solution
# :class: dropdown
#
# Successive images of a track are 6 days apart with two satellites and 12 with one, and the window has to reach both of
# those that enclose the earthquake. For Thessaly the smallest is five days, and the pair that survives is not the one
# used above, whose reference is 5.7 days older than the earthquake. The message names the track that came closest, and
# which side of it is empty.
# :::

# %% tags=["hide-cell"]
for window in range(1, 16):
    tried = match_pairs(event, candidates, days=window)
    if tried.pairs:
        print(f"{window} days: {tried.best.reason}")
        break
    print(f"{window} days: {tried.missing}")

# %% [markdown]
# ## Summary
#
# * Images interfere only along one track; the orbit number in a product's name gives the track.
# * Times are compared as instants: an image from the day of the earthquake may be the best there is.
# * Coverage, then time, then nearness decide; every rejected candidate keeps its reason, in `pairs.json`.
#
# ## Next
#
# {doc}`03_interferogram` shows what two such images have to say together.
#
# ## References
#
# {cite:t}`torres2012` on the mission; {cite:t}`bamler1998` on baselines; {cite:t}`buccoliero2024` and
# {cite:t}`regecambrin2024` on how their data sets chose pairs; {cite:t}`tolomei2021` on Thessaly. Full entries:
# {doc}`/references`.
