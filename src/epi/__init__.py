"""From an earthquake in a catalogue to its epicentre in a radar interferogram."""

import os

# Threads of torch that wait for each other by spinning slow one another down tenfold as soon as anything else uses the
# machine; asleep they cost nothing. Read by OpenMP when torch is first imported, and handed on to the notebooks.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
