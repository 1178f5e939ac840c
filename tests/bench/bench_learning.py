"""Speed of what learning needs: scenes and patches to learn from, steps of training, and locations.

Each figure stands beside a floor measured in the same run, in processor seconds of one thread: the least that the same
work could cost with the same numbers drawn or the same network run.

Run: python tests/bench/bench_learning.py
"""

import os
import time
from collections.abc import Callable

os.environ["OMP_NUM_THREADS"] = "1"

import numpy as np
import torch

from epi import learn
from epi.learn.devices import knows_half
from epi.learn.train import Learning
from epi.settings import settings
from epi.simulate import recipe
from epi.simulate.stream import BLOCK, POOL, stream
from epi.source import fit, invert

SEEDS = range(10_000, 10_004)  # of development
STEPS = 4


def seconds(call: Callable[[], object], repeats: int = 3) -> float:
    """Least processor time of several calls: what the call needs on an idle machine."""
    times = []
    for _ in range(repeats):
        start = time.process_time()
        call()
        times.append(time.process_time() - start)
    return min(times)


def transforms(side: int, fields: int) -> float:
    """Seconds of the least there is to do: white noise on twice the side, transformed there and back."""
    rng = np.random.default_rng(0)

    def call() -> None:
        for _ in range(fields):
            np.fft.irfft2(np.fft.rfft2(rng.standard_normal((2 * side, 2 * side))))

    return seconds(call)


def simulated() -> list[str]:
    """Scenes and patches a second."""
    side = round(recipe.SIZE_KM * 1000 / recipe.SPACING_M)
    scene = seconds(lambda: [recipe.scene(seed, recipe.UNSEEN) for seed in SEEDS], 2) / len(SEEDS)
    patch = seconds(lambda: next(stream(1)), 2) / BLOCK
    rows = {  # four fields: two of air, land, water
        "scenes of a recipe": (scene, transforms(side, 4)),
        "patches of the stream": (patch, transforms(POOL, 4) / BLOCK),
    }
    return [
        f"{name:24s} {1 / own:7.1f} a second, {own / floor:5.1f} x the four noise fields alone ({1e3 * floor:.2f} ms)"
        for name, (own, floor) in rows.items()
    ]


def trained() -> list[str]:
    """Samples a second of training, drawn on the way or held in memory."""
    plan = learn.Plan()
    batches = learn.Batches(1, batch=plan.batch, pixels=plan.settings.pixels, size_km=plan.settings.size_km)
    learning = Learning(plan, [])
    network = learning.network.to(memory_format=torch.channels_last)
    optimiser = torch.optim.AdamW(network.parameters(), lr=plan.rate, weight_decay=1e-2, fused=True)
    held = next(iter(batches))

    def step(batch: tuple[torch.Tensor, ...], *, average: bool = True) -> None:
        with torch.autocast("cpu", torch.bfloat16, enabled=plan.half and knows_half("cpu")):
            loss = learning.training_step(batch, 0)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        if average:
            learning.average.update_parameters(network)

    step(held)
    bare = seconds(lambda: step(held, average=False), STEPS)
    kept = seconds(lambda: step(held), STEPS)
    drawing = seconds(lambda: next(iter(batches)), 2) * plan.batch / BLOCK  # a block is drawn at once
    rate, alone = plan.batch / (kept + drawing), plan.batch / bare
    return [
        f"{'training samples':24s} {rate:7.1f} a second, {alone / rate:5.2f} x the time of the steps alone on data in "
        f"memory ({alone:.1f} a second)",
        f"{'':24s} drawing takes {drawing / kept:.2f} of a step's time: beside a worker on another core training "
        f"{'waits for nothing' if drawing < kept else 'waits'}",
    ]


def located() -> list[str]:
    """Seconds a scene, by the network and by the physics."""
    network = learn.load_network(settings().data / "locator.safetensors")
    scene = recipe.scene(SEEDS[0], recipe.UNSEEN)[0].product
    pieces = learn.gridded(learn.recipe_scene(SEEDS[0]), network.settings)
    channels = learn.inputs(pieces)

    def bare() -> None:
        with torch.inference_mode():
            network(channels)

    bare()
    own, forward = seconds(lambda: learn.locate_scene(network, scene)), seconds(bare)
    kernel, within = fit.los_greens, [0.0]

    def timed(*given: object, **named: object) -> torch.Tensor:
        start = time.process_time()
        field = kernel(*given, **named)
        within[0] += time.process_time() - start
        return field

    fit.los_greens = timed
    physics = seconds(lambda: invert.locate([scene]), 1)
    fit.los_greens = kernel
    return [
        f"{'network, a scene':24s} {own:7.2f} s, {own / forward:5.2f} x one pass of the network over its {len(pieces)} "
        f"patches ({forward:.2f} s; it is asked four times, in mirrors)",
        f"{'physics, a scene':24s} {physics:7.2f} s, {physics / within[0]:5.2f} x its dislocations alone "
        f"({within[0]:.2f} s: rectangles tried, none weighed)",
    ]


def main() -> None:
    """Print the figures."""
    torch.set_num_threads(1)
    for part in (simulated, trained, located):
        for line in part():
            print(line, flush=True)


if __name__ == "__main__":
    main()
