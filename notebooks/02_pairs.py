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
# * what a track is, and why before and after are instants, not dates;
# * which ground a pair has to show, and how the best pair of each track is chosen;
# * what it costs, in gigabytes, and how single bursts make it cheaper.
#
# **Prerequisites**: {doc}`01_catalogue`. **Run time**: a few seconds.

# %% tags=["parameters"]
event_id: str = "20210303-thessaly"  # the earthquake of this run
run_folder: str = "runs/20210303-thessaly"  # where its files go
scenes: str = ""  # asf or cdse asks that archive; else a file of records; empty: shipped ones or a simulated calendar
days: float = 15.0  # how far from the earthquake an image may be, on either side

# %%
import json
from dataclasses import replace
from pathlib import Path

import pandas as pd

from epi import plots
from epi.catalogue import Event, find_event, match_pairs, read_scenes, scene_from_name
from epi.catalogue.online.search import SOURCES, search_scenes
from epi.catalogue.pairs.area import area_radius_km
from epi.catalogue.pairs.bursts import SUBSWATHS, burst_bytes, bursts_over
from epi.catalogue.pairs.sight import pair_probability
from epi.patches import groups_by_scene
from epi.simulate.acquisitions import candidate_scenes, passages, simulated_scenes
from epi.source.coherence import LAND
from epi.source.motion import affected_radius_km
from epi.storage import atomic_path

# %%
pd.options.display.max_colwidth = 150  # reasons are whole sentences

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
# Candidates are asked of an archive: the Alaska Satellite Facility (`scenes = "asf"`) or the Copernicus Data Space
# (`"cdse"`). No account is needed to search. The answer is kept on disk and taken again for a week; its age is printed.
# Without a network they come from a file of recorded answers, from the records that ship with the book if they show
# this earthquake, and else from a calendar computed from the same orbit. Names in the calendar begin with `SIM_`: it
# tells when the satellites *could* have taken an image, not whether they did.

# %%
if scenes in SOURCES:
    answer = search_scenes(event, source=scenes, days=days)
    candidates = answer.scenes
    print(answer.summary)
else:
    candidates = candidate_scenes(event, scenes, days=days)
simulated = sum(scene.simulated for scene in candidates)
print(f"{len(candidates)} candidates, {simulated} of them simulated")

# %% [markdown]
# ## The ground that can have moved
#
# A small earthquake moves the ground over its fault and nothing else; a great one moves half a country. So the area a
# pair has to show is no fixed box. The fault that chapter 1 gives a magnitude and a depth is asked how far away it still
# moves the ground by five millimetres along the line of sight, and by a twentieth of its peak; the error of the
# catalogue's epicentre, ten kilometres, comes on top.

# %%
depths = {f"{depth} km deep": depth for depth in (5, 10, 20, 40)}
sizes = [4.5, 5.0, 5.5, 6.0, 6.5, 7.0, 7.5]
reach = {name: affected_radius_km(sizes, depth) for name, depth in depths.items()}
radius_km = area_radius_km(event)
size = "magnitude unknown" if pd.isna(event.magnitude) else f"magnitude {event.magnitude:.1f}"
print(f"{event.event_id}, {size}: {radius_km:.0f} km")
pd.DataFrame(reach, index=pd.Index(sizes, name="magnitude")).round(0).astype(int)

# %% [markdown]
# *Radius in km of the area around the epicentre, by magnitude and depth.* Where nothing moves, the error of the
# epicentre is left; a large earthquake that is deep moves less ground, but moves it farther out. Pairs are asked for
# 200 km at most. One image is about 250 km wide and 170 km long: well above magnitude 6.5 one slice is not enough.
#
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
# 3. end before, and start after, the origin time, inside the window (what took days must be over when it starts);
# 4. show the epicentre with both images, or a quarter of the area.
#
# Of several pairs on a track the one that covers most of the area wins, where the others are 5 % or more behind; then
# the one with the shortest time between its images (the ground changes its face as plants grow and soil dries); then
# the one whose orbits were closest, where the others are 50 m or more farther apart; then the one whose secondary is
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
axes = plots.footprint_map(table, latitude=event.latitude, longitude=event.longitude, radius_km=match.radius_km)
_ = axes.set_title(f"{event.event_id}: {label}")

# %% [markdown]
# *Footprints of the chosen pairs around the epicentre (star).* Each is about 250 km wide, from the near to the far edge
# of the swath. The part of the dotted circle inside both footprints of a pair is the coverage that is compared.
#
# ## The pairs
#
# The first column is the pair that the coming chapters use.

# %%
chosen = [pair.to_dict() | {"probability": round(pair_probability(event, pair), 2)} for pair in match.pairs]
columns = ["track", "direction", "polarisation", "coverage", "temporal_baseline_days", "perpendicular_baseline_m"]
print(match.pairs[0].reason if match.pairs else f"no pair: {match.missing}")
pd.DataFrame(chosen, columns=[*columns, "probability", "simulated"]).T

# %% [markdown]
# *The pairs, best track first.* `probability` is that of chapter 1, now for a pair: the displacement as its pass sees it,
# against the usual air, over dry grass that has been changing for as many days as lie between its images, times the
# share of the area that it shows. A large earthquake is seen on almost any ground; had this one been of magnitude 5.6,
# land and days would decide:

