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
# # From two images to an interferogram
#
# A radar image from before the earthquake, one from after it, and a map of fringes: what lies between them is a chain of a dozen steps,
# which is often run as a black box. This chapter runs it by hand, on one pair, and looks at the phase after every step.
#
# **You will learn**
#
# * what a pixel of a radar image holds, and why its phase means nothing until there is a second one;
# * why two images must be laid on each other to a thousandth of a pixel, and how that is done without comparing them;
# * what each step adds to the phase or takes from it, and how to tell a fringe of the earthquake from one of the processing.
#
# **Prerequisites**: {doc}`02_pairs`, and the signs on the page {doc}`/conventions`. **Run time**: two to three minutes on two cores.

# %% tags=["parameters"]
event_id: str = "20210303-thessaly"  # the earthquake of this run
run_folder: str = "runs/20210303-thessaly"  # where its files go
profile: str = "quick"  # of a simulated pair: quick 100 m pixels, full 50 m and at least twice as long and wide
seed: int = 20210303  # of the simulated slip, ground, air and noise

# %%
import json
import time
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import xarray as xr
from pyproj import Geod

from epi import plots
from epi.catalogue import Event, find_event

# %%
from epi.insar import product
from epi.insar.engines import native, snap
from epi.insar.filters import goldstein
from epi.insar.geometry import zero_doppler
from epi.insar.geometry.dem import flat_dem
from epi.insar.geometry.ellipsoid import from_ecef, to_ecef
from epi.insar.geometry.terrain import read_dem
from epi.insar.slc.matching import burst_pairs
from epi.insar.slc.safe import open_safe, read_burst, slc
from epi.insar.topsar import deburst, interferogram
from epi.insar.topsar import ramp as tops_ramp
from epi.insar.topsar.misregistration import azimuth_shift

# %%
from epi.simulate import expected_phase, truth_of
from epi.simulate.slc import sensor
from epi.simulate.slc.pair import simulate_pair
from epi.source.size import scaling

# %% [markdown]
# ## The two images
#
# The pair is the first of chapter 2: its track, its two days. Real images of it are behind an account and weigh gigabytes, so two are
# **simulated**: an orbit, a terrain with its lakes, land that changes between the dates, air, the noise of the receiver, and under all of
# it a fault that slips. They are written as the archive would deliver them, in the same folders and files, and the chain below cannot
# tell that they were not. Only a part of an image is made, around the epicentre, large enough for the fault that the magnitude asks for.
# What was put in is kept beside them, to be compared with at the end.
#
# (Not physical: where a steep slope folds several places into one pixel, one of them is seen; ground in the shadow of a mountain is not
# dark; and nothing moves during a passage.) A run that starts from a finished interferogram has no images, and leaves this chapter out.

# %%
folder = Path(run_folder)
event = Event.from_dict(json.loads((folder / "event.json").read_text(encoding="utf-8")))
best = json.loads((folder / "pairs.json").read_text(encoding="utf-8"))["pairs"][0]
days = best["reference"]["start"], best["secondary"]["start"]
factor, most, widest = {"quick": (1, 4, 15_000), "full": (2, 8, 30_000)}[profile]
reach = 2 * factor * float(scaling(event.magnitude)[0])  # km, twice the fault's length or more
bursts, samples = int(np.clip(np.ceil(reach / 18.5), 2, most)), int(np.clip(220 * reach, 7600, widest))
size = {"bursts": bursts, "samples": samples if samples < 19_000 else None}  # None: the whole beam

# %%
pair = simulate_pair(event, folder / "images", seed=seed, track=best["track"], dates=days, **size)
megabytes = sum(file.stat().st_size for file in (folder / "images").rglob("*") if file.is_file()) / 1e6
print(f"{bursts} bursts of both dates: {megabytes:.0f} MB")

# %% [markdown]
# ## What a product holds
#
# Sentinel-1 sweeps its beam over three strips side by side, the **subswaths** IW1 to IW3, and over each in **bursts** of three seconds.
# It can send and receive its wave swinging up and down (V) or sideways (H): VV is the **polarisation** used here. A product is a folder
# (or the zip of one) with a file of pixels for each subswath and polarisation, and beside it an **annotation** in XML: when each line was
# taken, how far away the first pixel is, where the satellite was. A line of pixels runs in **range**, the direction the radar looks in;
# from line to line it goes along the flight, in **azimuth**.

# %%
products = [open_safe(path) for path in (pair.reference, pair.secondary)]
(swath, polarisation), *_ = products[0].images
pairs = burst_pairs(products[:1], products[1:], swath, polarisation)
image, other, wavelength = pairs[0].reference, pairs[0].secondary, pairs[0].reference.wavelength

# %%
facts = {
    "subswath, polarisation": f"{swath} {polarisation}",
    "track": f"{image.track} {image.direction}",
    "bursts": len(image.bursts),
    "lines of a burst": image.lines_per_burst,
    "samples of a line": image.samples_per_burst,
    "time between lines (ms)": 1e3 * image.azimuth_time_interval,
    "samples apart in range (m)": image.range_spacing,
    "wavelength (cm)": 100 * wavelength,
}
each = [facts | {"platform": one.platform, "first line (UTC)": str(one.start)[:19]} for one in (image, other)]
pd.DataFrame(each, index=["reference", "secondary"]).T

# %% [markdown]
# ## What is in a pixel
#
# A pixel is a complex number. Its magnitude says how much of the wave came back; its angle, the phase, where in its cycle the wave was
# when it did.

