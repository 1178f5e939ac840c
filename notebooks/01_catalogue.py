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
# A study of an earthquake begins with one line of a table that somebody else made. This chapter reads such tables,
# puts them together, asks how far each of their numbers can be trusted, and says of every earthquake, before any image
# is downloaded, how likely it is that a radar in orbit saw it at all.
#
# **You will learn**
#
# * what a magnitude, a depth and an epicentre in a catalogue mean, how uncertain they are, and how agencies differ;
# * how to filter a catalogue, and which of its events no pair of images can tell apart;
# * how to predict the probability that the radar sees an earthquake, and how to check such a prediction.
#
# **Prerequisites**: a little Python and pandas. **Run time**: half a minute.

# %% tags=["parameters"]
event_id: str = "20210303-thessaly"  # the earthquake of this run
run_folder: str = "runs/20210303-thessaly"  # where its files go
catalogue: str = ""  # a file in any of the forms below, or an agency to ask (usgs, isc, emsc); empty: the book's own
since: str = "2023-01-01"  # where an agency is asked: from when on

# %%
import json
from pathlib import Path
from tempfile import TemporaryDirectory

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from pyproj import Geod
from scipy.special import ndtr

# %%
from epi import plots
from epi.catalogue import coast_km, fetch_events, find_event, flag_swarms, merge_catalogues, read_events, select_events
from epi.catalogue.events.service import is_service
from epi.insar.product import SENTINEL1_WAVELENGTH_M
from epi.settings import settings
from epi.source import detectability as seeing
from epi.source.coherence import LAND, coherence_after, usable_share
from epi.source.detectability import NOISE_M, affected_radius_km, detectability, peak_los, probability
from epi.source.size import magnitude_moment
from epi.storage import atomic_path

FRINGE_M = SENTINEL1_WAVELENGTH_M / 2

# %% [markdown]
# ## The catalogue
#
# The book ships a catalogue of real events: earthquakes of all sizes, some seen well by Sentinel-1 and some not at all;
# landslides; and quiet windows, in which nothing happened, for whoever wants to know how often a method cries wolf.
# With the parameter `catalogue`, a file or an agency's live answer takes its place.

# %%
if is_service(catalogue):
    answer = fetch_events(catalogue, since=since, min_magnitude=5)
    print(f"{catalogue}: {answer.age()}")
    events = answer.events
else:
    events = read_events(catalogue or None)
_ = plots.kinds_map(events)

# %% [markdown]
# *The catalogue by kind; the number of each in brackets.* Here are its first earthquakes:

# %%
shown = ["event_id", "time", "latitude", "longitude", "depth_km", "magnitude", "magnitude_type"]
first = events[events["kind"] == "earthquake"][shown].head(8)
first.assign(time=first["time"].dt.strftime("%Y-%m-%d %H:%M")).round(2)

# %% [markdown]
# One row is one event. The identifier, made of date and place, names the
# event everywhere in this book, its run folder included. This run is about the following one; where strike, dip and
# rake are empty, the mechanism is not known. An event that another catalogue does not hold keeps the row of the book's
# own, and that is said.

# %%
there = event_id in set(events["event_id"])
event = find_event(event_id, events if there else None)
if not there:
    print(f"{event_id} is not in {catalogue}: this is its row in the book's own catalogue")
pd.Series(event.to_dict()).to_frame("value")

# %% [markdown]
# ## One earthquake, several tables
#
# Agencies write the same facts in different forms. Here are two earthquakes as the USGS exports them, and as the thesis
# this book starts from lists them {cite:p}`buccoliero2024`: other names for the columns, depth in metres.

# %%
USGS = """time,latitude,longitude,depth,mag,magType,id,place
2018-01-11T06:59:30.520Z,33.7131,45.7239,10,5.5,mww,us2000ci3s,Iran-Iraq border region
2018-01-19T16:17:44.720Z,26.6862,-111.0785,10,6.3,mww,us2000cl83,"75 km NE of Loreto, Mexico"
"""
THESIS = """index,description,time,latitude,longitude,depth,magnitude,magnitude_type,image_ids_before,image_ids_after
0,Iran-Iraq,2018-01-11T06:59:31.600Z,33.7388,45.7501,19000,5.58,mb,,
1,Gulf of California,2018-01-19T16:17:44.720Z,26.6196,-110.9457,10000,5.65,mb,,
"""
with TemporaryDirectory() as folder:
    tables = {}
    for name, text in {"usgs": USGS, "thesis": THESIS}.items():
        file = Path(folder) / f"{name}.csv"
        file.write_text(text, encoding="utf-8")
        tables[name] = read_events(file)
