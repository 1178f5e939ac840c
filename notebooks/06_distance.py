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
# # How far is the epicentre?
#
# The thesis this book starts from {cite:p}`buccoliero2024` showed single patches to four networks and asked two questions: how far is the
# epicentre, and where is it? Here is that study again, on earthquakes whose answers we know, as it was done and as it should be done.
#
# **You will learn**
#
# * how much of a good score can come from knowing where on Earth a patch lies;
# * why the same network, the same patches and another split give another answer;
# * which answers that cost nothing belong beside every score.
#
# **Prerequisites**: {doc}`05_patches`. **Run time**: about a minute on two cores.

# %% tags=["parameters"]
event_id: str = "20210303-thessaly"  # the earthquake of this run; the study has forty of its own
run_folder: str = "runs/20210303-thessaly"  # where its files go
source: str = "simulated"  # or the path of an interferogram; the study is simulated in any case
profile: str = "quick"  # how much this page's networks learn from: quick or full (the study's full is another)
seed: int = 20210303  # of the earthquakes, the split and the networks

# %%
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from pyproj import Geod

from epi import patches
from epi.learn import study
from epi.learn.study.targets import labels
from epi.plots.study import patch_epicentre, protocol_errors, r2_by_epoch
from epi.settings import settings
from epi.storage import atomic_path

# %% [markdown]
# ## The patches
#
# The published patches come from 40 earthquakes of 2018, three subswaths each, 2000 x 2000 radar pixels shrunk to 256 x 256: 7 to 8 km
# across the swath, 28 km along it. We simulate earthquakes at the same 40 places, seen from a passage of their own, through air and
# decorrelation of their own. For this page a part of them is enough, and a smaller picture; with its profile `full` it takes all
# 40 earthquakes and four times the passes, which is still far from the study's own size, the profile `full` at the end of the page.

# %%
amount = {"quick": (20, 16, 3), "full": (40, 4, 12)}[profile]
events, every, epochs = amount
made = study.simulate_patches(events=events, pixels=32, every=every, seed=seed)
table, images = made.table, study.HeldImages(made)
print(f"{len(table)} patches of {events} earthquakes (one in {every} of each), {table['group'].nunique()} regions")

# %%
one = study.simulate_patches(events=1, pixels=2, seed=seed).table
_, axes = plt.subplots(figsize=(7.5, 4.6), layout="constrained")
drawn = axes.scatter(
    one["center_east_km"], one["center_north_km"], c=one["distance_km"], s=60, cmap="cividis", marker="s"
)
axes.plot(one["epicenter_east_km"][0], one["epicenter_north_km"][0], "*", color="#d55e00", ms=16, label="epicentre")
axes.set(xlabel="east of the scene's centre (km)", ylabel="north of the scene's centre (km)", aspect="equal")
axes.figure.colorbar(drawn, label="distance to the epicentre (km)")
legend = axes.legend(loc="lower right")

# %% [markdown]
# *All 259 patches of the first earthquake: 7 rows in 11 + 13 + 13 columns, as published.* Most lie far from the epicentre, where the
# ground did not move. There, only the place of a patch can tell how far away it is.

# %% [markdown]
# ## The label
#
# The distance is the length of the geodesic on the ellipsoid {cite:p}`karney2013`. The published labels used another formula: the
# differences in latitude and longitude as shares of 180° and 360°, times the diagonal of the whole map,
#
# $$ d = \sqrt{\left(\frac{\Delta\phi}{180}\right)^2 + \left(\frac{\Delta\lambda}{360}\right)^2}\;
# \sqrt{(180 \cdot 111)^2 + (360 \cdot 111 \cos\phi)^2}\ \text{km}. $$

# %%
faulty = study.published_labels(table)
geodesic = Geod(ellps="WGS84").inv(
    *(table[name] for name in ("center_lon", "center_lat", "epicenter_lon", "epicenter_lat"))
)[2]
assert np.allclose(np.array(geodesic) / 1000, table["distance_km"])
ratio = faulty["distance_km"] / table["distance_km"]
print(
    f"published label / true distance: median {ratio.median():.2f}, 99 of 100 between",
    *ratio.quantile([0.005, 0.995]).round(2),
)
print(f"largest label: {faulty['distance_km'].max():,.0f} km; half the way round the globe is 20,004 km")

