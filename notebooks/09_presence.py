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
# # Is there an earthquake?
#
# Before anybody asks where, somebody has to ask whether. A monitoring service looks at thousands of interferograms, and almost all of them show
# nothing but air. A network that cries wolf in one of twenty is of no use to it.
#
# **You will learn**
#
# * what passes for an earthquake in an interferogram, and how often a network falls for it;
# * to read alarms: precision, recall, curves that need no threshold, and probabilities that keep their word;
# * to ask a network where it looked, and what the answer does and does not prove.
#
# **Prerequisites**: {doc}`07_epicentre`. **Run time**: about a minute on two cores; the networks are those that ship.

# %% tags=["parameters"]
event_id: str = "20210303-thessaly"  # the earthquake of this run
run_folder: str = "runs/20210303-thessaly"  # where its files go
source: str = "simulated"  # or the path of an interferogram
seed: int = 20210303  # of the scenes that are shown

# %%
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from scipy.stats import binomtest, norm, wilcoxon

from epi.errors import EpiError
from epi.insar import product
from epi.learn import detect
from epi.plots import detection, reliability
from epi.settings import settings
from epi.simulate import labelled
from epi.storage import atomic_path

# %% [markdown]
# ## What a network is shown
#
# Nobody has a million labelled interferograms, so earlier work {cite:p}`saini2023` simulated them: a Vision Transformer learned from some 800,000 wrapped
# and unwrapped ones, and after fine-tuning on real ones had a precision of 0.75 and a recall of 0.73. We simulate too, squares of 51.2 km, half of them
# with an earthquake of any mechanism, at depths of 2 to 15 km, in full view or partly beyond the edge. The other half has none, but one thing each that
# may pass for one.

# %%
scenes = next(labelled.labelled_scenes(labelled.FROZEN, seed, pixels=96))
turn = detect.scene_channels(scenes)[:, detect.DETECT_CHANNELS.index("turn_east")].abs().mean((1, 2))
clear = scenes.valid.float().mean((1, 2)) - 4 * turn + scenes.mask.float().mean((1, 2))
first = [int(torch.where(scenes.kind == number, clear, -9).argmax()) for number in range(len(labelled.KINDS))]
shown = torch.where(scenes.valid, scenes.phase, torch.nan)
titles = [labelled.KINDS[number] + (" (unwrapped)" if scenes.unwrapped[n] else "") for number, n in enumerate(first)]
panels = detection.scene_gallery([shown[n] for n in first], titles, labelled.SIZE_KM, masks=scenes.mask[first])

# %% [markdown]
# *Of each kind a scene with smooth fringes and much data; unwrapped phases are drawn wrapped, so errors of whole turns cannot be seen; the yellow line is the ground that the earthquake moved.* Air is turbulent, or
# lies in layers over mountains. Ramps are what orbits leave. Lost ground has no coherence, or no data. Ground sinks over mines and wells. Magma
# swells {cite:p}`mogi1958` or opens a crack. And where a phase was unwrapped wrongly, it is off by whole turns.
#
# An earthquake counts as present where it moves the ground along the line of sight by at least half a centimetre, less than the air does in most scenes.

# %%
present = (scenes.kind == 0) & (scenes.peak_m >= 0.005)
assert bool((present == scenes.present).all())
share = {"with an earthquake": int(present.sum()), "without": int((~present).sum())}
share["below one fringe"] = int((present & (scenes.peak_m < scenes.wavelength_m / 2)).sum())
print(", ".join(f"{count} {name}" for name, count in share.items()))

# %% [markdown]
# ## Answers that need no network
#
# The simplest sign of an earthquake are dense fringes: the step of the phase from pixel to pixel, averaged over a small square as its coherence
# says, so that noise averages out and fringes do not.

# %%
channels = detect.scene_channels(scenes)
density = detect.fringe_density(channels)
largest = torch.quantile(density.flatten(1), 0.99, dim=1)
for name, chosen in (("with an earthquake", present), ("without", ~present)):
    low, middle, high = np.quantile(largest[chosen], [0.1, 0.5, 0.9])
    print(f"{name}: dense fringes turn by {middle:.2f} half turns a pixel (8 of 10 from {low:.2f} to {high:.2f})")

# %% [markdown]
# The two overlap: sinking ground and magma have fringes too, and an earthquake in heavy air has few. A logistic regression on eleven such numbers
# (densities, coherence, the spread of the unwrapped phase) is the second answer that a network must beat.
#
# ## Three networks
#
# One cuts the scene into 144 squares and lets each hear of all others, as a Vision Transformer does {cite:p}`dosovitskiy2021`, only smaller than the
# published one: six layers of four heads. The others are convolutional networks, U-Nets {cite:p}`ronneberger2015` on a small ResNet {cite:p}`he2016` (called "U-Net" below) and on a small ConvNeXt {cite:p}`liu2022`. All learned at the same time to
# mark the ground that moved, which is the subject of {doc}`10_moved_ground`: a network that must say where finds out sooner what to look for. The answer of the U-Nets adds the strongest evidence anywhere in that mark to what their deepest features say on
# average, since an average hardly notices an earthquake a few kilometres wide. All see the phase as cosine and sine, its step to the next pixel, the coherence, where
# there is data, and the unwrapped phase where there is one. They are told nothing of place, size or look direction.

