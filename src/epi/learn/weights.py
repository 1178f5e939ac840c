"""Files of weights and checkpoints: what they say of themselves, and one error for all that can be wrong with them."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import safetensors
import safetensors.torch
import torch
from torch import Tensor, nn

from epi.errors import FileFormatError
from epi.storage import atomic_path

Network = TypeVar("Network", bound=nn.Module)


@contextmanager
def refused(source: Path, *, of: str, remedy: str) -> Iterator[None]:
    """Turn whatever goes wrong while a file of weights is read into one FileFormatError.

    Parameters
    ----------
    source : the file.
    of : whose weights it should hold.
    remedy : what to do.
    """
    try:
        yield
    except KeyError as error:
        reason = f"it does not state its {error}"
    except RuntimeError as error:  # torch: the first line says for which network, the next what does not fit
        reason = f"of another architecture: {str(error).splitlines()[:2][-1].strip()}"
    except (OSError, TypeError, ValueError, safetensors.SafetensorError) as error:
        reason = str(error) or type(error).__name__
    else:
        return
    raise FileFormatError(f"{source} does not hold weights of {of} ({reason}): {remedy}.")


def stated_facts(source: Path) -> dict[str, str]:
    """What a file of weights says of itself, by name."""
    with safetensors.safe_open(source, framework="pt") as opened:
        return dict(opened.metadata() or {})


def save_halved(network: nn.Module, path: str | Path, facts: Mapping[str, object]) -> Path:
    """Write weights in half precision, and facts by name as JSON in the header, whole or not at all.

    Raises
    ------
    StorageError : the disk is full or the folder cannot be written.
    """
    weights = {
        name: (value.half() if value.is_floating_point() else value).contiguous()
        for name, value in network.state_dict().items()
    }
    stated = {name: json.dumps(value) for name, value in facts.items()}
    with atomic_path(path) as temporary:
        safetensors.torch.save_file(weights, temporary, metadata=stated)
    return Path(path)


def load_weights(
    path: str | Path, name: str, make: Callable[[dict[str, Any]], Network], *, of: str, ships: str, remedy: str
) -> Network:
    """Read a network from its file, ready to look; nothing in the file is executed.

    Parameters
    ----------
    path : a ``.safetensors`` file.
    name : of the fact that holds its settings.
    make : makes the network of these settings.
    of, ships, remedy : whose weights they are, which of them ship, and what to do where it is no such file.

    Raises
    ------
    FileFormatError : no such file, no such network's, or weights that do not fit or are not finite.
    """
    source = Path(path)
    if not source.is_file():
        raise FileFormatError(f"No network {source}: {ships}; check the path.")
    with refused(source, of=of, remedy=remedy):
        network = make(json.loads(stated_facts(source)[name]))
        weights = read_whole(source)
        network.load_state_dict(weights)
    if not all(torch.isfinite(part).all() for part in weights.values()):
        raise FileFormatError(f"{source} holds weights that are not finite: {remedy}.")
    return network.eval()


def card_in(path: str | Path, name: str, *, of: str, remedy: str) -> dict[str, Any]:
    """Read the card in a file of weights; one without the fact of that name is another network's, and refused.

    Raises
    ------
    FileFormatError : no such file, or no such network's.
    """
    with refused(Path(path), of=of, remedy=remedy):
        facts = stated_facts(Path(path))
        card, _ = facts["card"], facts[name]
        return dict(json.loads(card))


def read_whole(source: Path) -> dict[str, Tensor]:
    """Weights of a file in single precision, by name."""
    weights = safetensors.torch.load_file(source)
    return {name: value.float() if value.is_floating_point() else value for name, value in weights.items()}


def steps_done(path: Path, name: str, stated: str, *, other: str) -> int:
    """Steps of a checkpoint; nothing in it is executed.

    Parameters
    ----------
    path : the checkpoint.
    name, stated : what it keeps of that from which it was made, under which name, and what that must be.
    other : of what it is where it differs.

    Raises
    ------
    FileFormatError : no checkpoint, or one that was made from something else.
    """
    try:
        kept = torch.load(path, map_location="cpu", weights_only=True)
        steps, known = int(kept["global_step"]), str(kept[name])
    except Exception as error:  # torch raises many kinds for a file it did not write
        raise FileFormatError(
            f"{path} is not a checkpoint ({type(error).__name__}): delete it to start again."
        ) from error
    if known != stated:
        raise FileFormatError(f"{path} is of {other}: give another folder, or delete it to start again.")
    return steps
