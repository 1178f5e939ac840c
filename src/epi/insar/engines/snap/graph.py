"""A stage of the chain as a graph of SNAP operators, checked as a whole and written as the XML that ``gpt`` reads."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree

from epi.errors import ParameterError
from epi.insar.engines.snap import bands, operators
from epi.insar.engines.snap.bands import Bands
from epi.insar.engines.snap.traps import check_traps

SINKS = ("Write", "SnaphuExport")
"""Operators whose result is a file; every other must have its result used."""


@dataclass(frozen=True)
class Made:
    """A file or folder that a stage makes: ``file`` in the stage's own folder below the working folder.

    Every stage has a folder to itself, so that the folder can be made under another name and take its own when it is
    whole; a BEAM-DIMAP header, which names the files beside it, stays right.
    """

    stage: str
    file: str

    def path(self, folder: Path) -> Path:
        """Return where it is below a working folder."""
        return folder / self.stage / self.file


@dataclass(frozen=True)
class Node:
    """One operator of a graph.

    Parameters
    ----------
    id : its name within the graph.
    operator : SNAP's name of the operator.
    parameters : by name; text, numbers, truth values, lists, paths, or what a stage has `Made`.
    sources : ids of the nodes whose products it takes, in order; the first is the reference.
    """

    id: str
    operator: str
    parameters: Mapping[str, object] = field(default_factory=dict)
    sources: tuple[str, ...] = ()

    @property
    def source_ids(self) -> tuple[str, ...]:
        """Names under which the graph gives the sources, in the form every operator accepts."""
        return tuple(
            "sourceProduct" if number == 0 else f"sourceProduct.{number}" for number in range(len(self.sources))
        )

    def texts(self, folder: Path = Path("FOLDER")) -> dict[str, str]:
        """Return the parameters as text; what was `Made` becomes a path below ``folder``."""
        return {
            name: operators.as_text(value.path(folder) if isinstance(value, Made) else value)
            for name, value in self.parameters.items()
        }


@dataclass(frozen=True)
class Stage:
    """One step of the chain: a graph for SNAP, or a run of SNAPHU.

    Parameters
    ----------
    name : number, subswath and purpose, such as ``03_iw1_coregister``; also the name of its folder.
    what : what it does, in one line.
    nodes : its graph in order; empty where SNAPHU unwraps what the stage before has exported.
    inputs : files it reads, of the user or of earlier stages.
    outputs : what it makes.
    chain : the subswath it is about, or ``merged``; a stage that fails stops its own chain.
    bands : names of the bands it makes, as the facts predict them.
    version : major version of SNAP it was checked for.
    """

    name: str
    what: str
    nodes: tuple[Node, ...]
    inputs: tuple[Path | Made, ...]
    outputs: tuple[Made, ...]
    chain: str
    bands: Bands
    version: int

    @property
    def operators(self) -> tuple[str, ...]:
        """Names of its operators in order."""
        return tuple(node.operator for node in self.nodes) or ("snaphu",)

    def xml(self, folder: str | Path, *, into: Path | None = None) -> str:
        """Return the graph as ``gpt`` reads it.

        Parameters
        ----------
        folder : the working folder, below which the stages have theirs.
        into : where this stage writes, if not yet into its own folder.

        Returns
        -------
        XML text, the same for the same stage and folders.
        """
        return to_xml(self.nodes, Path(folder), into=(self.name, into) if into else None)


def to_xml(nodes: Sequence[Node], folder: Path, *, into: tuple[str, Path] | None = None) -> str:
    """Write nodes as a graph; ``into`` gives the stage whose files go into another folder, and that folder.

    Raises
    ------
    ParameterError : a value holds ``${``, which ``gpt`` takes for a variable.
    """
    root = ElementTree.Element("graph", id="Graph")
    ElementTree.SubElement(root, "version").text = "1.0"
    for node in nodes:
        element = ElementTree.SubElement(root, "node", id=node.id)
        ElementTree.SubElement(element, "operator").text = node.operator
        sources = ElementTree.SubElement(element, "sources")
        for source_id, source in zip(node.source_ids, node.sources, strict=True):
            ElementTree.SubElement(sources, source_id, refid=source)
        parameters = ElementTree.SubElement(element, "parameters", {"class": "com.bc.ceres.binding.dom.XppDomElement"})
        for name, value in node.parameters.items():
            if isinstance(value, Made) and into is not None and value.stage == into[0]:
                value = into[1] / value.file
            text = operators.as_text(value.path(folder) if isinstance(value, Made) else value)
            if "${" in text:
                raise ParameterError(
                    f"{node.operator}: {name} is {text!r}; gpt takes ${{…}} for a variable. Use another name."
                )
            ElementTree.SubElement(parameters, name).text = text
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode") + "\n"


def check_graph(nodes: Sequence[Node], reads: Mapping[str, Bands], *, version: int) -> Bands:
    """Refuse a graph that SNAP would refuse, or run otherwise than meant, before SNAP starts.

    Parameters
    ----------
    nodes : the graph in order, each node after its sources.
    reads : bands of the files read, by the id of the Read node.
    version : major version of SNAP.

    Returns
    -------
    The bands of the last node's product, as they will be in the file it writes.

    Raises
    ------
    ParameterError : see `operators.check_operator`, `traps.check_traps` and `bands.after`; also a node named twice, a
        source that is no earlier node, a result that nobody uses.
    """
    made: dict[str, Bands] = {}
    used: set[str] = set()
    for node in nodes:
        if node.id in made:
            raise ParameterError(f"Graph: two nodes are named {node.id!r}; a name must be given once.")
        for source in node.sources:
            if source not in made:
                known = operators.listed(made) or "none"
                raise ParameterError(
                    f"{node.operator}: its source {source!r} is no earlier node; earlier are: {known}."
                )
        used.update(node.sources)
        texts = node.texts()
        operators.check_operator(node.operator, texts, node.source_ids, version=version)
        check_traps(node.operator, texts, version=version)
        if node.operator == "Read":
            if node.id not in reads:
                raise ParameterError(f"Read: the bands of node {node.id!r} are not known.")
            made[node.id] = reads[node.id]
        else:
            made[node.id] = bands.after(
                node.operator, [made[source] for source in node.sources], texts, version=version
            )
    for node in nodes:
        if node.operator not in SINKS and node.id not in used:
            raise ParameterError(
                f"{node.operator}: nobody uses the result of node {node.id!r}, so SNAP would not write it."
            )
    return made[nodes[-1].id]
