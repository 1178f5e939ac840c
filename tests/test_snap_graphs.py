"""Graphs for SNAP: those of both presets stay as they are, and what SNAP would refuse or misread is refused before.

Nothing here runs SNAP. After a change that is meant, write the golden graphs anew: python tests/test_snap_graphs.py
"""

import json
import subprocess
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest

from epi.catalogue.images.scenes import scene_from_name
from epi.errors import ParameterError
from epi.insar.engines.snap import PRESETS, Options, operators, preset, stages, write_graphs
from epi.insar.engines.snap.bands import of_image, stamp
from epi.insar.engines.snap.chain import BETWEEN
from epi.insar.engines.snap.graph import Made, Node, check_graph, to_xml
from epi.insar.engines.snap.operators import check_operator, contract, default, within
from epi.insar.engines.snap.traps import check_traps
from epi.insar.slc.annotation_xml import read_annotation
from epi.insar.topsar.interferogram import looks_for

GOLDEN = Path(__file__).parent / "golden"
REFERENCE = "/data/S1A_IW_SLC__1SDV_20180106T025411_20180106T025438_020032_02220A_1234.zip"
SECONDARY = "/data/S1A_IW_SLC__1SDV_20180118T025411_20180118T025438_020207_02279A_5678.zip"
VERSIONS = (10, 11, 12, 13, 14)


def graphs(name, version, **changes):
    """All graphs of a preset as one text."""
    changes = {"subswaths": ("IW1",), "snap_version": version} | changes
    chain = stages(REFERENCE, SECONDARY, preset(name, **changes))
    return "".join(
        f"<!-- {stage.name}: {stage.what} -->\n{stage.xml('/work') if stage.nodes else ''}" for stage in chain
    )


def golden(name, version):
    return GOLDEN / f"snap_{name}_{'14' if version == 14 else '10-13'}.xml"


# ---------------------------------------------------------------------------------------------------- golden graphs


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", PRESETS)
def test_graphs_of_the_presets_stay_as_they_are(name, version):
    expected = golden(name, version).read_text(encoding="utf-8")
    assert graphs(name, version) == expected, "if this change is meant: python tests/test_snap_graphs.py"


@pytest.mark.parametrize("name", PRESETS)
def test_a_subswath_changes_nothing_but_its_name(name):
    other = graphs(name, 14, subswaths=("IW3",))
    assert other.replace("IW3", "IW1").replace("iw3", "iw1") == graphs(name, 14)


def test_versions_differ_only_where_snap_does():
    for name in PRESETS:
        old, new = (graphs(name, version).splitlines() for version in (13, 14))
        assert [line for line in new if line not in old] == ["      <useAdaptiveAlpha>false</useAdaptiveAlpha>"]


# ------------------------------------------------------------------------------------------------------- the facts


def test_facts_are_those_of_the_contract(shared_data):
    path = shared_data.parent / "contracts" / "snap_operators.json"
    if not path.is_file():
        pytest.skip("the operator contract beside ../shared/data is absent")
    theirs = json.loads(path.read_text(encoding="utf-8"))
    for operator, ours in contract()["operators"].items():
        facts = {fact["xml_name"]: fact for fact in theirs["operators"][operator]["parameters"]}
        assert set(facts) == set(ours["parameters"])
        for name, mine in ours["parameters"].items():
            fact = facts[name]
            assert {name, mine.get("field", name)} == set(fact["accepted_names"])
            assert (mine["type"], mine.get("interval")) == (fact["type"], fact.get("interval"))
            assert mine.get("required", False) == fact["notNull"]
            for version in VERSIONS:
                key = f"{version}.x"
                differs = fact.get("differs_by_version", {})
                assert operators.knows(operator, name, version=version) == (key in fact["in_versions"])
                assert default(operator, name, version=version) == differs.get("default", {}).get(key, fact["default"])
                if "values" in mine:
                    allowed = differs.get("valueSet", {}).get(key, fact["valueSet"])
                    assert operators._allowed(operator, name, mine, version=version) == allowed
    assert contract()["writers"] == theirs["writers"]
    assert contract()["dems"] == {dem["name"]: dem.get("no_data") for dem in theirs["dems"]}


@pytest.mark.parametrize("version", VERSIONS)
def test_every_default_of_snap_is_accepted(version):
    count = 0
    for operator, facts in contract()["operators"].items():
        sources = ["sourceProduct", "sourceProduct.1"][: {"none": 0, "one": 1, "several": 2}[facts["sources"]]]
        for name in facts["parameters"]:
            value = default(operator, name, version=version)
            if value is not None and operators.knows(operator, name, version=version):
                check_operator(operator, {name: value}, sources, version=version, names=False)
                count += 1
    assert count > 100


