"""Pilots: whole programmes as folders that a person reads and edits, and their replay.

`load_pilot` reads a folder and reports every mistake with file, line and rule before anything is
sent; `steps_of` turns it into a deterministic list of steps; `Replay` carries them out as the
people of the folder and can be killed and resumed anywhere.
"""