# %%
pixels = [read_burst(image, burst.number) for burst in image.bursts[:2]]
ground = interferogram.looks_for(image, 1000.0)
print(f"1 km of ground is {ground[0]} lines or {ground[1]} samples: a pixel is", end=" ")
print(f"{1000 / ground[0]:.1f} m long and {1000 / ground[1]:.1f} m wide")
few = slc(image, image.bursts[0].number, lines=slice(700, 703), samples=slice(3000, 3004))
shown = [[f"{abs(one):.0f} ∠ {np.degrees(np.angle(one)):+.0f}°" for one in line] for line in few.to_numpy()]
table = pd.DataFrame(shown, index=few["line"].to_numpy(), columns=few["sample"].to_numpy())
table.rename_axis(index="line", columns="sample")

# %% [markdown]
# *Magnitude (counts of the receiver) and phase of twelve pixels.* There is no rule in it. (Next neighbours may be alike, since pixels are
# smaller than what the radar tells apart; a few pixels on, nothing is left of that.) In each pixel lie thousands of stones, leaves and
# roofs, and their echoes add up by chance: now they help each other, now they cancel. The magnitude is grainy with it (**speckle**), and
# the phase could be anything. But it is a chance that *repeats*: while nothing moves, the same stones give the same sum on the next
# passage. Only then does the difference of the two phases mean something.

# %%
looks = (6, 24)


def decibels(pixels: np.ndarray) -> np.ndarray:
    """Mean power of cells of pixels, dB; pixels without data are left out."""
    power = np.where(pixels != 0, np.abs(pixels) ** 2, np.nan)
    return 10 * np.log10(interferogram.multilook(power, looks))


places = deburst.burst_places(image, image.bursts[:2])
joined = deburst.deburst(pixels, places)

# %%
_, row = plt.subplots(1, 2, figsize=(8.5, 4.2), layout="constrained")
style = {"kind": "amplitude", "looks": looks}
apart = np.vstack([decibels(one) for one in pixels])
plots.radar_picture(apart, axes=row[0], title="two bursts as in the file", bar=False, **style)
axes = plots.radar_picture(decibels(joined), axes=row[1], title="joined: each piece of ground once", **style)

# %% [markdown]
# *Amplitude in decibels (10 dB are ten times the power), averaged over cells of 6 x 24 pixels. Lines run in the direction of flight,
# samples away from the satellite.* Calm water is black, and the patches are kinds of land cover. Each burst has an empty rim (grey), and
# the end of the first shows the same ground as the beginning of the second. Hold on to that overlap: it will tell us whether anything
# went wrong.

# %% [markdown]
# ## The turning beam leaves a ramp
#
# During a burst the antenna turns from looking back to looking ahead {cite:p}`dezan2006`. What it flies toward answers at a higher
# frequency than it was sent, what it leaves behind at a lower one. This **Doppler** frequency runs over kilohertz within a burst, but
# lines that come 486 times a second can carry 486 Hz: the spectrum wraps around itself. An interpolation between such lines gives
# nonsense. The sweep of frequencies is called the burst's **ramp**. The annotation says how fast the frequency runs, so that it can be
# taken off first. The ramp's phase at time $\eta$ of a burst, with $k$ the rate and $f$ the frequency at a reference time $\eta_0$, is
# {cite:p}`miranda2014`
#
# $$ \varphi = \pi k\,(\eta-\eta_0)^2 + 2\pi f\,(\eta-\eta_0), \qquad k = \frac{k_a k_s}{k_a - k_s}, $$
#
# where $k_a$ is the rate of an echo of the ground and $k_s$ that of the turning beam.

# %%
ramp, burst = tops_ramp.Ramp.of(image, image.bursts[0]), image.bursts[0]
line, sample = np.arange(image.lines_per_burst), image.samples_per_burst // 2
eta = (line - ramp.middle) * ramp.interval - ramp.reference_time[sample]
phase = np.pi * ramp.rate[sample] * eta**2 + 2 * np.pi * ramp.centroid[sample] * eta
assert np.allclose(phase, tops_ramp.ramp_phase(ramp, line, sample), atol=1e-6)
k_a, k_s = image.fm_rates[1](np.array([image.slant_range_time])), tops_ramp.steering_rate(image, burst.azimuth_time)
assert np.allclose(tops_ramp.doppler_rate(k_a, k_s), k_a * k_s / (k_a - k_s))

# %%
doppler_first, doppler_last = ramp.doppler([burst.first_line, burst.last_line])[:, sample]
carried = 1 / image.azimuth_time_interval
print(f"Doppler from {doppler_first:+.0f} to {doppler_last:+.0f} Hz within a burst; the lines carry {carried:.0f} Hz")

