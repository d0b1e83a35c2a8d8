"""The emulator's own process on this machine: its end, its pace, what it still has to do, its pages and its faults.

The modules are installed one by one: some are used outside of the emulator too.
"""