tables["thesis"][["event_id", "depth_km", "magnitude", "magnitude_type", "source"]]

# %% [markdown]
# Both come out with the same columns; the form is known by what the file holds. (USGS GeoJSON, QuakeML and the text
# of FDSN services are read alike.) Put together, each earthquake must stay once. Two rows are one earthquake where time,
# place and magnitude agree well enough; the preferred agency's numbers are kept, and `source` says so.

# %%
merged = merge_catalogues(list(tables.values()))
assert len(merged) == 2
merged[["event_id", "depth_km", "magnitude", "magnitude_type", "source"]]

# %% [markdown]
# ## Where, and how deep?
#
# The position is that of the **hypocentre**, the point where the rupture began, computed from the arrival times of
# seismic waves {cite:p}`bondar2011`. It carries an error, and it is not where most of the ground moved: a fault tens of
# kilometres long can start to break at one of its ends. How well do the two tables agree?

# %%
one, other = tables["thesis"], tables["usgs"]
ends = [table[name] for table in (one, other) for name in ("longitude", "latitude")]
both = one[["event_id", "depth_km", "magnitude"]].assign(apart_km=Geod(ellps="WGS84").inv(*ends)[2] / 1000)
both[["depth_km_usgs", "magnitude_usgs"]] = other[["depth_km", "magnitude"]]
both[["event_id", "apart_km", "depth_km", "depth_km_usgs"]].round(1)

# %% [markdown]
# The epicentres are 4 and 15 km apart, the depths up to 9 km. Such differences are ordinary. In the USGS list of the
# 18,275 earthquakes of magnitude 5 and more of 2013 to 2023, the median of the stated horizontal errors is 7 km, and of
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
both[["event_id", "magnitude", "mw_from_mb", "magnitude_usgs", "moment_ratio"]].round(2)

# %% [markdown]
# The first was less than half as large as its mb suggests, the second five times as large. A filter on "magnitude" that
# mixes types mixes these up. How many of the catalogue's magnitudes are moment magnitudes?

# %%
quakes = select_events(events, kind="earthquake")
quakes["magnitude_type"].value_counts().to_frame("earthquakes")

# %% [markdown]
# ## Filters
#
# A catalogue is searched by size, type, depth, time and place. A box is given as west, south, east, north, and may cross
# the antimeridian; a radar on the sea floor is of no use, so land counts too.

# %%
shallow = select_events(quakes, min_magnitude=6.0, magnitude_type="mw", max_depth_km=15)
fiji = select_events(quakes, box=(165, -30, -170, -10))
ashore = select_events(quakes, sea_km=20)
print(f"{len(quakes)} earthquakes; Mw 6 and above, down to 15 km: {len(shallow)}")
print(f"Around Fiji and Tonga, across the antimeridian: {len(fiji)}")
print(f"On land, or within 20 km of it: {len(ashore)}")

# %% [markdown]
# ## Swarms
#
# An interferogram adds up everything between its two dates. Where earthquakes follow each other within days, on the same
# ground and of like size, no pair can tell them apart, and "the epicentre" of such a pair does not exist. The catalogue
# is searched for them.

# %%
flagged = flag_swarms(quakes)
swarms = flagged[flagged["swarm"] != ""].groupby("swarm")
table = swarms.agg(
    members=("event_id", "size"), largest=("magnitude", "max"), begins=("time", "min"), ends=("time", "max")
)
table["hours"] = ((table["ends"] - table["begins"]) / pd.Timedelta("1h")).round(1)
table.drop(columns=["begins", "ends"]).sort_values("members", ascending=False).head(10)

# %% [markdown]
# One of them is the case study of the thesis: on 11 January 2018 five earthquakes of magnitude 5.1 to 5.6 shook the
# border of Iran and Iraq within 62 minutes.

# %%
case = find_event("20180111-iran-iraq")
five = flag_swarms(read_events()).query("swarm == @case.event_id")
radius = float(affected_radius_km(case.magnitude, case.depth_km))
_ = plots.case_map(five, latitude=case.latitude, longitude=case.longitude, radius_km=radius)

# %% [markdown]
# *The case study: its earthquakes in order of time, and the circle that holds all ground that can have moved more than
# half a centimetre, the error of the epicentre included.* To the radar this is one event.
#
# The thesis kept every earthquake above mb 4. Is that a sensible limit for a radar?