# %%
folder = settings().data
networks = {
    "U-Net": detect.load_detector(folder / "detector_unet_resnet10.safetensors"),
    "transformer": detect.load_detector(folder / "detector_vit_small.safetensors"),
    "ConvNeXt": detect.load_detector(folder / "detector_unet_convnext.safetensors"),
}
for name, network in networks.items():
    card = detect.read_detector_card(folder / f"detector_{network.settings.network.replace('-', '_')}.safetensors")
    size = sum(weight.numel() for weight in network.parameters())
    rounds = detect.training_rounds(card)
    made, learned = "; then ".join(each["command"] for each in rounds), sum(each["scenes"] for each in rounds)
    print(f"{name}: {size:,} weights, learned from {learned:,} scenes; made by: {made}")

# %% [markdown]
# Earthquakes that move the ground by no more than half a fringe can hardly be told from air. Learned from, they would teach that any scene may hold
# one; so in the end all learned presence from the others alone, and the U-Nets how far each pixel moved besides. Their probability is that of an earthquake above half a fringe. It should keep its word: after training the logit of each network was divided by one number, under which such scenes that it had not learned from
# are likeliest {cite:p}`guo2017`. And an alarm is given from the probability that has the best $F_1$ on such scenes among those that no more
# than 15 in a thousand scenes with nothing but air reach. Each network is asked twice, of the scene and of its mirror image, west for east, and the mean of both answers counts: what Sentinel-1 sees of a mirrored earthquake on its way north, it sees of the earthquake on its way south.
#
# ## On earthquakes that nobody learned from
#
# The test was written down before any network was trained, and so was a second one of another nature ("shifted"): ruptures of two rough segments, rougher air,
# fewer looks, patchy ground. The third has the wavelength of an L-band radar such as NISAR, and nothing else of it: neither its look to the left, nor its better coherence, nor the ionosphere. But scores on other scenes of the same tests, and the real scenes of {doc}`10_moved_ground`, were looked at between the rounds of training, and what
# is learned from, the losses and the rule of the alarm were changed in between; the scenes below are new, their mixtures are not.
#
# One thing in the tests is wrong, and stays, since they were fixed: in two of three scenes with sinking ground a bowl loses more than 2 million m³. Within a pair of 24 days few mines do, though wells under whole basins may: a longwall that takes 20,000 t of coal a day leaves room for 0.4 million. A normal fault does.
# Networks that learn from such bowls may learn to take such a fault for a mine; one real earthquake was missed, perhaps for this ({doc}`10_moved_ground`). So the U-Nets learned last from bowls of 2 million m³ at most. How they fare with larger ones is counted below.

# %%
scores = pd.read_csv(folder / "detect_scores.csv")
print("made by:", *scores["command"].unique())
names = {"unet-resnet10": "U-Net", "vit-small": "transformer", "unet-convnext": "ConvNeXt"}
scores = scores[scores["auc"].notna()].assign(network=scores["network"].replace(names))
columns = ["precision", "recall", "f1", "accuracy", "auc", "auc_half", "average_precision", "calibration", "air_alarms"]
table = scores.set_index(["test", "network"])[["n", "earthquakes", *columns]].round(3)
table.astype({"n": int, "earthquakes": int})

# %% [markdown]
# *Each method at its own threshold, which it was given on other scenes; "as learned" are scenes like those of the training, eight of each rupture, none of which was learned from.* "auc_half" and "calibration", the mean distance between what is said and how often it is so, leave earthquakes up to half a fringe out; "air alarms" the share of scenes with nothing but air that are called
# earthquakes. The two answers without a network learned from as many scenes as thresholds were chosen on. At L band half a wavelength, one fringe, is 12 cm:
# what is found above one fringe there are other, larger earthquakes than in the rows at C band. How sure are these figures?

# %%
bounds = {}
for metric in ("auc", "recall_one", "f1_one", "recall_half", "f1_half", "air_alarms", "quiet_alarms"):
    rows = scores[scores["test"] == "frozen"].set_index("network")
    bounds[metric] = [
        f"{rows[metric][n]:.3f} ({rows[f'{metric}_low'][n]:.3f} to {rows[f'{metric}_high'][n]:.3f})" for n in rows.index
    ]
