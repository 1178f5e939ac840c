"""From an earthquake in a catalogue to its epicentre in a radar interferogram."""
