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
# # From fringes to displacement
#
# Chapter 3 ended with a map whose colours run through their cycle again and again. This chapter turns those colours into centimetres of
# movement, on the interferogram of this run, and compares them with the truth where it is known. Who starts from a finished interferogram
# joins here.
#
# **You will learn**
#
# * what one fringe means, and which way the ground moved;
# * what unwrapping does, where it fails, and how to check it by counting;
# * why an interferogram can be full of fringes without showing an earthquake.
#
# **Prerequisites**: {doc}`03_interferogram`, and the signs on the page {doc}`/conventions`. **Run time**: under a minute.

# %% tags=["parameters"]
event_id: str = "20210303-thessaly"  # the earthquake of this run
run_folder: str = "runs/20210303-thessaly"  # where its files go
source: str = "simulated"  # or the path of an interferogram
reader: dict = {}  # what an interferogram's file does not say: units, positive, incidence, heading, …
seed: int = 20210303  # of the two scenes simulated at the end

# %%
import json
import warnings
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from epi import plots
from epi.catalogue import Event, find_event
from epi.insar import product
from epi.insar.filters import robust_fringes
from epi.insar.readers.files import read_scene
from epi.insar.unwrap import unwrap
from epi.simulate import Conditions, simulate_event, simulate_scene

# %% [markdown]
# ## One fringe is half a wavelength
#
# The radar wave travels to the ground and back. When the ground moves away by $\Delta R$, the path grows by twice that, and the
# phase of the interferogram by {cite:p}`rosen2000,bamler1998`
#
# $$ \varphi = \frac{4\pi}{\lambda}\,\Delta R . $$
#
# The phase is an angle, so only the part within $\pm\pi$ is seen: it is *wrapped*. One full turn, a **fringe**, stands for half a
# wavelength.

# %%
wavelength = product.SENTINEL1_WAVELENGTH_M
away = np.linspace(0, 0.10, 501)  # metres
full = 4 * np.pi / wavelength * away
wrapped = np.angle(np.exp(1j * full))
assert np.allclose(np.exp(1j * product.wrap(full)), np.exp(1j * wrapped))
assert np.allclose(product.los_displacement(full, wavelength=wavelength), -away)
print(f"wavelength {100 * wavelength:.2f} cm, one fringe {100 * wavelength / 2:.2f} cm")

# %%
_, axes = plt.subplots(figsize=(8, 2.8), layout="constrained")
axes.plot(100 * away, full, color="0.6", label="phase")
axes.plot(100 * away, wrapped, color="#0072b2", label="wrapped phase, as the radar sees it")
axes.set(xlabel="movement away from the satellite (cm)", ylabel="phase (rad)")
legend = axes.legend(frameon=False)

# %% [markdown]
# *Phase against movement away from the satellite.* Ten centimetres make 3.6 fringes. From a single pixel nobody can tell 1 cm from
# 3.77 cm: what counts is how the phase changes from each pixel to the next.

# %% [markdown]
# ## The interferogram of this run
#
# Chapter 3 left it in the run folder, with the truth beside it on the same grid; or it is read from a file that others made. Such a file
# may leave unsaid what its numbers are, their unit, their sign, and where the satellite looked from. That is stated in the parameter
# `reader`, and what is assumed is said.

# %%
folder = Path(run_folder)
event = Event.from_dict(json.loads((folder / "event.json").read_text(encoding="utf-8")))
file = folder / "interferogram.nc" if source == "simulated" else Path(source)
with warnings.catch_warnings(record=True) as assumed:
    warnings.simplefilter("always")
    scene = read_scene(file, event=event, **reader)
for warning in assumed:
    print(f"Assumed: {warning.message}")
truth = product.load(folder / "truth.nc") if source == "simulated" else None

# %%
facts = {"earthquake": event.place, "file": file.name, **{f"pixels along {name}": n for name, n in scene.sizes.items()}}
known = {
    "engine": "engine",
    "reference_time": "reference (UTC)",
    "secondary_time": "secondary (UTC)",
    "perpendicular_baseline_m": "perpendicular baseline (m)",
    "looks": "looks averaged in a pixel",
    "goldstein": "exponent of Goldstein's filter",
}
facts |= {title: scene.attrs[name] for name, title in known.items() if name in scene.attrs}
pd.Series(facts).to_frame("value")

# %% [markdown]
# A radar sees movement along one direction only, its line of sight. With incidence angle $\theta$ and heading $\alpha$, the unit
# vector from the ground to the satellite is $(-\sin\theta\cos\alpha,\ \sin\theta\sin\alpha,\ \cos\theta)$, and the movement
# that shows is the projection onto it.

