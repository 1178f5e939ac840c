"""How many labelled scenes are made a second, on one thread and on two, beside the least that they could cost.

The floor is the noise alone: two fields of air, each of complex normal numbers over (pixels + 96)² and an inverse
transform. One at a time is what a scene costs that is drawn for itself (`epi.simulate`), at as many pixels. Two threads
share each block; two processes, as a training's workers, each make their own.

Run: python tests/bench/bench_labelled.py [--pixels 224] [--blocks 6] [--profile]
"""

import argparse
import cProfile
import pstats
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from itertools import islice
from multiprocessing import get_context

import torch

from epi.simulate import recipe, simulate_scene
from epi.simulate.labelled import BLOCK, FROZEN, SIZE_KM, TRAINING, Mixture, labelled_scenes
from epi.simulate.labelled.sky import MARGIN

THREADS = (1, 2)
ASKED = 200  # scenes of 224 pixels a second on two cores


def seconds(call: Callable[[], object], repeats: int) -> tuple[float, float]:
    """Least time of several calls, on the clock and of the processor: on a busy machine only the second counts."""
    clock, own = [], []
    for _ in range(repeats):
        start = time.perf_counter(), time.process_time()
        call()
        clock.append(time.perf_counter() - start[0])
        own.append(time.process_time() - start[1])
    return min(clock), min(own)


def noise(pixels: int) -> None:
    """Draw and transform what a block's air is made of."""
    side = pixels + MARGIN
    draw = torch.Generator().manual_seed(0)
    for _ in range(2):
        white = torch.randn(BLOCK, side, side // 2 + 1, 2, generator=draw)
        torch.fft.irfft2(torch.view_as_complex(white), s=(side, side))


def alone(pixels: int) -> None:
    """One scene by itself, of the same size on the ground and of as many pixels."""
    drawn = recipe.draw(10_000)
    spacing_m = 1000 * SIZE_KM / pixels
    simulate_scene(drawn.rupture, drawn.conditions, seed=0, size_km=SIZE_KM, spacing_m=spacing_m, unwrapped=True)


def line(name: str, scenes: int, taken: tuple[float, float], least: float) -> str:
    """A figure beside the floor, both by the processor's time."""
    clock, own = (each / scenes for each in taken)
    return f"  {name:24s} {1 / clock:6.0f} a second, {1e3 * own:6.2f} ms of processor, {own / least:5.1f} x the floor"


def measured(pixels: int, blocks: int, threads: int) -> list[str]:
    """Scenes a second of two mixtures, the floor, and one at a time."""
    torch.set_num_threads(threads)
    noise(pixels)
    floor = seconds(lambda: noise(pixels), 2 * blocks)
    least = floor[1] / BLOCK
    found = [line("noise alone (the floor)", BLOCK, floor, least)]
    for mixture in (TRAINING, FROZEN):
        stream = labelled_scenes(mixture, 0, pixels=pixels)
        next(stream)
        found.append(line(mixture.name, BLOCK, seconds(lambda stream=stream: next(stream), blocks), least))
    return [*found, line("one at a time", 1, seconds(lambda: alone(pixels), 3), least)]


def rate(mixture: Mixture, pixels: int, blocks: int) -> float:
    """Scenes a second of one process on one thread."""
    torch.set_num_threads(1)
    stream = labelled_scenes(mixture, 0, pixels=pixels)
    next(stream)
    return BLOCK / seconds(lambda: next(stream), blocks)[0]


def together(mixture: Mixture, pixels: int, blocks: int) -> str:
    """Scenes a second of two processes."""
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as workers:
        rates = [workers.submit(rate, mixture, pixels, blocks) for _ in THREADS]
        return f"  {mixture.name:24s} {sum(each.result() for each in rates):6.0f} a second"


def profile(mixture: Mixture, pixels: int, blocks: int, lines: int = 14) -> None:
    """Print where the time goes."""
    torch.set_num_threads(1)
    watch = cProfile.Profile()
    watch.runcall(lambda: list(islice(labelled_scenes(mixture, 0, pixels=pixels), blocks)))
    print(f"{mixture.name}, {blocks} blocks of {BLOCK}, cumulative")
    pstats.Stats(watch).strip_dirs().sort_stats("cumulative").print_stats(r"scenes|sources|sky|okada", lines)


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--pixels", type=int, default=224, help="a side")
    parser.add_argument("--blocks", type=int, default=6, help="of 64 scenes; the least time counts")
    parser.add_argument("--profile", action="store_true", help="say where the time goes instead")
    options = parser.parse_args()
    if options.profile:
        for mixture in (TRAINING, FROZEN):
            profile(mixture, options.pixels, options.blocks)
        return
    for threads in THREADS:
        print(
            f"scenes of {options.pixels} pixels a side on {threads} thread(s); {ASKED} a second of 224 are asked of two"
        )
        print("\n".join(measured(options.pixels, options.blocks, threads)), flush=True)
    print("the same by two processes of one thread each")
    for mixture in (TRAINING, FROZEN):
        print(together(mixture, options.pixels, options.blocks), flush=True)


if __name__ == "__main__":
    main()
