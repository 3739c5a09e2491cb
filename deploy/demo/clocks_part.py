"""The demo's clocks: three chronyds that serve a time and set nobody's clock, and what can be wrong with what they serve."""
import os

import demo

PARTS = """\
chrony-1 chrony-2 chrony-3              chronyd each, which serves a time and never sets this machine's"""
# Beyond the critical limit of the default profile, 0.5 s, whatever the bounds.
SKEW_SECONDS, STEP_SECONDS = 0.75, 30


def start():
    demo.lab("up", "chrony", "--nodes", "3")


def target(shown):
    """Its lines in the daemon's configuration."""
    members = ", ".join(f"ntp://{node['address']}" for node in demo.nodes_of(shown, "chrony").values())
    return f"""\
  - system: clocks
    name: time
    members: [{members}]
"""


def own(shown):
    """The chronyd that stands for the one of the mesh's own machines; no break touches it."""
    return _address(shown, "chrony-1")


def skew(shown):
    demo.lab("clock", "chrony-2", "--offset", str(SKEW_SECONDS))
    return (f"chrony-2 ({_address(shown, 'chrony-2')}) serves a time that is {SKEW_SECONDS} s ahead, and says with a straight face that it\n"
            "is synchronised to some microseconds. The interval that its answers leave proves it wrong.")


def step(shown):
    demo.lab("clock", "chrony-3", "--offset", str(STEP_SECONDS))
    return (f"The time that chrony-3 ({_address(shown, 'chrony-3')}) serves jumps by {STEP_SECONDS} s; this machine's own clock is left alone.")


# Name: (what it does, the metric to watch, how to break it).
BREAKS = {
    "clock-skew": ("lets a clock be wrong", 'quorumwatch_clock_(offset_seconds|bound_seconds|outlier){.*system="clocks"', skew),
    "clock-step": ("sets a served clock", 'quorumwatch_clock_(steps_total|offset_seconds){.*system="clocks"', step),
}


def heal(shown):
    """What is wrong with a served clock is in the file that its reference clock reads."""
    healed = []
    for name in demo.nodes_of(shown, "chrony"):
        with open(os.path.join(demo.FOLDER, "data", name, "offset"), encoding="ascii") as file:
            wrong = float(file.read()) != 0
        if wrong:
            demo.lab("clock", name, "--offset", "0")
            healed.append(f"{name} serves the right time again")
    return healed


def _address(shown, name):
    return shown["nodes"][name]["address"]