pd.DataFrame(bounds, index=rows.index)

# %% [markdown]
# *Test "frozen", with 95 % intervals over scenes {cite:p}`efron1993`; "one" and "half" are earthquakes whose largest displacement exceeds one fringe and half of one, their $F_1$ as if
# there were as many scenes without; "air" and "quiet" alarms are the shares of scenes with nothing but air (as many again, made for this), and of all scenes without an earthquake, that are called one.* What was aimed at, and what is reached:

# %%
rows = scores.set_index(["test", "network"])
for metric, goal, way in (("f1_one", 0.95, "at least"), ("f1_half", 0.85, "at least"), ("air_alarms", 0.02, "at most")):
    for name in networks:
        value = rows.loc[("frozen", name), metric]
        met = value >= goal if way == "at least" else value <= goal
        print(f"{metric}, {name}: {value:.3f}, asked {way} {goal}: {'reached' if met else 'not reached'}")
for name, metric in ((name, metric) for name in networks for metric in ("f1_one", "f1_half")):
    lost = rows.loc[("frozen", name), metric] - rows.loc[("shifted", name), metric]
    verdict = "reached" if lost <= 0.07 else "not reached"
    print(f"{metric} lost on the shifted test, {name}: {lost:.3f}, asked at most 0.07: {verdict}")

# %%
free = rows.loc[("frozen", "logistic regression")]
for name in networks:
    own = rows.loc[("frozen", name)]
    better = [each for each in ("auc", "f1_one", "f1_half") if own[f"{each}_low"] > free[f"{each}_high"]]
    print(f"{name}: surely better than the logistic regression by {', '.join(better) or 'nothing'}")

# %% [markdown]
# The published network, ViT-B/16 at 224 pixels, is in the same program (`python -m epi.learn.detect --profile full`, for a GPU), which has not been run. A ConvNeXt that only says whether, as the published networks do, is there too.
#
# ### Curves that need no threshold

# %%
every = pd.read_csv(folder / "detect_scenes.csv")
tested = every[every["test"] == "frozen"].reset_index(drop=True)
frozen = tested[tested["present"] | (tested["kind"] != "earthquake")]
said = {name: f"{network.settings.network}_probability" for name, network in networks.items()}
said |= {name: f"{name}_score" for name in ("logistic regression", "fringe density")}
panels = detection.ranking_curves({name: frozen[column] for name, column in said.items()}, frozen["present"])

# %% [markdown]
# *Left: earthquakes found against false alarms, for every threshold; a coin lies on the grey line. Right: how many alarms are right. The bands hold 95 % of 200 draws of as many scenes {cite:p}`efron1993`.*
#
# ### Does it keep its word?

# %%
strong = frozen[~frozen["present"] | (frozen["fringes"] > 0.5)]
axes = reliability(strong[said["U-Net"]], strong["present"], edges=np.linspace(0, 1, 9))

# %% [markdown]
# *What the U-Net said against how often it was so, with the number of scenes, earthquakes up to half a fringe left out.*
#
# ### Who is found, and who cries wolf

# %%
alarm = {name: network.settings.alarm for name, network in networks.items()}
quakes = frozen[frozen["present"]].assign(
    group=lambda each: pd.cut(each["peak_cm"] / each["atmosphere_cm"], [0, 1, 2, 5, 10, np.inf], labels=False)
)
groups = ["below 1", "1 to 2", "2 to 5", "5 to 10", "above 10"]
rows = [
    {"group": groups[int(group)], "method": name, "hits": (part[said[name]] >= alarm[name]).sum(), "scenes": len(part)}
    for name in networks
    for group, part in quakes.groupby("group")
]
words = {"xlabel": "largest displacement, in rms of the air (earthquakes)", "ylabel": "share found"}
axes = detection.shares(pd.DataFrame(rows), **words)

# %% [markdown]
# *Earthquakes found, with 95 % intervals {cite:p}`clopper1934`, by how far they stand out of the air, the ratio that decided in {doc}`08_comparison` too.*

# %%
quiet = frozen[~frozen["present"]]
rows = [
    {"group": kind, "method": name, "hits": (part[said[name]] >= alarm[name]).sum(), "scenes": len(part)}
    for name in networks
    for kind, part in ((kind, quiet[quiet["kind"] == kind]) for kind in labelled.QUIET)
]
axes = detection.shares(pd.DataFrame(rows), xlabel="what the scene holds (scenes)", ylabel="share called an earthquake")

