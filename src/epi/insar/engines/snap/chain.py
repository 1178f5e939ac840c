"""The chain from two SLC products to a displacement map, as stages of SNAP operators.

=======================  ==================================================================================
stage                    operators
=======================  ==================================================================================
reference, secondary     Read, SliceAssembly (several slices), TOPSAR-Split, Apply-Orbit-File, Write
coregister               Read, Back-Geocoding, Enhanced-Spectral-Diversity (``esd``), Write
interferogram            Read, Interferogram, TOPSAR-Deburst, Write
merge                    Read, TOPSAR-Merge, Write (``merge``)
refine                   Read, TopoPhaseRemoval, Multilook, GoldsteinPhaseFiltering, Write
export, unwrap, import   SnaphuExport; SNAPHU itself; SnaphuImport (``unwrap``)
displacement             PhaseToDisplacement, BandMerge, Write (``unwrap``)
geocode                  Read, Terrain-Correction, Write (``geocode``)
=======================  ==================================================================================

What lies between two stages is BEAM-DIMAP, which keeps virtual bands; the last stage writes the format asked for.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from epi.errors import ParameterError
from epi.insar.engines.snap import bands, images, operators
from epi.insar.engines.snap.bands import Bands
from epi.insar.engines.snap.graph import Made, Node, Stage, check_graph
from epi.insar.engines.snap.images import Images
from epi.insar.engines.snap.presets import Options

BETWEEN = "BEAM-DIMAP"
ORBITS = {"precise": "Sentinel Precise (Auto Download)", "restituted": "Sentinel Restituted (Auto Download)"}


def stages(
    reference: str | Path | Sequence[str | Path],
    secondary: str | Path | Sequence[str | Path],
    options: Options | None = None,
) -> list[Stage]:
    """Return the stages of a chain in the order they run, every graph checked.

    Parameters
    ----------
    reference, secondary : the earlier and the later SLC product (``.zip`` or ``.SAFE``), or the neighbouring slices of
        each. They need not exist yet; their names must be Sentinel-1's, since SNAP's band names follow from them.
    options : what to do; the default ends in a geocoded displacement.

    Returns
    -------
    Stages, whose graphs `Stage.xml` writes. Nothing was run: SNAP was not at hand when this was written, and the
    checks rest on the facts in ``data/snap_operators.json``.

    Raises
    ------
    ParameterError : the two products are no pair, or a graph would be refused (see `graph.check_graph`).
    """
    options = options or Options()
    pair = images.pair(reference, secondary, polarisation=options.polarisation)
    chain = _Chain(*pair, options, [])
    for swath in options.subswaths:
        chain.subswath(swath)
    if options.merge:
        chain.merged()
    _check_extra(options, chain.stages)
    return chain.stages


def _check_extra(options: Options, made: Sequence[Stage]) -> None:
    used = dict.fromkeys(name for stage in made for name in stage.operators)
    for operator in options.parameters:
        if operator not in used:
            raise ParameterError(
                f"Option parameters names the operator {operator!r}, which is not in this chain; it has: "
                f"{operators.listed(used)}."
            )


@dataclass
class _Chain:
    """The stages while they are put together."""

    reference: Images
    secondary: Images
    options: Options
    stages: list[Stage]

    def subswath(self, swath: str) -> None:
        """Add the stages of one subswath."""
        name = swath.lower()
        pair = [self._image(swath, "reference", self.reference), self._image(swath, "secondary", self.secondary)]
        last = self._interferogram(name, self._coregister(name, pair), more=True)
        if not self.options.merge:
            self._finish(name, last)

    def merged(self) -> None:
        """Add the stages that follow the joining of subswaths."""
        parts = [stage for stage in self.stages if stage.name.endswith("_interferogram")]
        nodes = [self._node("TOPSAR-Merge")]
        last = self._add("merged", "merge", "Joins the subswaths into one image.", parts, nodes, more=self._refines())
        self._finish("merged", last)

    def _image(self, swath: str, role: str, image: Images) -> Stage:
        reads = [Node(f"Read{number or ''}", "Read", {"file": path}) for number, path in enumerate(image.files)]
        whole = bands.of_image(image.scenes[0])
        nodes = [self._node("SliceAssembly", selectedPolarisations=self.options.polarisation)] if len(reads) > 1 else []
        bursts = self.options.bursts
        split: dict[str, Any] = {} if bursts is None else {"firstBurstIndex": bursts[0], "lastBurstIndex": bursts[1]}
        nodes += [
            self._node("TOPSAR-Split", subswath=swath, selectedPolarisations=self.options.polarisation, **split),
            self._node("Apply-Orbit-File", orbitType=ORBITS[self.options.orbit], continueOnFail=False),
        ]
        what = f"Cuts {swath} out of the {role} and gives it the {self.options.orbit} orbit."
        return self._stage(
            swath.lower(), role, what, reads, [whole] * len(reads), tuple(image.files), nodes, final=False
        )

    def _coregister(self, name: str, pair: list[Stage]) -> Stage:
        nodes = [self._node("Back-Geocoding", **self._dem(), outputDerampDemodPhase=self.options.esd)]
        nodes += [self._node("Enhanced-Spectral-Diversity")] if self.options.esd else []
        return self._add(name, "coregister", "Brings the secondary onto the pixels of the reference.", pair, nodes)

    def _interferogram(self, name: str, stack: Stage, *, more: bool) -> Stage:
        options = self.options
        settings: dict[str, Any] = {"includeCoherence": True}
        if options.coherence_window is not None:
            settings |= dict(zip(("cohWinAz", "cohWinRg"), options.coherence_window, strict=True))
        inside = options.topography == "interferogram"
        settings |= {"subtractFlatEarthPhase": True, "subtractTopographicPhase": inside}
        if inside:
            settings |= self._dem()
            settings |= {"outputElevation": True} if options.elevation and not options.merge else {}
            settings |= {"outputLatLon": True} if options.latitude_longitude and not options.geocode else {}
        nodes = [
            self._node("Interferogram", **settings),
            self._node("TOPSAR-Deburst", selectedPolarisations=options.polarisation),
        ]
        what = "Multiplies reference and conjugate secondary, removes the phase of the ellipsoid, joins the bursts."
        return self._add(name, "interferogram", what, [stack], nodes, more=options.merge or self._refines())

    def _refines(self) -> bool:
        options = self.options
        refine = options.topography == "separate" or options.looks is not None or options.goldstein
        return refine or options.unwrap or options.geocode

    def _finish(self, name: str, last: Stage) -> None:
        options = self.options
        nodes = self._refinement(name)
        after = options.unwrap or options.geocode
        if nodes:
            what = "Removes the phase of the topography where that is left, averages pixels, filters the phase."
            last = self._add(name, "refine", what, [last], nodes, more=after)
        if options.unwrap:
            last = self._unwrapped(name, last)
        if options.geocode:
            self._add(name, "geocode", "Puts every band on a map.", [last], [self._terrain(last.bands)], more=False)

    def _refinement(self, name: str) -> list[Node]:
        options, looks = self.options, self.options.looks_of(name)
        nodes = []
        if options.topography == "separate":
            kept: dict[str, Any] = {"outputElevationBand": True} if options.elevation else {}
            kept |= {"outputLatLonBands": True} if options.latitude_longitude and not options.geocode else {}
            nodes.append(self._node("TopoPhaseRemoval", **self._dem(), **kept))
        if looks is not None:
            nodes.append(self._node("Multilook", nRgLooks=looks[1], nAzLooks=looks[0]))
        if options.goldstein:
            nodes.append(self._node("GoldsteinPhaseFiltering", **self._goldstein()))
        return nodes

    def _goldstein(self) -> dict[str, Any]:
        options = self.options
        adaptive = options.goldstein_alpha is None
        settings: dict[str, Any] = {} if adaptive else {"alpha": options.goldstein_alpha}
        if operators.knows("GoldsteinPhaseFiltering", "useAdaptiveAlpha", version=options.snap_version):
            settings["useAdaptiveAlpha"] = adaptive
        settings |= {"FFTSizeString": options.goldstein_fft, "windowSizeString": options.goldstein_window}
        if options.goldstein_coherence is None:
            return settings | {"useCoherenceMask": False}
        return settings | {"useCoherenceMask": True, "coherenceThreshold": options.goldstein_coherence}

    def _unwrapped(self, name: str, wrapped: Stage) -> Stage:
        tiles: dict[str, Any] = {"numberOfTileRows": 1, "numberOfTileCols": 1, "rowOverlap": 0, "colOverlap": 0}
        number = len(self.stages) + 1
        export_name = f"{number:02d}_{name}_export"
        export_node = self._node(
            "SnaphuExport", targetFolder=Made(export_name, "."), statCostMode="DEFO", initMethod="MST", **tiles
        )
        export = self._stage(
            name,
            "export",
            "Writes phase, coherence and a configuration for SNAPHU.",
            [Node("Read", "Read", {"file": wrapped.outputs[0]})],
            [wrapped.bands],
            wrapped.outputs,
            [export_node],
            final=False,
        )
        header = f"Unw{wrapped.bands.phase}.snaphu.hdr"
        unwrap_name = f"{number + 1:02d}_{name}_unwrap"
        unwrap = Stage(
            name=unwrap_name,
            what="Unwraps the phase with SNAPHU.",
            nodes=(),
            inputs=export.outputs,
            outputs=(Made(unwrap_name, header), Made(unwrap_name, header.removesuffix(".hdr") + ".img")),
            chain=name,
            bands=Bands(real=(header.removesuffix(".snaphu.hdr"),)),
            version=self.options.snap_version,
        )
        self.stages.append(unwrap)
        join = [self._node("SnaphuImport")]
        imported = self._add(name, "import", "Puts the unwrapped phase beside the wrapped.", [wrapped, unwrap], join)
        return self._displacement(name, imported)

    def _displacement(self, name: str, imported: Stage) -> Stage:
        to_metres = self._node("PhaseToDisplacement", sources=("Read",))
        together = self._node("BandMerge", sources=("Read", "PhaseToDisplacement"))
        what = "Turns unwrapped phase into displacement toward the satellite, in metres, beside the other bands."
        return self._add(name, "displacement", what, [imported], [to_metres, together], more=self.options.geocode)

    def _terrain(self, source: Bands) -> Node:
        options = self.options
        wanted = ("i_ifg_", "q_ifg_", "coh_", "Unw_Phase_ifg_", "displacement", "elevation")
        named = [name for name in source.names if name.startswith(wanted)]
        keep: dict[str, Any] = {
            "saveDEM": options.elevation and "elevation" not in source.names,
            "saveLatLon": options.latitude_longitude or options.format == "HDF5",  # its writer knows no map grid
            "saveLocalIncidenceAngle": options.incidence,
        }
        return self._node(
            "Terrain-Correction",
            sourceBands=named,
            **self._dem(),
            pixelSpacingInMeter=options.pixel_m,
            outputComplex=True,
            **{name: on for name, on in keep.items() if on},
        )

    def _dem(self) -> dict[str, Any]:
        given = self.options.dem_file
        own = {} if given is None else {"externalDEMFile": given.expanduser().absolute()}
        return {"demName": self.options.dem, **own}

    def _node(self, operator: str, /, *, sources: tuple[str, ...] = (), **parameters: Any) -> Node:  # noqa: ANN401
        """Make a node, with the user's own values last; sources are filled in when the stage is known."""
        version = self.options.snap_version
        extra = {name: operators.as_text(value) for name, value in self.options.parameters.get(operator, {}).items()}
        return Node(operator, operator, parameters | operators.canonical(operator, extra, version=version), sources)

    def _add(
        self, name: str, purpose: str, what: str, sources: Sequence[Stage], nodes: list[Node], *, more: bool = True
    ) -> Stage:
        reads = [
            Node(f"Read{number or ''}", "Read", {"file": stage.outputs[0]}) for number, stage in enumerate(sources)
        ]
        inputs = tuple(file for stage in sources for file in stage.outputs)
        return self._stage(
            name, purpose, what, reads, [stage.bands for stage in sources], inputs, nodes, final=not more
        )

    def _stage(
        self,
        name: str,
        purpose: str,
        what: str,
        reads: Sequence[Node],
        read_bands: Sequence[Bands],
        inputs: tuple[Path | Made, ...],
        nodes: Sequence[Node],
        *,
        final: bool,
    ) -> Stage:
        """Check and keep one stage: nodes that name no sources follow one another."""
        stage_name = f"{len(self.stages) + 1:02d}_{name}_{purpose}"
        before = tuple(node.id for node in reads)
        graph = list(reads)
        for node in nodes:
            graph.append(node if node.sources else replace(node, sources=before))
            before = (node.id,)
        if nodes[-1].operator == "SnaphuExport":
            outputs = (Made(stage_name, "."),)
        else:
            outputs = (self._file(stage_name, name, final=final),)
            format_name = self.options.format if final else BETWEEN
            write = self._node("Write", file=outputs[0], formatName=format_name)
            graph.append(replace(write, sources=before))
        known = {node.id: found for node, found in zip(reads, read_bands, strict=True)}
        made = check_graph(graph, known, version=self.options.snap_version)
        own = tuple(dict.fromkeys(v for node in nodes for v in node.parameters.values() if isinstance(v, Path)))
        stage = Stage(
            stage_name, what, tuple(graph), inputs + own, outputs, name, made, version=self.options.snap_version
        )
        self.stages.append(stage)
        return stage

    def _file(self, stage_name: str, name: str, *, final: bool) -> Made:
        if not final:
            return Made(stage_name, f"{stage_name}.dim")
        writers = operators.contract()["writers"]
        suffix = writers.get(self.options.format, {"ext": ""})["ext"].split(" ")[0]
        dates = "_".join(f"{image.scenes[0].start:%Y%m%d}" for image in (self.reference, self.secondary))
        return Made(stage_name, f"{dates}_{name}{suffix}")
