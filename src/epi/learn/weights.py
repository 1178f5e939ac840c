"""Files of weights: what they say of themselves, and one error for all that can be wrong with them."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import safetensors

from epi.errors import FileFormatError


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