# %%
frozen_rows = scores[scores["test"] == "frozen"].set_index("network")
for name in networks:
    low, high = (365 / 12 * frozen_rows.loc[name, f"air_alarms_{end}"] for end in ("low", "high"))
    print(f"{name}: {low:.1f} to {high:.1f} false alarms a year and square of 51 km, where there is nothing but air")
    found, wrong = frozen_rows.loc[name, ["recall", "quiet_alarms"]]
    right = [share * found / (share * found + (1 - share) * wrong) for share in (0.01, 0.001)]
    print(f"  were one scene in 100 of such an earthquake, {right[0]:.0%} of alarms would be right;", end=" ")
    print(f"one in 1000: {right[1]:.1%}")

# %% [markdown]
# *False alarms by what the scene holds; below, what that means for a satellite that comes every twelve days, and where earthquakes of the test's magnitudes are as rare as stated, and all other scenes hold volcanoes and mines as often as the test's.* Who looks at every scene on Earth meets still fewer earthquakes, and fewer volcanoes and mines too; who looks where an earthquake was felt, more. A sill that opens and a buried fault that slips
# can move the ground alike, and one look along one line may not tell them apart.
#
# ### How much could be found at all?
#
# Were air, ramp and noise Gaussian, the best of all tests would be that of an observer who knows the very displacement $d$ to look for, and their covariance $C$. It weighs the pixels of the delay by $C^{-1} d$ {cite:p}`turin1960`, and what it
# sums up to stands out of its own noise by the ratio
#
# $$ \rho = \sqrt{d^\top C^{-1} d}. $$
#
# Where false alarms exceed $z$ standard deviations, it finds the share $\Phi(\rho - z)$ of such earthquakes. The filters take all air as turbulent; so $z$ was counted on scenes of the test's own air, layered air among it, of which it is what two in a hundred exceed. An observer who does not know which earthquake to look for has to search. One way is to try 600 filters and believe the largest, which needs a larger $z$.
# Neither ever meets a volcano or a mine.

# %%
bound = pd.read_csv(folder / "detect_bound.csv").set_index("scene")
print("made by:", *bound["command"].unique())
print(", ".join(f"{name}: z = {bound[name].iloc[0]:.2f}" for name in ("known", "search")))
observed = tested.join(bound[["ratio", "known", "search"]], how="inner")
assert np.allclose(observed["peak_cm"], bound["peak_cm"], atol=1e-3)
observed["U-Net"] = observed[said["U-Net"]] >= alarm["U-Net"]
observers = {"known": "observer who knows", "search": "observer who searches"}
for name, title in observers.items():
    observed[title] = norm.cdf(observed["ratio"] - observed[name])
columns = ["U-Net", *observers.values()]

# %%
one = observed[observed["fringes"] > 1]
form = one["unwrapped"].map({True: "unwrapped", False: "wrapped"})
by_form = one.groupby(form)[columns].mean().assign(n=form.value_counts())
deep = pd.cut(one["depth_km"], [2, 4, 7, 10, 15])
by_depth = one.groupby(deep, observed=True)[columns].mean().assign(n=deep.value_counts())
pd.concat({"phase": by_form, "depth (km)": by_depth}).round(2)

# %%
for least in (1.0, 0.5):
    part = observed[(observed["fringes"] > least) & observed["unwrapped"]]
    print(f"unwrapped, above {least:g} fringe(s), {len(part)}:", end=" ")
    print(", ".join(f"{name} finds {part[name].mean():.0%}" for name in columns))
plain = one[~one["U-Net"] & (one["observer who searches"] > 0.95)]
both = plain["unet-resnet10_both"]
overlap = both / (plain["unet-resnet10_said"] + plain["unet-resnet10_true"] - both)
print(
    f"missed by the U-Net and plain to the observer who searches: {len(plain)} of {len(one)} above one fringe;", end=" "
)
print(f"it marks {(overlap > 0.3).mean():.0%} of them, with an IoU above 0.3, and takes them for something else")

# %% [markdown]
# *Share found of earthquakes above one fringe: by the U-Net at its alarm, and by the observers, who have the unwrapped phase of all scenes, at two false alarms in a hundred.* Where an observer finds most and the network far fewer, air and noise are not what hides them. Shallow ruptures are small, and at 533 m a pixel look much like
# a crack that opened or ground that sank, of which the network has learned to be wary, and the observers know nothing. Whether finer pixels or more scenes of the kind would help was not tested.
#
# ### A whole scene has many squares
#
# These are false alarms of single squares, but a service looks at whole scenes, and calls one an earthquake where any of its squares is: air has as many chances to look like one as there are squares. So `epi detect` asks more of a wide scene. Its alarm rises with the number of squares, so that all of them together should
# be taken in by air no oftener than a single one. By how much was learned from how fast the largest probabilities of validation scenes with nothing but air thin out {cite:p}`coles2001`. Does it hold? Here are scenes of the recipe by which {doc}`07_epicentre` is judged, with air of up to 4 cm rms in place of 3, each without and with its earthquake:
# as wide as one square, as a scene of that chapter, and as the swath of Sentinel-1.