# %%
look = np.array([float(scene[name].median()) for name in product.LOOK])
incidence = np.degrees(np.arccos(look[2]))
heading = np.degrees(np.arctan2(look[1], -look[0]))
theta, alpha = np.radians([incidence, heading])
formula = [-np.sin(theta) * np.cos(alpha), np.sin(theta) * np.sin(alpha), np.cos(theta)]
assert np.allclose(product.look_vector(incidence, heading), formula)
print(f"incidence {incidence:.0f}°, heading {heading:.0f}° at the centre")
moves = ["1 cm east", "1 cm north", "1 cm up"]
pd.Series(formula, index=moves).round(2).to_frame("cm toward the satellite")

# %% [markdown]
# Up counts most. East and west count with opposite signs for the two passes, and north hardly counts, because the satellite flies
# nearly north or south and looks sideways.

# %% [markdown]
# ## The fringes

# %%
frame = product.local_frame(scene)
east, north = frame.east_km, frame.north_km
star = frame.from_geographic(event.latitude, event.longitude) if frame.origin else None
wavelength = product.wavelength_of(scene)
if "phase" in scene:
    phase = scene["phase"]
else:
    phase = product.wrap(product.unwrapped_phase(scene["los_displacement"], wavelength=wavelength))
axes = plots.wrapped_phase(phase, east, north, wavelength=wavelength, epicentre=star)

# %% [markdown]
# *Wrapped phase (rad); grey is no data.* Where an earthquake moved the ground there are rings, close together where the movement changes
# quickly. To read them, go from the rim of the scene, where nothing moved, toward the centre. Each time the colours run from
# light through blue to black, red and light again, that is from $-\pi$ to $\pi$, the ground has moved away by one more fringe; in the
# other order, toward the satellite. The broad patches of colour elsewhere are mostly air, which slows the wave and mimics movement
# {cite:p}`hanssen2001`. A sparse table of points shows no rings.

# %% [markdown]
# ## How far to trust a pixel
#
# Coherence says how alike neighbouring pixels of the two images are, from 0 to 1. Water, forest and landslides lose it. With $L$
# independent **looks**, pixels averaged into one, and coherence $\gamma$, the phase scatters by about $\sqrt{(1-\gamma^2)/(2L\gamma^2)}$
# {cite:p}`bamler1998`.

# %%
if "coherence" in scene and "y" in scene.dims:
    gamma, looks = scene["coherence"], scene.attrs.get("looks", 40)
    plots.coherence(gamma, east, north)
    typical = float(gamma.median())
    scatter = np.sqrt((1 - typical**2) / (2 * looks * typical**2))
    millimetres = 1000 * scatter * wavelength / (4 * np.pi)
    print(f"median coherence {typical:.2f}: {scatter:.2f} rad or {millimetres:.1f} mm with {looks} looks")
else:
    print("This file carries no coherence.")

# %% [markdown]
# *Coherence, from 0 to 1, where the source carries it.* Noise of a single pixel is seldom what limits us: averaged over many looks it is
# below a millimetre or two. (It is up to twice what the formula says: a radar's pixels are smaller than what it can tell apart, so the
# looks counted here are not all independent.) The air is worse by far.

# %% [markdown]
# ## Unwrapping
#
# To get movement we must put the whole turns back. Along a line that is simple: whenever the phase jumps by more than half a turn,
# add or take one.

# %%
steps = np.diff(wrapped)
steps -= 2 * np.pi * np.round(steps / (2 * np.pi))
assert np.allclose(np.cumsum(steps), full[1:])

# %% [markdown]
# On a map, two paths to the same pixel may disagree. Add the steps around the four sides of every small square of pixels: where the sum
# is not zero but a full turn, there is a **residue**, and no answer is right for every path around it.

# %%
if phase.ndim == 2:
    rows, columns = (product.wrap(np.diff(phase.to_numpy(), axis=axis)) for axis in (0, 1))
    loop = columns[:-1] + rows[:, 1:] - columns[1:] - rows[:, :-1]
    known = np.isfinite(loop)
    count = int((np.abs(loop[known]) > np.pi).sum())
    print(f"{count} residues among {known.sum()} squares of four pixels")

# %% [markdown]
# SNAPHU looks for the most probable answer given how trustworthy each pixel is {cite:p}`chen2001`. Before that the fringes are filtered
# once more {cite:p}`goldstein1998`, only to count the turns: the phase itself stays as it is. Places where it has no steady direction are
# left out, such as water, or the torn ground along a fault. One constant stays unknown, so we count from the rim of the scene, its outer
# fifth, taking it that the ground there hardly moved.

# %%
if "los_displacement" not in scene:
    scene = unwrap(scene)
    share = np.isfinite(scene["unwrapped_phase"]).sum() / np.isfinite(phase).sum()
    print(f"unwrapped: {float(share):.0%} of the pixels with data")
