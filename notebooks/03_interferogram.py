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
# **Prerequisites**: {doc}`02_pairs`, and the signs on the page {doc}`/conventions`. **Run time**: about a minute and a half on two cores.

# %% tags=["parameters"]
event_id: str = "20210303-thessaly"  # the earthquake of this run
run_folder: str = "runs/20210303-thessaly"  # where its files go
source: str = "simulated"  # or the path of an interferogram
reader: dict = {}  # what an interferogram's file does not say: units, positive, incidence, heading, …
profile: str = "quick"  # of a simulated pair: quick 100 m pixels, full 50 m and at least twice as long and wide
seed: int = 20210303  # of the simulated slip, ground, air and noise

# %%
import json
import time
import warnings
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import xarray as xr
from pyproj import Geod

from epi import plots
from epi.catalogue import find_event
from epi.insar import product
from epi.insar.engines import native, snap
from epi.insar.filters import goldstein
from epi.insar.geometry.dem import flat_dem
from epi.insar.geometry.ellipsoid import from_ecef, to_ecef
from epi.insar.geometry.terrain import read_dem
from epi.insar.geometry.zero_doppler import (
    burst_arc,
    burst_bounds,
    burst_geometry,
    perpendicular_baseline,
    pixel_points,
)
from epi.insar.readers.files import read_scene
from epi.insar.slc.matching import burst_pairs
from epi.insar.slc.safe import open_safe, read_burst, slc

# %%
from epi.insar.topsar import deburst, interferogram
from epi.insar.topsar import ramp as topsar
from epi.insar.topsar.misregistration import azimuth_shift
from epi.simulate import expected_phase, truth_of
from epi.simulate.slc import sensor
from epi.simulate.slc.pair import simulate_pair
from epi.source.size import scaling

# %% [markdown]
# ## The two images
#
# The pair is the first of chapter 2: its track, its two days. Real images of it are behind an account and weigh gigabytes, so two are
# **simulated**: an orbit, a terrain with its lakes, land that changes between the dates, air, the noise of the receiver, and under all of it
# a fault that slips. They are written as the archive would deliver them, in the same folders and files, and the chain below cannot tell
# that they were not. (Not physical: a pixel in layover shows one place only, shadow is not dark, and nothing moves during a passage.) Only a part of an image is made, around the epicentre. What was put in is kept beside them, to be compared with at the end.

# %%
event, folder = find_event(event_id), Path(run_folder)
from_images = source == "simulated"
if from_images:
    best = json.loads((folder / "pairs.json").read_text(encoding="utf-8"))["pairs"][0]
    days = best["reference"]["start"], best["secondary"]["start"]
    factor, most, widest = {"quick": (1, 4, 15_000), "full": (2, 8, 30_000)}[profile]
    reach = 2 * factor * float(scaling(event.magnitude)[0])  # km, twice the fault's length or more
    bursts, samples = int(np.clip(np.ceil(reach / 18.5), 2, most)), int(np.clip(220 * reach, 7600, widest))
    size = {"bursts": bursts, "samples": samples if samples < 19_000 else None}  # None: the whole beam
    pair = simulate_pair(event, folder / "images", seed=seed, track=best["track"], dates=days, **size)
    megabytes = sum(file.stat().st_size for file in (folder / "images").rglob("*") if file.is_file()) / 1e6
    print(f"{bursts} bursts of both dates: {megabytes:.0f} MB")
else:
    print("This run starts from a finished interferogram. What is said here about images holds for it all the same,")
    print("but there is nothing to show it on: the figures of images are in the run of the simulated pair.")

# %% [markdown]
# ## What a product holds
#
# Sentinel-1 sweeps its beam over three strips side by side, the **subswaths** IW1 to IW3, and over each in **bursts** of three seconds. A
# product is a folder (or the zip of one) with a file of pixels for each subswath and polarisation, and beside it an annotation in XML: when each line was
# taken, how far away the first pixel is, where the satellite was.

# %%
if from_images:
    products = [open_safe(path) for path in (pair.reference, pair.secondary)]
    (swath, polarisation), *_ = products[0].images
    pairs = burst_pairs(products[:1], products[1:], swath, polarisation)
    image, other, wavelength = pairs[0].reference, pairs[0].secondary, pairs[0].reference.wavelength
    facts = {"platform": image.platform, "track": f"{image.track} {image.direction}", "subswath": swath}
    facts |= {"bursts": len(image.bursts), "lines of a burst": image.lines_per_burst}
    facts |= {
        "samples of a line": image.samples_per_burst,
        "time between lines (ms)": 1e3 * image.azimuth_time_interval,
    }
    facts |= {"samples apart in range (m)": image.range_spacing, "wavelength (cm)": 100 * wavelength}
    each = [facts | {"platform": one.platform, "first line": str(one.start)[:19]} for one in (image, other)]
    table = pd.DataFrame(each, index=["reference", "secondary"]).T
