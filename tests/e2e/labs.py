"""The lab (tests/lab) and patience, for the tests of this folder."""
import json
import os
import subprocess
import time

_LAB = os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "lab", "lab")


def lab(folder, *words, build=None):
    """One call of tests/lab/lab, and what it says as JSON. The lab lives in `folder` and ends with this process; `build`: whose programs it takes."""
    done = subprocess.run([_LAB, "--dir", folder, "--owner", str(os.getpid()), *words], capture_output=True, text=True, check=False,
                          env={**os.environ, **({"QW_BUILD_DIR": build} if build else {})})
    if done.returncode != 0:
        raise AssertionError(f"lab {' '.join(words)}: {done.stderr}")
    return json.loads(done.stdout) if done.stdout.strip() else {}


def until(condition, seconds, what):
    """The first result of the condition that is true. `what` was waited for: a text, or a function that gives it when it did not come."""
    deadline = time.monotonic() + seconds
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() >= deadline:
            raise AssertionError(what if isinstance(what, str) else what())
        time.sleep(0.1)