def test_a_graph_that_snap_12_ran_is_accepted(shared_data):
    """The operators a real product says it went through, with every parameter SNAP recorded."""
    product = shared_data / "slc/snap_pair_amsterdam/20230331-coreg.znap/SNAP/product_metadata.json"
    seen = set()
    for node in recorded_nodes(json.loads(product.read_text(encoding="utf-8"))):
        operator, parameters = node
        if operator in contract()["operators"]:
            facts = contract()["operators"][operator]
            sources = ["sourceProduct", "sourceProduct.1"][: {"none": 0, "one": 1, "several": 2}[facts["sources"]]]
            check_operator(operator, parameters, sources, version=12)
            seen.add(operator)
    assert seen >= {"Read", "TOPSAR-Split", "Apply-Orbit-File", "Back-Geocoding", "Interferogram", "TOPSAR-Deburst"}


def recorded_nodes(metadata):
    if isinstance(metadata, list):
        for item in metadata:
            yield from recorded_nodes(item)
    elif isinstance(metadata, dict):
        attributes = {item["name"]: item["data"]["elems"] for item in metadata.get("attributes") or []}
        if str(metadata.get("name", "")).startswith("node.") and "operator" in attributes:
            parameters = next((item for item in metadata["elements"] if item["name"] == "parameters"), {})
            given = {item["name"]: str(item["data"]["elems"]) for item in parameters.get("attributes") or []}
            yield attributes["operator"], given
        else:
            yield from recorded_nodes(list(metadata.values()))


# --------------------------------------------------------------------------- one operator at a time: what is refused

