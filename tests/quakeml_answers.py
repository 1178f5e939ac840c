"""Answers of an event service, written for tests."""

_EVENT = """<event publicID="quakeml:earthquake.usgs.gov/fdsnws/event/1/query?eventid={0}&amp;format=quakeml">
<preferredOriginID>quakeml:o/{0}</preferredOriginID><preferredMagnitudeID>quakeml:m/{0}</preferredMagnitudeID>
<type>earthquake</type><description><type>earthquake name</type><text>16 km ESE of Mandali, Iraq</text></description>
<origin publicID="quakeml:o/{0}"><time><value>{1}</value></time><latitude><value>{2}</value></latitude>
<longitude><value>{3}</value></longitude><depth><value>{4}</value></depth></origin>
<magnitude publicID="quakeml:m/{0}"><mag><value>{5}</value></mag><type>mww</type></magnitude></event>"""

_ANSWER = """<?xml version="1.0" encoding="UTF-8"?>
<q:quakeml xmlns="http://quakeml.org/xmlns/bed/1.2" xmlns:q="http://quakeml.org/xmlns/quakeml/1.2">
<eventParameters publicID="quakeml:answer">{}</eventParameters></q:quakeml>"""


def quakeml_text(events) -> bytes:
    """Write QuakeML of (id, time, latitude, longitude, depth in km, magnitude)."""
    rows = [_EVENT.format(*event[:4], event[4] * 1000, event[5]) for event in events]
    return _ANSWER.format("".join(rows)).encode()
