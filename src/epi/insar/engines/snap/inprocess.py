"""SNAP inside this process, through its Python bridge ``esa_snappy``; the only module that imports it.

The same graph is given to SNAP's own graph reader, as text. Its other door, ``GPF.createProduct`` with a map of
parameters, ignores a name it does not know without a word, and wants every value in the Java type of its field.
SNAP was not at hand when this was written: the calls are tested with a stand-in.
"""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from epi.errors import MissingPackage, RunError
from epi.insar.engines.snap.gpt import INSTALL


def bridge() -> Any:  # noqa: ANN401  a module made at run time
    """Import ``esa_snappy``.

    Raises
    ------
    MissingPackage : it is not installed, or finds no SNAP (its own error is that ``jpyutil`` is missing).
    """
    before = list(sys.path)
    try:
        import esa_snappy
    except Exception as error:  # it raises what its configuration lacks, of any kind
        sys.path[:] = before
        raise MissingPackage(
            f"esa_snappy finds no SNAP ({' '.join(str(error).split())}). {INSTALL} Then run SNAP's bin/snappy-conf for "
            f"{sys.executable}."
        ) from error
    return esa_snappy


class InProcess:
    """An engine that runs each graph in this process; its Java memory is set in ``esa_snappy.ini``."""

    def __init__(self) -> None:
        self._snappy = bridge()
        self._snappy.GPF.getDefaultInstance().getOperatorSpiRegistry().loadOperatorSpis()

    @property
    def version(self) -> int | None:
        """Major version of this SNAP, or None where it does not say."""
        release = str(self._type("org.esa.snap.core.util.SystemUtils").getReleaseVersion())
        major = release.split(".")[0]
        return int(major) if major.isdigit() else None

    def run(self, graph: Path, log: Path, *, say: Callable[[str], None] = lambda words: None) -> None:
        """Run one graph.

        Parameters
        ----------
        graph : XML. log : gets the error, if there is one. say : is not told anything on the way.

        Raises
        ------
        RunError : SNAP raised an error; the message is SNAP's.
        """
        log.write_text("", encoding="utf-8")
        reader = self._type("java.io.FileReader")(str(graph))
        try:
            parsed = self._type("org.esa.snap.core.gpf.graph.GraphIO").read(reader)
            quiet = self._type("com.bc.ceres.core.ProgressMonitor").NULL
            self._type("org.esa.snap.core.gpf.graph.GraphProcessor")().executeGraph(parsed, quiet)
        except Exception as error:  # jpy turns whatever Java throws into one Python error or another
            log.write_text(f"{error}\n", encoding="utf-8")
            if "OutOfMemoryError" in str(error):
                raise RunError(
                    "SNAP ran out of memory: raise java_max_mem in esa_snappy.ini, or process fewer bursts."
                ) from error
            raise RunError(f"SNAP failed: {' '.join(str(error).split())}") from error
        finally:
            reader.close()

    def _type(self, name: str) -> Any:  # noqa: ANN401  a Java class
        return self._snappy.jpy.get_type(name)