# The contract's rules, by their ids: a name that is neither field nor alias stops a graph (xml-unknown-element) and a
# command (cli-unknown), and is ignored by GPF.createProduct (hashmap-unknown-key): here it is refused for all three.
# value-checks: sets, intervals and what must be given. source-id: names and number of sources. string-conversion,
# field-or-alias and raster-node-values have tests of their own below.
ONE = ("sourceProduct",)
TWO = ("sourceProduct", "sourceProduct.1")
REFUSED = {
    "unknown operator": ("Back-Geocode", {}, ONE, 14, "Did you mean 'Back-Geocoding'"),
    "unknown name": ("Multilook", {"looks": "2"}, ONE, 14, "'looks' is not a parameter of SNAP 14"),
    "misspelt name": ("Multilook", {"nRgLook": "2"}, ONE, 14, "Did you mean 'nRgLooks'"),
    "other capitals": ("Back-Geocoding", {"DemName": "SRTM 3Sec"}, TWO, 14, "called 'demName'"),
    "label": ("Back-Geocoding", {"Digital Elevation Model": "SRTM 3Sec"}, TWO, 14, "label.*called 'demName'"),
    "label with a hyphen": (
        "Interferogram",
        {"Subtract flat-earth phase": "true"},
        ONE,
        14,
        "'subtractFlatEarthPhase'",
    ),
    "label of a number": ("Multilook", {"Number of Range Looks": "8"}, ONE, 14, "label.*called 'nRgLooks'"),
    "a later version's": ("Interferogram", {"cohWinSizeMeters": "50"}, ONE, 13, "came with SNAP 14.*for SNAP 13"),
    "a later version's too": ("Interferogram", {"outputTopoPhase": "true"}, ONE, 10, "came with SNAP 11"),
    "outside its set": ("GoldsteinPhaseFiltering", {"FFTSizeString": "48"}, ONE, 14, "'48'.*32, 64, 128, 256"),
    "set is case sensitive": ("SnaphuExport", {"statCostMode": "defo"}, ONE, 14, "'defo'.*DEFO"),
    "set of a later version": (
        "Apply-Orbit-File",
        {"orbitType": "Biomass Precise (MAAP) (Auto Download)"},
        ONE,
        13,
        "orbitType is 'Biomass",
    ),
    "outside its interval": ("GoldsteinPhaseFiltering", {"alpha": "1.5"}, ONE, 13, r"alpha is '1.5'.*\(0, 1\]"),
    "open end of an interval": ("GoldsteinPhaseFiltering", {"alpha": "0"}, ONE, 13, r"alpha is '0'.*\(0, 1\]"),
    "not a number": ("Multilook", {"nRgLooks": "two"}, ONE, 14, "nRgLooks is 'two'; allowed is a number of type int"),
    "not whole": ("Multilook", {"nRgLooks": "2.5"}, ONE, 14, "nRgLooks is '2.5'.*int"),
    "Python's truth": ("Interferogram", {"includeCoherence": "True"}, ONE, 14, "'True'; allowed is true or false"),
    "yes": ("Interferogram", {"includeCoherence": "yes"}, ONE, 14, "'yes'; allowed is true or false"),
    "rectangle": ("Subset", {"region": "0,0,100"}, ONE, 14, "x,y,width,height"),
    "no source": ("Multilook", {}, (), 14, "needs one source, found 0"),
    "one source of two": ("Back-Geocoding", {}, ONE, 14, "needs two sources or more, found 1"),
    "source too many": ("Interferogram", {}, TWO, 14, "needs one source, found 2"),
    "source of a reader": ("Read", {"file": "a"}, ONE, 14, "needs no source, found 1"),
    "source's name": ("Interferogram", {}, ("source",), 14, "named 'source'; allowed is sourceProduct"),
    "second source's name": ("BandMerge", {}, ("sourceProduct", "other"), 14, "'other'.*sourceProduct.1"),
    "unknown DEM": ("Back-Geocoding", {"demName": "SRTM 1Sec"}, TWO, 14, "demName is 'SRTM 1Sec'.*SRTM 1Sec HGT"),
    "DEM by its label": ("TopoPhaseRemoval", {"demName": "SRTM 1Sec HGT (Auto Download)"}, ONE, 14, "did you mean"),
    "resampling": ("Back-Geocoding", {"resamplingType": "bisinc"}, TWO, 14, "resamplingType is 'bisinc'"),
    "unwritable format": ("Write", {"file": "a", "formatName": "Zarr"}, ONE, 14, "formatName is 'Zarr'.*ZNAP"),
    "Snaphu is exported": ("Write", {"file": "a", "formatName": "Snaphu"}, ONE, 14, "formatName is 'Snaphu'"),
    "no file to read": ("Read", {}, (), 14, "'file' is missing"),
    "no file to write": ("Write", {"formatName": "HDF5"}, ONE, 14, "'file' is missing"),
    "no folder": ("SnaphuExport", {}, ONE, 14, "'targetFolder' is missing"),
    "subswath": ("TOPSAR-Split", {"subswath": "IW4"}, ONE, 14, "subswath is 'IW4'.*IW1, IW2, IW3"),
    "polarisation": ("TOPSAR-Split", {"selectedPolarisations": "VV,vh"}, ONE, 14, "'vh'.*VV, VH, HH, HV"),
    "burst": ("TOPSAR-Split", {"firstBurstIndex": "0"}, ONE, 14, r"firstBurstIndex is '0'.*\[1, \*\)"),
    "twice": ("Multilook", {"sourceBands": "a", "sourceBandNames": "b"}, ONE, 14, "are the same parameter"),
    "version": ("Multilook", {}, ONE, 9, "SNAP version 9 is not known; known are 10, 11, 12, 13, 14"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused_before_snap_starts(case):
    operator, parameters, sources, version, message = REFUSED[case]
    with pytest.raises(ParameterError, match=f"(?s){message}") as caught:
        check_operator(operator, parameters, sources, version=version)
    assert case in ("version", "unknown operator") or str(caught.value).startswith(operator)


@pytest.mark.parametrize("version", VERSIONS)
def test_field_and_alias_are_both_a_parameters_name(version):
    for name in ("sourceBands", "sourceBandNames"):
        check_operator("Multilook", {name: "coh"}, ONE, version=version)
        assert operators.canonical("Multilook", {name: "coh"}, version=version) == {"sourceBands": "coh"}


def test_a_parameter_is_known_from_its_version_on():
    for version in VERSIONS:
        assert operators.knows("Interferogram", "outputTopoPhase", version=version) == (version >= 11)
        assert operators.knows("GoldsteinPhaseFiltering", "useAdaptiveAlpha", version=version) == (version >= 14)
        assert default("Back-Geocoding", "demName", version=version) == (
            "SRTM 3Sec" if version < 13 else "Copernicus 30m Global DEM"
        )


@pytest.mark.parametrize(
    ("number", "interval", "inside"),
    [(1, "[1, *)", True), (0, "[1, *)", False), (0, "(0, 1]", False), (1, "(0, 1]", True), (1, "(1, 16]", False)],
)
def test_intervals(number, interval, inside):
    assert within(number, interval) is inside


@pytest.mark.parametrize(
    ("value", "text"), [(True, "true"), (False, "false"), (8, "8"), (0.5, "0.5"), (("VV", "VH"), "VV,VH"), ("a", "a")]
)
def test_every_value_reaches_snap_as_text(value, text):
    """Through its Java interface an int for a String parameter, such as FFTSizeString, would fail."""
    node = Node("M", "Multilook", {"x": value})
    assert node.texts() == {"x": text}
    assert ElementTree.fromstring(to_xml([node], Path("/w"))).findtext(".//x") == text


# ---------------------------------------------------------------------------- values that do not do what they say

TRAPS = {
    "elevation without topography": (
        "Interferogram",
        {"outputElevation": "true"},
        14,
        "no effect.*subtractTopographic",
    ),
    "coordinates without topography": ("Interferogram", {"outputLatLon": "true"}, 10, "no effect"),
    "topographic phase without it": ("Interferogram", {"outputTopoPhase": "true"}, 11, "no effect"),
    "elevation model without it": ("Interferogram", {"demName": "SRTM 1Sec HGT"}, 14, "demName.*no effect"),
    "two coherence windows": (
        "Interferogram",
        {"cohWinAz": "3", "cohWinSizeMeters": "50"},
        14,
        "leave cohWinSizeMeters",
    ),
    "flag of SNAP's own": ("Interferogram", {"gslcModeAutoDetected": "true"}, 14, "set by SNAP itself"),
    "exponent of SNAP 14": (
        "GoldsteinPhaseFiltering",
        {"alpha": "1.0"},
        14,
        "no effect while useAdaptiveAlpha is 'true'",
    ),
    "adaptive limits": (
        "GoldsteinPhaseFiltering",
        {"alphaMin": "0.5", "useAdaptiveAlpha": "false"},
        14,
        "alphaMin is '0.5'",
    ),
    "two block sizes": (
        "GoldsteinPhaseFiltering",
        {"FFTSizeString": "64", "fftSizeMeters": "500"},
        14,
        "fftSizeMeters",
    ),
    "threshold without mask": ("GoldsteinPhaseFiltering", {"coherenceThreshold": "0.4"}, 12, "useCoherenceMask=true"),
    "model without a file": ("Back-Geocoding", {"demName": "External DEM"}, 14, "no externalDEMFile"),
    "file without the model": (
        "Back-Geocoding",
        {"demName": "SRTM 3Sec", "externalDEMFile": "/dem.tif"},
        14,
        "instead of demName 'SRTM 3Sec'",
    ),
    "looks of the dialog": ("Multilook", {"nRgLooks": "8", "grSquarePixel": "true"}, 14, "nAzLooks not given"),
    "intensity": ("Multilook", {"nRgLooks": "8", "nAzLooks": "2", "outputIntensity": "true"}, 14, "no phase is left"),
    "window above a burst": ("Enhanced-Spectral-Diversity", {"fineWinHeightStr": "2048"}, 14, "lines than a burst"),
    "shift not used": ("Enhanced-Spectral-Diversity", {"overallAzimuthShift": "0.01"}, 14, "useSuppliedAzimuthShift"),
    "bursts backwards": ("TOPSAR-Split", {"firstBurstIndex": "5", "lastBurstIndex": "3"}, 14, "firstBurstIndex is 5"),
    "metadata up to SNAP 12": ("Subset", {"region": "0,0,9,9"}, 12, "copyMetadata is 'false'"),
    "reading a part": ("Read", {"file": "a", "pixelRegion": "0,0,9,9"}, 14, "useAdvancedOptions=true"),
    "clearing the cache": ("Write", {"file": "a", "clearCacheAfterRowWrite": "true"}, 14, "writeEntireTileRows"),
}


@pytest.mark.parametrize("case", TRAPS)
def test_traps_are_refused(case):
    operator, parameters, version, message = TRAPS[case]
    check_operator(operator, parameters, ("sourceProduct", "sourceProduct.1")[: sources_of(operator)], version=version)
    with pytest.raises(ParameterError, match=message) as caught:
        check_traps(operator, parameters, version=version)
    assert str(caught.value).startswith(operator)


def sources_of(operator):
    return {"none": 0, "one": 1, "several": 2}[contract()["operators"][operator]["sources"]]


@pytest.mark.parametrize(
    ("operator", "parameters", "version"),
    [
        ("GoldsteinPhaseFiltering", {"alpha": "1.0"}, 13),
        ("GoldsteinPhaseFiltering", {"alpha": "1.0", "useAdaptiveAlpha": "false"}, 14),
        ("Interferogram", {"outputElevation": "true", "subtractTopographicPhase": "true"}, 14),
        ("Interferogram", {"outputElevation": "false"}, 14),
        ("Interferogram", {"cohWinAz": "3"}, 14),
        ("Subset", {"region": "0,0,9,9"}, 13),
        ("Back-Geocoding", {"demName": "External DEM", "externalDEMFile": "/dem.tif"}, 14),
    ],
)
def test_what_has_its_effect_is_not_refused(operator, parameters, version):
    check_traps(operator, parameters, version=version)


# ------------------------------------------------------------------------------------------- names of bands, order


def last(options, purpose="geocode"):
    return next(stage for stage in stages(REFERENCE, SECONDARY, options) if stage.name.endswith(purpose))


@pytest.mark.parametrize("version", VERSIONS)
def test_names_of_the_stack_change_with_14(version):
    stack = last(Options(snap_version=version, subswaths=("IW2",)), "coregister").bands
    ends = ("ref_06Jan2018", "sec1_18Jan2018") if version == 14 else ("mst_06Jan2018", "slv1_18Jan2018")
    assert stack.real == tuple(f"{part}_IW2_VV_{end}" for end in ends for part in "iq")


def test_hdf5_loses_phase_and_intensity():
    made = last(preset("srtm-hdf5", subswaths=("IW1",)), "refine").bands
    end = "VV_06Jan2018_18Jan2018"
    assert made.names == (f"i_ifg_{end}", f"q_ifg_{end}", f"coh_IW1_{end}")


def test_removal_of_topography_renames_and_goldstein_renames_again():
    options = Options(topography="separate", goldstein=False, looks=None, subswaths=("IW1",), format="BEAM-DIMAP")
    assert last(options, "refine").bands.phase == "Phase_ifg_srd_VV_06Jan2018_18Jan2018"
    assert last(replace(options, goldstein=True), "refine").bands.phase == "Phase_ifg_VV_06Jan2018_18Jan2018"
    assert last(options, "unwrap").outputs[0].file == "UnwPhase_ifg_srd_VV_06Jan2018_18Jan2018.snaphu.hdr"


def test_a_merge_drops_subswath_and_elevation():
    merged = last(Options(merge=True), "merge").bands
    assert merged.real == tuple(f"{part}_VV_06Jan2018_18Jan2018" for part in ("i_ifg", "q_ifg", "coh"))
    assert "elevation" in last(Options(merge=True)).bands.real  # Terrain-Correction writes it anew


def test_terrain_correction_keeps_complex_and_names_the_polarisation():
    options = Options(subswaths=("IW1",))
    stage = last(options)
    given = next(node for node in stage.nodes if node.operator == "Terrain-Correction").texts()
    assert given["outputComplex"] == "true"
    assert "Phase_ifg" not in given["sourceBands"].replace("Unw_Phase_ifg", "")  # never interpolated across its jumps
    assert {"displacement_VV", "elevation_VV", "Unw_Phase_ifg_06Jan2018_18Jan2018_VV"} < set(stage.bands.real)
    lost = last(replace(options, parameters={"Terrain-Correction": {"outputComplex": False}}))
    assert "Intensity_ifg_IW1_VV_06Jan2018_18Jan2018" in lost.bands.real
    assert not any(name.startswith(("i_", "q_")) for name in lost.bands.real)


def test_a_map_in_hdf5_carries_its_coordinates():
    assert {"latitude", "longitude"} < set(last(Options(format="HDF5")).bands.real)
    with pytest.raises(ParameterError, match=r"HDF5.*saveLatLon=true"):
        stages(REFERENCE, SECONDARY, Options(format="HDF5", parameters={"Terrain-Correction": {"saveLatLon": False}}))


@pytest.mark.parametrize("operator", ["Multilook", "Terrain-Correction"])
def test_a_band_that_will_not_be_there_is_refused(operator):
    with pytest.raises(ParameterError, match=f"^{operator}: sourceBands names the band 'coherence'.*coh_IW1_VV"):
        stages(REFERENCE, SECONDARY, Options(parameters={operator: {"sourceBandNames": "coherence"}}))


def chain_of(*nodes, version=14):
    """Check a chain of operators behind a stack; each follows the one before."""
    image = of_image(scene_from_name(REFERENCE))
    graph = [Node("A", "Read", {"file": "a"}), Node("B", "Read", {"file": "b"})]
    split = {"subswath": "IW1", "selectedPolarisations": "VV"}
    graph += [Node("SA", "TOPSAR-Split", split, ("A",)), Node("SB", "TOPSAR-Split", split, ("B",))]
    before = ("SA", "SB")
    for number, (operator, parameters) in enumerate(nodes):
        graph.append(Node(f"N{number}", operator, parameters, before))
        before = (f"N{number}",)
    graph.append(Node("W", "Write", {"file": "w"}, before))
    return check_graph(graph, {"A": image, "B": replace(image, dates=("18Jan2018",))}, version=version)


BACK = ("Back-Geocoding", {})
IFG = ("Interferogram", {})
FLAT = ("Interferogram", {"subtractTopographicPhase": True})
DEBURST = ("TOPSAR-Deburst", {})
LOOKS = ("Multilook", {"nRgLooks": 8, "nAzLooks": 2})
ORDER = {
    "ESD after looks": ((BACK, DEBURST, LOOKS, ("Enhanced-Spectral-Diversity", {})), "not have gone through"),
    "ESD after deburst": ((BACK, DEBURST, ("Enhanced-Spectral-Diversity", {})), "must not have gone.*TOPSAR-Deburst"),
    "Goldstein before deburst": ((BACK, IFG, ("GoldsteinPhaseFiltering", {})), "must have gone.*TOPSAR-Deburst"),
    "topography before deburst": ((BACK, IFG, ("TopoPhaseRemoval", {})), "must have gone.*TOPSAR-Deburst"),
    "topography after looks": ((BACK, IFG, DEBURST, LOOKS, ("TopoPhaseRemoval", {})), "must not have.*Multilook"),
    "topography twice": ((BACK, FLAT, DEBURST, ("TopoPhaseRemoval", {})), "removed already.*subtractTopographicPhase"),
    "displacement of wrapped phase": ((BACK, IFG, DEBURST, ("PhaseToDisplacement", {})), "must have.*SnaphuImport"),
    "interferogram twice": ((BACK, IFG, IFG), "must not have gone through Interferogram"),
}


@pytest.mark.parametrize("case", ORDER)
def test_operators_in_an_order_that_cannot_work_are_refused(case):
    nodes, message = ORDER[case]
    with pytest.raises(ParameterError, match=message):
        chain_of(*nodes)


def test_an_order_that_works_is_not_refused():
    made = chain_of(BACK, FLAT, DEBURST, LOOKS, ("GoldsteinPhaseFiltering", {}))
    assert made.phase == "Phase_ifg_IW1_VV_06Jan2018_18Jan2018"


def test_snaphu_export_needs_the_phase_a_format_may_have_lost():
    stage = last(Options(subswaths=("IW1",)), "export")
    lossy = replace(stage.bands, virtual=())
    with pytest.raises(ParameterError, match=r"SnaphuExport: needs the bands Phase_ifg_.*virtual"):
        check_graph(stage.nodes, {"Read": lossy}, version=14)
    with pytest.raises(ParameterError, match="includeCoherence"):
        stages(REFERENCE, SECONDARY, Options(parameters={"Interferogram": {"includeCoherence": False}}))


def test_what_lies_between_stages_keeps_virtual_bands():
    assert BETWEEN in ("BEAM-DIMAP", "ZNAP")
    for stage in stages(REFERENCE, SECONDARY, preset("srtm-hdf5"))[:4]:
        assert stage.nodes[-1].texts()["formatName"] == BETWEEN


@pytest.mark.parametrize(
    ("nodes", "message"),
    [
        ([Node("R", "Read", {"file": "a"}), Node("R", "Read", {"file": "b"})], "two nodes are named 'R'"),
        ([Node("R", "Read", {"file": "a"}), Node("W", "Write", {"file": "b"}, ("X",))], "'X' is no earlier node"),
        (
            [Node("R", "Read", {"file": "a"}), Node("S", "TOPSAR-Split", {}, ("R",))],
            "nobody uses the result of node 'S'",
        ),
    ],
)
def test_graphs_that_do_not_hang_together_are_refused(nodes, message):
    image = of_image(scene_from_name(REFERENCE))
    with pytest.raises(ParameterError, match=message):
        check_graph(nodes, {"R": image}, version=14)


# --------------------------------------------------------------------------------------------------------- options


def parameters(options, operator):
    return next(n.texts() for s in stages(REFERENCE, SECONDARY, options) for n in s.nodes if n.operator == operator)


def used(options):
    return [name for stage in stages(REFERENCE, SECONDARY, options) for name in stage.operators]


def test_presets_hold_the_values_of_the_theses():
    first, second = preset("srtm-hdf5"), preset("copernicus-netcdf")
    assert "Enhanced-Spectral-Diversity" not in used(first)
    assert {"SnaphuExport", "Terrain-Correction", "Multilook"}.isdisjoint(used(first))
    assert parameters(first, "Back-Geocoding")["demName"] == "SRTM 1Sec HGT"
    assert parameters(first, "TopoPhaseRemoval")["demName"] == "SRTM 1Sec HGT"
    assert parameters(first, "Interferogram")["subtractTopographicPhase"] == "false"
    split = parameters(first, "TOPSAR-Split")
    assert split == {"firstBurstIndex": "1", "lastBurstIndex": "9", "subswath": "IW1", "selectedPolarisations": "VV"}
    assert "Enhanced-Spectral-Diversity" in used(second)
    assert "TopoPhaseRemoval" not in used(second)
    flat = parameters(second, "Interferogram")
    assert (flat["subtractTopographicPhase"], flat["outputElevation"]) == ("true", "true")
    assert flat["demName"] == "Copernicus 30m Global DEM"
    assert parameters(second, "Terrain-Correction")["pixelSpacingInMeter"] == "30.0"
    assert parameters(second, "Terrain-Correction")["saveLocalIncidenceAngle"] == "true"
    files = [stage.outputs[0].file for stage in stages(REFERENCE, SECONDARY, first)]
    assert [name for name in files if name.endswith(".h5")] == [f"20180106_20180118_iw{n}.h5" for n in (1, 2, 3)]


def test_options_switch_their_operators():
    plain = Options(subswaths=("IW2",), goldstein=False, looks=None, unwrap=False)
    assert {"GoldsteinPhaseFiltering", "Multilook", "SnaphuExport", "Enhanced-Spectral-Diversity"}.isdisjoint(
        used(plain)
    )
    assert "Enhanced-Spectral-Diversity" in used(replace(plain, esd=True))
    assert parameters(replace(plain, esd=True), "Back-Geocoding")["outputDerampDemodPhase"] == "true"
    assert parameters(plain, "Back-Geocoding")["outputDerampDemodPhase"] == "false"
    filtered = replace(plain, goldstein=True, goldstein_alpha=0.6, goldstein_fft=128, goldstein_coherence=0.3)
    given = parameters(filtered, "GoldsteinPhaseFiltering")
    assert (given["alpha"], given["FFTSizeString"], given["coherenceThreshold"]) == ("0.6", "128", "0.3")
    assert parameters(replace(plain, bursts=(3, 5)), "TOPSAR-Split")["lastBurstIndex"] == "5"
    assert parameters(replace(plain, looks=(3, 12)), "Multilook") == {"nRgLooks": "12", "nAzLooks": "3"}
    metres = replace(plain, coherence_window=None, parameters={"Interferogram": {"cohWinSizeMeters": 60}})
    assert "cohWinAz" not in parameters(metres, "Interferogram")
    adaptive = parameters(replace(plain, goldstein=True, goldstein_alpha=None), "GoldsteinPhaseFiltering")
    assert (adaptive["useAdaptiveAlpha"], "alpha" in adaptive) == ("true", False)
    own = replace(plain, dem="External DEM", dem_file=Path("/dem.tif"))
    for operator in ("Back-Geocoding", "Interferogram", "Terrain-Correction"):
        assert parameters(own, operator)["externalDEMFile"] == "/dem.tif"
    assert any(Path("/dem.tif") in stage.inputs for stage in stages(REFERENCE, SECONDARY, own))


def test_looks_follow_the_size_of_a_pixel():
    """Those that the native engine takes for real images of 50 m; a preset keeps its own."""
    for swath, samples in (("IW1", "12"), ("IW2", "14"), ("IW3", "15")):
        options = Options(subswaths=(swath,), pixel_m=50.0)
        assert parameters(options, "Multilook") == {"nRgLooks": samples, "nAzLooks": "4"}
    wide = Options(merge=True, pixel_m=50.0)
    assert parameters(wide, "Multilook") == {"nRgLooks": "14", "nAzLooks": "4"}
    own = preset("copernicus-netcdf", subswaths=("IW1",), pixel_m=50.0)
    assert parameters(own, "Multilook") == {"nRgLooks": "8", "nAzLooks": "2"}


def test_looks_are_those_of_the_native_engine(shared_data):
    """The usual incidence in place of the annotation's: the same to 100 m, and within one look of it to 1 km."""
    files = sorted((shared_data / "slc" / "morocco_2023_annotations").glob("*.SAFE/annotation/*.xml"))
    assert files
    for path in files:
        swath = path.name[4:7]
        image = read_annotation(ElementTree.parse(path).getroot(), product="", track=52, source=path.name)
        for pixel_m in (10.0, 30.0, 50.0, 100.0, 200.0, 1000.0):
            looks = Options(pixel_m=pixel_m).looks_of(swath)
            native = looks_for(image, pixel_m)
            assert abs(np.subtract(looks, native)).max() <= (1 if pixel_m > 100 else 0), (swath, pixel_m, looks, native)


@pytest.mark.parametrize(
    ("name", "suffix"), [("HDF5", ".h5"), ("BEAM-DIMAP", ".dim"), ("ZNAP", ".znap"), ("NetCDF4-CF", ".nc")]
)
def test_formats_have_their_endings(name, suffix):
    final = stages(REFERENCE, SECONDARY, Options(subswaths=("IW1",), format=name))[-1]
    assert final.outputs[0].file == f"20180106_20180118_iw1{suffix}"
    assert final.nodes[-1].texts()["formatName"] == name


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"subswaths": ("IW9",)}, "subswaths is 'IW9'.*IW1, IW2, IW3"),
        ({"subswaths": ()}, "one or more"),
        ({"polarisation": "XX"}, "polarisation is 'XX'"),
        ({"bursts": (4, 2)}, "bursts is"),
        ({"bursts": (3, 3), "esd": True}, "two bursts or more with esd"),
        ({"merge": True, "subswaths": ("IW1",)}, "two subswaths or more"),
        ({"snap_version": 15}, "SNAP version 15"),
        ({"topography": "none"}, "taken for motion"),
        ({"geocode": False}, "incidence is True"),
        ({"geocode": False, "incidence": False, "merge": True}, "TOPSAR-Merge drops it"),
        ({"dem_file": Path("a.tif")}, "'External DEM' with dem_file"),
        ({"looks": "round"}, "looks is 'round'.*'square' or None"),
        ({"orbit": "best"}, "precise, restituted"),
        ({"goldstein_alpha": None, "snap_version": 13}, "goldstein_alpha is None"),
    ],
)
def test_options_no_chain_can_have_are_refused(changes, message):
    with pytest.raises(ParameterError, match=message):
        Options(**changes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"dem": "SRTM"}, "^Back-Geocoding: demName is 'SRTM'"),
        ({"format": "JPEG"}, "^Write: formatName is 'JPEG'"),
        ({"goldstein_alpha": 2.0}, "^GoldsteinPhaseFiltering: alpha is '2.0'"),
        ({"goldstein_fft": 100}, "^GoldsteinPhaseFiltering: FFTSizeString is '100'"),
        ({"looks": (0, 8)}, "^Multilook: nAzLooks is '0'"),
        ({"parameters": {"Multilook": {"Number of Range Looks": 8}}}, "label of SNAP's dialog"),
        ({"parameters": {"Subset": {"region": "0,0,9,9"}}}, "'Subset', which is not in this chain"),
        ({"parameters": {"Interferogram": {"cohWinSizeMeters": 60}}}, "cohWinAz is '3', which has no effect"),
    ],
)
def test_values_snap_would_refuse_are_refused_with_the_operator_named(changes, message):
    with pytest.raises(ParameterError, match=message):
        stages(REFERENCE, SECONDARY, Options(**changes))