else:
    print("The source is unwrapped already.")
outward = np.hypot(east - np.nanmean(east), north - np.nanmean(north))
rim = outward > np.quantile(outward[np.isfinite(scene["los_displacement"])], 0.8)
los = scene["los_displacement"] - float(np.nanmedian(scene["los_displacement"].to_numpy()[rim]))
axes = plots.displacement(los, east, north, epicentre=star)
low, high = 100 * np.nanquantile(los, [0.001, 0.999])
print(f"from {low:.1f} to {high:.1f} cm, toward the satellite positive")

# %% [markdown]
# *Displacement along the line of sight (cm).* Blue ground moved away from the satellite, red ground toward it. A normal fault or a
# thrust gives one strong lobe and a weaker one of the other sign; strike slip gives lobes of alternating sign around the fault.

# %% [markdown]
# ## Counting fringes
#
# An unwrapped map is a claim. It can be checked with a finger on the wrapped one: count the fringes from the rim to where the ground moved
# most, and multiply by half a wavelength. Of the four ways out, north, south, east and west, we take the one with the fewest gaps.

# %%
if los.ndim == 2:
    smooth = np.abs(los.rolling(dict.fromkeys(los.dims, 5), center=True, min_periods=9).mean().to_numpy())
    top, left = np.unravel_index(np.nanargmax(smooth), smooth.shape)
    ways = [np.s_[top, left:], np.s_[top, left::-1], np.s_[top:, left], np.s_[top::-1, left]]
    way = min(ways, key=lambda line: np.isnan(los.to_numpy()[line]).mean())
    distance = np.hypot(east[way] - east[top, left], north[way] - north[top, left])
    plots.fringe_profile(distance, phase.to_numpy()[way], los.to_numpy()[way], wavelength=wavelength)

# %% [markdown]
# *Along that line: wrapped phase above, displacement below, with a line every fringe.* Each saw tooth above is
# one fringe below. More phase is farther away, so the two run against each other.

# %%
if los.ndim == 2:
    line = np.isfinite(los.to_numpy()[way])
    turns = np.unwrap(np.angle(robust_fringes(phase.to_numpy())[0])[way][line])
    fringes = (turns[0] - turns[-1]) / (2 * np.pi)  # the line begins in the centre
    claimed = los.to_numpy()[way][line]
    print("from the rim to the centre")
    print(f"counted:   {fringes:+.1f} fringes x {-50 * wavelength:.2f} cm = {-50 * wavelength * fringes:+.1f} cm")
    print(f"unwrapped: {100 * (claimed[0] - claimed[-1]):+.1f} cm")

# %% [markdown]
# The two agree where the line crosses no gap and every fringe is wider than two pixels. If they differ by whole fringes, the unwrapped map
# and the count took different paths, and one of them jumped.

# %% [markdown]
# ## Beside the truth
#
# For a simulated scene we know the movement without noise. What is left after taking it away is what every later chapter has to live with.

# %%
if truth is not None:
    true = truth["los_displacement"]
    left_over = los - true
    left_over -= float(left_over.median())
    _, axes = plt.subplots(1, 2, figsize=(8.5, 4.2), layout="constrained")
    limit = float(np.nanquantile(np.abs(los), 0.999))
    plots.displacement(true, east, north, axes=axes[0], title="truth", epicentre=star, limit_m=limit)
    plots.displacement(left_over, east, north, axes=axes[1], title="unwrapped minus truth")
    largest, rest = float(np.abs(true).max()), float(left_over.std())
    print(f"largest true displacement {100 * largest:.1f} cm, left over {100 * rest:.1f} cm rms")
else:
    print("A real scene: nobody knows the truth.")

# %% [markdown]
# *Of a simulated scene: left, the movement that was put in; right, what air and noise added (both in cm).* The colours of the two maps
# differ in scale. Where the air happens to delay the wave less on the second day, a sinking ground reads too small.
#
# A simulated earthquake lies at the depth that the catalogue gives, and need not look like the real one. Thessaly, the default, moves
# less when simulated than in its real interferogram, which shows up to 44 cm, mainly because the catalogue's depth is 8 km, while the
# real fringes ask for about 4.5 km {cite:p}`watson2022`.

# %% [markdown]
# ## What goes on
#
# The product, now with its unwrapped phase and displacement, goes to the run folder.

# %%
product.save(scene, folder / "scene.nc")
print(", ".join(sorted(path.name for path in folder.glob("*.nc"))))

# %% [markdown]
# ## Fringes without an earthquake
#
# {doc}`01_catalogue` met an earthquake that by its row should not be visible: Iran-Iraq, 11 January 2018, mb 5.58 at a depth of 19 km. The thesis
# that this book starts from shows an interferogram of it with concentric fringes {cite:p}`buccoliero2024`. What would an interferogram
# look like? We simulate it twice with the same air: once with the earthquake as the catalogue lists it, once without any.

