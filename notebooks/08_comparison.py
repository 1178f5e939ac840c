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
# # What have we learned?
#
# Every answer of this book beside every other: networks and rules that cost nothing, the published protocol and the honest one, the
# fitted fault, the network, the two together, and the floor under them all.
#
# **You will learn**
#
# * how two beliefs about one place are put together, and when each deserves trust;
# * to read one table in which every method is judged on the same earthquakes, with its error bars and its price;
# * where each method fails, and what it says of itself when it does.
#
# **Prerequisites**: {doc}`06_distance` and {doc}`07_epicentre`. **Run time**: some seconds; the scores are read from tables.

# %% tags=["parameters"]
event_id: str = "20210303-thessaly"  # the earthquake of this run
run_folder: str = "runs/20210303-thessaly"  # where its files go
source: str = "simulated"  # or the path of an interferogram

# %%
import json
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from scipy.interpolate import RegularGridInterpolator

from epi import learn, plots
from epi.errors import EpiError
from epi.insar import product
from epi.learn.both import DOUBT, area_of, trust_in
from epi.plots.comparison import answers, coverage, errors_by_strength
from epi.settings import settings
from epi.source.bound import CHI2_95
from epi.storage import atomic_path

# %% [markdown]
# ## Two beliefs about one place
#
# The last chapter left two answers. A fitted fault is sharp: where the earthquake stands out of the air it is right to a kilometre or so.
# Where it does not, the best fault is one that explains some piece of air, tens of kilometres away, and its ellipse may be as wrong as its place.
# The network is blunt everywhere, and seldom so far off.
#
# So we ask how probable it is that the fault is *right*. A fault that itself says that no earthquake is visible is not asked. Any other is
# believed beforehand with the probability $1-d$; the doubt $d$ was measured on earthquakes that are not in the tables below. Then comes the network: its map $p(\mathbf{x})$
# says how likely the epicentre lies where the fault was put, which is a Gaussian $g(\mathbf{x})$ by its ellipse. By Bayes' rule the fault is right with
#
# $$ t = \frac{(1-d)\int g\,p}{(1-d)\int g\,p + d / A}, $$
#
# where $A$ is the ground that the map covers. The place of the likelier one is the answer, and its ellipse reaches for the other as far as that may be right. Why not multiply
# $g$ and $p$, as for independent measurements? Because these are not independent: both saw the same air, and a network that is a little
# off would only pull a good fault away. And why not let the fault's search start from the network's map? That is tried farther down.

# %%
scene = product.load(Path(run_folder) / "scene.nc")
results = json.loads((Path(run_folder) / "location.json").read_text())["results"]
physics = results[0]
both: dict | None = None
try:
    network = learn.load_network(settings().data / "locator.safetensors")
    by_network, found, _ = learn.locate_scene(network, scene)
    both = learn.joined(physics, results[1], found, product.local_frame(scene))
except EpiError as error:
    print(f"The network cannot answer: {error}")
pd.Series(both or {}, dtype=object).to_frame("both")

# %% [markdown]
# Here is the formula once more, for the scene of this run: $g$ is laid out about the fault, and the network's map is read there. Where that lies off the map, the
# network gives the fault no chance at all.

# %%
if both and physics["visible"]:
    grid, (major, minor, degrees) = found.density, physics["ellipse_km"]
    turn, sigma = np.deg2rad(degrees), np.array([major, minor]) / np.sqrt(CHI2_95)  # 95 % of a Gaussian lie within
    units = np.stack([part.ravel() for part in np.meshgrid(*[np.linspace(-4, 4, 33)] * 2)])
    g, (along, across) = np.exp(-(units**2).sum(0) / 2), sigma[:, None] * units
    east = physics["east_km"] + along * np.sin(turn) + across * np.cos(turn)
    north = physics["north_km"] + along * np.cos(turn) - across * np.sin(turn)
    density = grid.probability / (grid.east_km[1] - grid.east_km[0]) ** 2
    p = RegularGridInterpolator((grid.north_km, grid.east_km), density, bounds_error=False, fill_value=0)
    right = (1 - DOUBT) * (g * p((north, east))).sum() / g.sum()
    t = right / (right + DOUBT / area_of(grid))
    print(f"the fault was doubted with {DOUBT:.1%}; now it is right with {t:.1%}; epi says {both['trust']:.1%}")

