"""Answers that need no network: everything, nothing, where coherence is low, a line and trees on simple numbers."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from epi.learn.landslides.data import Patches

NEEDED = ("coherence", "slope", "intensity", "local_incidence_angle", "local_phase", "local_coherence")
"""Channels that these answers look at."""
BASELINES = (
    *("nothing", "everything", "low coherence", "steep and low coherence", "logistic regression", "boosted trees"),
)
STEEP_DEG = 45.0
"""Ground as steep as this, or steeper, counts as wholly steep."""
PIXELS = 200_000
"""Pixels that line and trees are fitted to, at most: half of them landslide, if there are as many."""

Numbers = NDArray[np.intp]
Floats = NDArray[np.float64]


def baseline_logits(patches: Patches, train: Numbers, *, seed: int = 0) -> dict[str, Callable[[Numbers], Floats]]:
    """Answers by name: each gives log odds of landslide (n, rows, columns) for patches of given numbers.

    Parameters
    ----------
    patches : with the channels ``NEEDED``.
    train : numbers of the patches that the logistic regression and the trees are fitted to.
    seed : of the pixels that they are fitted to, and of the trees.

    References
    ----------
    Friedman (2001), Annals of Statistics 29(5), for trees that are boosted;
    Burrows et al. (2019), Remote Sensing 11(23), for coherence as a sign of landslides.
    """
    line = _fitted(make_pipeline(StandardScaler(), LogisticRegression(max_iter=200)), patches, train, seed)
    trees = _fitted(HistGradientBoostingClassifier(random_state=seed), patches, train, seed)

    def loss(rows: Numbers) -> Floats:
        return np.asarray(1 - np.clip(patches.raw["coherence"][rows].astype(float), 0, 1))

    def steep(rows: Numbers) -> Floats:
        return np.asarray(loss(rows) * np.minimum(patches.raw["slope"][rows] / STEEP_DEG, 1))

    def asked(model: Callable[[Floats], Floats], rows: Numbers) -> Floats:
        features = _features(patches, rows)
        return np.asarray(model(features.reshape(-1, features.shape[-1])).reshape(features.shape[:3]))

    return {
        "nothing": lambda rows: np.full(patches.label[rows].shape, -20.0),
        "everything": lambda rows: np.full(patches.label[rows].shape, 20.0),
        "low coherence": lambda rows: _logit(loss(rows)),
        "steep and low coherence": lambda rows: _logit(steep(rows)),
        "logistic regression": partial(asked, line),
        "boosted trees": partial(asked, trees),
    }


def _fitted(model: Any, patches: Patches, train: Numbers, seed: int) -> Callable[[Floats], Floats]:  # noqa: ANN401
    """Log odds by one of scikit-learn's classifiers of single pixels' features, at the true share of landslides."""
    valid, label = patches.valid[train], patches.label[train]
    features, truth = _features(patches, train)[valid], label[valid]
    rng = np.random.default_rng(seed)
    chosen = [rng.permutation(np.flatnonzero(truth == kind))[: PIXELS // 2] for kind in (False, True)]
    if not len(chosen[1]):
        return lambda numbers: np.full(len(numbers), -20.0)
    both = np.concatenate(chosen)
    model.fit(features[both], truth[both])
    share = truth.mean()
    shift = np.log(share / (1 - share)) - np.log(len(chosen[1]) / len(chosen[0]))
    return lambda numbers: np.asarray(model.decision_function(numbers) + shift)


def _features(patches: Patches, rows: Numbers) -> Floats:
    """The channels, and the size of the local phase, (n, rows, columns, numbers)."""
    parts = [patches.raw[name][rows] for name in NEEDED]
    return np.stack([*parts, np.abs(patches.raw["local_phase"][rows])], axis=-1).astype(float)


def _logit(share: Floats) -> Floats:
    inner = np.clip(share, 1e-6, 1 - 1e-6)
    return np.asarray(np.log(inner / (1 - inner)))