# %%
hidden = find_event("20180111-iran-iraq")
quake = simulate_event(hidden, seed=seed)
nothing = simulate_scene(None, Conditions(), seed=seed, unwrapped=True)
moved = quake.truth["los_displacement"]
air = nothing.product["los_displacement"]
peak, noise = float(np.abs(moved).max()), float(air.std())
print(f"largest movement {1000 * peak:.0f} mm, or {2 * peak / wavelength:.2f} fringe")
print(f"air and orbit {1000 * noise:.0f} mm rms")

# %%
there = product.local_frame(quake.product)
_, axes = plt.subplots(1, 2, figsize=(8.5, 4.2), sharey=True, layout="constrained")
made = {"with the earthquake": quake, "same air, no earthquake": nothing}
for axis, (title, one) in zip(axes, made.items(), strict=False):
    values, bar = one.product["phase"], one is nothing
    plots.wrapped_phase(values, there.east_km, there.north_km, wavelength=wavelength, axes=axis, title=title, bar=bar)
axes = plots.displacement(moved, there.east_km, there.north_km, title="what the earthquake added")

# %% [markdown]
# *A simulated mb 5.58 at a depth of 19 km: wrapped phase (rad) with and without it, and its displacement (cm).* The two maps of phase can
# hardly be told apart. The earthquake adds a single smooth bump, about as wide as it is deep, of the small part of a fringe that is
# printed above. (Chapter 3 looks at the same fault along another line of sight, so its number is near this one and not the same.)
#
# So what were the published fringes? We have not processed that pair, and a simulation cannot answer. It does say what to ask:
#
# * **Air and orbits** make broad fringes in any pair, and change from pair to pair; a movement of the ground stays. A second pair that
#   shares no image with the first would decide.
# * **Terrain** that is not fully removed draws fringes that follow the mountains, the more of them the larger the baseline.
# * **Other movement.** An interferogram adds up all that happened between its two dates. Several more earthquakes above magnitude 5
#   struck the same place within the hour {cite:p}`alkaabi2023`; chapter 1 adds them up.
# * **Size.** A source at 19 km moves an area about as wide as it is deep, or wider, however large it is. A whole set of rings narrower
#   than that is of something shallower, or of the air.
#
# A label that says "the epicentre is here" can thus hang on an image in which nothing of the earthquake is to be seen. Remember it when a
# network is trained on such labels.

# %% [markdown]
# ## Exercise
#
# 1. An L-band satellite ($\lambda = 24.2$ cm) sees the same movement as in the map of displacement above. How many fringes does it count
#    from the rim to the largest movement, and what is easier, or harder, for it?
# 2. The air is independent from pair to pair. How many pairs of the Iran-Iraq earthquake would you have to average to bring the air down
#    to a third of the largest movement?

# %% tags=["hide-cell"]
largest = float(np.nanquantile(np.abs(los), 0.999))
for name, waves in (("C band", wavelength), ("L band", 0.242)):
    print(f"{name}: {2 * largest / waves:.1f} fringes for {100 * largest:.1f} cm")
print(f"pairs to average: {int(np.ceil((3 * noise / peak) ** 2))}")

# %% [markdown]
# ```{dropdown} What to see in the solution
# The longer wave makes fewer and wider fringes, which are easier to unwrap beside a fault, and it keeps its coherence longer in forest.
# The lower air delays both waves alike, so a movement of a few millimetres is no easier to see; the ionosphere delays the longer wave
# some twenty times more. Averaging $n$ pairs lowers the air by $\sqrt{n}$, if no two pairs share an image.
# ```

# %% [markdown]
# ## Summary
#
# * One fringe is half a wavelength of movement along the line of sight; more phase means farther away.
# * Unwrapping puts the whole turns back. It can be wrong by whole fringes, and counting shows it.
# * Air alone makes fringes. An earthquake shows when it moves the ground by more than the air seems to, in a pattern that fits a fault.
#
# ## Next
#
# {doc}`05_patches` cuts the scene into patches, and {doc}`07_epicentre` finds the fault behind the fringes.
#
# ## References
#
# {cite:t}`rosen2000` and {cite:t}`bamler1998` on interferometry; {cite:t}`hanssen2001` on the air; {cite:t}`goldstein1998` and
# {cite:t}`chen2001` on filtering and unwrapping; {cite:t}`buccoliero2024` and {cite:t}`alkaabi2023` on the Iran-Iraq earthquake;
# {cite:t}`watson2022` on Thessaly. Full
# entries: {doc}`/references`.
