"""Our networks once more, with thresholds chosen on all patches that are not tested, and not on a few of them."""

from typing import TYPE_CHECKING, Any

import numpy as np

from epi.learn.landslides.cells import WEIGHTS, count_on
from epi.learn.landslides.data import samples_of
from epi.learn.landslides.networks import load_landslide
from epi.learn.landslides.profiles import BY_EVENT
from epi.learn.landslides.recipe import LandslideRecipe
from epi.learn.landslides.scores import Judged, choose_threshold, joined, judge, score, terciles
from epi.learn.landslides.table import difference_columns, listed
from epi.learn.landslides.training import predict

if TYPE_CHECKING:
    from epi.learn.landslides.run import LandslideStudy


def wider_row(study: "LandslideStudy", recipe: LandslideRecipe, whole: list[Judged]) -> dict[str, Any]:
    """Scores of a recipe's networks at thresholds of the best IoU over training and validation patches together.

    A fold's validation patches are of one or two regions, and the threshold that suits them need not suit others. Many
    regions say more, if the network has not learned its training patches by heart, as after few gentle passes.

    Parameters
    ----------
    study : done, with the weights of the recipe kept; those of the first seed are asked.
    recipe : whose networks are asked again.
    whole : what was judged at thresholds of the validation patches, to be subtracted.
    """
    patches, sizes, parts = study.patches, terciles(study.patches.label), []
    for fold in study.folds[BY_EVENT]:
        network = load_landslide(study.cell_folder(recipe, fold, study.profile.seeds[0]) / WEIGHTS)
        others = np.sort(np.concatenate([fold.train, fold.validation]))
        level = choose_threshold(count_on(network, patches, others, half=recipe.half))
        channels = samples_of(patches, network.settings.normaliser, fold.test).channels
        truth = patches.truth_of(fold.test)
        known = (patches.label[fold.test], patches.valid[fold.test], patches.event[fold.test])
        logits = predict(network, channels, half=recipe.half).numpy()
        parts.append(judge(logits, *known, threshold=level, sizes=sizes, truth=truth))
    judged = [joined(parts)]
    row: dict[str, Any] = {"part": "recipe", "method": f"{recipe.name}, thresholds of all other patches"}
    row |= {"network": recipe.network, "split": BY_EVENT, "seeds": 1, "folds": len(parts)}
    row |= {"thresholds": listed([one.threshold for one in parts])}
    return row | score(judged) | difference_columns(judged, [whole[0]], recipe.name)