# %% [markdown]
# Labels of tens of thousands of kilometres are two more faults: two epicentres were exchanged, and one earthquake lies on the
# antimeridian, where the formula goes the long way round. From here on we use true labels; the faulty ones come back at the end of the
# page.

# %% [markdown]
# ## Two ways to split
#
# The published study drew 70 % of the *patches* to learn from, and tested on others of the same earthquakes. Honestly, whole
# *earthquakes* are set aside, and those seen in the same images stay together.

# %%
parts = {protocol: study.split(table, protocol, seed=seed) for protocol in study.PROTOCOLS}
patches.assert_no_leak(table, parts["honest"])
counts = {protocol: table.groupby(part)["event"].agg(["size", "nunique"]) for protocol, part in parts.items()}
pd.concat(counts, axis=1).rename(columns={"size": "patches", "nunique": "earthquakes"}).loc[list(patches.splits.PARTS)]

# %% [markdown]
# As published, almost every earthquake is in every part. A test patch then has neighbours, a few kilometres away, whose answer was given.

# %% [markdown]
# ## Answers that cost nothing
#
# Before any network is trained, we ask what can be said without looking at a patch: the mean or the median of the training labels; the
# patch's own centre (a distance of 0); and the answer of the training patch whose centre is nearest.

# %%
rows = []
for protocol, part in parts.items():
    training, test = table[(part == "train").to_numpy()], table[(part == "test").to_numpy()]
    for task in study.TASKS:
        for name, answer in study.trivial_answers(training, test, task).items():
            rows.append({"task": task, "protocol": protocol, "answer": name} | study.score(answer, test, task))
free = pd.DataFrame(rows)
free.pivot_table(index=["task", "answer"], columns="protocol", values="mae").round(2)

# %% [markdown]
# *Mean absolute error: km for the distance, degrees for the epicentre.* The nearest neighbour is a good answer as published and useless
# honestly. And for the epicentre, to name the patch's own centre is off by less than one degree: an error in degrees over the whole globe
# sounds like much and is little.

# %% [markdown]
# ## A network learns
#
# ResNet-18 {cite:p}`he2016` gets five channels: coherence, $i$, $q$ and two planes that hold the normalised latitude and longitude of the
# patch's centre, as published. So do AdamW with a rate of 0.001 that falls by 5 % a pass, batches of 16, and a loss of 0.7 of the mean
# square and 0.3 of the smooth absolute error.

# %%
recipe = study.Recipe(model="resnet18", task="distance", target="hundred_km", pixels=32, epochs=epochs, seed=seed)
fitted = {protocol: study.fit(recipe, images, part, device="cpu") for protocol, part in parts.items()}
history = pd.concat([each.history.assign(protocol=name, model="resnet18") for name, each in fitted.items()])
axes = r2_by_epoch(history)

# %% [markdown]
# *R² of patches that are watched but not learned from; what lies below −1 is drawn there.* A constant answer has R² = 0: a network below that line has learned less than one
# number. After so few passes nothing here is settled; what to look at is how differently the two protocols judge one and the same
# network.

# %% [markdown]
# ## Where is it?
#
# The second question asks for latitude and longitude. These are targets that no picture can hold: the ground moves alike in Japan and in
# Greece.

# %%
place = study.Recipe(model="resnet18", task="epicentre", target="normalised", pixels=32, epochs=epochs, seed=seed)
located = {protocol: study.fit(place, images, part, device="cpu") for protocol, part in parts.items()}
for networks in (fitted, located):
    for protocol, network in networks.items():
        held = np.flatnonzero(parts[protocol] == "test")
        answer = study.predict(network, images, held.tolist())
        score = study.score(answer, table.iloc[held], network.recipe.task)
        rows.append({"task": network.recipe.task, "protocol": protocol, "answer": "resnet18, 5 channels"} | score)