# %% [markdown]
# ## How far the ground moves
#
# Radar interferometry measures how far the ground moved along the line of sight. One colour cycle, a **fringe**, is
# half a wavelength: 2.8 cm for Sentinel-1. How far the ground moves follows from magnitude and depth. The magnitude gives
# the size of a fault and its slip {cite:p}`leonard2010`, and an elastic half-space gives the movement at the surface
# {cite:p}`okada1985`. Where the mechanism is unknown, the mean over several is taken.

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
# ## What it is seen against
#
# Two things hide it. The first is **air**: water vapour changes an interferogram by about a centimetre over some tens of
# kilometres {cite:p}`hanssen2001`. But the delay differs the less the closer two points are: as distance to the power
# 1/3. A small signal is therefore held against less noise than a wide one. With $p$ the peak, $r$ the radius of the
# ground that moves and $\sigma$ the air's rms over 80 km, a detector of gain $g$ that says yes above $t$ standard
# deviations sees the earthquake with probability
#
# $$ P = \Phi\Bigl(g\,\frac{p}{\sigma}\,\bigl(80\ \mathrm{km}/r\bigr)^{1/3}\sqrt{f} - t\Bigr) , $$
#
# where $\Phi$ is the normal distribution. The second is the **ground**: $f$ is the share of it that looked the same on
# both days. Coherence decays, roughly exponentially {cite:p}`rocca2007`, to a floor that depends on the land; it has been
# measured for all of it {cite:p}`kellndorfer2022`.

# %%
days = np.array([6, 12, 24, 48])
rows = {}
for land, decay in LAND.items():
    coherence = decay.at_last + (decay.at_once - decay.at_last) * np.exp(-days / decay.days)
    assert np.allclose(coherence, coherence_after(days, land=land))
    rows[land] = [*coherence, float(usable_share(coherence[1]))]
pd.DataFrame(rows, index=[f"after {number} days" for number in days] + ["usable after 12 days"]).T.round(2)

# %% [markdown]
# *Coherence of six kinds of land, and the share of it that can still be used after 12 days. The numbers are round ones
# of this book; where better ones are known, give them.* Bare rock waits for months, a forest not for one orbit.
#
# What the catalogue leaves open must be averaged over: its errors of magnitude and depth, the weather of the two days,
# the fault's own ways. For a known mechanism this is a few lines.

# %%
rng = np.random.default_rng(1)
mechanism = {"strike": 315.0, "dip": 36.0, "rake": -100.0}
size = 5.7 + 0.1 * rng.standard_normal(2000)
deep = 10 * np.exp(0.35 * rng.standard_normal(2000))
peak, wide = seeing.signals(size, deep, *(np.full(2000, angle) for angle in mechanism.values()))
strength = (peak * (80 / wide) ** (1 / 3))[:, 0].max(axis=1)  # of the better of the two passes
scatter = np.exp(np.hypot(seeing.AIR_SCATTER, seeing.SOURCE_SCATTER) * rng.standard_normal(2000))
drawn = ndtr(seeing.GAIN * strength / NOISE_M * scatter * np.sqrt(usable_share(0.6)) - seeing.THRESHOLD).mean()
packaged = float(probability(5.7, 10, **mechanism, air_m=NOISE_M, coherence=0.6))
assert abs(drawn - packaged) < 0.04
print(f"Mw 5.7, 10 km deep, on the fault of Thessaly: {drawn:.2f} by drawing, {packaged:.2f} from the package")

# %% [markdown]
# Where the mechanism is not known either, the mean over strike slip, thrust and normal faults of all strikes is taken.

# %%
sizes = np.linspace(4.5, 7, 51)
cases = {f"{depth} km deep": probability(sizes, depth) for depth in (5, 10, 20)}
cases["10 km deep, forest"] = probability(sizes, 10, coherence=coherence_after(12, land="forest"))
_ = plots.detection_curves(sizes, cases)
half = {name: float(np.interp(0.5, chance, sizes)) for name, chance in cases.items() if chance[-1] > 0.5}
print("Even chances at Mw " + ", ".join(f"{size:.1f} ({name})" for name, size in half.items()))

# %% [markdown]
# *Probability that one interferogram shows an earthquake of unknown mechanism, under the usual air.*
#
# How does that compare with published experience? {cite:t}`dawson2007` simulated interferograms of Australian
# earthquakes: below magnitude 4.8 hardly any can be observed, unless very shallow; magnitude 5.5 is lost below a depth of
# 6 km, and 6.2 below 10 km. What does our curve say there?