# %%
said = {each["method"]: each for each in [*results, *([both] if both else [])]}
places = {name: (each["east_km"], each["north_km"], *each["ellipse_km"]) for name, each in said.items()}
centroid = None
if source == "simulated":
    true = product.load(Path(run_folder) / "truth.nc").attrs
    centroid = (true["centroid_east_km"], true["centroid_north_km"])
    for name, place in places.items():
        print(f"{name:>8}: {np.hypot(*np.subtract(place[:2], centroid)):.1f} km from the true centroid")

# %%
frame, los = product.local_frame(scene), scene["los_displacement"]
axes = plots.displacement(los - float(los.median()), frame.east_km, frame.north_km)
legend = answers(axes, places, truth_km=centroid).legend(loc="lower left", fontsize="small")

# %%
if both:
    with atomic_path(Path(run_folder) / "both.json") as path:
        path.write_text(json.dumps({"results": [both]}, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")

# %% [markdown]
# *The displacement of this run's scene with three answers and their 95 % ellipses.* `epi locate FILE --method both` gives these three.
#
# ## The same earthquakes for everyone
#
# One scene proves nothing. The test earthquakes are those of chapter 7: drawn by a recipe that was fixed before any network was trained,
# many of them invisible. Every method saw the same scenes. The floor is the Bayesian Cramér-Rao bound {cite:p}`kay1993`, with the recipe as what is known beforehand, taken at
# each source: about how far off, root mean square, the best method with a perfect knowledge of the noise would be. It holds on average over sources, not for each. Errors
# beside it are medians, and the median of a round Gaussian is $\sqrt{\ln 2} = 0.83$ of its root mean square (of a long one, less): the table has both.

# %%
scores = pd.read_csv(settings().data / "comparison_scores.csv")
quakes, quiet = (scores[scores["kind"] == kind] for kind in ("earthquake", "quiet"))
seen = quakes[quakes["peak_cm"] >= 3]
columns = {"scene's centre": "centre_error_km", "fastest phase": "steepest_error_km", "largest |LOS|": "peak_error_km"}
columns |= {name: f"{name}_error_km" for name in ("network", "physics", "both")}
print("made by: python -m epi.learn.beside --out data/comparison_scores.csv")
print(f"{len(quakes)} earthquakes, {len(seen)} of 3 cm and more; {len(quiet)} scenes of the same kind without one")

# %%
rows = {}
for name, error in columns.items():
    low, high = learn.interval(seen[error], seen["seed"])
    rows[name] = {"median (km)": seen[error].median(), "from": low, "to": high, "mean (km)": seen[error].mean()}
    rows[name] |= {"9 of 10 within (km)": seen[error].quantile(0.9), "all, median (km)": quakes[error].median()}
for name in ("network", "physics", "both"):
    told = {
        "in ellipse (%)": 100 * quakes[f"{name}_inside"].mean(),
        "semi-axis (km)": seen[f"{name}_major_km"].median(),
    }
    told |= {"false alarms (%)": 100 * quiet[f"{name}_visible"].mean()}
    told |= {"seen (%)": 100 * seen[f"{name}_visible"].mean(), "seconds": seen[f"{name}_seconds"].median()}
    rows[name] |= told

# %%
least_rms = {"median (km)": seen["floor_km"].median(), "mean (km)": seen["floor_km"].mean()}
least = {"median (km)": np.sqrt(np.log(2)) * least_rms["median (km)"]}
table = pd.DataFrame(rows | {"floor, rms": least_rms, "floor x 0.83": least}).T
shown = table.T.round(2).astype(object)
shown.where(table.T.notna(), "")

# %% [markdown]
# *Distance to the true centroid on earthquakes of 3 cm and more; "from" and "to" bound the median with 95 % confidence, drawing earthquakes {cite:p}`efron1993`; of the floor, a root
# mean square on each scene, median and mean over scenes.* The first three columns cost nothing; "largest |LOS|" is given the unwrapped movement without an unwrapping's errors. Ellipses are 95 % ellipses, judged on all earthquakes, visible or not.
# "Seen" are those the method calls visible; a false alarm is a scene without an earthquake in which it sees one. Seconds are those of one core, two scenes at a time.
#
# Who sees the most? A sentence that follows the table, whatever it holds:

# %%
methods = ["both", "physics", "network"]
first = {title: table.loc[methods, title].idxmin() for title in ("median (km)", "mean (km)", "9 of 10 within (km)")}
print(", ".join(f"best {title.removesuffix(' (km)')}: {name}" for title, name in first.items()))
free = table.loc[list(columns)[:3], "median (km)"]
print(
    f"best answer that costs nothing: {free.idxmin()}, {free.min():.1f} km; both: {table.loc['both', 'median (km)']:.1f} km"
)
for name in methods:
    better = (seen[f"{name}_error_km"].to_numpy()[:, None] < seen[list(columns.values())[:3]].to_numpy()).all(1).mean()
    print(f"{name} is nearer than each of the three on {better:.0%} of the earthquakes")

# %% [markdown]
# What did both gain over each alone, and how near the floor did they come?

# %%
for other in ("physics", "network"):
    gained = {title: table.loc[other, title] - table.loc["both", title] for title in first}
    said = (
        f"{title.removesuffix(' (km)')} {abs(km):.2f} km {'less' if km > 0 else 'more'}" for title, km in gained.items()
    )
    print(f"both against {other} alone: {', '.join(said)}")
reached = table.loc["both", "median (km)"]
print(f"asked of both was a median of 1 km at most: {'reached' if reached <= 1 else 'not reached'} ({reached:.2f} km)")
# %% [markdown]
# Could anybody? The floor's ellipses tell: here are errors drawn from them, as many as from a method that reaches the floor everywhere.

# %%
sigma = seen[["floor_major_km", "floor_minor_km"]].to_numpy() / np.sqrt(CHI2_95)
at_best = np.hypot(*(np.random.default_rng(0).standard_normal((1000, *sigma.shape)) * sigma).T)
floor_km = np.median(at_best)
print(
    f"median of errors drawn from the floor's own ellipses: {floor_km:.2f} km, of rms x 0.83: {least['median (km)']:.2f} km"
)
lies = "about at" if 0.9 <= floor_km <= 1.1 else "below" if floor_km > 1 else "above"
print(f"on this recipe that goal lies {lies} the floor")

# %% [markdown]
# What decides is not the size of an earthquake but how far it stands out of the air. So here are the same earthquakes by the largest
# displacement of each over the rms of its air.

# %%
edges = [0, 1, 2, 5, 10, np.inf]
names = ["below 1", "1 to 2", "2 to 5", "5 to 10", "above 10"]
strength = pd.cut(quakes["peak_cm"] / quakes["atmosphere_cm"], edges, labels=names)
label = {name: f"{name}\n({(strength == name).sum()})" for name in names if (strength == name).any()}
rows = []
for (name, error), group in ((pair, each) for each in label for pair in columns.items()):
    part = quakes[strength == group]
    low, high = learn.interval(part[error], part["seed"])
    rows.append({"method": name, "group": label[group], "value": part[error].median(), "low": low, "high": high})
floors = np.sqrt(np.log(2)) * quakes.groupby(strength.map(label), observed=True)["floor_km"].median()
words = {
    "xlabel": "largest displacement, in rms of the air (earthquakes)",
    "ylabel": "median distance to the true centroid (km)",
}
axes = errors_by_strength(pd.DataFrame(rows), floor=floors, **words)

# %% [markdown]
# *Median error with 95 % intervals over earthquakes; the broken line is 0.83 times the median of the floor.* At the left nothing is
# known, by anybody: the floor itself lies not far below what the scene's centre gives. At the right the fault needs no help.
#
# ### Do the ellipses keep their word?

# %%
kept = {name: 100 * quakes.groupby(strength, observed=True)[f"{name}_inside"].mean() for name in methods}
wide = {f"{name}, km": quakes.groupby(strength, observed=True)[f"{name}_major_km"].median() for name in methods}
worst = {name: (share.min(), share.idxmin()) for name, share in kept.items()}
print("fewest: " + "; ".join(f"{name} {low:.0f} % in the class {group}" for name, (low, group) in worst.items()))
pd.DataFrame(kept | wide).round(1)

# %% [markdown]
# *Share of 95 % ellipses that hold the true centroid, in percent, and the median of their longer semi-axes.* The fault's were adjusted on visible earthquakes in fair weather, the
# network's on the same recipe as here; those of both are made of the two, and were not adjusted again. A promise kept over all earthquakes need not be kept in every class.
#
# And is 95 % the only promise? An ellipse stands for a Gaussian, which has a region for every probability. Where the truth lies $q$ times as far out as the 95 % ellipse
# in its direction, the smallest region that reaches it has the probability $1 - e^{-\chi^2 q^2 / 2}$, with $\chi^2 = 5.99$; of all earthquakes a share $p$ should lie within that of $p$.


# %%
def level(name: str) -> pd.Series:
    """Probability of the smallest region of a method's answer that reaches the truth, by earthquake."""
    east, north = (quakes[axis] - quakes[f"{name}_{axis}"] for axis in ("east_km", "north_km"))
    turn = np.deg2rad(quakes[f"{name}_azimuth"])
    along, across = east * np.sin(turn) + north * np.cos(turn), east * np.cos(turn) - north * np.sin(turn)
    squared = (along / quakes[f"{name}_major_km"]) ** 2 + (across / quakes[f"{name}_minor_km"]) ** 2
    return 1 - np.exp(-CHI2_95 / 2 * squared)


reached_at = {name: level(name) for name in methods}
assert all(((reached_at[name] <= 0.95) == quakes[f"{name}_inside"]).mean() > 0.99 for name in methods)
axes = coverage(reached_at)

# %%
held = {name: [100 * (reached_at[name] <= p).mean() for p in (0.5, 0.8, 0.95, 0.99)] for name in methods}
pd.DataFrame(held, index=["50 %", "80 %", "95 %", "99 %"]).round(1).rename_axis("held, of regions of (%)")

# %% [markdown]
# *Share of regions that hold the true centroid, against the share that should, over all earthquakes; bars are 95 % intervals.* Only one level, 95 %, was adjusted, and of the fault
# and the network alone. Marks above the line are regions wider than they need be, as the
# network's inner ones are; marks below it promise too much, as the fault's outer ones do.
#
# ### A warning is worth something

# %%
rows = {}
for name, warned in ((name, warned) for name in methods for warned in (False, True)):
    part = seen[seen[f"{name}_warned"].astype(bool) == warned]
    errors = part[f"{name}_error_km"]
    row = {"earthquakes": len(part), "median (km)": errors.median(), "9 of 10 within (km)": errors.quantile(0.9)}
    rows[name, "a warning" if warned else "no warning"] = row | {"in ellipse (%)": 100 * part[f"{name}_inside"].mean()}
pd.DataFrame(rows).T.round(1)

# %% [markdown]
# ### What the rule costs
#
# A fault that sees no earthquake is not asked, be it right or wrong. How often was it right, on earthquakes of 3 cm and more?

# %%
unasked = seen[~seen["physics_visible"].astype(bool)]
nearer = int((unasked["physics_error_km"] < unasked["network_error_km"]).sum())
means = {name: unasked[f"{name}_error_km"].mean() for name in ("physics", "network")}
print(f"not asked: {len(unasked)} faults, {nearer} of them nearer to the truth than the network")
print(f"their mean error {means['physics']:.1f} km, the network's {means['network']:.1f} km")

# %% [markdown]
# It is nearer about as often as not. But where it is wrong it is wrong by more, which is what the means tell, and nothing in its own answer says which is the case.
#
# ### May the network propose?
#
# The rule picks one of two finished answers. The network could also have a say in the search: half of the rectangles that are tried lie where its map puts them (*starts
# there*), or, moreover, the fault is expected there, with a density of 95 % its map and 5 % all the ground alike (*expected there*). Tried on earthquakes that are not reported:

# %%
tried = pd.read_csv(settings().data / "proposal_scores.csv").query("peak_cm >= 3")
print(f"made by: python -m epi.learn.beside --propose data/proposal_scores.csv; {len(tried)} earthquakes")
ways = {"alone": "alone", "starts": "starts there", "expected": "expected there"}
rows, low_high = {}, {}
for name, title in ways.items():
    errors = {"fault": tried[f"{name}_error_km"], "both": tried[f"{name}_both_error_km"]}
    rows[title] = {f"{who}, {kind} (km)": km.agg(kind) for who, km in errors.items() for kind in ("median", "mean")}
    rows[title] |= {"in the fault's ellipse (%)": 100 * tried[f"{name}_inside"].mean()}
    less = tried[f"{name}_both_error_km"] - tried["alone_both_error_km"]
    rows[title] |= {"both nearer by 0.3 km": (less < -0.3).sum(), "farther": (less > 0.3).sum()}
    low_high[title] = learn.interval(less, tried["seed"], np.mean)
for title in list(rows)[1:]:
    low, high = low_high[title]
    print(f"both, fault {title}: mean error changes by {low:+.2f} to {high:+.2f} km (95 % interval)")
pd.DataFrame(rows).T.round(2)

# %% [markdown]
# *The fault alone, and with the network's map in its search, on earthquakes of 3 cm and more; "both" is the fault so found, put together with the network by the rule above.* What
# is seen well is found without help, and where the fault goes astray the map is mostly too blunt to bring it back. While the intervals hold zero nothing is gained, so `epi locate
# --method both` lets the fault search on its own; `epi.source.invert.locate` takes a `proposal` from whoever has a better one.
#
# ## Where each fails
#
# Numbers hide how a method fails. Here are four scenes, found by the table and simulated anew from their seeds: the fault that was
# farthest off without a warning; the one in which the network was so much nearer than the fault; the opposite; and the one in which both together are farthest off.

# %%
quietly = ~seen["physics_warned"].astype(bool)
gain = seen["physics_error_km"] - seen["network_error_km"]
reasons = {"a fault without a warning": seen["physics_error_km"].where(quietly, -1)}
reasons |= {"the network helps": gain, "the fault helps": -gain, "both are lost": seen["both_error_km"]}
chosen: dict[str, pd.Series] = {}
for reason, badness in reasons.items():
    taken = [row["seed"] for row in chosen.values()]
    chosen[reason] = seen.loc[badness[~seen["seed"].isin(taken)].idxmax()]
facts = ["seed", "magnitude", "peak_cm", "atmosphere_cm", *(f"{name}_error_km" for name in methods), "trust"]
pd.DataFrame({reason: row[facts] for reason, row in chosen.items()}).astype(float).round(2)

# %%
parts = ("east_km", "north_km", "major_km", "minor_km", "azimuth")
figure, panels = plt.subplots(2, 2, figsize=(10, 8.6), layout="constrained")
for axes, (reason, row) in zip(panels.flat, chosen.items(), strict=True):
    ground = learn.recipe_scene(int(row["seed"])).product
    frame, los = product.local_frame(ground), ground["los_displacement"]
    title = f"{reason}: M {row['magnitude']:.1f},\n{row['peak_cm']:.0f} cm under {row['atmosphere_cm']:.1f} cm of air"
    plots.displacement(los - float(los.median()), frame.east_km, frame.north_km, axes=axes, title=title)
    places = {name: [float(row[f"{name}_{part}"]) for part in parts] for name in methods}
    answers(axes, places, truth_km=(row["east_km"], row["north_km"]))
handles = panels[0, 0].get_legend_handles_labels()
legend = figure.legend(*handles, loc="outside lower center", ncols=4, frameon=False)

# %% [markdown]
# *Displacement as measured, the true centroid, and the three answers with their ellipses (those that leave the map are wider than it).* What to look for: whether the
# eye would have found it, and whether a lobe of air is taken for the ground. A fault can explain one lobe with another earthquake's mirror image: in one track,
# opposite slip on a plane that dips the other way looks much alike.
#
# ## The published question, and the honest one
#
# Chapter 6 asked where a patch's earthquake was, as the thesis did. Here are those answers, in kilometres now, next to the ones above. What a method
# is asked, and how it is split, moves the error by more than any choice of network.

# %%
study = pd.read_csv(settings().data / "study_scores.csv")
study = study[(study["labels"] == "true") & (study["pixels"] == study["pixels"].max())]
inputs = ", " + study["channels"].astype("Int64").astype(str) + " channels, " + study["target"]
study = study.assign(answer=study["model"] + inputs.fillna(""))
of_patch = study.assign(
    question=study["task"].map({"distance": "distance of a patch", "epicentre": "place, of a patch"})
)
of_scene = pd.DataFrame({"answer": list(columns), "median_km": [seen[error].median() for error in columns.values()]})
of_scene = of_scene.assign(question="place, of a scene of 3 cm and more", protocol="honest")
both_tables, lines = pd.concat([of_patch, of_scene]), ["question", "answer"]
in_order = pd.MultiIndex.from_frame(both_tables[lines].drop_duplicates())
every = both_tables.pivot(index=lines, columns="protocol", values="median_km")
every = every.reindex(in_order)
every.round(1).astype(object).where(every.notna(), "")

# %%
place = every.loc["place, of a patch"]
for name in ("nearest neighbour", "copy the centre"):
    published, honest = place.loc[name, ["as published", "honest"]]
    print(f"{name}: {published:,.0f} km as published, {honest:,.0f} km honest")
learned = place[place.index.str.contains("channels")]
for protocol, best in learned.min().items():
    print(f"best network, {protocol}: {best:,.0f} km ({learned[protocol].idxmin()})")
print(f"networks and rules of the study by: {'; '.join(study['command'].unique())}")

# %% [markdown]
# *Median error in km.* As published, the coordinates give the answer away: a neighbouring patch of the same earthquake has it. Split by earthquake there is no such
# neighbour, and the best that is left of latitude and longitude is to copy the patch's own centre, which needs no network and says nothing of the picture. The offset and a map of where the epicentre may lie, learned from earthquakes without end, is what turns the question into one a picture can
# answer.

# %% [markdown]
# ## What matters
#
# Which of the things that the network is given does it need? To know, it must be trained again and again, each time with one thing taken away or
# changed. The large network is too dear for that, so a small form of it stands in: the same layers, fewer and narrower, on patches of the same
# ground with half as many pixels a side. It is asked only where the epicentre is, of patches that hold one of 3 cm or more. All variants are shown equally many patches, drawn once,
# but for one: *after weak air* goes on from the finished weights of the variant of weak air. It is trained twice as long, and its start saw the same ruptures as all others, its own forty among
# them, under weaker air. So it tells what a longer way by way of many earthquakes is worth, not what forty can give.
#
# A **seed** decides the first weights, the order of the patches, and which earthquakes a small training set holds. What follows are differences under a small
# budget: a larger network that learns longer from more earthquakes may need less help, or make more of it.

# %%
from epi.learn.ablation import missing, over_seeds, sentences
from epi.plots.ablation import air_errors, size_curve, training_curves, variant_errors

tables = (settings().data / f"ablation_{name}.csv" for name in ("scores", "history"))
trials, curves = (pd.read_csv(path, dtype={"variant": str}) for path in tables)
by_variant = over_seeds(trials)
titles = dict(zip(by_variant["variant"], by_variant.index, strict=True))
trials, curves = (each.assign(title=each["variant"].map(titles)) for each in (trials, curves))
usual = trials[trials["air_cm"] == "0.3 to 4"].sort_values("title", key=lambda each: each.map(by_variant.index.get_loc))
first = usual.iloc[0]
print(f"{first['parameters']:,} weights, shown {first['shown']:,} patches; made by: {first['command']}")
print(f"tested on {first['n']:.0f} patches of {first['earthquakes']:.0f} earthquakes; not computed: {missing(trials)}")
by_variant.drop(columns=["variant", "parameters"]).round(1)

# %% [markdown]
# *Median error on test earthquakes, mean over seeds, and its 95 % interval: over earthquakes (bootstrap) and over seeds (Student's, of so few) together; the difference to
# the first row on the same patches, the same way; the median error on the training set itself.* "Not told apart" means that the interval of the difference holds zero:
# it is no proof that the thing is useless.

# %%
figure, panels = plt.subplots(2, 2, figsize=(11, 9), layout="constrained")
variant_errors(usual, centre_km=usual["centre_median_km"].mean(), axes=panels[0, 0])
size_curve(usual[usual["variant"].isin(["full", "40", "130"])], axes=panels[0, 1])
air = trials["variant"].isin(["full", "weak-air"]) & (trials["air_cm"] != "0.3 to 4")
air_errors(trials[air], axes=panels[1, 0])
axes = training_curves(curves[curves["variant"].isin(["full", "130", "40", "40-pretrained"])], axes=panels[1, 1])

# %% [markdown]
# *Upper left: median error, a mark a seed, with 95 % intervals over earthquakes. Upper right: by the size of the training set; the broken line is the error on the training set itself.
# Lower left: by the air of the test; each class holds other earthquakes, so compare lines, not places along one. Lower right: on watched earthquakes while learning; shaded from the least to the largest seed.*

# %%
print(*sentences(by_variant), sep="\n")
few = by_variant[by_variant["variant"].str.startswith(("full", "40"))]
for title, row in few.iterrows():
    print(f"{title}: {row['median_km'] / row['train_km']:.1f} times as far off on earthquakes never seen as on its own")

# %% [markdown]
# Two things to look for. Is it the number of *earthquakes* that decides, or that of patches? All but the one of two courses were shown equally many patches; a network that sees few
# earthquakes over and over comes to know these by heart, and more of the same would not have helped. And what do coordinates do? They tell which of its
# forty earthquakes a network looks at. That is of use to the training set alone, and to one that is known by heart already not even there.

# %% [markdown]
# ## Exercise
#
# How much does the doubt $d$ matter? Make its odds, $d/(1-d)$, ten times larger and smaller for this run's scene. Then ask the table for a simpler rule: the fault where it
# sees an earthquake, else the network.

# %% tags=["hide-cell"]
if both:
    for factor in (0.1, 1, 10):
        odds = factor * DOUBT / (1 - DOUBT)
        print(f"odds x {factor:g}: the fault is right with {trust_in(physics, found, doubt=odds / (1 + odds)):.4f}")
simple = seen["physics_error_km"].where(seen["physics_visible"].astype(bool), seen["network_error_km"])
differ, sees = ~np.isclose(simple, seen["both_error_km"], atol=0.01), seen["physics_visible"].astype(bool)
print(
    f"they differ on {differ.sum()} of {len(seen)} earthquakes; on {(differ & sees).sum()} of these the fault sees one"
)
means = f"{simple[differ].mean():.1f} km, both {seen.loc[differ, 'both_error_km'].mean():.1f} km"
print(f"mean error on these, the simple rule {means}" if differ.any() else "so nothing is gained and nothing lost")
pd.DataFrame({"simple rule": simple, "both": seen["both_error_km"]}).describe(percentiles=[0.5, 0.9]).round(2)

# %% [markdown]
# ```{dropdown} What to see in the solution
# Where the network's map is high at the fault's place, no doubt within reason changes the answer: the evidence is far stronger than what was believed before. Where the simple rule differs from both, and
# what that costs or gains, is printed above the table.
# ```

# %% [markdown]
# ## Summary
#
# * A score is worth as much as what stands beside it: answers that cost nothing, a split by earthquake, an interval, and a floor.
# * Physics is sharp where the earthquake stands out of the air. A network is blunt, and knows better when there is nothing to see.
# * Together they are asked one question: is the fault right? The answer is a place, an ellipse, and a probability.
# * Where the signal is weaker than the air, nobody knows; the honest answer is a wide ellipse.
#
# What we learned about the study this book began with: its labels were partly wrong, its split gave the answers away, and its target could not be
# seen in a picture. With true labels, a split by earthquake and an offset with an error bar, a small network locates earthquakes nobody has seen.
#
# ## Next
#
# This is the last chapter so far. Give the chain an earthquake of your own: {doc}`/how_to_use`.
#
# ## References
#
# {cite:t}`kay1993` on the Cramér-Rao bound; {cite:t}`efron1993` on the bootstrap. Full entries: {doc}`/references`.