# %%
part = pixels[0][burst.first_line : burst.last_line + 1, sample - 256 : sample + 256].copy()
cropped = ramp.crop(burst.first_line, sample - 256, part.shape)
tried = [part, tops_ramp.deramp(part, cropped), tops_ramp.reramp(part, cropped)]
del pixels, joined  # a burst of a whole beam is 300 MB
power = [(np.abs(np.fft.fftshift(np.fft.fft(one, axis=0), axes=0)) ** 2).mean(1) for one in tried]
power = [one[: len(one) // 16 * 16].reshape(-1, 16).mean(1) for one in power]

# %%
frequency = np.linspace(-carried / 2, carried / 2, len(power[0]))
inside = np.abs(frequency) < image.azimuth_bandwidth / 2
names = ("as in the file", "ramp taken off", "with the wrong sign")
plots.spectra(dict(zip(names, power, strict=True)), frequency, band_hz=image.azimuth_bandwidth)
shares = ", ".join(f"{one[inside].sum() / one.sum():.0%} {name}" for name, one in zip(names, power, strict=True))
print(f"inside the processor's band of {image.azimuth_bandwidth:.0f} Hz: {shares}")

# %% [markdown]
# *Azimuth spectrum of one burst: share of its power (%) against frequency (Hz). The processor that made the image kept the grey band.*
# With the ramp, all frequencies look alike; without it, the spectrum is one hump with quiet sides, and a short **kernel**, a weighted sum
# of the nearest lines, can tell what lies between two of them. With the wrong sign it is as flat as before, so this picture also tests
# the ramp, and needs no earthquake for that.

# %% [markdown]
# ## Laying one image on the other
#
# This is called **coregistration**. Where in the second image is the ground of a pixel of the first? Nobody needs to compare pictures.
# The annotation tells from where and when each pixel was seen, a terrain model how high the ground is; that makes a point on the Earth,
# and the second orbit says at which moment that point was straight abeam, and how far away.

# %%
edges = np.array([zero_doppler.burst_bounds(one.reference, one.reference_burst) for one in pairs])
bounds = (*edges[:, :2].min(0), *edges[:, 2:].max(0))
dem, steps = read_dem(pair.dem, bounds=bounds), {"line_step": 6, "sample_step": 24}
sides = [(one.reference, one.reference_burst, one.secondary, one.secondary_burst) for one in pairs[:2]]
geometries = [zero_doppler.burst_geometry(*side, dem, **steps) for side in sides]
geometry = geometries[0]
level = flat_dem(bounds, height=float(np.nanmedian(geometry.height)))
plain = zero_doppler.burst_geometry(*sides[0], level, **steps)
lines = geometry.secondary_line - geometry.lines[:, None]
print(f"lines later: {lines.min():+.4f} to {lines.max():+.4f}")

# %%
whole, level = geometry.secondary_sample - geometry.samples, plain.secondary_sample - geometry.samples
offsets = {"samples farther in the secondary": whole, "of which terrain": whole - level}
_, row = plt.subplots(1, 2, figsize=(8.5, 3.2), sharey=True, layout="constrained")
for axes, (title, values) in zip(row, offsets.items(), strict=True):
    plots.radar_picture(values, kind="offset", looks=tuple(steps.values()), axes=axes, title=title)

# %% [markdown]
# *How much farther the reference's pixels lie in the secondary, in pixels, and the part of it that hills and valleys make.* In azimuth
# the offset, printed above, varies by a few hundredths of a line, because the two flights cross at a tiny angle: little, and far more
# than may be neglected.
#
# How exact must that be? A line that is taken too early is taken at another Doppler frequency, and the ramp turns the mistake into phase:
# $2\pi f \Delta t$.

# %%
thousandth = 360 * np.array([doppler_first, doppler_last]) * 0.001 * image.azimuth_time_interval
print(f"0.001 line: {thousandth[0]:+.2f}° at a burst's first line, {thousandth[1]:+.2f}° at its last,")
before, after = deburst.overlap_lines(image, *image.bursts[:2])
apart = (before.start - after.start) / (burst.last_line - burst.first_line)  # same ground, in both bursts
seam = abs(thousandth[1] - thousandth[0]) * apart
print(f"so {seam:.1f}° from one side of a seam to the other; half a line would be {500 * seam / 360:.1f} turns")

# %% [markdown]
# That is why coregistration that suffices for ordinary images, a tenth of a pixel, ruins this kind. So: take the ramp off, interpolate
# where the geometry says, put the ramp back on as it is *there*. (The first time the loops are compiled, which takes longer than they do.)


# %%
def moved(number: int, shift: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Reference and secondary of a burst on the same pixels; shift is a deliberate error, in lines."""
    one = pairs[number]
    ramp = tops_ramp.Ramp.of(one.secondary, one.secondary_burst)
    second = read_burst(one.secondary, one.secondary_burst.number)
    second = tops_ramp.coregister(second, ramp, geometries[number], azimuth_shift=shift)
    return read_burst(one.reference, one.reference_burst.number), second


start = time.perf_counter()
first, second = moved(0)
print(f"one burst of {first.shape[0]} x {first.shape[1]} pixels moved in {time.perf_counter() - start:.1f} s")

# %% [markdown]
# ## Forming the interferogram
#
# Multiply each pixel of the reference with the conjugate of the secondary's: magnitudes multiply, phases subtract, and what was left to
# chance cancels. What remains is $4\pi/\lambda$ times the difference of the two ranges, and most of that is no movement: the satellites
# flew some metres apart. The orbits and the terrain say what it should be, and it is taken off.

# %%
few = first[::6, ::24], second[::6, ::24]
nodes = geometry.range_difference[: len(few[0]), : few[0].shape[1]]
by_hand = few[0] * np.conj(few[1]) * np.exp(-4j * np.pi / wavelength * nodes)
whole = interferogram.form(first, second, geometry, wavelength)
assert np.allclose(by_hand, whole[::6, ::24], rtol=1e-3, atol=1e-3 * np.abs(by_hand).max())
flat, full = plain.range_difference, geometry.range_difference
parts = {"the product alone": 0 * flat, "flat earth taken off": flat, "terrain taken off too": full}

# %%
cell = interferogram.looks_for(image, 100.0)
_, row = plt.subplots(1, 3, figsize=(8.5, 3.4), sharey=True, layout="constrained")
for axes, (title, difference) in zip(row, parts.items(), strict=True):
    made = interferogram.form(first, second, replace(geometry, range_difference=difference), wavelength)
    averaged = interferogram.multilook(made, cell)
    style = {"looks": cell, "axes": axes, "title": title, "bar": axes is row[2]}
    plots.radar_picture(np.angle(averaged), kind="phase", **style)
turns = [np.ptp(part) * 2 / wavelength for part in (flat, full - flat)]
print(f"from end to end, flat earth makes {turns[0]:.0f} turns and terrain {turns[1]:.1f}")

# %% [markdown]
# *One burst, its phase (rad) averaged over cells of 100 m.* On the left the fringes of the flat earth run along the flight, bent where
# hills and earthquake add to them. In the middle they are gone, and what is left follows hills *and* earthquake. On the right only the
# ground's movement, the air and noise remain.
#
# How much the terrain shows depends on the **perpendicular baseline** $B_\perp$, how far apart the two flights are across the line of
# sight. With the range $R$ and the incidence angle $\theta$, between the line of sight and the vertical, the height that makes one fringe
# is $\lambda R \sin\theta / (2 B_\perp)$.

# %%
distance = image.near_range + image.samples_per_burst / 2 * image.range_spacing
tilt = np.radians(float(np.median(image.grid.incidence_angle)))
middle = tuple(size // 2 for size in geometry.height.shape)
place = [part[middle] for part in (geometry.latitude, geometry.longitude, geometry.height)]
arcs = zero_doppler.burst_arc(image, image.bursts[0]), zero_doppler.burst_arc(other, other.bursts[0])
baseline = float(zero_doppler.perpendicular_baseline(*arcs, to_ecef(*place)))
height = wavelength * distance * np.sin(tilt) / (2 * abs(baseline))
print(f"perpendicular baseline {baseline:.1f} m: one fringe for {height:.0f} m of height,")
print(f"so a terrain model that is 5 m wrong leaves {5 / height:.2f} fringe")

# %% [markdown]
# ## Coherence
#
# How much of the chance repeated? Compare the sum of the products with what it would be if all agreed {cite:p}`bamler1998`:
#
# $$ \gamma = \frac{\left|\sum s_1 \bar s_2\right|}{\sqrt{\sum |s_1|^2 \sum |s_2|^2}} $$
#
# over a window of pixels, *after* flat earth and terrain were taken off, or their fringes would pass for noise.

# %%
window = np.s_[600:604, 3000:3020]
powers = [(np.abs(one[window].astype(complex)) ** 2).sum() for one in (first, second)]
gamma = np.abs(whole[window].astype(complex).sum()) / np.sqrt(powers[0] * powers[1])
ours = interferogram.coherence(first[window], second[window], whole[window], window=(4, 20), looks=(4, 20))
assert np.isclose(gamma, ours[0, 0], atol=1e-4)
power = interferogram.multilook(np.where(first != 0, np.abs(first) ** 2, np.nan), looks)

# %%
water = power < 0.1 * np.nanmedian(power)
_, row = plt.subplots(1, 3, figsize=(8.5, 3.4), sharey=True, layout="constrained")
for axes, size in zip(row, ((1, 4), (4, 20), (12, 60)), strict=True):
    alike = interferogram.coherence(first, second, whole, window=size, looks=looks)
    style = {"looks": looks, "axes": axes, "title": f"window {size[0]} x {size[1]}", "bar": axes is row[2]}
    plots.radar_picture(alike, kind="coherence", **style)
    print(f"window {size[0]:2d} x {size[1]}: median {np.nanmedian(alike):.2f}", end=", ")
    print(f"over water {np.nanmedian(alike[water]):.2f}" if water.any() else "no water in sight")

# %% [markdown]
# *Coherence of one burst, from 0 to 1, over three windows (lines x samples).* A small window sees detail and flatters noise: with four
# pixels even water, of which nothing repeats, looks coherent. A large one tells water from land and blurs its shores. Where fringes are
# so dense that one of them lies within the window, it calls them noise.

# %% [markdown]
# ## Joining the bursts: the seam tells
#
# At the end of one burst the beam looks ahead, at the beginning of the next it looks back, and both show the same ground. The phase of
# the ground is one and the same, so if the two disagree it is our doing. We join the bursts twice: as they are, and with the secondary
# deliberately put two hundredths of a line off.


# %%
def joined_at(shift: float) -> tuple[np.ndarray, float]:
    """Interferogram of the first two bursts around their seam, and the step of the phase between them."""
    waves = [interferogram.form(*moved(number, shift), geometries[number], wavelength) for number in (0, 1)]
    before, after = deburst.overlap_lines(image, *image.bursts[:2])
    step = np.angle((waves[0][before].astype(complex) * np.conj(waves[1][after])).sum())
    rows = places[1].row + np.array([-480, 480])
    return interferogram.multilook(deburst.deburst(waves, places)[slice(*rows)], (6, 24)), float(step)


# %%
seams = {shift: joined_at(shift) for shift in (0.0, 0.02)}
_, row = plt.subplots(1, 2, figsize=(8.5, 3.4), sharey=True, layout="constrained")
for axes, (shift, (waves, step)) in zip(row, seams.items(), strict=True):
    style = {"looks": (6, 24), "axes": axes, "first_line": places[1].row - 480, "bar": axes is row[1]}
    title = f"{shift:g} line off: a step of {step:+.3f} rad"
    plots.radar_picture(np.angle(waves), kind="phase", title=title, **style)
made = abs(np.angle(np.exp(1j * (seams[0.02][1] - seams[0.0][1]))))
print(
    f"two hundredths of a line: {np.degrees(made):.1f}° of the step; foretold were 20 times {seam:.2f}°, {20 * seam:.1f}°"
)

# %% [markdown]
# *Phase (rad) around the seam, which runs through the middle.* The step is the one foretold. Two hundredths of a line draw an edge right
# across the picture, and inside each burst a slope that nobody would notice. Straight edges along the look direction, at equal distances,
# are always bursts.
#
# The same comparison can *measure* such an error and take it out, pixel by pixel of the overlap: **enhanced spectral diversity**, ESD
# {cite:p}`prats2012`. But an earthquake that moves the ground along the flight looks exactly like it.

# %%
found = azimuth_shift(pairs, dem)
line_mm = 1e6 / ground[0]
print(f"found {1e4 * found.lines:+.2f} ± {1e4 * found.standard_deviation:.2f} ten-thousandths of a line,", end=" ")
print(f"or {found.lines * line_mm:+.1f} ± {found.standard_deviation * line_mm:.1f} mm; nothing had been shifted")

# %% [markdown]
# Nothing had been shifted, but the ground has moved. How far along the flight, the truth of the simulated pair knows:

# %%
grid, along = image.grid, []
ends = [part[rows, grid.line.shape[1] // 2] for rows in (0, -1) for part in (grid.longitude, grid.latitude)]
heading, _, _ = np.radians(Geod(ellps="WGS84").inv(*ends))
with xr.open_dataset(pair.truth, group=swath) as known:
    for two in pairwise(image.bursts):
        lines = deburst.overlap_lines(image, *two)[0]
        part = known.sel(burst=two[0].number, line=slice(lines.start, lines.stop))
        moves = part["displacement_north"] * np.cos(heading) + part["displacement_east"] * np.sin(heading)
        along.append(float(moves.mean()))
print(f"the ground of the overlaps moved {1000 * np.mean(along):+.1f} mm along the flight, on average")

# %% [markdown]
# The nearer the two numbers of millimetres, the more of what ESD found is the ground's own motion. (They need not be equal: ESD weighs by
# coherence and has the error it states, and a movement beyond half a turn of its phase, about seven decimetres, deceives it.) The orbits
# of these images are exact, so geometry alone is good enough. Real precise orbits are wrong by a few centimetres, some thousandths of a
# line: about ten degrees at a seam, or a millimetre. Who needs that millimetre needs ESD; for an earthquake of many fringes this book
# leaves it out unless asked, lest it take away motion of the ground.
#
# ## The whole chain
#
# The steps above, for all bursts, with the averages put on a map, are one function. Pixels are first averaged to about square ones of
# ground (**multilooking**), then brought to the map, where bursts meet, and last the fringes are filtered {cite:p}`goldstein1998`:
# Goldstein's filter looks at small squares, and strengthens there the pattern that is strong already.

# %%
start = time.perf_counter()
spacing, strength = {"quick": (100.0, 0.25), "full": (50.0, 0.5)}[profile]  # why so is seen below
choices = native.Choices(spacing_m=spacing, goldstein=strength, unwrap=False)
scene = native.interferogram(pair.reference, pair.secondary, dem=pair.dem, choices=choices)
scene = scene.assign_attrs(event_id=event_id, source="simulated")
print(f"{scene.attrs['bursts']} bursts in {time.perf_counter() - start:.1f} s")
facts = {"earthquake": event.place, **scene.sizes}
pd.Series(facts | {name: array.attrs["units"] for name, array in scene.data_vars.items()}).to_frame("value or unit")

# %%
frame = product.local_frame(scene)
east, north = frame.east_km, frame.north_km
star = frame.from_geographic(event.latitude, event.longitude)
axes = plots.wrapped_phase(scene["phase"], east, north, wavelength=wavelength, epicentre=star)

# %% [markdown]
# *The interferogram on the map, phase in rad; grey is no data.* A reader of fringes asks four things:
#
# * **Which way do the colours run?** From light through blue, black and red back to light, the ground goes *away* from the satellite by
#   half a wavelength; in the other order, toward it.
# * **How dense are they?** Dense fringes are a steep gradient, not a large movement. Closed rings are a bowl or a dome; their number,
#   from the rim inward, is its depth.
# * **What do they follow?** Rings about one place: a source. Mountains: a terrain model or a baseline that is wrong, or air that follows
#   height. A ramp across everything: an orbit. Straight edges across the flight: a seam.
# * **Would they come again?** Ground that has moved stays moved, and shows in every pair that spans that day. Air is never the same twice.

# %% [markdown]
# ## How good is it?
#
# Of a simulated pair we know the phase that a radar without noise would have measured, motion and air together. What differs from it is the
# chain's and the noise's.

# %%
expected, truth = expected_phase(pair.truth, scene), truth_of(pair.truth, scene)
left = product.wrap(scene["phase"] - expected)
sure = left.where(scene["coherence"] > 0.5)
millimetres = 1000 * wavelength / (4 * np.pi)
rms = float(np.sqrt((sure**2).mean()))
print(f"left over: mean {float(sure.mean()):+.3f} rad, rms {rms:.3f} rad where coherence is above one half,")
print(f"that is {rms * millimetres:.2f} mm; over all pixels {float(np.sqrt((left**2).mean())):.2f} rad")

# %%
figure, row = plt.subplots(1, 2, figsize=(8.5, 4), sharex=True, sharey=True, layout="constrained")
plots.wrapped_phase(product.wrap(expected), east, north, wavelength=wavelength, axes=row[0], title="put in")
style = {"cmap": "PuOr", "vmin": -0.5, "vmax": 0.5, "shading": "nearest", "rasterized": True}
drawn = row[1].pcolormesh(east, north, left, **style)
row[1].set(aspect="equal", xlabel="east (km)", title="left over", facecolor=plots.NO_DATA_COLOUR)
bar = figure.colorbar(drawn, ax=row[1], extend="both", shrink=0.8, label="left over (rad)")

# %% [markdown]
# *The phase that was put in (motion and air, rad), and what the chain's result differs from it by (rad), in colours that are full at half
# a radian.* Simulator and chain share the formulas of orbit and ellipsoid, and an error in these would cancel here; tests hold them
# against real annotations and a pair that SNAP processed. The left-over is noise where the coherence is low, on water above all, and next
# to nothing elsewhere. The mean is near zero too: no constant was fitted.
#
# ## What each operator is worth
#
# To find out, leave it out and compare. The thesis that this book starts from did so with four variants of its chain, *no filter*, *no
# ESD*, *no Goldstein* and *all* {cite:p}`buccoliero2024`; we do it on our pair, with pixels of 40 m. (The default earthquake is chosen
# for this because its signal can be seen; the thesis's own case comes after, with one burst of each subswath, and ESD needs two.) *No
# filter* is here the chain with neither of the two others. Beside each picture stand its time and a number for its quality, which we have
# because we know the truth: the **rms**, the root of the mean square, of what is left over where coherence is above one half. Without a
# truth one can count **residues**, little squares of four pixels around which the phase does not close.


# %%
def residues(phase: xr.DataArray) -> float:
    """Share of the squares of four pixels around which the phase does not close."""
    rows, columns = (product.wrap(np.diff(phase.to_numpy(), axis=axis)) for axis in (0, 1))
    loop = columns[:-1] + rows[:, 1:] - columns[1:] - rows[:, :-1]
    return float((np.abs(loop[np.isfinite(loop)]) > np.pi).mean())


# %%
variants = {  # the thesis's name: with ESD, exponent of Goldstein's filter
    "no filter": (False, 0.0),
    "no ESD": (False, 0.5),
    "no Goldstein": (True, 0.0),
    "all": (True, 0.5),
}
made, rows = {}, {}
for name, (esd, strength) in variants.items():
    how, start = native.Choices(spacing_m=40, esd=esd, goldstein=strength, unwrap=False), time.perf_counter()
    made[name] = native.interferogram(pair.reference, pair.secondary, dem=dem, choices=how)
    rows[name] = {"seconds": round(time.perf_counter() - start), "residues (%)": 100 * residues(made[name]["phase"])}

# %%
finer = expected_phase(pair.truth, made["all"])
for name, each in made.items():
    rest = product.wrap(each["phase"] - finer).where(each["coherence"] > 0.5)
    rows[name] |= {"left over, rms (rad)": float(np.sqrt((rest**2).mean()))}
print(f"ESD took out {1000 * abs(found.lines) * seam:.1f}° at a seam, of which the geometry needed nothing")
pd.DataFrame(rows).T.round(3)

# %%
there = product.local_frame(made["all"])
middle = there.from_geographic(truth.attrs["centroid_latitude"], truth.attrs["centroid_longitude"])
near = np.hypot(there.east_km - middle[0], there.north_km - middle[1]) < 5
cut = tuple(slice(*np.flatnonzero(near.any(axis))[[0, -1]]) for axis in (1, 0))
_, four = plt.subplots(2, 2, figsize=(8.5, 7.6), sharex=True, sharey=True, layout="constrained")
for number, (axes, (name, each)) in enumerate(zip(four.flat, made.items(), strict=True)):
    title = f"{name}\n{rows[name]['left over, rms (rad)']:.3f} rad left over, {rows[name]['seconds']} s"
    style = {"wavelength": wavelength, "axes": axes, "title": title, "bar": number % 2 == 1}
    plots.wrapped_phase(each["phase"].to_numpy()[cut], there.east_km[cut], there.north_km[cut], **style)

# %% [markdown]
# *Four ways to the same ten kilometres around the source: phase (rad), what is left over (rms, rad), and how long it took (s).* Each time
# was measured once, on a machine that may have been busy: of the times only the order of magnitude counts, and differences as these are
# the machine's. Goldstein's filter does most: it removes what differs from its neighbours without a pattern. ESD changes the phase at a
# seam by the degrees printed above, and for the worse: the orbits of these images are exact, so what it took out is the ground's own
# motion and its own error.
#
# Is more filter better? Its exponent runs from 0, no filter, to 1. We try some on pixels of 40 m and on those of the scene above.

# %%
tried = {}
for title, one, known in (("40 m", made["no filter"], finer), ("the scene", scene, expected)):
    waves = np.where(one["valid"], one["i"].to_numpy() + 1j * one["q"].to_numpy(), 0)
    for strength in (0.0, 0.25, 0.5, 1.0):
        rest = product.wrap(np.angle(goldstein(waves, alpha=strength)) - known).where(one["coherence"] > 0.5)
        tried.setdefault(title, {})[strength] = float(np.sqrt((rest**2).mean()))
pd.DataFrame(tried).T.round(3).rename_axis(columns="left over (rad), by exponent")

# %% [markdown]
# On the default pair, the strongest filter wins on pixels of 40 m. Those of a quick run's scene, of 100 m, have less noise to begin with,
# since averaging has done its work already, and the filter's squares are 16 pixels wide whatever these measure: what varies within them,
# the finer patterns of the air above all, goes with the noise. A gentle filter is best there, and one half is already worse than none.
# One half is the engine's default, chosen for its own pixels of 50 m, where it takes away nearly half of what is left over; the quick
# scene was therefore made with a quarter. A number decides that, not the look of a picture.

# %% [markdown]
# ## The study's own case: three subswaths
#
# The thesis that this book starts from looks closest at one earthquake: Iran-Iraq, 11 January 2018, mb 5.58, 19 km deep, between images
# of 6 and 18 January on track 6 {cite:p}`buccoliero2024`. We send it through the same chain. The catalogue says where it was and how
# strong; a fault of that size and depth is drawn, and of each of the three subswaths one burst, 4800 samples wide, as near to the
# epicentre as the strip comes. **These images are simulated**, as those above: the real pair was not at hand.

# %%
thesis, names = find_event("20180111-iran-iraq"), ("IW1", "IW2", "IW3")
cut = {"track": 6, "dates": ("2018-01-06", "2018-01-18"), "subswaths": names, "bursts": 1, "samples": 4800}
study = simulate_pair(thesis, folder / "study", seed=seed, **cut)
how, one_pair = native.Choices(spacing_m=100, unwrap=False), (study.reference, study.secondary)
strips = {name: native.interferogram(*one_pair, dem=study.dem, subswaths=(name,), choices=how) for name in names}
merged = native.interferogram(*one_pair, dem=study.dem, choices=how)
print(f"in one product: {merged.attrs['subswath']}; failed: {merged.attrs.get('failed', 'none')}")

# %%
_, panels = plt.subplots(2, 3, figsize=(8.5, 6), layout="constrained")
for column, (name, one) in zip(panels.T, strips.items(), strict=True):
    here, bar = product.local_frame(one), name == "IW3"
    added = truth_of(study.truth, one)["los_displacement"]
    style = {"wavelength": wavelength, "title": name, "bar": bar}
    plots.wrapped_phase(one["phase"], here.east_km, here.north_km, axes=column[0], **style)
    plots.displacement(added, here.east_km, here.north_km, axes=column[1], limit_m=0.005, bar=bar)
    star = here.from_geographic(thesis.latitude, thesis.longitude)
    if np.hypot(here.east_km - star[0], here.north_km - star[1]).min() < 1:  # km
        for axes in column:
            axes.plot(*star, "*", color="yellow", markeredgecolor="black", markersize=14)

# %%
rows = {}
for name in names:
    with xr.open_dataset(study.truth, group=name) as known:
        toward = 1000 * (known["geometric_range_change"] - known["range_change"])
        air = 1000 * (known["delay_secondary"] - known["delay_reference"])
    rows[name] = {"ground, most away (mm)": float(toward.min()), "ground, most toward (mm)": float(toward.max())}
    rows[name] |= {"air, rms (mm)": float(air.std()), "coherence, median": float(strips[name]["coherence"].median())}
largest = max(abs(rows[name][f"ground, most {way} (mm)"]) for name in names for way in ("away", "toward"))
print(f"largest movement {largest:.0f} mm, or {2e-3 * largest / wavelength:.2f} fringe")
pd.DataFrame(rows).T.round(2)

# %% [markdown]
# *Three subswaths of the Iran-Iraq pair, each around its own middle. Above, the wrapped phase (rad); below, the movement of the ground
# that was put in, along the line of sight (cm); the star is the epicentre.* A fault of this size at this depth moves the ground by some
# **millimetres**, the small part of a fringe that is printed above, and the air, as the table says, makes more than that everywhere. The
# signal is below the noise: IW3 holds the earthquake, IW1 and IW2 hold next to nothing of it, and the three pictures look alike. A
# network that is shown any of them with the earthquake's label is taught the air. Chapter 4 comes back to this case.
#
# To look for a source, the three are put in one product, on one map. On the ground the strips lie side by side. A beam's edges are known
# as angles from straight down, at the satellite; on a round Earth, angle, height of flight and range form a triangle.

# %%
one = burst_pairs([open_safe(study.reference)], [open_safe(study.secondary)], "IW3", "VV")[0].reference
arc = one.orbit.arc(one.start - np.timedelta64(5, "s"), one.stop + np.timedelta64(5, "s"))
seconds = np.linspace(*arc.seconds(np.array([one.start, one.stop])) + np.array([-4.0, 4.0]), 9)
satellite = arc.position(seconds[4:5])
orbit = float(np.linalg.norm(satellite))
earth = orbit - float(from_ecef(satellite)[2][0])
level = flat_dem((thesis.longitude - 6, thesis.latitude - 6, thesis.longitude + 6, thesis.latitude + 6))


def outline(beam: sensor.Subswath) -> np.ndarray:
    """East and north (km, on the merged map) of the rim of what a beam sees in some seconds."""
    angles = np.radians(beam.elevation)
    ranges = orbit * np.cos(angles) - np.sqrt(earth**2 - (orbit * np.sin(angles)) ** 2)
    latitude, longitude, _ = from_ecef(zero_doppler.pixel_points(arc, seconds, ranges, level))
    near, far = np.moveaxis(product.local_frame(merged).from_geographic(latitude, longitude), 2, 0)
    return np.concatenate([near, far[:, ::-1]], axis=1)


# %%
here = product.local_frame(merged)
_, axes = plt.subplots(figsize=(8.5, 4.2), layout="constrained")
for beam, colour in zip(sensor.SUBSWATHS.values(), ("#56b4e9", "#e69f00", "#009e73"), strict=True):
    axes.fill(*outline(beam), facecolor="none", edgecolor=colour, linewidth=3, label=beam.name, zorder=3)
star = here.from_geographic(thesis.latitude, thesis.longitude)
plots.wrapped_phase(merged["phase"], here.east_km, here.north_km, wavelength=wavelength, axes=axes, epicentre=star)
limits = axes.set(xlim=(-150, 150), ylim=(-70, 70))

# %% [markdown]
# *The three pieces in one product (phase, rad), in the strips they were cut from.* Neighbours overlap by some two kilometres, and their
# bursts begin at different moments; they meet on the map as bursts do. An earthquake between two strips needs both. A strip that cannot
# be processed, for want of land in it, say, ends nothing: its name and the reason stand in the product's attribute `failed`, and the
# others go on.

# %% [markdown]
# ## The same chain in SNAP
#
# ESA's program SNAP goes the same way with **graphs**: lists of operators, each with its parameters and with the operators whose results
# it takes. Both theses that this book looks at used it {cite:p}`buccoliero2024,benotto2026`, and whoever has it may want to. The package
# writes such graphs, with the two theses' values, and checks every parameter against a list of what each version of SNAP knows, because
# SNAP itself silently ignores a name it does not know. **SNAP was not run here**: it is not part of this book's tools. The graphs are for
# you to run.
#
# Side by side, from the same two folders:
#
# ::::{grid} 1 1 2 2
# :::{grid-item}
# **This book's engine**
# ```python
# from epi.insar.engines import native
#
# choices = native.Choices(esd=True)
# scene = native.interferogram(
#     reference, secondary,
#     dem=dem, choices=choices)
# ```
# :::
# :::{grid-item}
# **SNAP**
# ```python
# from epi.insar.engines import snap
#
# options = snap.preset("copernicus-netcdf")
# stages = snap.stages(
#     reference, secondary, options)
# report = snap.run(stages, folder)
# ```
# :::
# ::::
#
# `snap.write_graphs(reference, secondary, folder)` only writes them, one file a stage and a script that runs them all.

# %%
given = {"dem": "External DEM", "dem_file": pair.dem, "polarisation": polarisation, "subswaths": (swath,)}
stages = snap.stages(pair.reference, pair.secondary, snap.preset("copernicus-netcdf", **given))
boxes, arrows = {}, {}
for stage in stages:
    operators = [name for name in stage.operators if name not in ("Read", "Write")]
    boxes[stage.name] = f"{stage.name}\n{', '.join(operators)}"
    arrows |= {(made.stage, stage.name): None for made in stage.inputs if hasattr(made, "stage")}
axes = plots.graph(boxes, list(arrows))

# %% [markdown]
# *The graph of our pair, ten stages from top to bottom, with the operators of each between reading and writing; an arrow leads to the
# stage that reads what another wrote.* In a stage's file an operator looks like this:

# %%
refine = next(stage for stage in stages if "GoldsteinPhaseFiltering" in stage.operators).xml("work").splitlines()
begin = next(number for number, line in enumerate(refine) if "GoldsteinPhaseFiltering" in line)
end = next(number for number, line in enumerate(refine) if number > begin and "</node>" in line)
print("\n".join(refine[begin : end + 1]))

# %% [markdown]
# And this is which step of ours does the work of which operator:

# %%
chain = [
    ("read the two images and their orbits", "open_safe, find_orbit", "Read, TOPSAR-Split, Apply-Orbit-File"),
    ("where each pixel lies in the other image", "burst_geometry", "Back-Geocoding"),
    ("azimuth shift from overlaps (optional)", "azimuth_shift", "Enhanced-Spectral-Diversity"),
    ("ramp off, resample, ramp on", "coregister", ""),
    ("multiply, take off flat earth and terrain", "form", "Interferogram"),
    ("how alike the two images are", "coherence", ""),
    ("join the bursts as the radar has them", "", "TOPSAR-Deburst"),
    ("average to square pixels", "multilook", "Multilook"),
    ("join the bursts on a map", "view, resample_to_map, Mosaic", ""),
    ("filter the fringes", "goldstein", "GoldsteinPhaseFiltering"),
    ("unwrap", "unwrap", "SnaphuExport, snaphu, SnaphuImport"),
    ("turn phase into displacement", "los_displacement", "PhaseToDisplacement"),
    ("put the result on a map", "", "Terrain-Correction"),
]

# %%
axes = plots.chain(chain, heads=("what is done", "epi.insar", "SNAP"))
named = {name for *_, names in chain for name in names.split(", ") if name}
assert named <= {operator for stage in stages for operator in stage.operators}

# %% [markdown]
# *The chain, step by step, in both programs.* SNAP resamples inside Back-Geocoding and finds the coherence inside Interferogram. It joins
# the bursts as the radar has them and goes to a map at the end; here they meet on the map, as subswaths and neighbouring images do.

# %% [markdown]
# ## What goes on
#
# The interferogram goes to the run folder, still wrapped, and with it the truth of a simulated pair, on the same grid. The images stay in
# `images/` and `study/` until this chapter runs again; nothing later needs them.

# %%
product.save(scene, folder / "interferogram.nc")
product.save(truth, folder / "truth.nc")
print(", ".join(sorted(path.name for path in folder.glob("*.nc"))))

# %% [markdown]
# ## Exercise
#
# 1. The two satellites fly 150 m apart instead, and the terrain model is 30 m too high in one valley. How much of a fringe appears there,
#    and how would you know it from a valley that sank?
# 2. Somebody swaps reference and secondary. What becomes of the interferogram, of the coherence, and of the earthquake?

# %% tags=["hide-cell"]
wider = height * abs(baseline) / 150
print(f"150 m: one fringe for {wider:.0f} m of height, {30 / wider:.2f} fringe for 30 m")
swapped = second[window].astype(complex) * np.conj(first[window])
print(f"swapped: phase {np.angle(swapped.sum()):+.2f} rad; as it was {np.angle(swapped.conj().sum()):+.2f} rad")

# %% [markdown]
# ```{dropdown} What to see in the solution
# A third of a fringe or so, in the shape of the valley. A second pair with another baseline shows another amount of it, and one with a
# baseline near zero none at all, while ground that sank has sunk in all of them. Swapping conjugates: every phase changes its sign, the
# coherence stays, and what went down goes up. Nothing in the picture looks wrong, which is why names are fixed on one page:
# {doc}`/conventions`.
# ```

# %% [markdown]
# ## Summary
#
# * The phase of one image is chance; it repeats while nothing moves, and so the difference of two phases tells of the ground.
# * A burst's pixels are moved by geometry, under a ramp, to better than a thousandth of a line, as far as the orbits are right; the seam
#   between bursts shows whether that went well.
# * Flat earth and terrain are geometry and are taken off; air stays. A step across a seam is processing, a ramp an orbit, a ring the
#   ground.
# * An operator is worth what it does to a number, not what it does to a picture.
# * Three subswaths see one pass; most of them see nothing of an earthquake, and a deep magnitude 5.6 shows in none.
#
# ## Next
#
# {doc}`04_displacement` turns the fringes into centimetres.
#
# ## References
#
# {cite:t}`bamler1998` and {cite:t}`hanssen2001` on interferograms; {cite:t}`dezan2006` and {cite:t}`miranda2014` on bursts and their
# ramps; {cite:t}`prats2012` on joining them; {cite:t}`goldstein1998` on the filter. Full entries: {doc}`/references`.
