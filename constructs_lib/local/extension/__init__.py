"""What the emulator lacks, added from outside. Runs in the emulator's own interpreter: stdlib and ministack only.

There is a folder for each AWS service, `process` for the emulator's own process, `postgres` for the server behind
databases. A module changes one thing, says why, and names the AWS document that it follows; its `install()` makes the
change, and `start.py` calls them all. CloudFormation's types are added and changed by `cloudformation/handlers.py`.
The names that a module holds on to are private to MiniStack: the release is asserted at the start, and each module is
held by a test, in the file of its name or in one whose docstring names it (`tests/local/test_contracts.py` looks).
"""
