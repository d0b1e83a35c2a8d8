"""The one error that bad input gets."""


class InvalidPropsError(ValueError):
    """An argument of a construct cannot work once deployed.

    Raised before anything is created: no construct is left behind in the tree. The message names the
    argument, the limit, the value that was given, and the way out.
    """