# %%
published = pd.DataFrame([(4.8, 5), (5.5, 6), (6.2, 10)], columns=["magnitude", "depth_km"])
published["probability"] = probability(published["magnitude"], published["depth_km"])
published.round(2)

# %% [markdown]
# We agree about the small ones and are more hopeful about the others. They ask for more than a sighting: the parameters
# of the source must come out. {cite:t}`funning2019` studied systematically which earthquakes the wide-swath
# interferograms of Sentinel-1 show. Their figures are *not* compared with this curve here; for who wants to use it on
# real data, that comparison is the next thing to do.
#
# ## Is the probability right?
#
# A probability can be checked: of many earthquakes that were given 30 %, about 30 % should be seen. With simulated
# scenes this is done in minutes. Each has a rupture, air and land of its own; the prediction is told only what one knows
# beforehand; and a judge looks for patches that stand out from their surroundings by more than the air explains. The
# judge's gain and threshold were set on other scenes than these.

# %%
check = pd.read_csv(settings().data / "detectability_check.csv")
told = check[check["part"] == "check"].reset_index(drop=True)
columns = ("magnitude", "depth_km", "air_m", "coherence")
predicted = probability(**{name: told[name] for name in columns}, passes="mean")
assert np.allclose(predicted, told["probability"], atol=1e-3)
edges = np.array([0, 0.05, 0.2, 0.4, 0.6, 0.8, 0.95, 1])
_ = plots.predicted_and_seen(predicted, told["seen"].to_numpy(bool), edges=edges)
quiet = check[check["part"] == "quiet"]
brier = np.mean((predicted - told["seen"]) ** 2), told["seen"].var(ddof=0)
print(f"{len(told)} earthquakes, {told['seen'].mean():.0%} stood out, {predicted.mean():.0%} predicted")
print(f"mean squared error {brier[0]:.3f}, of a constant {brier[1]:.3f}; false alarms {quiet['seen'].mean():.0%}")

# %% [markdown]
# *Share of simulated earthquakes that stood out against the probability given to them, with 95 % intervals and the
# number of scenes.* Points on the dashed line are honest probabilities; below it, more was promised than came. Most of
# ours lie a little below. Is that chance?

# %%
bins = told.groupby(np.digitize(predicted, edges))[["probability", "seen"]].mean()
below = (bins["seen"] < bins["probability"]).sum()
excess = (predicted.mean() - told["seen"].mean()) * 100
luck = np.sqrt((predicted * (1 - predicted)).sum()) / len(told) * 100
print(f"In {below} of {len(bins)} bins fewer earthquakes stood out than predicted.")
print(
    f"On average the prediction is {excess:.1f} percentage points too hopeful; chance alone makes ± {luck:.1f} of it."
)

# %% [markdown]
# So the probabilities of this book are slightly too hopeful, most of all those between 0.2 and 0.8: take a few
# hundredths off. And the prediction has no more air or ground in it than the simulation: a real mountain, a real forest
# or a real front can prove it more wrong than that.
#
# ## Which events are worth downloading?

# %%
seen = quakes.join(detectability(quakes))
shore = coast_km(seen["latitude"], seen["longitude"])
seen["probability"] = seen["probability"].where(shore > -seen["extent_km"].clip(lower=10), 0.0)
worth = seen.sort_values("probability", ascending=False)
listed = ["event_id", "magnitude", "depth_km", "peak_los_m", "extent_km", "probability"]
pd.concat([worth.head(6), worth[worth["probability"].between(0.3, 0.7)].head(4), worth.tail(4)])[listed].round(2)

# %% [markdown]
# *The surest, some of the doubtful, and the least likely.* An earthquake at sea whose moving ground does not reach a
# coast has no chance, whatever its size.

# %%
_ = plots.probability_map(seen)
number = {"likely": (seen["probability"] >= 0.5).sum(), "hardly": (seen["probability"] < 0.1).sum()}
print(
    f"Of {len(seen)} earthquakes, {number['likely']} are likely to be seen (0.5 and more), {number['hardly']} hardly (below 0.1)"
)
print(f"Expected to be seen: {seen['probability'].sum():.0f}")

# %% [markdown]
# *The catalogue: size by magnitude, colour by the probability that an interferogram shows it.* A download of both images
# costs some nine gigabytes: spend them on the bright ones.
#
# ## Against real interferograms
#
# For four earthquakes real Sentinel-1 interferograms have been published, and the largest displacement can be read from
# them (sources in `data/README.md`).