def test_unknown_preset_and_option():
    with pytest.raises(ParameterError, match="known are srtm-hdf5, copernicus-netcdf"):
        preset("srtm")
    with pytest.raises(ParameterError, match="'looks_range'"):
        preset("srtm-hdf5", looks_range=2)


def test_a_researchers_own_parameter_reaches_the_graph():
    options = Options(parameters={"Back-Geocoding": {"maskOutAreaWithoutElevation": False}})
    assert parameters(options, "Back-Geocoding")["maskOutAreaWithoutElevation"] == "false"


# ------------------------------------------------------------------------------------------------------- the images

NAME = "/data/S1A_IW_SLC__1SDV_20180118T02{}_20180118T02{}_020207_02279A_{}.zip"


@pytest.mark.parametrize(
    ("reference", "secondary", "options", "message"),
    [
        (SECONDARY, REFERENCE, {}, "not earlier.*swap"),
        (REFERENCE, REFERENCE, {}, "not earlier"),
        (REFERENCE, SECONDARY.replace("020207", "020208"), {}, "track 10.*track 11"),
        (REFERENCE, SECONDARY.replace("SLC__1SDV", "GRDH_1SDV"), {}, "needs IW SLC"),
        (REFERENCE, SECONDARY.replace("1SDV", "1SSV"), {"polarisation": "VH"}, "has no VH"),
        (REFERENCE, "/data/second.zip", {}, "not a Sentinel-1 product name"),
        (REFERENCE, (NAME.format(5411, 5438, "5678"), NAME.format(5500, 5527, "9ABC")), {}, "not neighbouring slices"),
        (REFERENCE, (), {}, "No SLC product given"),
    ],
)
def test_two_products_that_are_no_pair_are_refused(reference, secondary, options, message):
    with pytest.raises(ParameterError, match=message):
        stages(reference, secondary, Options(**options))