here = pd.DataFrame(rows)
here.pivot_table(index=["task", "answer"], columns="protocol", values="mae").round(2)

# %%
number = int(np.flatnonzero(parts["honest"] == "test")[0])
patch = table.iloc[[number]]
training = table[(parts["honest"] == "train").to_numpy()]
corners = [
    patch[[f"lat_{at}", f"lon_{at}"]].to_numpy()[0] for at in ("top_left", "top_right", "bottom_right", "bottom_left")
]
said = {"resnet18, honest": study.predict(located["honest"], images, [number])[0]}
said["copy the centre"] = patch[["center_lat", "center_lon"]].to_numpy()[0]
said["nearest neighbour"] = study.trivial_answers(training, patch, "epicentre")["nearest neighbour"][0]
axes = patch_epicentre(corners, labels(patch, "epicentre")[0], said)

# %% [markdown]
# *One patch of an earthquake the network never saw.* The network learned to copy the coordinates it was given, and copies them badly;
# what costs nothing copies them exactly.

# %% [markdown]
# ## The whole study
#
# All 40 earthquakes, two networks and several attempts take longer than a page may. Their scores are kept in `data/study_scores.csv`; the
# table says by which command they were made. Run with `--profile full` (the study's, not this page's) on a GPU, the same command trains all four published networks on
# all patches of 256 pixels for 30 passes. Its scores are not kept here: it has not been run.

# %%
kept = pd.read_csv(settings().data / "study_scores.csv")
print(*kept["command"].unique(), sep="\n")
named = kept["model"] + (", " + kept["channels"].astype("Int64").astype(str) + " channels, " + kept["target"]).fillna(
    ""
)
kept = kept.assign(answer=named, trivial=kept["channels"].isna())
true = kept[kept["labels"] == "true"]
sizes = true.groupby("protocol", sort=False)[["pixels", "epochs", "n_train", "n_test", "events_test"]].max().astype(int)
sizes

# %%
axes = protocol_errors(true[true["task"] == "distance"], unit="km")

# %% [markdown]
# *Distance: the networks above; what costs nothing below, on grey.* Compare marks of one colour: the two protocols are tested on different
# patches. In numbers, the best of each kind:


# %%
def best(task: str) -> pd.DataFrame:
    """Least mean absolute error of each kind of answer, by protocol."""
    rows = true[true["task"] == task]
    kinds = rows["channels"].map({3: "network, three channels", 5: "network, with the coordinates"})
    kinds = kinds.mask(rows["target"] == "offset", "network, asked for the offset")
    kinds = kinds.fillna(rows["model"].where(~rows["model"].str.startswith("constant"), "constant"))
    named = rows.assign(**{"best of its kind": kinds})
    return named.pivot_table("mae", index="best of its kind", columns="protocol", aggfunc="min", sort=False)


best("distance").round(1)

# %% [markdown]
# *Mean absolute error, km.* The nearest neighbour shows what the published split gives away: it is far ahead there, and behind a constant on new
# earthquakes. What a network is worth shows beside the constant of its own column.

# %%
axes = protocol_errors(true[true["task"] == "epicentre"], unit="degrees", log=True)

# %%
degrees = best("epicentre")
blind, told = (degrees.loc[f"network, {how}", "as published"] for how in ("three channels", "with the coordinates"))
print(f"with the coordinates, the error is {blind / told:.1f} times smaller; an exact copy would make it", end=" ")
print(f"{blind / degrees.loc['copy the centre', 'as published']:.0f} times smaller")
degrees.round(2)

# %% [markdown]
# *Epicentre, on a logarithmic axis; below it the best of each kind, degrees.* Three channels cannot know where on Earth they are, and do about as
# well as a constant. With the coordinates added, the error is several times smaller, as published: the networks learn to copy what they are
# told, and copy it badly. That goes for new earthquakes too, and finds none of them. A network asked for the offset starts from the centre
# and, after so few passes, ends near where it started.