table if from_images else None

# %% [markdown]
# ## What is in a pixel
#
# A pixel is a complex number. Its magnitude says how much of the wave came back; its angle, the phase, where in its cycle the wave was when it did.

# %%
if from_images:
    pixels = [read_burst(image, burst.number) for burst in image.bursts[:2]]
    ground = interferogram.looks_for(image, 1000.0)
    print(f"1 km of ground is {ground[0]} lines or {ground[1]} samples: a pixel is", end=" ")
    print(f"{1000 / ground[0]:.1f} m long and {1000 / ground[1]:.1f} m wide")
    few = slc(image, image.bursts[0].number, lines=slice(700, 703), samples=slice(3000, 3004))
    shown = [[f"{abs(one):.0f} ∠ {np.degrees(np.angle(one)):+.0f}°" for one in line] for line in few.to_numpy()]
    table = pd.DataFrame(shown, index=few["line"].to_numpy(), columns=few["sample"].to_numpy())
table.rename_axis(index="line", columns="sample") if from_images else None

# %% [markdown]
# There is no rule in it. (Next neighbours may be alike, since pixels are smaller than what the radar tells apart; a few pixels on, nothing is left of
# that.) In each pixel lie thousands of stones, leaves and roofs, and their echoes add up by chance: now they
# help each other, now they cancel. The magnitude is grainy with it (**speckle**), and the phase could be anything. But it is a chance that *repeats*: while nothing
# moves, the same stones give the same sum on the next passage. Only then does the difference of the two phases mean something.

# %%
if from_images:
    looks = (6, 24)
    strength = [
        10 * np.log10(interferogram.multilook(np.where(one != 0, np.abs(one) ** 2, np.nan), looks)) for one in pixels
    ]
    places = deburst.burst_places(image, image.bursts[:2])
    joined = np.abs(deburst.deburst(pixels, places)) ** 2
    joined = 10 * np.log10(interferogram.multilook(np.where(joined > 0, joined, np.nan), looks))
    _, row = plt.subplots(1, 2, figsize=(12, 5.2), layout="constrained")
    plots.radar_picture(
        np.vstack(strength), kind="amplitude", looks=looks, axes=row[0], title="two bursts as in the file", bar=False
    )
    plots.radar_picture(joined, kind="amplitude", looks=looks, axes=row[1], title="joined: each piece of ground once")

# %% [markdown]
# *Amplitude, averaged over cells of 6 x 24 pixels. Lines run in the direction of flight, samples away from the satellite.* Calm water is black,
# and the patches are kinds of land cover. Each burst has an empty rim (grey), and the end of the first shows the same ground as the beginning
# of the second. Hold on to that overlap: it will tell us whether anything went wrong.

# %% [markdown]
# ## The turning beam leaves a ramp
#
# During a burst the antenna turns from looking back to looking ahead {cite:p}`dezan2006`. The Doppler frequency of what it sees runs over kilohertz,
# but lines that come 486 times a second can carry 486 Hz: the spectrum wraps around itself. An interpolation between such lines
# gives nonsense. The annotation says how fast the frequency runs, so that it can be taken off first. The ramp's phase at time $\eta$ of a burst,
# with $k$ the rate and $f$ the frequency at a reference time $\eta_0$, is {cite:p}`miranda2014`
#
# $$ \varphi = \pi k\,(\eta-\eta_0)^2 + 2\pi f\,(\eta-\eta_0), \qquad k = \frac{k_a k_s}{k_a - k_s}, $$
#
# where $k_a$ is the rate of an echo of the ground and $k_s$ that of the turning beam.

