"""The one error of the local cloud."""


class LocalCloudError(RuntimeError):
    """Something on this machine, or in the app, keeps the local cloud from working.

    The message says what, shows the last lines of whoever knows, and says what to do.
    """
