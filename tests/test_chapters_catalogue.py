"""What chapters 1 and 2 say of the default event."""

import re

import nbformat
import pytest


def said(run, name: str) -> str:
    """Return all that an executed chapter printed or showed as text."""
    cells = nbformat.read(run.path / f"{name}.ipynb", as_version=4).cells
    outputs = [output for cell in cells for output in cell.get("outputs", [])]
    return "\n".join(output.get("text", "") or output.get("data", {}).get("text/plain", "") for output in outputs)


def test_thessaly_is_plain_and_iran_iraq_is_less_than_a_fringe(default_run):
    text = said(default_run, "01_catalogue")
    assert "cm along the line of sight, plain" in text
    expected = re.search(r"probability that an interferogram shows it: (0\.\d+)", text)
    assert expected
    assert float(expected[1]) > 0.8
    as_listed = next(line for line in text.splitlines() if "as listed" in line)
    fringes, chance = (float(value) for value in as_listed.split()[-2:])
    assert fringes < 0.5
    assert chance < 0.2


def test_two_tables_of_the_same_earthquakes_stay_two_earthquakes(default_run):
    text = said(default_run, "01_catalogue")
    assert "usgs:us2000ci3s; same:thesis:0" in text
    assert "usgs:us2000cl83; same:thesis:1" in text


def test_the_case_study_is_five_earthquakes_in_62_minutes(default_run):
    text = said(default_run, "01_catalogue")
    row = next(line for line in text.splitlines() if line.startswith("20180111-iran-iraq") and " 5 " in line)
    assert float(row.split()[-1]) == pytest.approx(1.0, abs=0.1)


def test_the_probabilities_were_checked_and_hold(default_run):
    text = said(default_run, "01_catalogue")
    shares = re.search(r"(\d+) earthquakes, (\d+)% stood out, (\d+)% predicted", text)
    assert shares
    count, seen, predicted = (int(value) for value in shares.groups())
    assert count >= 200
    assert abs(seen - predicted) <= 8
    below, bins = (int(value) for value in re.search(r"In (\d+) of (\d+) bins fewer", text).groups())
    hopeful = float(re.search(r"prediction is (-?[\d.]+) percentage points too hopeful", text)[1])
    assert below > bins / 2  # what the chapter says of it in words
    assert 1 < hopeful < 8
    own, constant = (float(value) for value in re.search(r"error ([\d.]+), of a constant ([\d.]+)", text).groups())
    assert own < 0.6 * constant


def test_some_events_are_worth_their_gigabytes_and_some_are_not(default_run):
    text = said(default_run, "01_catalogue")
    known = re.search(r"Of (\d+) earthquakes, (\d+) are likely to be seen .*, (\d+) hardly", text)
    assert known
    count, likely, hardly = (int(value) for value in known.groups())
    assert likely > 10
    assert hardly > 10
    assert likely + hardly <= count


def test_the_real_archive_lacks_one_passage(default_run):
    text = said(default_run, "02_pairs")
    assert "7 passages, 6 with an image; missing: 2016-06-25" in text
    assert "track 64 ascending IW, VV: both cover 100% of the area" in text