# %%
if from_images:
    ramp, burst = topsar.Ramp.of(image, image.bursts[0]), image.bursts[0]
    line, sample = np.arange(image.lines_per_burst), image.samples_per_burst // 2
    eta = (line - ramp.middle) * ramp.interval - ramp.reference_time[sample]
    phase = np.pi * ramp.rate[sample] * eta**2 + 2 * np.pi * ramp.centroid[sample] * eta
    assert np.allclose(phase, topsar.ramp_phase(ramp, line, sample), atol=1e-6)
    k_a, k_s = image.fm_rates[1](np.array([image.slant_range_time])), topsar.steering_rate(image, burst.azimuth_time)
    assert np.allclose(topsar.doppler_rate(k_a, k_s), k_a * k_s / (k_a - k_s))
    doppler_first, doppler_last = ramp.doppler([burst.first_line, burst.last_line])[:, sample]
    carried = 1 / image.azimuth_time_interval
    print(
        f"Doppler from {doppler_first:+.0f} to {doppler_last:+.0f} Hz within a burst; the lines carry {carried:.0f} Hz"
    )

# %%
if from_images:
    part = pixels[0][burst.first_line : burst.last_line + 1, sample - 256 : sample + 256]
    cropped = ramp.crop(burst.first_line, sample - 256, part.shape)
    tried = [part, topsar.deramp(part, cropped), topsar.reramp(part, cropped)]
    power = [(np.abs(np.fft.fftshift(np.fft.fft(one, axis=0), axes=0)) ** 2).mean(1) for one in tried]
    power = [one[: len(one) // 16 * 16].reshape(-1, 16).mean(1) for one in power]
    frequency = np.linspace(-carried / 2, carried / 2, len(power[0]))
    inside = np.abs(frequency) < image.azimuth_bandwidth / 2
    names = ("as in the file", "ramp taken off", "with the wrong sign")
    plots.spectra(dict(zip(names, power, strict=True)), frequency, band_hz=image.azimuth_bandwidth)
    shares = ", ".join(f"{one[inside].sum() / one.sum():.0%} {name}" for name, one in zip(names, power, strict=True))
    print(f"inside the processor's band of {image.azimuth_bandwidth:.0f} Hz: {shares}")
    del pixels, joined  # a burst of a whole beam is 300 MB

# %% [markdown]
# *Azimuth spectrum of one burst.* With the ramp, all frequencies look alike; without it, the spectrum is one hump with quiet sides, and a
# short kernel can interpolate it. With the wrong sign it is as flat as before, so this picture also tests the ramp, and needs no earthquake for that.

# %% [markdown]
# ## Laying one image on the other
#
# Where in the second image is the ground of a pixel of the first? Nobody needs to compare pictures. The annotation tells from where and
# when each pixel was seen, a terrain model how high the ground is; that makes a point on the Earth, and the second orbit says at which
# moment that point was straight abeam, and how far away.

# %%
if from_images:
    edges = np.array([burst_bounds(one.reference, one.reference_burst) for one in pairs])
    bounds = (*edges[:, :2].min(0), *edges[:, 2:].max(0))
    dem, steps = read_dem(pair.dem, bounds=bounds), {"line_step": 6, "sample_step": 24}
    sides = [(one.reference, one.reference_burst, one.secondary, one.secondary_burst) for one in pairs[:2]]
    geometries = [burst_geometry(*side, dem, **steps) for side in sides]
    geometry = geometries[0]
    level = flat_dem(bounds, height=float(np.nanmedian(geometry.height)))
    plain = burst_geometry(*sides[0], level, **steps)
    lines = geometry.secondary_line - geometry.lines[:, None]
    print(f"lines later: {lines.min():+.4f} to {lines.max():+.4f}")

# %%
if from_images:
    whole, level = geometry.secondary_sample - geometry.samples, plain.secondary_sample - geometry.samples
    offsets = {"samples farther in the secondary": whole, "of which terrain": whole - level}
    _, row = plt.subplots(1, 2, figsize=(12, 3.6), layout="constrained")
    for axes, (title, values) in zip(row, offsets.items(), strict=True):
        plots.radar_picture(values, kind="offset", looks=tuple(steps.values()), axes=axes, title=title)

# %% [markdown]
# *How much farther the reference's pixels lie in the secondary, and the part of it that hills and valleys make.* In azimuth the offset is one
# number, since the two simulated flights are parallel; real ones cross at a small angle.
#
# How exact must that be? A line that is taken too early is taken at another Doppler frequency, and the ramp turns the mistake into phase: $2\pi f \Delta t$.

# %%
if from_images:
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
    ramp = topsar.Ramp.of(one.secondary, one.secondary_burst)
    second = read_burst(one.secondary, one.secondary_burst.number)
    second = topsar.coregister(second, ramp, geometries[number], azimuth_shift=shift)
    return read_burst(one.reference, one.reference_burst.number), second


if from_images:
    start = time.perf_counter()
    first, second = moved(0)
    print(f"one burst of {first.shape[0]} x {first.shape[1]} pixels moved in {time.perf_counter() - start:.1f} s")

# %% [markdown]
# ## Forming the interferogram
#
# Multiply each pixel of the reference with the conjugate of the secondary's: magnitudes multiply, phases subtract, and what was left to
# chance cancels. What remains is $4\pi/\lambda$ times the difference of the two ranges, and most of that is no movement: the satellites flew some metres
# apart. The orbits and the terrain say what it should be, and it is taken off.

# %%
if from_images:
    start = [first[::6, ::24], second[::6, ::24]]
    nodes = geometry.range_difference[: len(start[0]), : start[0].shape[1]]
    by_hand = start[0] * np.conj(start[1]) * np.exp(-4j * np.pi / wavelength * nodes)
    whole = interferogram.form(first, second, geometry, wavelength)
    assert np.allclose(by_hand, whole[::6, ::24], rtol=1e-3, atol=1e-3 * np.abs(by_hand).max())
    flat, full = plain.range_difference, geometry.range_difference
    parts = {"the product alone": 0 * flat, "flat earth taken off": flat, "terrain taken off too": full}

# %%
if from_images:
    cell = interferogram.looks_for(image, 100.0)
    _, row = plt.subplots(1, 3, figsize=(15, 4), layout="constrained")
    for axes, (title, difference) in zip(row, parts.items(), strict=True):
        made = interferogram.form(first, second, replace(geometry, range_difference=difference), wavelength)
        averaged = interferogram.multilook(made, cell)
        style = {"looks": cell, "axes": axes, "title": title, "bar": axes is row[2]}
        plots.radar_picture(np.angle(averaged), kind="phase", **style)
    turns = [np.ptp(part) * 2 / wavelength for part in (flat, full - flat)]
    print(f"from end to end, flat earth makes {turns[0]:.0f} turns and terrain {turns[1]:.1f}")

# %% [markdown]
# *One burst, its phase averaged over cells of 100 m.* On the left the fringes of the flat earth run along the flight, bent where hills and earthquake
# add to them. In the middle they are gone, and what is left follows hills *and* earthquake. On the right only the ground's movement, the air and noise remain.
#
# How much the terrain shows depends on the **perpendicular baseline**: the height that makes one fringe is
# $\lambda R \sin\theta / (2 B_\perp)$.

# %%
if from_images:
    distance = image.near_range + image.samples_per_burst / 2 * image.range_spacing
    tilt = np.radians(float(np.median(image.grid.incidence_angle)))
    place = [
        part[part.shape[0] // 2, part.shape[1] // 2]
        for part in (geometry.latitude, geometry.longitude, geometry.height)
    ]
    arcs = burst_arc(image, image.bursts[0]), burst_arc(other, other.bursts[0])
    baseline = float(perpendicular_baseline(*arcs, to_ecef(*place)))
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
if from_images:
    window = np.s_[600:604, 3000:3020]
    powers = [(np.abs(one[window].astype(complex)) ** 2).sum() for one in (first, second)]
    gamma = np.abs(whole[window].astype(complex).sum()) / np.sqrt(powers[0] * powers[1])
    ours = interferogram.coherence(first[window], second[window], whole[window], window=(4, 20), looks=(4, 20))
    assert np.isclose(gamma, ours[0, 0], atol=1e-4)
    power = interferogram.multilook(np.where(first != 0, np.abs(first) ** 2, np.nan), looks)

# %%
if from_images:
    water = power < 0.1 * np.nanmedian(power)
    _, row = plt.subplots(1, 3, figsize=(15, 4), layout="constrained")
    for axes, size in zip(row, ((1, 4), (4, 20), (12, 60)), strict=True):
        alike = interferogram.coherence(first, second, whole, window=size, looks=looks)
        style = {"looks": looks, "axes": axes, "title": f"window {size[0]} x {size[1]}", "bar": axes is row[2]}
        plots.radar_picture(alike, kind="coherence", **style)
        print(f"window {size[0]:2d} x {size[1]}: median {np.nanmedian(alike):.2f}", end=", ")
        print(f"over water {np.nanmedian(alike[water]):.2f}" if water.any() else "no water in sight")

# %% [markdown]
# *Coherence of one burst over three windows.* A small window sees detail and flatters noise: with four pixels even water, of which nothing repeats, looks coherent. A large
# one tells water from land and blurs its shores. Where fringes are so dense that one of them lies within the window, it calls them noise.

# %% [markdown]
# ## Joining the bursts: the seam tells
#
# At the end of one burst the beam looks ahead, at the beginning of the next it looks back, and both show the same ground. The phase of the ground
# is one and the same, so if the two disagree it is our doing. We join the bursts twice: as they are, and with the secondary deliberately put
# two hundredths of a line off.


# %%
def joined_at(shift: float) -> tuple[np.ndarray, float]:
    """Interferogram of the first two bursts around their seam, and the step of the phase between them."""
    waves = [interferogram.form(*moved(number, shift), geometries[number], wavelength) for number in (0, 1)]
    before, after = deburst.overlap_lines(image, *image.bursts[:2])
    step = np.angle((waves[0][before].astype(complex) * np.conj(waves[1][after])).sum())
    rows = places[1].row + np.array([-480, 480])
    return interferogram.multilook(deburst.deburst(waves, places)[slice(*rows)], (6, 24)), float(step)


if from_images:
    seams = {shift: joined_at(shift) for shift in (0.0, 0.02)}
    _, row = plt.subplots(1, 2, figsize=(12, 4), layout="constrained")
    for axes, (shift, (waves, step)) in zip(row, seams.items(), strict=True):
        style = {"looks": (6, 24), "axes": axes, "first_line": places[1].row - 480, "bar": axes is row[1]}
        plots.radar_picture(
            np.angle(waves), kind="phase", title=f"{shift:g} line off: a step of {step:+.3f} rad", **style
        )

# %% [markdown]
# *Phase around the seam, which runs through the middle.* Twenty times the step foretold for a thousandth of a line, as it should be. Two hundredths of a line draw an edge right across the picture, and inside each burst a
# slope that nobody would notice. Straight edges along the look direction, at equal distances, are always bursts.
#
# The same comparison can *measure* such an error and take it out, pixel by pixel of the overlap: **enhanced spectral diversity**, ESD {cite:p}`prats2012`. But
# an earthquake that moves the ground along the flight looks exactly like it.

# %%
if from_images:
    found = azimuth_shift(pairs, dem)
    grid, along = image.grid, []
    ends = [part[rows, grid.line.shape[1] // 2] for rows in (0, -1) for part in (grid.longitude, grid.latitude)]
    heading, _, _ = np.radians(Geod(ellps="WGS84").inv(*ends))
    with xr.open_dataset(pair.truth, group=swath) as known:
        for two in pairwise(image.bursts):
            lines = deburst.overlap_lines(image, *two)[0]
            part = known.sel(burst=two[0].number, line=slice(lines.start, lines.stop))
            moves = part["displacement_north"] * np.cos(heading) + part["displacement_east"] * np.sin(heading)
            along.append(float(moves.mean()))
    line_mm = 1e6 / ground[0]
    print(f"found {1e4 * found.lines:+.2f} ± {1e4 * found.standard_deviation:.2f} ten-thousandths of a line,", end=" ")
    print(f"or {found.lines * line_mm:+.1f} ± {found.standard_deviation * line_mm:.1f} mm; nothing had been shifted")
    print(f"the ground of the overlaps moved {1000 * np.mean(along):+.1f} mm along the flight, on average")

# %% [markdown]
# The ground's own motion accounts for most of what it found; nothing else had been put in. (The two numbers need not be equal: it weighs by coherence,
# and a movement beyond half a turn of its phase, about seven decimetres, deceives it.) The orbits of these images are exact, so geometry alone is good
# enough. Real precise orbits are wrong by a few centimetres, some thousandths of a line: about ten degrees at a seam, or a millimetre. Who needs that
# millimetre needs ESD; for an earthquake of many fringes this book leaves it out unless asked, lest it take away motion of the ground.
#
# ## The whole chain
#
# The steps above, for all bursts, with the averages put on a map, are one function. Pixels are first averaged to about square ones of ground (**multilooking**),
# then brought to the map, where bursts meet, and last the fringes are filtered {cite:p}`goldstein1998`. A finished interferogram joins in here.

# %%
start = time.perf_counter()
if from_images:
    choices = native.Choices(spacing_m={"quick": 100.0, "full": 50.0}[profile], unwrap=False)
    scene = native.interferogram(pair.reference, pair.secondary, dem=pair.dem, choices=choices)
    scene = scene.assign_attrs(event_id=event_id, source="simulated")
    print(f"{scene.attrs['bursts']} bursts in {time.perf_counter() - start:.1f} s")
else:
    with warnings.catch_warnings(record=True) as assumed:
        warnings.simplefilter("always")
        scene = read_scene(source, event=event, **reader)
    print(*(f"Assumed: {warning.message}" for warning in assumed), sep="\n")
facts = {"earthquake": event.place, "source": Path(source).name, **scene.sizes}
pd.Series(facts | {name: array.attrs["units"] for name, array in scene.data_vars.items()}).to_frame("value or unit")

# %%
frame, wavelength = product.local_frame(scene), product.wavelength_of(scene)
east, north = frame.east_km, frame.north_km
phase = scene.get("phase")
if phase is None:
    phase = product.wrap(product.unwrapped_phase(scene["los_displacement"], wavelength=wavelength))
star = frame.from_geographic(event.latitude, event.longitude) if frame.origin else None
axes = plots.wrapped_phase(phase, east, north, wavelength=wavelength, epicentre=star)

# %% [markdown]
# *The interferogram on the map; grey is no data.* A reader of fringes asks four things:
#
# * **Which way do the colours run?** From light through blue, black and red back to light, the ground goes *away* from the satellite by half a
#   wavelength; in the other order, toward it.
# * **How dense are they?** Dense fringes are a steep gradient, not a large movement. Closed rings are a bowl or a dome; their number, from the
#   rim inward, is its depth.
# * **What do they follow?** Rings about one place: a source. Mountains: a terrain model or a baseline that is wrong, or air that follows height. A ramp across
#   everything: an orbit. Straight edges across the flight: a seam.
# * **Would they come again?** Ground that has moved stays moved, and shows in every pair that spans that day. Air is never the same twice.

# %% [markdown]
# ## How good is it?
#
# Of a simulated pair we know the phase that a radar without noise would have measured, motion and air together. What differs from it is the
# chain's and the noise's.

# %%
if from_images:
    expected = expected_phase(pair.truth, scene)
    left = product.wrap(phase - expected)
    sure = left.where(scene["coherence"] > 0.5)
    _, row = plt.subplots(1, 3, figsize=(15, 5), layout="constrained")
    for axes, values, title in zip(
        row, (product.wrap(expected), left), ("put in: motion and air", "left over"), strict=False
    ):
        plots.wrapped_phase(values, east, north, wavelength=wavelength, axes=axes, title=title, bar=axes is row[1])
    plots.coherence(scene["coherence"], east, north, axes=row[2], title="coherence")
    millimetres = 1000 * wavelength / (4 * np.pi)
    rms = float(np.sqrt((sure**2).mean()))
    print(f"left over: mean {float(sure.mean()):+.3f} rad, rms {rms:.3f} rad where coherence is above one half,")
    print(f"that is {rms * millimetres:.2f} mm; over all pixels {float(np.sqrt((left**2).mean())):.2f} rad")

# %% [markdown]
# *What was put in, what the chain's result differs from it by, and the coherence.* Simulator and chain share the formulas of orbit and ellipsoid, and an
# error in these would cancel here; tests hold them against real annotations and a pair that SNAP processed. The left-over is noise where the coherence is low, on water above all, and
# next to nothing elsewhere. The mean is near zero too: no constant was fitted.
#
# ## What each operator is worth
#
# To find out, leave it out and compare. We do so on our pair, at 40 m, and have a number beside each picture, because we know the truth: the rms of
# what is left over, where coherence is above one half. Without a truth one can count **residues**, little squares of four pixels around which
# the phase does not close.


# %%
def residues(phase: xr.DataArray) -> float:
    """Share of the squares of four pixels around which the phase does not close."""
    rows, columns = (product.wrap(np.diff(phase.to_numpy(), axis=axis)) for axis in (0, 1))
    loop = columns[:-1] + rows[:, 1:] - columns[1:] - rows[:, :-1]
    return float((np.abs(loop[np.isfinite(loop)]) > np.pi).mean())


# %%
variants = {
    "neither ESD nor filter": (False, 0.0),
    "no ESD": (False, 0.5),
    "no filter": (True, 0.0),
    "all": (True, 0.5),
}
made, rows = {}, {}
for name, (esd, strength) in variants.items() if from_images else ():
    choices, start = native.Choices(spacing_m=40, esd=esd, goldstein=strength, unwrap=False), time.perf_counter()
    made[name] = native.interferogram(pair.reference, pair.secondary, dem=dem, choices=choices)
    rows[name] = {"seconds": time.perf_counter() - start, "residues (%)": 100 * residues(made[name]["phase"])}

# %%
if from_images:
    one = made["all"]
    expected, there = expected_phase(pair.truth, one), product.local_frame(one)
    known = truth_of(pair.truth, one).attrs
    near = np.hypot(there.east_km - known["centroid_east_km"], there.north_km - known["centroid_north_km"]) < 5
    cut = tuple(slice(*np.flatnonzero(near.any(axis))[[0, -1]]) for axis in (1, 0))
    _, line = plt.subplots(1, len(made), figsize=(4 * len(made), 4.2), layout="constrained")
    for axes, (name, each) in zip(line, made.items(), strict=True):
        rest = product.wrap(each["phase"] - expected).where(each["coherence"] > 0.5)
        rows[name] |= {"left over, rms (rad)": float(rest.std())}
        title = f"{name}\n{rows[name]['left over, rms (rad)']:.3f} rad, {rows[name]['seconds']:.1f} s"
        style = {"wavelength": wavelength, "axes": axes, "title": title, "bar": axes is line[-1]}
        plots.wrapped_phase(each["phase"].to_numpy()[cut], there.east_km[cut], there.north_km[cut], **style)
pd.DataFrame(rows).T.round(3) if from_images else None

# %% [markdown]
# *Four ways to the same ten kilometres around the source, with what is left over and how long it took.* The filter does most: it removes what
# differs from its neighbours without a pattern. ESD makes no difference one could see: what it found, and wrongly took out, is a degree at the seam.
#
# Is more filter better? Its exponent runs from 0, no filter, to 1. We try three strengths on pixels of 40 m and on those of the scene above.

# %%
tried = {}
for title, one in {"40 m": made["neither ESD nor filter"], "the scene": scene}.items() if from_images else ():
    known, expected = one["valid"].to_numpy(), expected_phase(pair.truth, one)
    waves = np.where(known, one["i"].to_numpy() + 1j * one["q"].to_numpy(), 0)
    for strength in (0.0, 0.5, 1.0):
        rest = product.wrap(np.angle(goldstein(waves, alpha=strength)) - expected).where(one["coherence"] > 0.5)
        tried.setdefault(title, {})[strength] = float(rest.std())
pd.DataFrame(tried).T.round(3).rename_axis(columns="left over (rad), by exponent") if from_images else None

# %% [markdown]
# On small pixels the strongest filter wins. On larger ones the same fringes are denser, and it is worse than the moderate one, probably because it takes
# some of them for noise. A number decides that, not the look of a picture.

# %% [markdown]
# ## Which of the three subswaths
#
# A whole image is 250 km wide and its three subswaths are processed one by one. Which of them sees the earthquake? The beams' edges are
# known as angles from straight down, at the satellite; on a round Earth, angle, height of flight and range form a triangle.

# %%
if from_images:
    arc = image.orbit.arc(image.start - np.timedelta64(5, "s"), image.stop + np.timedelta64(5, "s"))
    seconds = np.linspace(*arc.seconds(np.array([image.start, image.stop])) + np.array([-4.0, 4.0]), 9)
    orbit = float(np.linalg.norm(arc.position(np.array([seconds[4]]))))
    earth = orbit - float(from_ecef(arc.position(np.array([seconds[4]])))[2][0])
    around = flat_dem((event.longitude - 6, event.latitude - 6, event.longitude + 6, event.latitude + 6))
    strips = {}
    for beam in sensor.SUBSWATHS.values():
        angles = np.radians(beam.elevation)
        ranges = orbit * np.cos(angles) - np.sqrt(earth**2 - (orbit * np.sin(angles)) ** 2)
        latitude, longitude, _ = from_ecef(pixel_points(arc, seconds, ranges, around))
        near, far = np.moveaxis(frame.from_geographic(latitude, longitude), 2, 0)
        strips[beam.name] = np.concatenate([near, far[:, ::-1]], axis=1)

# %%
if from_images:
    _, axes = plt.subplots(figsize=(7, 5.4), layout="constrained")
    for (name, corners), colour in zip(strips.items(), ("#56b4e9", "#e69f00", "#009e73"), strict=True):
        axes.fill(*corners, facecolor=colour, edgecolor="black", alpha=0.45, label=name)
    axes.contour(east, north, np.isfinite(phase), [0.5], colors="black", linewidths=2)
    axes.plot(*star, "*", color="yellow", markeredgecolor="black", markersize=15)
    axes.set(aspect="equal", xlabel="east (km)", ylabel="north (km)")
    legend = axes.legend(loc="upper left")

# %% [markdown]
# *The three strips on the ground, the piece of them made here (bold), and the epicentre.* Neighbours overlap, and their bursts begin at different
# moments. An earthquake between two strips needs both; they meet on the map as bursts do. A strip without the source shows the rim of the
# movement at best, and a network that is shown it with the earthquake's label is taught noise.

# %% [markdown]
# ## The same chain in SNAP
#
# ESA's program SNAP goes the same way with a graph of operators (with ESD, in the one shown here). Both theses that this book looks at used it {cite:p}`buccoliero2024,benotto2026`, and whoever has it may
# want to. The package writes such graphs, and checks every parameter against a list of what each version of SNAP knows, because SNAP
# itself silently ignores a name it does not know. **SNAP was not run here**: it is not part of this book's tools. The graphs are for you to run.

# %%
if from_images:
    given = {"dem": "External DEM", "dem_file": pair.dem, "polarisation": polarisation, "subswaths": (swath,)}
    options = snap.preset("copernicus-netcdf", **given)
    stages = snap.stages(pair.reference, pair.secondary, options)
    table = pd.DataFrame({"operators": [", ".join(stage.operators) for stage in stages]})
    table.index = [stage.name for stage in stages]
    pd.options.display.max_colwidth = 120
table if from_images else None

# %% [markdown]
# Side by side, from the same two folders:
#
# ```python
# # this book's engine
# scene = native.interferogram(reference, secondary, dem=dem)
#
# # SNAP: one XML a stage and run.sh, or all stages run from here
# snap.write_graphs(reference, secondary, folder)
# report = snap.run(snap.stages(reference, secondary), folder)
# ```

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
if from_images:
    named = {name for *_, names in chain for name in names.split(", ") if name}
    assert named <= {operator for stage in stages for operator in stage.operators}

# %% [markdown]
# *The chain, step by step, in both programs.* SNAP resamples inside Back-Geocoding and finds the coherence inside Interferogram. It joins the bursts as the radar
# has them and goes to a map at the end; here they meet on the map, as subswaths and neighbouring images do.

# %% [markdown]
# ## What goes on
#
# The interferogram goes to the run folder, still wrapped, and with it the truth of a simulated pair, on the same grid. The images stay in `images/` until this chapter
# runs again; nothing later needs them.

# %%
product.save(scene, folder / "interferogram.nc")
if from_images:
    product.save(truth_of(pair.truth, scene), folder / "truth.nc")
print(", ".join(sorted(path.name for path in folder.glob("*.nc"))))

# %% [markdown]
# ## Exercise
#
# 1. The two satellites fly 150 m apart instead, and the terrain model is 30 m too high in one valley. How much of a fringe appears there, and
#    how would you know it from a valley that sank?
# 2. Somebody swaps reference and secondary. What becomes of the interferogram, of the coherence, and of the earthquake?

# %% tags=["hide-cell"]
if from_images:
    print(
        f"150 m: one fringe for {height * abs(baseline) / 150:.0f} m of height, {30 * 150 / (height * abs(baseline)):.2f} fringe for 30 m"
    )
    swapped = second[window].astype(complex) * np.conj(first[window])
    print(f"swapped: phase {np.angle(swapped.sum()):+.2f} rad; as it was {np.angle(swapped.conj().sum()):+.2f} rad")

# %% [markdown]
# ```{dropdown} What to see in the solution
# A third of a fringe or so, in the shape of the valley. A second pair with another baseline shows another amount of it, and one with a
# baseline near zero none at all, while ground that sank has sunk in all of them. Swapping conjugates: every phase changes its sign, the coherence stays, and
# what went down goes up. Nothing in the picture looks wrong, which is why names are fixed on one page: {doc}`/conventions`.
# ```

# %% [markdown]
# ## Summary
#
# * The phase of one image is chance; it repeats while nothing moves, and so the difference of two phases tells of the ground.
# * A burst's pixels are moved by geometry, under a ramp, to better than a thousandth of a line, as far as the orbits are right; the seam between bursts shows whether that went well.
# * Flat earth and terrain are geometry and are taken off; air stays. A step across a seam is processing, a ramp an orbit, a ring the ground.
# * An operator is worth what it does to a number, not what it does to a picture.
#
# ## Next
#
# {doc}`04_displacement` turns the fringes into centimetres.
#
# ## References
#
# {cite:t}`bamler1998` and {cite:t}`hanssen2001` on interferograms; {cite:t}`dezan2006` and {cite:t}`miranda2014` on bursts and their ramps; {cite:t}`prats2012` on
# joining them; {cite:t}`goldstein1998` on the filter. Full entries: {doc}`/references`.