# %%
def told_share(hits: pd.Series) -> str:
    low, high = binomtest(int(hits.sum()), len(hits)).proportion_ci()
    return f"{hits.mean():.1%} ({low:.1%} to {high:.1%})"


whole = pd.read_csv(folder / "detect_wide.csv")
print("made by:", *whole["command"].unique())
whole["called by one alarm"] = whole["probability"] >= whole["alarm_square"]
whole["scene"] = np.where(whole["present"], "earthquake above half a fringe", "quiet")
kinds = whole[~whole["present"] | (whole["fringes"] > 0.5)].groupby(["scene", "side_km"])
rows = kinds[["tiles", "alarm"]].mean().round(2).assign(n=kinds.size())
rows["called: one alarm for all"] = kinds["called by one alarm"].apply(told_share)
rows["called: alarm by squares"] = kinds["called"].apply(told_share)
rows.reset_index()

# %%
fooled = whole[~whole["present"]].set_index(["side_km", "seed"])["called by one alarm"]
lost = whole[whole["present"] & (whole["fringes"] > 0.5) & whole["called by one alarm"] & ~whole["called"]]
for side, part in lost.groupby("side_km"):
    twins = fooled.loc[[(side, one) for one in part["seed"]]].sum()
    print(
        f"{side:g} km: {len(part)} earthquakes less, {twins} of them in scenes that were called one without theirs too"
    )

# %% [markdown]
# *Scenes called an earthquake, with 95 % intervals {cite:p}`clopper1934`; of quiet ones, all calls are false.* What is called less for it stands in the upper half. Not all of that had been found: where the same scene is called one without its earthquake, it was called for its air. Whoever knows where to look should cut the scene to that ground, and need not pay for the rest. Squares overlap by half and share some of their air, so their number asks rather too much than too little. Air has the same rms over every scene here, so single
# squares of wide ones have less of it.
#
# ### Air of the other sign
#
# Layered air may delay the first image more, or the second; the tests only know the one, under which mountains seem to rise. So the networks are asked of scenes with nothing but layered air, and of the same ones
# with their phase negated, which is the other sign.

# %%
layers = replace(labelled.FROZEN, name="only layered air", earthquakes=0.0, quiet=("layered air",))
stream = labelled.labelled_scenes(layers, seed + 3, pixels=96)
signs = {"as simulated": 1, "sign turned": -1}
called: dict[tuple[str, str], list[bool]] = {(name, way): [] for name in networks for way in signs}
for air in (next(stream) for _ in range(4)):
    for way, sign in signs.items():
        given = detect.detect_channels(sign * air.phase, air.coherence, air.valid, air.unwrapped)
        for name, asked in networks.items():
            told = detect.look(asked, given)[0].div(asked.settings.temperature).sigmoid()
            called[name, way] += (told >= asked.settings.alarm).tolist()
for (name, way), hits in called.items():
    print(f"{name}, layered air, {way}: {told_share(pd.Series(hits))} of {len(hits)} scenes called an earthquake")

# %% [markdown]
# All have met the second sign, which half of the layered air had in what they learned from last, the ConvNeXt from the beginning. The tests were written down before and stay as they are.
#
# ### Sinking ground
#
# And of scenes in which the ground sinks: as the test has them, and the same scenes, bowls of more than 2 million m³ made shallower.

# %%
sunk = {}
for way, largest in (("as in the test", labelled.FROZEN.sunk_m3), ("2 million m³ at most", 2e6)):
    mines = replace(labelled.FROZEN, name="mines", earthquakes=0.0, quiet=("subsidence",), sunk_m3=largest)
    stream = labelled.labelled_scenes(mines, seed + 4, pixels=96)
    given = torch.cat([detect.scene_channels(next(stream)) for _ in range(2)])
    for name, asked in networks.items():
        told = detect.look(asked, given)[0].div(asked.settings.temperature).sigmoid() >= asked.settings.alarm
        sunk[name, way] = told_share(pd.Series(told.numpy()))
print(f"{len(given)} scenes with sinking ground, share called an earthquake")
pd.Series(sunk).unstack()[["as in the test", "2 million m³ at most"]]

# %% [markdown]
# *With 95 % intervals {cite:p}`clopper1934`.* The transformer learned from the large bowls to the end.
#
# ### Filtered interferograms
#
# Most interferograms that are handed on were filtered ({doc}`03_interferogram`); those of the tests were not, and of those that the networks learned from, half in their last rounds. A filter takes noise away and leaves air, so that what is left has fringes as smooth as an earthquake's. Here wrapped scenes are filtered in two ways:
#
# * the complex numbers about each pixel are averaged under a Gaussian of so many kilometres, as in what was learned from;
# * the filter of Goldstein and Werner {cite:p}`goldstein1998`, which no network learned from, does its work on pixels of 133 m, with such an exponent, and these are averaged.