# %%
small, apart = replace(event, magnitude=5.6), (6, 24, 96)
first = [[replace(pair, temporal_baseline_days=time) for time in apart] for pair in match.pairs[:1]]
lands = {land: [pair_probability(small, pair, land=land) for pair in pairs] for land in LAND for pairs in first}
pd.DataFrame(lands, index=[f"{time} days apart" for time in apart]).T.round(2)

# %% [markdown]
# *Probability that the first pair would show magnitude 5.6 at the same depth, by kind of land and days between the images.*
#
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
axes = plots.footprint_map(real, latitude=borrego.latitude, longitude=borrego.longitude, radius_km=records.radius_km)
_ = axes.set_title(f"{borrego.event_id}: archive records")

# %% [markdown]
# *Chosen slice (blue), the others (grey) and the area (dotted).* Both images of the pair have the epicentre well inside.
# What they would show of a magnitude 5.2 at a depth of 12 km is another matter: by chapter 1, nothing.
#
# ## When one slice is not enough
#
# The archive cuts every pass into slices for its own convenience, and cuts the next pass somewhere else. Had the
# earthquake been of magnitude 7.2, the area would reach into the southern slices, so they are joined to the others.

# %%
larger = replace(borrego, magnitude=7.2, event_id="larger")
joined = match_pairs(larger, read_scenes(), days=days)
print(f"{joined.radius_km:.0f} km around the epicentre: {joined.best.reason}")
pd.DataFrame(
    [[role, scene.name, round(scene.bytes / 1e9, 1)] for role, scene in joined.best.members],
    columns=["side", "image", "GB"],
)

# %%
axes = plots.footprint_map(
    joined.table(), latitude=larger.latitude, longitude=larger.longitude, radius_km=joined.radius_km
)
_ = axes.set_title("the same place, magnitude 7.2: archive records")

# %% [markdown]
# *The two slices of the reference (blue) and the larger area (dotted).* They overlap by some kilometres, where each
# burst is in both; `epi interferogram` joins them with `--slice`. What lies east of the swath stays unseen from this
# track, however many slices are joined; the slice to the north is not among the shipped records.
#
# ## What it costs
#
# A slice with two polarisations is four to five gigabytes, and a pair twice that. But the antenna sweeps three
# **subswaths** in **bursts** of 2.8 seconds {cite:p}`dezan2006`, and the archive gives out single bursts of one
# polarisation. Which of them show the area?

# %%
pair = records.best
found = bursts_over(pair.reference, borrego, records.radius_km)
print(f"whole images: {pair.bytes / 1e9:.1f} GB")
print(f"bursts over the area, both dates: {burst_bytes(pair, borrego, records.radius_km) / 1e9:.1f} GB")
count = pd.Series([burst.swath for burst in found]).value_counts().reindex(SUBSWATHS, fill_value=0)
size = {swath: f"{part.bytes / 1e6:.0f}" for swath, part in SUBSWATHS.items()}
pd.DataFrame({"bursts over the area, one date": count, "MB a burst": size})

# %% [markdown]
# *Bursts that show the ten kilometres around the epicentre.* The same ground has the same burst number at every passage, counted
# from the equator: where a record tells when the satellite crossed it, as live answers do and these do not, `epi pairs`
# names the bursts, and `epi download --bursts` fetches them alone. For a great earthquake there is nothing to save.
#
# ## One image, two earthquakes
#
# Where one earthquake follows another before the satellite comes back, the very same two images show both. No label can
# tell the two apart, and whoever trains on one and tests on the other tests nothing. So events that share an image are
# one group, which chapter 5 keeps in one part of the split. Near Kumamoto a foreshock of magnitude 6.2 came 28 hours
# before the earthquake of 7.0; near Thessaly the earthquakes of 3, 4 and 12 March 2021:

# %%
several = [
    "20160414-kumamoto-foreshock",
    "20160415-kumamoto",
    "20210303-thessaly",
    "20210304-tyrnavos",
    "20210312-elassona",
]
images = {}
for quake in map(find_event, several):
    found = match_pairs(quake, simulated_scenes(quake)).pairs
    images[quake.event_id] = {scene.name for pair in found for _, scene in pair.members}
groups = pd.Series(groups_by_scene(images), name="group")
shared = [sum(len(images[name] & images[other]) for other in images if other != name) for name in images]
groups.to_frame().assign(images=[len(found) for found in images.values()], shared=shared)

# %% [markdown]
# *Group of each earthquake, the number of images in its pairs, and how many of them are in a pair of another's.* The
# pairs of the last one hold none of these images: it came after the satellites had passed once more.
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
# * Magnitude and depth say which ground a pair has to show; slices are joined where one does not show it.
# * Coverage, then time, then baseline, then nearness decide; every rejected candidate keeps its reason, in `pairs.json`.
# * A pair is seven to nine gigabytes; for a small earthquake, its bursts are a tenth of that.
#
# ## Next
#
# {doc}`03_interferogram` shows what two such images have to say together.
#
# ## References
#
# {cite:t}`torres2012` on the mission; {cite:t}`dezan2006` on bursts; {cite:t}`bamler1998` on baselines; {cite:t}`buccoliero2024` and
# {cite:t}`regecambrin2024` on how their data sets chose pairs; {cite:t}`tolomei2021` on Thessaly. Full entries:
# {doc}`/references`.
