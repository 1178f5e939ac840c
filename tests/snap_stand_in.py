"""A program in place of SNAP's ``gpt``: it reads the graph and writes files of the shape SNAP would."""

import os
import sys

from epi.insar.engines.snap import gpt

STAND_IN = """\
import json, math, os, signal, struct, sys
from pathlib import Path
from xml.etree import ElementTree

HERE = Path(__file__).parent
if "--diag" in sys.argv:
    print("SNAP Release version " + (HERE / "version").read_text()); sys.exit(0)
graph = Path(sys.argv[1])
stage = graph.parent.name
with (HERE / "calls").open("a") as calls:
    calls.write(json.dumps([stage, sys.argv[2:]]) + "\\n")
plan = json.loads((HERE / "plan").read_text()) if (HERE / "plan").exists() else {}
what = next((plan[part] for part in plan if part in stage), "")
LINES, SAMPLES = 40, 48

def band(path, values):
    header = f"ENVI\\nsamples = {SAMPLES}\\nlines = {LINES}\\ndata type = 4\\nbyte order = 0\\n"
    path.with_suffix(".hdr").write_text(header)
    path.write_bytes(struct.pack(f"<{len(values)}f", *values))

print("Executing processing graph", flush=True)
print("....10%....20%....30%", end="", flush=True)
if what == "crash":
    print("\\nINFO: a word\\nError: [NodeId: Back-Geocoding] Burst number 3 is out of range", file=sys.stderr)
    sys.exit(1)
if what == "memory":
    print("java.lang.OutOfMemoryError: Java heap space\\n\\tat org.esa.snap", file=sys.stderr); sys.exit(1)
if what == "full":
    print("java.io.IOException: No space left on device", file=sys.stderr); sys.exit(1)
if what == "nothing":
    print("....90% done."); sys.exit(0)
for node in ElementTree.parse(graph).iter("node"):
    given = {item.tag: item.text for item in node.find("parameters")}
    if node.findtext("operator") == "SnaphuExport":
        out = Path(given["targetFolder"]) / "product"
        out.mkdir(parents=True)
        name = (HERE / "phase").read_text() + ".snaphu"
        ramp = [0.35 * sample + 0.2 * line for line in range(LINES) for sample in range(SAMPLES)]
        band(out / f"{name}.img", [math.remainder(value, 2 * math.pi) for value in ramp])
        band(out / "coh.snaphu.img", [0.9] * len(ramp))
        (out / f"Unw{name}.hdr").write_bytes((out / f"{name}.hdr").read_bytes())
        (out / "snaphu.conf").write_text(
            f"STATCOSTMODE {given['statCostMode']}\\nINITMETHOD {given['initMethod']}\\nCORRFILE coh.snaphu.img\\n"
            "CORRFILEFORMAT FLOAT_DATA\\nINFILEFORMAT FLOAT_DATA\\n"
            f"OUTFILE Unw{name}.img\\nOUTFILEFORMAT FLOAT_DATA\\nLOGFILE snaphu.log\\n")
    if node.findtext("operator") != "Write":
        continue
    file = Path(given["file"])
    if given["formatName"] == "BEAM-DIMAP":
        data = file.with_suffix(".data"); data.mkdir()
        band(data / "i.img", [0.0] * (LINES * SAMPLES))
        if what == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        if what == "kill both":
            os.kill(os.getppid(), signal.SIGKILL); os.kill(os.getpid(), signal.SIGKILL)
        if what == "cut":
            os.truncate(data / "i.img", 1000)
        file.write_text("<Dimap_Document/>")
    else:
        file.write_bytes((HERE / "whole").read_bytes())
        if what == "cut":
            os.truncate(file, 900)
if what == "error and exit 0":
    print("\\norg.esa.snap.core.gpf.OperatorException: Orbit file could not be read", file=sys.stderr)
print("....90% done.")
"""


def install(home, monkeypatch):
    """Put the stand-in on the PATH and return its folder.

    ``version`` is what it says it is, ``phase`` the name of the phase band, ``whole`` the product of the last stage;
    ``plan`` says which stage goes wrong and how, and ``calls`` lists the stages it was asked for.
    """
    home.mkdir(parents=True)
    (home / "gpt").write_text(f"#!{sys.executable} -IS\n{STAND_IN}")
    (home / "gpt").chmod(0o755)
    (home / "version").write_text("14.0.0")
    (home / "phase").write_text("Phase_ifg_IW1_VV_06Jan2018_18Jan2018")
    monkeypatch.setenv("PATH", f"{home}:{os.environ['PATH']}")
    monkeypatch.delenv("SNAP_HOME", raising=False)
    monkeypatch.setattr(gpt, "HOMES", ())
    return home