# %%
smoothed = pd.read_csv(folder / "detect_filtered.csv")
print("made by:", *smoothed["command"].unique())
smoothed["told"] = [f"{row.share:.1%} ({row.low:.1%} to {row.high:.1%})" for row in smoothed.itertuples()]
strengths = {"Gaussian": "Gaussian, {:.2f} km", "Goldstein, 133 m": "Goldstein, 133 m, exponent {:g}"}
smoothed["filter"] = [strengths.get(row.filter, row.filter).format(row.strength) for row in smoothed.itertuples()]
smoothed["network"] = smoothed["network"].replace(names)
kinds = {"air": "nothing but air", "earthquake": "earthquakes over half a fringe"}
smoothed["of"] = smoothed["kind"].map(kinds) + ", n = " + smoothed["n"].astype(str)
smoothed.pivot_table("told", ["of", "filter"], "network", aggfunc="first", sort=False)

# %% [markdown]
# *Scenes called an earthquake, with 95 % intervals {cite:p}`clopper1934`; alarms as they ship. Compare the second filter with "none, 133 m" alone: a pixel of 133 m has as many looks here as one of 533 m elsewhere, so less noise is left.* Under Gaussians the U-Net takes no more air for an earthquake than without, and finds fewer earthquakes; under the widest the ConvNeXt takes somewhat more, and the transformer far more.
# The strongest filter of Goldstein and Werner makes false alarms two to five times as frequent, though the intervals of the U-Nets overlap: look twice at an alarm in what was filtered hard.
#
# ### By size, depth and form

# %%
cuts = {
    "magnitude": pd.cut(quakes["magnitude"], [5, 5.5, 6, 6.5, 7]),
    "depth (km)": pd.cut(quakes["depth_km"], [2, 5, 10, 15]),
    "phase": quakes["unwrapped"].map({True: "unwrapped", False: "wrapped"}),
}
rows = {}
for title, groups in cuts.items():
    for group, part in quakes.groupby(groups, observed=True):
        found = {name: told_share(part[said[name]] >= alarm[name]) for name in networks}
        rows[f"{title} {group}"] = {"earthquakes": len(part), **found}
for form, part in quiet.groupby(quiet["unwrapped"].map({True: "phase unwrapped", False: "phase wrapped"})):
    called = {f"quiet, {name}": told_share(part[said[name]] >= alarm[name]) for name in networks}
    rows[form] |= {"quiet": len(part), **called}
pd.DataFrame(rows).T.fillna("")

# %%
verdict = pd.Series(np.where(frozen[said["U-Net"]] >= alarm["U-Net"], "called one", "called none"), name="U-Net")
truth = pd.Series(np.where(frozen["present"], "an earthquake", "none"), name="there is")
pd.crosstab(truth, verdict)

# %% [markdown]
# *Above, the share of earthquakes found and, by the form of the phase, of quiet scenes called one, each with its 95 % interval {cite:p}`clopper1934`; unwrapping errors, which hardly fool the U-Net, are all among the unwrapped. Below, every scene of the test by truth and verdict.* An unwrapped phase
# helps if more is found and fewer quiet scenes are called one.
#
# ## Where did it look?
#
# In each layer of a transformer, every square takes from every other, and the weights with which it does add up to one. Followed through all
# layers {cite:p}`abnar2020`, they say how much of each square has reached the token from which the answer is read. For the convolutional network
# there is no such thing; which of its deepest features the answer hangs on is asked of the gradient {cite:p}`selvaraju2017`, here through the ConvNeXt. That map is coarse: three by three cells of 17 km, where attention has squares of 4 km. And what the
# answer hears of the mask on other ways than through these features is not in it.

# %%
n = int(torch.where(scenes.mask.float().mean((1, 2)) < 0.3, scenes.peak_m / scenes.atmosphere_m, 0).argmax())
weights = detect.attention_weights(networks["transformer"], channels[n : n + 1])
assert torch.allclose(weights.sum(-1), torch.ones(()), atol=1e-4)
attention = detect.enlarge(detect.rollout(weights), 96)
gradient = detect.enlarge(detect.gradient_map(networks["ConvNeXt"], channels[n : n + 1]), 96)
maps = {"attention (rollout)": attention[0], "gradient (ConvNeXt)": gradient[0]}
half = {name: detect.boxes(each.numpy(), float(each.min() + each.max()) / 2)[:1] for name, each in maps.items()}
panels = detection.looked_at(shown[n], maps, labelled.SIZE_KM, mask=scenes.mask[n], boxes=half)

# %% [markdown]
# *A scene and where the networks looked: darker is more, each map on its own scale; the box is around the largest area above the middle of its values; the line around the ground that
# really moved.* Heads look at different things; here are those of the last layer.

