"""What our network would make of its test without one of the bands: an ablation that trains nothing anew."""

from functools import partial
from typing import TYPE_CHECKING, Any

from epi.learn.devices import device_of
from epi.learn.landslides.cells import KEPT, WEIGHTS, judged_on, logits_on
from epi.learn.landslides.networks import load_landslide
from epi.learn.landslides.profiles import BY_EVENT, HIDDEN
from epi.learn.landslides.recipe import LandslideRecipe
from epi.learn.landslides.scores import Judged, joined, score, terciles
from epi.learn.landslides.table import difference_columns

if TYPE_CHECKING:
    from epi.learn.landslides.run import LandslideStudy


def hidden_rows(study: "LandslideStudy", recipe: LandslideRecipe, whole: list[Judged]) -> list[dict[str, Any]]:
    """Scores of a recipe's networks when what comes from one band is hidden from them: set to its mean everywhere.

    Parameters
    ----------
    study : done, with the weights of the recipe kept.
    recipe : whose networks are asked again; each at a threshold chosen as before with the same band hidden.
    whole : what was judged with nothing hidden at the threshold that is kept, to be subtracted.

    Returns
    -------
    A row a band, with ``how`` "hidden at the test". Bands that tell the same hide each other's worth.
    """
    first = [whole[0]]
    known = {"part": "channels", "how": "hidden at the test", "network": recipe.network, "split": BY_EVENT}
    known |= {"threshold_on": KEPT}
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
        answer = partial(logits_on, network, patches, recipe=recipe, hidden=hidden, device=device_of(study.device))
        parts.append(judged_on(answer, patches, fold, sizes=sizes)[0][KEPT])
    return joined(parts)