# %%
observed_m = {"20140824-napa": 0.11, "20190706-ridgecrest": 1.2, "20200124-elazig": 0.14, "20210303-thessaly": 0.44}
four = select_events(read_events(), kind="earthquake").query("event_id in @observed_m")
four = four.join(detectability(four)).assign(observed_m=four["event_id"].map(observed_m))
_ = plots.peak_bars(four, noise_m=NOISE_M, fringe_m=FRINGE_M)

# %% [markdown]
# *Expected displacement (bars) and what real interferograms showed (diamonds), on a logarithmic scale.* The prediction
# is close for Elazığ, and too small by a factor of two to five for the other three. At Napa and Ridgecrest the rupture
# began at depth and then broke the surface: the hypocentre's depth is not that of the slip. So a middling probability
# means "look at it", and a small one that a clear signal would be a surprise that needs an explanation.
#
# ## An earthquake at the edge of what can be seen
#
# The thesis' interferograms of its case study are shown with "concentric phase fringes". The catalogue gives mb 5.58 at
# a depth of 19 km. What do the possible readings of that row predict?

# %%
readings = pd.DataFrame(
    [("as listed", 5.58, 19), ("USGS", 5.5, 10), ("mb turned into Mw", 5.77, 19), ("the same, shallow", 5.77, 8)],
    columns=["reading", "magnitude", "depth_km"],
)
mechanism = {"strike": 342, "dip": 35, "rake": 76}
readings["peak_mm"] = peak_los(readings["magnitude"], readings["depth_km"], **mechanism) * 1000
readings["fringes"] = readings["peak_mm"] / (FRINGE_M * 1000)
readings["probability"] = probability(readings["magnitude"], readings["depth_km"], **mechanism)
readings.round({"peak_mm": 0, "fringes": 1, "probability": 2})

# %% [markdown]
# As it is listed, the earthquake moves the ground by millimetres, a fraction of a fringe; even the reading that helps
# it most does not reach two. What was measured lies between: a compilation of measured earthquakes lists 3 cm along the
# line of sight for "Mandali, 11 January 2018", Mw 5.25, after Barnhart and others in 2018
# ([Remote Sensing 16(11), 2019](https://doi.org/10.3390/rs16112019), appendix F). That is about one fringe, whatever
# part each of that day's earthquakes has in it, and more than the listed depth allows. Several concentric fringes can
# still hardly be this earthquake. What were they, then? Other earthquakes between the two dates, water vapour over
# mountains, or the terrain left in the phase are all candidates, and the chapters that follow give the means to tell
# them apart. The event stays in the catalogue as the doubtful one: by its row it should not be found, and if it is, the
# depth in its row is wrong.

# %% [markdown]
# ## The event of this run
#
# The chosen row goes into the run folder, where the next chapters read it.

# %%
row = detectability(pd.DataFrame([vars(event)])).iloc[0]
print(f"{event.event_id}: {event.kind}, {event.time:%Y-%m-%d %H:%M:%S} UTC")
if np.isfinite(row["probability"]):
    print(f"{event.magnitude_type} {event.magnitude}, {event.depth_km:g} km deep")
    print(f"expected: {row['peak_los_m'] * 100:.1f} cm along the line of sight, {row['visible']}")
    print(f"probability that an interferogram shows it: {row['probability']:.2f}")
with atomic_path(Path(run_folder) / "event.json") as path:
    path.write_text(json.dumps(event.to_dict(), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")

# %% [markdown]
# ## Exercise
#
# Could all five earthquakes of the swarm of 11 January 2018 together make several fringes? The USGS lists four of them,
# and the largest as well, with a depth of 10 km.
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
# * Agencies list the same earthquake differently, and one pair of images may hold several.
# * Magnitude, depth, air and ground give a probability that the radar sees an earthquake. It can be checked, and was.
#
# ## Next
#
# {doc}`02_pairs` looks for the two images that show the ground before and after.
#
# ## References
#
# {cite:t}`buccoliero2024`, the thesis; {cite:t}`bondar2011` on locations; {cite:t}`hanks1979` and
# {cite:t}`scordilis2006` on magnitudes; {cite:t}`leonard2010` and {cite:t}`okada1985` behind the displacement;
# {cite:t}`hanssen2001` on the air, {cite:t}`rocca2007` and {cite:t}`kellndorfer2022` on the ground; {cite:t}`dawson2007`
# on what can be seen, and {cite:t}`funning2019` to read further on it. Full entries: {doc}`/references`.