# %%
heads = detect.head_maps(weights)[-1, 0]
panels = detection.looked_at(
    shown[n],
    {f"head {number + 1}": detect.enlarge(each[None], 96)[0] for number, each in enumerate(heads)},
    labelled.SIZE_KM,
    mask=scenes.mask[n],
)

# %% [markdown]
# One picture proves nothing, and the prettiest is chosen easily. So all earthquakes above one fringe of some further scenes are scored: does the largest value lie in the ground that
# moved (the pointing game), and how well does the box fit the box around that ground? Pointing at the middle, and at the densest fringes, costs nothing.

# %%
stream = labelled.labelled_scenes(labelled.FROZEN, seed + 1, pixels=96)
parts = [next(stream) for _ in range(4)]
kept = [each.take((each.peak_m > each.wavelength_m / 2) & (each.mask.sum((1, 2)) > 0)) for each in parts]
seen, true = torch.cat([detect.scene_channels(each) for each in kept]), torch.cat([each.mask for each in kept])
followed = detect.rollout(detect.attention_weights(networks["transformer"], seen))
line = torch.arange(96) - 47.5
found = {
    "attention (rollout)": detect.enlarge(followed, 96),
    "gradient (ConvNeXt)": detect.enlarge(detect.gradient_map(networks["ConvNeXt"], seen), 96),
    "fringe density": detect.fringe_density(seen),
    "the middle": -torch.hypot(line[:, None], line).expand_as(true),
}

# %%
rows = {}
for name, values in found.items():
    pairs = [(each.numpy(), mask.numpy()) for each, mask in zip(values, true, strict=True)]
    best = [detect.boxes(each, (each.min() + each.max()) / 2) for each, _ in pairs]
    fit = [detect.box_iou(box[0], mask) if box else 0.0 for box, (_, mask) in zip(best, pairs, strict=True)]
    pointed = pd.Series([detect.points_at(*pair) for pair in pairs])
    rows[name] = {"points at moved ground": told_share(pointed), "box IoU": round(np.mean(fit), 2)}
print(f"{len(true)} earthquakes above one fringe; moved ground takes {true.float().mean():.0%} of their scenes")
table = pd.DataFrame(rows).T
print(f"best box: {table['box IoU'].idxmax()}")
table

# %% [markdown]
# *With 95 % intervals {cite:p}`clopper1934`.* A map that points no better than the middle does not say where the answer came from; and one that points no better than dense fringes, which ask no network, says little that the eye had not seen. Nor does a box tell where the ground moved, if the one about the middle fits best. The gradient's is of few and coarse features, and the answer hears of the mask besides.
#
# ### What attention does not prove
#
# That a network looks somewhere does not mean that it decides by what it sees there {cite:p}`jain2019`. But that can be tried on earthquakes above one fringe: hide the twelve squares with the most attention, as if they held no data,
# and see how far the probability moves, before it is adjusted and without the mirror image; then hide as many others with data, drawn at random.

# %%
transformer, few = networks["transformer"], 12
tried = torch.cat([detect.scene_channels(each)[each.peak_m > each.wavelength_m / 2] for each in parts])
squares = tried[:, detect.DETECT_CHANNELS.index("data")].unflatten(1, (12, 8)).unflatten(3, (12, 8)).mean((2, 4))
known = (squares > 0.5).flatten(1)  # a square without data hides nothing
attended = detect.rollout(detect.attention_weights(transformer, tried)).flatten(1)
drawn = torch.rand(known.shape, generator=torch.Generator().manual_seed(seed))


# %%
def answer(given: torch.Tensor) -> torch.Tensor:
    with torch.inference_mode():
        return transformer(given).present.sigmoid()


before, moved = answer(tried), {}
for name, score in (("most attended", attended), ("at random", drawn)):
    best = score.masked_fill(~known, -1).topk(few).indices
    hidden = (torch.zeros_like(known).scatter(1, best, True) & known).unflatten(1, (12, 12))
    moved[name] = (answer(detect.cover_squares(tried, hidden, 8)) - before).abs().numpy()
    low, high = np.quantile(moved[name], [0.1, 0.9])
    print(f"{few} of 144 squares hidden, {name}: the probability moves by {moved[name].mean():.3f} on average", end=" ")
    print(f"(8 of 10 from {low:.3f} to {high:.3f})")
chance = wilcoxon(moved["most attended"], moved["at random"], alternative="greater").pvalue
print(f"{len(tried)} earthquakes; were it all the same which are hidden, p = {chance:.1g} (Wilcoxon's signed ranks)")

# %% [markdown]
# A small p says that it matters which squares are hidden, the spread that in many scenes it matters little. What it still does not prove: that the network knows what an earthquake is. A map of attention says where information came from, not what was made of it, and a network that is wrong has one too.
#
# ## This run's scene
#
# A scene of any size is cut into squares that overlap by half. It holds an earthquake if the surest of its squares says so, at an alarm that rises with their number.

