"""What the lab's user is told: one lower-case sentence, outside in."""


class LabError(Exception):
    exit_code = 1


class NotToBeHad(LabError):
    """What the lab would start can not be had on this machine: a test that needs it skips, loudly."""

    exit_code = 77