# %%
watched = pd.read_csv(settings().data / "study_history.csv")
told = watched[(watched["task"] == "epicentre") & (watched["channels"] == 5)]
axes = r2_by_epoch(told)

# %%
passes = told.groupby(["protocol", "model"], sort=False)["r2"].agg(["first", "last"])
tested = true[(true["task"] == "epicentre") & (true["channels"] == 5)].set_index(["protocol", "model"])["r2"]
passes.join(tested).set_axis(["watched, first pass", "watched, last pass", "tested"], axis=1).round(2)

# %% [markdown]
# *R² for the epicentre, five channels: while they learned, and in numbers beside the tested patches.* R² compares with the spread of the labels, and
# they are spread over the globe: to be on the right continent is enough for a high one. With a few earthquakes in a part, it also matters
# which: honestly watched and honestly tested earthquakes are others, and their R² differ far more than the networks do.

# %% [markdown]
# ### With the published labels
#
# What do the faults of the labels do to a score? Here are the answers that cost nothing once more, with the labels as they were
# published.

# %%
costless = kept[kept["trivial"] & (kept["protocol"] == "as published")]
shown = costless.pivot_table(index=["task", "answer"], columns="labels", values="mae", sort=False)
shown = shown.assign(times=shown["as published"] / shown["true"]).rename(columns={"true": "true labels"})
wrong = faulty["event"].isin(["study-05", "study-10", "study-11"])  # on the antimeridian, and exchanged
spread = np.square(faulty["distance_km"] - faulty["distance_km"].median())
print(
    f"{wrong.mean():.0%} of the patches above, those of three earthquakes, make {spread[wrong].sum() / spread.sum():.1%}"
)
print("of the squared deviation of the published distances")
shown.round(2)

# %% [markdown]
# *Mean absolute error, km or degrees, and how many times larger the faults make it.* Who guesses the wrong labels of three earthquakes well wins the
# comparison of distances. The published best network was off by 623 km on average {cite:p}`buccoliero2024`, and a constant by 989 km.

# %%
with atomic_path(Path(run_folder) / "distance.csv") as path:
    here.to_csv(path, index=False, float_format="%.5g")

# %% [markdown]
# ## Exercise
#
# Ask the network for the offset from the patch's centre to the epicentre, in kilometres east and north, without telling it where on Earth
# it is (three channels, `target="offset"`). Does it beat the patch's own centre on earthquakes it never saw? What would it need for that?

# %% tags=["hide-cell"]
asked = study.Recipe(
    model="resnet18", task="epicentre", channels=3, target="offset", pixels=32, epochs=epochs, seed=seed
)
held = np.flatnonzero(parts["honest"] == "test")
unseen = table.iloc[held]
said = {"offset": study.predict(study.fit(asked, images, parts["honest"], device="cpu"), images, held.tolist())}
said["copy the centre"] = unseen[["center_lat", "center_lon"]].to_numpy()
for name, answer in said.items():
    print(f"{name:16s} off by {study.score(answer, unseen, 'epicentre')['median_km']:.0f} km (median)")

# %% [markdown]
# ```{dropdown} What to see in the solution
# The error drops from thousands of kilometres to about a hundred, since the answer now starts from the patch. It is hardly better than
# the centre itself: most of these patches hold no signal, and a few hundred of them teach nothing. It would need patches that see the
# earthquake, and many more earthquakes. That is the next chapter.
# ```

# %% [markdown]
# ## Summary
#
# * A network that is told where a patch lies can answer from the map; as long as every earthquake is in every part, that looks like skill.
# * Copying the centre and asking the nearest neighbour cost nothing. A score without them says nothing.
# * A split by earthquake asks the question that matters: what about the next one?
# * Latitude and longitude cannot be learned from a picture. An offset can.
#
# ## Next
#
# {doc}`07_epicentre` asks for the offset, with thousands of earthquakes, and for an honest error with it.
#
# ## References
#
# {cite:t}`buccoliero2024` is the published study; {cite:t}`karney2013` on geodesics; {cite:t}`he2016` on residual networks. Full entries:
# {doc}`/references`.
