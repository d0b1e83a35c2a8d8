"""What the emulator lacks, added from outside. Runs in the emulator's own interpreter: stdlib and ministack only.

Each file changes one thing, says why, and names the AWS document that it follows. The names that it holds on to
are private to MiniStack: the release is asserted at the start, and each change has a contract test.
"""
