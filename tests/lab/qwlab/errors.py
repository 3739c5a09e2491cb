"""What the lab's user is told: one lower-case sentence, outside in."""


class LabError(Exception):
    pass