# %%
scene = product.load(Path(run_folder) / "scene.nc")
results = []
for name, network in networks.items():
    try:
        result, _ = detect.detect_scene(network, scene)
    except EpiError as error:
        print(f"{name}: {error}")
        continue
    results.append({"network": name} | result)
    called = "an earthquake" if result["present"] else "no earthquake"
    told = f"probability {result['probability']:.3f}, alarm from {result['alarm']:.3f}, {result['tiles']} squares"
    print(f"{name}: {called}; {told}")

# %%
with atomic_path(Path(run_folder) / "detected.json") as path:
    path.write_text(json.dumps({"results": results}, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")

# %% [markdown]
# Where the earthquake is plain to the eye and the answer is none, the network is wrong: a scene that is smoother, more coherent or framed otherwise than
# what it learned from is enough. `epi detect FILE` says the same on the command line.
#
# ## Exercise
#
# 1. Wrap the unwrapped scenes again. Does the network need the unwrapped phase at all? What happens to unwrapping errors?
# 2. What does it say of pure noise, a scene whose phase is random everywhere?

# %% tags=["hide-cell"]
network = networks["U-Net"]
wrapped = torch.remainder(scenes.phase + np.pi, 2 * np.pi) - np.pi
again = detect.detect_channels(wrapped, scenes.coherence, scenes.valid, torch.zeros_like(scenes.unwrapped))
for name, given in (("as given", channels), ("wrapped again", again)):
    probability = detect.look(network, given)[0].div(network.settings.temperature).sigmoid()
    right = ((probability >= network.settings.alarm) == scenes.present)[scenes.unwrapped].float().mean()
    print(f"{name}: {right:.0%} of {int(scenes.unwrapped.sum())} unwrapped scenes right")

# %% tags=["hide-cell"]
noise = (torch.rand(64, 96, 96, generator=torch.Generator().manual_seed(seed)) * 2 - 1) * np.pi
every_pixel, wrapped = torch.ones_like(noise, dtype=torch.bool), torch.zeros(64, dtype=torch.bool)
for level in (0.1, 0.2, 0.3):
    given = detect.detect_channels(noise, torch.full_like(noise, level), every_pixel, wrapped)
    said = detect.look(network, given)[0].div(network.settings.temperature).sigmoid()
    share = float((said >= network.settings.alarm).float().mean())
    print(f"noise of coherence {level}: {share:.0%} called an earthquake, alarm from {network.settings.alarm:.3f}")
lost = replace(labelled.FROZEN, name="all lost", coherence=(0.02, 0.1), earthquakes=0.0, quiet=("air",))
given = detect.scene_channels(next(labelled.labelled_scenes(lost, seed + 5, pixels=96)))
said = detect.look(network, given)[0].div(network.settings.temperature).sigmoid()
share = told_share(pd.Series(said.numpy() >= network.settings.alarm))
print(f"simulated scenes whose ground is all lost: {share} called an earthquake")

# %% [markdown]
# ```{dropdown} What to see in the solution
# Wrapping takes every whole turn out, the wrong ones as well, so unwrapping errors disappear; what is lost is the long slope of the displacement, which a network that sees all of the
# scene can count from the fringes. Noise should be quiet, for the network was shown lost ground, and of scenes whose ground is all lost, as they are simulated, it calls fewer than one in ten an earthquake, more than of air. There the coherence, which few
# looks overrate, scatters from pixel to pixel. Told that it is the same everywhere, as in no scene that it learned from, the network calls a quarter of the noise an earthquake where it is 0.3, and all of it where it is 0.1. Of what lies outside all it has seen it says anything, so `epi detect` notes a
# scene of which most is below 0.25.
# ```

# %% [markdown]
# ## Summary
#
# * Most interferograms hold no earthquake, so a detector is judged by its false alarms, and these by what fooled it.
# * Curves compare methods without a threshold; a threshold is chosen on scenes that are not reported, and then kept.
# * Where a network looked is a question about the network, to be tested like any other; it is not an explanation.
#
# ## Next
#
# {doc}`10_moved_ground` asks which ground moved, pixel by pixel.
#
# ## References
#
# {cite:t}`saini2023` for the published system; {cite:t}`dosovitskiy2021`, {cite:t}`ronneberger2015` and {cite:t}`he2016` on the networks; {cite:t}`guo2017` on calibration; {cite:t}`coles2001` on tails; {cite:t}`abnar2020`, {cite:t}`selvaraju2017` and
# {cite:t}`jain2019` on looking inside; {cite:t}`mogi1958` on volcanoes. Full entries: {doc}`/references`.