def test_neighbouring_slices_are_assembled_in_order_of_time():
    slices = [NAME.format(5436, 5503, "9ABC"), NAME.format(5411, 5438, "5678")]
    stage = stages(REFERENCE, slices, Options(subswaths=("IW1",)))[1]
    assert stage.operators == ("Read", "Read", "SliceAssembly", "TOPSAR-Split", "Apply-Orbit-File", "Write")
    assert [path.name for path in stage.inputs] == [Path(name).name for name in reversed(slices)]


def test_a_safe_folder_is_opened_by_its_manifest():
    stage = stages(REFERENCE.replace(".zip", ".SAFE"), SECONDARY, Options())[0]
    assert stage.nodes[0].texts()["file"] == REFERENCE.replace(".zip", ".SAFE/manifest.safe")


def test_dates_are_written_as_snap_writes_them():
    scene = scene_from_name(REFERENCE)
    days = [replace(scene, start=pd.Timestamp(f"2021-{month:02d}-03", tz="UTC")) for month in (3, 5, 10, 12)]
    assert [stamp(day) for day in days] == ["03Mar2021", "03May2021", "03Oct2021", "03Dec2021"]


# -------------------------------------------------------------------------------------------------------- the files


def test_files_for_any_user_of_snap(tmp_path):
    written = write_graphs(REFERENCE, SECONDARY, tmp_path / "graphs", options=Options(subswaths=("IW1",)))
    chain = stages(REFERENCE, SECONDARY, Options(subswaths=("IW1",)))
    assert [path.name for path in written] == [f"{stage.name}.xml" for stage in chain if stage.nodes] + ["run.sh"]
    for stage in chain:
        if stage.nodes:
            root = ElementTree.parse(tmp_path / "graphs" / f"{stage.name}.xml").getroot()
            assert root.tag == "graph"
            assert [node.findtext("operator") for node in root.iter("node")] == list(stage.operators)
    words = written[-1].read_text(encoding="utf-8")
    assert subprocess.run(["sh", "-n", written[-1]], check=False).returncode == 0
    positions = [words.index(stage.name) for stage in chain]
    assert positions == sorted(positions)
    assert words.count("gpt ") >= len(written) - 1
    assert "snaphu -f snaphu.conf Phase_ifg_IW1_VV_06Jan2018_18Jan2018.snaphu.img" in words


