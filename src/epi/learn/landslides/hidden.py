"""What our network would make of its test without one of the bands: an ablation that trains nothing anew."""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from epi.learn.landslides.cells import WEIGHTS
from epi.learn.landslides.data import samples_of
from epi.learn.landslides.networks import LandslideNetwork, load_landslide
from epi.learn.landslides.profiles import BY_EVENT, HIDDEN
from epi.learn.landslides.recipe import LandslideRecipe
from epi.learn.landslides.scores import Judged, choose_threshold, count_levels, joined, judge, score, terciles
from epi.learn.landslides.table import difference_columns
from epi.learn.landslides.training import predict

if TYPE_CHECKING:
    from epi.learn.landslides.run import LandslideStudy


def hidden_rows(study: "LandslideStudy", recipe: LandslideRecipe, whole: list[Judged]) -> list[dict[str, Any]]:
    """Scores of a recipe's networks when what comes from one band is hidden from them: set to its mean everywhere.

    Parameters
    ----------
    study : done, with the weights of the recipe kept.
    recipe : whose networks are asked again; each at a threshold chosen on its validation with the same band hidden.
    whole : what was judged with nothing hidden, to be subtracted.

    Returns
    -------
    A row a band, with ``how`` "hidden at the test". Bands that tell the same hide each other's worth.
    """
    first = [whole[0]]
    known = {"part": "channels", "how": "hidden at the test", "network": recipe.network, "split": BY_EVENT}
    rows = [known | {"method": "nothing hidden"} | score(first)]
    for band, names in HIDDEN.items():
        hidden = [name for name in recipe.channels if name in names]
        if not hidden:
            continue
        judged = [_without(study, recipe, hidden)]
        row: dict[str, Any] = {"method": f"without {band}", "channels": " ".join(hidden)}
        rows.append(known | row | score(judged) | difference_columns(judged, first, "nothing hidden"))
    return rows


def _without(study: "LandslideStudy", recipe: LandslideRecipe, hidden: list[str]) -> Judged:
    """All folds of the first seed, with some channels hidden."""
    patches, sizes, parts = study.patches, terciles(study.patches.label), []
    for fold in study.folds[BY_EVENT]:
        network = load_landslide(study.cell_folder(recipe, fold, study.profile.seeds[0]) / WEIGHTS)

        def answer(rows: NDArray[np.intp], network: LandslideNetwork = network) -> tuple[NDArray[Any], ...]:
            channels = samples_of(patches, network.settings.normaliser, rows).channels
            channels[:, [network.settings.normaliser.channels.index(name) for name in hidden]] = 0
            logits = predict(network, channels, half=recipe.half).numpy()
            return logits, patches.label[rows], patches.valid[rows], patches.event[rows]

        level = choose_threshold(count_levels(*answer(fold.validation)))
        truth = patches.truth_of(fold.test)
        parts.append(judge(*answer(fold.test), threshold=level, sizes=sizes, truth=truth))
    return joined(parts)
