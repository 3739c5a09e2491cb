"""Runs the small programs that the lab is made of (ip, nft, openssl) and never ignores how they ended."""
import subprocess

from .errors import LabError


def run(arguments, text=None, check=True):
    """The program's standard output. A missing program or a bad exit is a LabError that carries its own words."""
    try:
        done = subprocess.run(arguments, input=text, capture_output=True, text=True, timeout=60, check=False)
    except FileNotFoundError:
        raise LabError(f"{arguments[0]} is not installed (tests/packages installs it)") from None
    except subprocess.TimeoutExpired:
        raise LabError(f"{' '.join(arguments)}: no end within 60 s") from None
    if check and done.returncode != 0:
        raise LabError(f"{' '.join(arguments)}: exit {done.returncode}: {done.stderr.strip()[-600:]}")
    return done.stdout