def test_nothing_is_written_where_a_graph_is_refused(tmp_path):
    with pytest.raises(ParameterError):
        write_graphs(REFERENCE, SECONDARY, tmp_path / "graphs", options=Options(dem="SRTM"))
    assert not (tmp_path / "graphs").exists()


def test_every_stage_reads_what_an_earlier_one_makes():
    for options in (Options(merge=True), preset("srtm-hdf5"), preset("copernicus-netcdf")):
        made = set()
        for stage in stages(REFERENCE, SECONDARY, options):
            assert {file for file in stage.inputs if isinstance(file, Made)} <= made
            made.update(stage.outputs)


def test_characters_of_xml_and_of_gpt_in_a_path():
    odd = REFERENCE.replace("/data", "/R&D <1>")
    stage = stages(odd, SECONDARY, Options())[0]
    assert ElementTree.fromstring(stage.xml("/work")).findtext(".//file") == odd
    with pytest.raises(ParameterError, match="gpt takes"):
        stages(REFERENCE.replace("/data", "/${x}"), SECONDARY, Options())[0].xml("/work")


if __name__ == "__main__":
    GOLDEN.mkdir(exist_ok=True)
    for preset_name in PRESETS:
        for snap_version in VERSIONS:
            golden(preset_name, snap_version).write_text(graphs(preset_name, snap_version), encoding="utf-8")
