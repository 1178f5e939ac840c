"""What our network would make of its test if one band were of another place: an ablation that trains nothing anew."""

from functools import partial
from typing import TYPE_CHECKING, Any

from epi.learn.devices import device_of
from epi.learn.landslides.cells import KEPT, WEIGHTS, judged_on, logits_on
from epi.learn.landslides.networks import load_landslide
from epi.learn.landslides.profiles import BY_EVENT, EXCHANGED
from epi.learn.landslides.recipe import LandslideRecipe
from epi.learn.landslides.scores import Judged, joined, score, terciles
from epi.learn.landslides.table import difference_columns

if TYPE_CHECKING:
    from epi.learn.landslides.run import LandslideStudy


def exchanged_rows(study: "LandslideStudy", recipe: LandslideRecipe, whole: list[Judged]) -> list[dict[str, Any]]:
    """Scores of a recipe's networks when what comes from one band is that of another patch (Breiman 2001).

    The band keeps its values and loses what it says of the ground that the others show.

    Parameters
    ----------
    study : done, with the weights of the recipe kept.
    recipe : whose networks are asked again; each at a threshold chosen as before, with the same band exchanged.
    whole : what was judged with nothing exchanged at the threshold that is kept, to be subtracted.

    Returns
    -------
    A row a band, with ``how`` "exchanged at the test". Bands that tell the same hide each other's worth.
    """
    first = [whole[0]]
    known = {"part": "channels", "how": "exchanged at the test", "network": recipe.network, "split": BY_EVENT}
    known |= {"threshold_on": KEPT}
    rows = [known | {"method": "nothing exchanged"} | score(first)]
    for band, names in EXCHANGED.items():
        own = [name for name in recipe.channels if name in names]
        if not own:
            continue
        judged = [_without(study, recipe, own)]
        row: dict[str, Any] = {"method": f"without {band}", "channels": " ".join(own)}
        rows.append(known | row | score(judged) | difference_columns(judged, first, "nothing exchanged"))
    return rows


def _without(study: "LandslideStudy", recipe: LandslideRecipe, own: list[str]) -> Judged:
    """All folds of the first seed, with some channels of other patches."""
    patches, sizes, parts = study.patches, terciles(study.patches.label), []
    for fold in study.folds[BY_EVENT]:
        network = load_landslide(study.cell_folder(recipe, fold, study.profile.seeds[0]) / WEIGHTS)
        answer = partial(logits_on, network, patches, recipe=recipe, exchanged=own, device=device_of(study.device))
        parts.append(judged_on(answer, patches, fold, sizes=sizes)[0][KEPT])
    return joined(parts)
