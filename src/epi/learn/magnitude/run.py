"""Train networks with and without ranking, score them beside the answers that cost nothing, and write the tables.

``python -m epi.learn.magnitude --profile cpu`` simulates its data (15 minutes of one core), trains the smallest of the
five networks, three seeds each way (half an hour), counts and times the others, and writes the weights that ship;
``--profile five`` trains all five on a fifth of the pairs (an hour); ``--profile full --data FOLDER`` is the published
study of all five, on a GPU. Interrupted, each goes on from its last checkpoint.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from epi.errors import FileFormatError, ParameterError
from epi.learn.devices import device_of
from epi.learn.magnitude.baselines import fit_free
from epi.learn.magnitude.networks import (
    MODELS,
    MagnitudeNetwork,
    MagnitudeSettings,
    build_magnitude,
    count_mflops,
    load_magnitude,
    measure_size,
    predict,
    read_magnitude_card,
    save_magnitude,
)
from epi.learn.magnitude.quakeset import Pairs, Scaling, measure_scaling, open_quakeset
from epi.learn.magnitude.scores import DRAWS, STATISTICS, magnitude_scores, paired_differences
from epi.learn.magnitude.training import PRACTICE_RATE, SEEN, MagnitudePlan, practise, train_magnitude
from epi.learn.metrics import rounded
from epi.settings import settings
from epi.simulate.backscatter import FILENAME, SIMULATED, Backscatter, write_quakeset
from epi.storage import atomic_path, crc_of, source_crc

Say = Callable[[str], None]
DATA_SEED = 1
"""Of simulated pairs, whatever the seed of the networks: every network is tested on the same earthquakes. Earlier plans
were scored on those of seed 0; none was on these."""
WAYS = {"without": False, "with": True}
"""Names of the two ways to train, and whether the ranking loss is added."""
ALONE = "practice alone"
"""Name, beside the two ways, of what both begin with, from each seed."""
SEEDS = (0, 1, 2)
TABLES = ("scores", "ranking", "sizes", "predictions")
SHIPPED, WEIGHTS = "mobilenetv3_small_100", "network.safetensors"


@dataclass(frozen=True)
class MagnitudeProfile:
    """What is trained and scored together.

    Attributes
    ----------
    table : beginning of the names of the files of the project's data that are written.
    plans : by network; the others of `MODELS` are only counted and timed.
    events : simulated earthquakes of each part, where no folder is given.
    recipe : what they are.
    seeds : of the networks; each is trained both ways with each.
    draws : of the bootstrap.
    kept : of `TABLES`, those that are written.
    ships : a network whose weights, trained with ranking, go to the project's data: of the seed that tells earthquakes
        from none best on the validation pairs, which are neither learned from nor reported.
    """

    table: str
    plans: Mapping[str, MagnitudePlan]
    events: Mapping[str, int]
    recipe: Backscatter = SIMULATED
    seeds: tuple[int, ...] = SEEDS
    draws: int = DRAWS
    kept: tuple[str, ...] = TABLES
    ships: str | None = None


CPU = MagnitudePlan(SHIPPED, pixels=128, practice=10, weights=None, contrast=True, standardised=True)
"""What a CPU can do: 5.12 km in 128 pixels of 40 m (16 of 10 m averaged, so more looks), random weights of which half
see differences, answers that begin at the mean, and practice in place of what photographs would have taught them. The
rest is as published."""
EVENTS = {"train": 1600, "validation": 200, "test": 240}

PROFILES: dict[str, MagnitudeProfile] = {
    "full": MagnitudeProfile("magnitude_full", {model: MagnitudePlan(model) for model in MODELS}, EVENTS),
    "cpu": MagnitudeProfile("magnitude", {SHIPPED: CPU}, EVENTS, ships=SHIPPED),
    "five": MagnitudeProfile(
        "magnitude_five",
        {model: replace(CPU, model=model) for model in MODELS},
        EVENTS | {"train": EVENTS["train"] // 5, "validation": 0},
        kept=("scores", "ranking"),
    ),
}


def run_magnitude(
    profile: MagnitudeProfile,
    *,
    folder: str | Path,
    command: str,
    data: str | Path | None = None,
    device: str = "auto",
    say: Say = print,
) -> pd.DataFrame:
    """Train the networks of a profile both ways with every seed, and score them and the answers that cost nothing.

    Parameters
    ----------
    profile : of `PROFILES`.
    folder : for simulated pairs, checkpoints, and what is done already; tables, and weights where the profile ships
        them, go to the project's data.
    command : kept in tables and cards.
    data : folder of a QuakeSet, whose tables are named after it and whose weights stay in `folder`; without one, pairs
        are simulated.
    device : ``"auto"``, ``"cpu"`` or ``"cuda"``.
    say : is told how it goes.

    Returns
    -------
    A row an answer and seed, with intervals and settings, as written to ``…_scores.csv``. Beside it are written, where
    the profile keeps them, ``…_ranking.csv`` (what ranking changes, network by network), ``…_sizes.csv`` (parameters,
    FLOPs, latency) and ``…_predictions.csv`` (a row a test pair, a column an answer).

    Raises
    ------
    ParameterError, FileFormatError : what is asked cannot be done with these pairs; see `open_quakeset`.
    """
    pixels = next(iter(profile.plans.values())).pixels
    home = Path(folder)
    tables = profile.table + ("_quakeset" if data else "")
    parts = _pairs(profile, home, data, pixels, say)
    train, test = parts["train"], parts["test"]
    scaling = measure_scaling(train)
    facts = {"data": "QuakeSet" if data else profile.recipe.name, "pixels": pixels, "train": len(train)}
    rows, said = [], {}
    for name, answer in fit_free(train).predict(test).items():
        said[name] = answer
        rows.append({"network": name} | facts | _scores(profile, test.table.assign(predicted=answer)))
    sizes = [_size_row(model, pixels, scaling) for model in MODELS] if "sizes" in profile.kept else []
    ranking = []
    for model, planned in profile.plans.items():
        plan = planned
        if data and plan.practice:
            say(f"{model}: no practice, for only of simulated pairs is it known what changed")
            plan = replace(plan, practice=0)
        ways: dict[str, dict[int, pd.DataFrame]] = {way: {} for way in WAYS}
        for seed in profile.seeds:
            own = replace(plan, seed=seed, device=device)
            place = home / tables / f"{model}-practice-{seed}"
            first = practise(own, train, scaling, folder=place, say=say) if plan.practice else None
            if first:
                answer = said[f"{model} {ALONE} {seed}"] = predict(first, test)
                found = _scores(profile, test.table.assign(predicted=answer))
                rows.append({"network": model, "ranking": ALONE, "seed": seed} | facts | found)
                say(f"{model} {ALONE}, seed {seed}: MAE {found['mae']:.3f}, AUC {found['auc']:.3f}")
            for way, with_ranking in WAYS.items():
                each = replace(own, ranking=with_ranking)
                place = home / tables / f"{model}-{way}-{seed}"
                answer, told = _answer(each, train, test, scaling, first, place, say)
                ways[way][seed] = test.table.assign(predicted=answer)
                said[f"{model} {way} {seed}"] = answer
                row = {"network": model, "ranking": way, "seed": seed} | facts | _scores(profile, ways[way][seed])
                rows.append(row | _settings(each, len(train)) | told)
                say(f"{model} {way} ranking, seed {seed}: MAE {row['mae']:.3f}, AUC {row['auc']:.3f}")
        ranking.append(_ranking_row(profile, model, ways, facts))
        table = pd.DataFrame(rows).assign(command=command)
        made = {"scores": table, "ranking": pd.DataFrame(ranking), "sizes": pd.DataFrame(sizes)}
        answers = test.table.assign(**{name: pd.Series(one) for name, one in said.items()})
        made |= {"predictions": answers}
        _write(tables, {kind: made[kind] for kind in profile.kept}, command)  # after each network: what is done stays
    if profile.ships and not data:
        _ship(profile, profile.ships, home, parts["validation"], table, command)
    return table


def _pairs(profile: MagnitudeProfile, home: Path, data: str | Path | None, pixels: int, say: Say) -> dict[str, Pairs]:
    """Pairs of all parts, simulated where no folder is given."""
    if data is None:
        counts = "-".join(str(count) for count in profile.events.values())
        made = crc_of(f"{profile.recipe} {source_crc('epi.simulate')}")
        data = home / f"{profile.recipe.name}-{made}-{DATA_SEED}-{pixels}-{counts}"
        if not (data / FILENAME).is_file():
            say(f"simulating {sum(profile.events.values())} earthquakes")
            write_quakeset(data / FILENAME, profile.recipe, DATA_SEED, profile.events, pixels, say=say)
    found = open_quakeset(data, pixels=pixels)
    if missing := [part for part in ("train", "test") if part not in found]:
        raise FileFormatError(
            f"{data} has no earthquakes for {' and '.join(missing)}: nothing can be learned or tested."
        )
    say(", ".join(f"{len(pairs)} pairs for {part}" for part, pairs in found.items()))
    return found


def _answer(
    plan: MagnitudePlan,
    train: Pairs,
    test: Pairs,
    scaling: Scaling,
    practised: MagnitudeNetwork | None,
    folder: Path,
    say: Say,
) -> tuple[Any, dict[str, Any]]:
    """Predictions of one network, trained or already there, and what it began with."""
    note, kept = folder / "done.json", folder / "predictions.csv"
    facts = plan.facts() | {"train": len(train), "test": len(test), "scaling": asdict(scaling)}
    facts |= {"practice_rate": PRACTICE_RATE, "seen": SEEN} if practised else {}
    stated = json.loads(json.dumps(facts))
    if note.is_file() and kept.is_file():
        known = json.loads(note.read_text(encoding="utf-8"))
        if known["plan"] != stated:
            raise ParameterError(f"{folder} holds a network with other settings ({note}): choose another folder.")
        return pd.read_csv(kept)["predicted"].to_numpy(dtype=float), {"began": known["began"]}
    trained = train_magnitude(plan, train, scaling, practised=practised, folder=folder, say=say)
    answer = predict(trained.network, test, device=device_of(plan.device))
    save_magnitude(trained.network, folder / WEIGHTS, {"history": trained.history.round(4).to_dict("list")})
    with atomic_path(kept) as temporary:
        pd.DataFrame({"predicted": answer}).to_csv(temporary, index=False)
    with atomic_path(note) as temporary:
        temporary.write_text(json.dumps({"plan": stated, "began": trained.began}), encoding="utf-8")
    return answer, {"began": trained.began}


def _settings(plan: MagnitudePlan, pairs: int) -> dict[str, Any]:
    """Settings that a row of scores states."""
    names = ("practice", "epochs", "batch", "rate", "margin", "contrast", "standardised")
    return {"steps": plan.steps(pairs)} | {name: getattr(plan, name) for name in names}


def _size_row(model: str, pixels: int, scaling: Scaling) -> dict[str, Any]:
    """Parameters, FLOPs and latency of a network at some pixels, and FLOPs at 128 and 512, beside what was printed."""
    row: dict[str, Any] = {"network": model, "pixels": pixels}
    network, _ = build_magnitude(MagnitudeSettings(model, pixels, scaling))
    size, printed = measure_size(network, pixels=pixels), MODELS[model]
    row |= size._asdict()
    for side in (128, 512):
        other, _ = build_magnitude(MagnitudeSettings(model, side, scaling))
        row[f"mflops_{side}"] = count_mflops(other, pixels=side)
    return row | {"printed_parameters": printed.parameters * 1e6, "printed_mflops": printed.flops}


def _scores(profile: MagnitudeProfile, table: pd.DataFrame) -> dict[str, float]:
    return magnitude_scores(table, draws=profile.draws)


def _ranking_row(
    profile: MagnitudeProfile, model: str, ways: dict[str, dict[int, pd.DataFrame]], facts: dict[str, Any]
) -> dict[str, Any]:
    """What ranking changes in one network: with less without, so that a negative difference of MAE is better."""
    found = paired_differences(ways["with"], ways["without"], draws=profile.draws)
    printed = MODELS[model]
    row: dict[str, Any] = {"network": model} | facts | {name: found[name] for name in ("seeds", "n", "events")}
    for name in STATISTICS:
        row |= {f"{name}_without": found[f"{name}_other"], f"{name}_with": found[f"{name}_one"]}
        row |= {f"{name}_{part}": found[f"{name}_{part}"] for part in ("difference", "low", "high")}
    return row | {"printed_mae_without": printed.mae, "printed_mae_with": printed.mae_ranking}


def _ship(
    profile: MagnitudeProfile, model: str, home: Path, validation: Pairs, table: pd.DataFrame, command: str
) -> None:
    """Keep the weights of one network, trained with ranking, of the best seed on validation, with a card."""
    files = {seed: home / profile.table / f"{model}-with-{seed}" / WEIGHTS for seed in profile.seeds}
    said = {seed: predict(load_magnitude(file), validation) for seed, file in files.items()}
    found = {seed: magnitude_scores(validation.table.assign(predicted=one), draws=2) for seed, one in said.items()}
    seed = max(files, key=lambda each: found[each]["auc"])
    plan, kept = replace(profile.plans[model], ranking=True, seed=seed), files[seed]
    own = table[(table["network"] == model) & (table["ranking"] == "with") & (table["seed"] == seed)].iloc[0]
    card = {
        "command": command,
        "plan": plan.facts(),
        "recipe": asdict(profile.recipe),
        "events": dict(profile.events),
        "validation_auc": {str(each): round(one["auc"], 4) for each, one in found.items()},
        "scores": {
            name: float(own[name])
            for name in own.index
            if name.startswith((*STATISTICS, "n", "events")) and isinstance(own[name], float | int)
        },
        "history": read_magnitude_card(kept)["history"],
        "limits": [
            "learned from simulated backscatter alone: real land and weather may be unlike it",
            f"squares of {profile.recipe.size_km:g} km in {plan.pixels} pixels, gamma or sigma nought, linear power",
            "most earthquakes below magnitude 6 change nothing that Sentinel-1's backscatter would show",
            "its AUC says how often it holds an earthquake for larger than none; 0.5 is chance, and what it says of a "
            "single pair is not to be relied on",
        ],
    }
    name = f"magnitude_{model.removesuffix('_100')}.safetensors"
    save_magnitude(load_magnitude(kept), settings().data / name, card)


def _write(name: str, tables: Mapping[str, pd.DataFrame], command: str) -> None:
    for kind, rows in tables.items():
        with atomic_path(settings().data / f"{name}_{kind}.csv") as temporary:
            rounded(rows if kind == "predictions" else rows.assign(command=command)).to_csv(temporary, index=False)
