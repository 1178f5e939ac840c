"""What chapters 1 and 2 say of the default event."""

import nbformat


def said(run, name: str) -> str:
    """Return all that an executed chapter printed or showed as text."""
    cells = nbformat.read(run.path / f"{name}.ipynb", as_version=4).cells
    outputs = [output for cell in cells for output in cell.get("outputs", [])]
    return "\n".join(output.get("text", "") or output.get("data", {}).get("text/plain", "") for output in outputs)


def test_thessaly_is_plain_and_iran_iraq_is_less_than_a_fringe(default_run):
    text = said(default_run, "01_catalogue")
    assert "cm along the line of sight, plain" in text
    iran = next(line for line in text.splitlines() if "20180111-iran-iraq" in line and "hidden" in line)
    assert iran
    as_listed = next(line for line in text.splitlines() if "as listed" in line)
    assert float(as_listed.split()[-1]) < 0.5


def test_the_real_archive_lacks_one_passage(default_run):
    text = said(default_run, "02_pairs")
    assert "7 passages, 6 with an image; missing: 2016-06-25" in text
    assert "track 64 ascending IW, VV: both cover 100% of the area" in text
