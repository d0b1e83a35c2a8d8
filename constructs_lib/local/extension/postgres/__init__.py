"""A PostgreSQL server, which is no part of the emulator: standard library only, used by tests without a cloud too."""
