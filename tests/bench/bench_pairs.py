"""Seconds and memory of matching 10,000 earthquakes with 100,000 images, beside a plain double loop on a sample.

The images are those of one made-up year over land like the real archive's: two satellites, 175 tracks, each place of
the ground in sight every six days, cut into slices of 170 km. The earthquakes lie among them; their magnitudes follow
Gutenberg and Richter. The double loop is `epi.catalogue.match_pairs` on the whole archive, event by event; on the
sample both must give the same pairs for the same reasons, and the same words for every image left near the earthquake.

Run: python tests/bench/bench_pairs.py [--events 10000] [--scenes 100000] [--sample 3]
"""

import argparse
import resource
import time

import numpy as np
import pandas as pd
from shapely import Polygon

from epi.catalogue import Event, Scene, match_pairs
from epi.catalogue.pairs.batch import match_many

START = pd.Timestamp("2021-01-01", tz="UTC")
SLICE_S, SPEED_KM_S, WIDTH_KM = 25.0, 6.8, 250.0


def archive(count: int, rng: np.random.Generator) -> list[Scene]:
    """Slices in data takes of four, every take again every six days, alternately by two satellites, for half a year."""
    scenes: list[Scene] = []
    while len(scenes) < count:
        latitude, longitude = float(np.degrees(np.arcsin(rng.uniform(-0.8, 0.9)))), float(rng.uniform(-180, 180))
        track, ascending = int(rng.integers(1, 176)), bool(rng.integers(2))
        first = START + pd.Timedelta(days=float(rng.uniform(0, 6)))
        for repeat in range(30):
            platform = ("S1A", "S1B")[repeat % 2]
            for number in range(4):
                begin = first + pd.Timedelta(days=6 * repeat, seconds=SLICE_S * number)
                shape = outline(latitude, longitude, number, ascending)
                scenes.append(image(platform, track, begin, shape, ascending, len(scenes)))
    return [scenes[number] for number in rng.permutation(count)]


def outline(latitude: float, longitude: float, number: int, ascending: bool) -> Polygon:
    """Footprint of one slice of a take that begins at a place."""
    heading = np.radians(-13 if ascending else 193)
    length = SLICE_S * SPEED_KM_S
    along = np.array([number * length - 7, number * length - 7, (number + 1) * length + 7, (number + 1) * length + 7])
    across = np.array([0.0, WIDTH_KM, WIDTH_KM, 0.0])
    north = latitude + (along * np.cos(heading) - across * np.sin(heading)) / 111.2
    east = longitude + (along * np.sin(heading) + across * np.cos(heading)) / 111.2 / np.cos(np.radians(latitude))
    return Polygon(np.column_stack((east, north)))


def image(platform: str, track: int, start: pd.Timestamp, shape: Polygon, ascending: bool, number: int) -> Scene:
    return Scene(
        name=f"{platform}_{number:07d}",
        platform=platform,
        start=start,
        stop=start + pd.Timedelta(seconds=SLICE_S + 2),
        track=track,
        frame=None,
        direction="ascending" if ascending else "descending",
        polarisations=("VV", "VH"),
        mode="IW",
        level="SLC",
        footprint=shape,
    )


def earthquakes(count: int, scenes: list[Scene], rng: np.random.Generator) -> list[Event]:
    """Near the middle of images, at any time of the half year."""
    like = {"kind": "earthquake", "magnitude_type": "mw", "place": "", "source": "made up"}
    unknown = dict.fromkeys(("strike", "dip", "rake"))
    events = []
    for number, scene in enumerate(rng.choice(np.array(scenes, dtype=object), count)):
        centre = scene.footprint.centroid
        row = {
            "event_id": f"made-up-{number}",
            "time": (START + pd.Timedelta(days=float(rng.uniform(0, 180)))).isoformat(),
            "latitude": float(centre.y + rng.uniform(-0.7, 0.7)),
            "longitude": float((centre.x + rng.uniform(-1, 1) + 180) % 360 - 180),
            "depth_km": float(rng.gamma(2, 6)),
            "magnitude": float(min(4 + rng.exponential(1 / np.log(10)), 8)),
        }
        events.append(Event.from_dict(like | unknown | row))
    return events


def same(fast, plain) -> bool:
    """Whether both chose the same, and said the same of what was near."""
    words = dict((scene.name, reason) for scene, reason in plain.rejected)
    near = all(words[scene.name] == reason for scene, reason in fast.rejected)
    left_out = words.keys() - {scene.name for scene, _ in fast.rejected}
    far = all(words[name].startswith(("outside the window", "misses the epicentre")) for name in left_out)
    return near and far and [p.to_dict() for p in fast.pairs] == [p.to_dict() for p in plain.pairs]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name, default in (("events", 10_000), ("scenes", 100_000), ("sample", 3)):
        parser.add_argument(f"--{name}", type=int, default=default)
    asked = parser.parse_args()
    rng = np.random.default_rng(0)
    scenes = archive(asked.scenes, rng)
    events = earthquakes(asked.events, scenes, rng)
    match_pairs(events[0], [])  # what is loaded once
    began, busy = time.perf_counter(), time.process_time()
    found = list(match_many(events, scenes))
    seconds, busy = time.perf_counter() - began, time.process_time() - busy
    paired = sum(bool(match.pairs) for match in found)
    began, plain_busy = time.perf_counter(), time.process_time()
    plain = [match_pairs(event, scenes) for event in events[: asked.sample]]
    each, plain_busy = (time.perf_counter() - began) / asked.sample, (time.process_time() - plain_busy) / asked.sample
    if not all(same(fast, slow) for fast, slow in zip(found, plain, strict=False)):
        raise SystemExit("The two ways do not agree.")
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"{asked.events} events, {asked.scenes} images, {paired} events with a pair")
    print(f"match_many   {seconds:8.1f} s ({busy:.1f} s of one core), {1e3 * seconds / asked.events:.2f} ms an event")
    print(
        f"double loop  {each * asked.events:8.0f} s for as many, {each:.2f} s an event ({plain_busy:.2f} s of one core)"
    )
    print(f"the same pairs and reasons on a sample of {asked.sample}; {memory:.2f} GiB at most")


if __name__ == "__main__":
    main()
