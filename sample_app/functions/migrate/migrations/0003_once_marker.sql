-- The table is the runtime module's own (see handler.py); whose it is to use, we say.
-- UPDATE is for locking alone.
GRANT SELECT, INSERT, UPDATE, DELETE ON once_marker TO trips;
