"""A real database that is overrun, killed, rotated and restarted, with the runtime's safeguards and without."""
