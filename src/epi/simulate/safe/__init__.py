"""SAFE products written to disk, as real as annotations can be.

``writer``    Writer: measurement files, their data sets, the manifest that names them all
``annotations``, ``calibration``, ``telemetry``, ``manifest``  the data sets (``entries``: their XML)
``publish``   results that appear whole
"""
