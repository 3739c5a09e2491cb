#!/usr/bin/python3
"""Runs every command of every runbook in the demo, as printed: exit code 0, and some output. What changes something comes after what only
looks, and what makes sense only while something is broken, after that break (dashboards/runbooks/README.md)."""
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.realpath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "lint")]

import demo_test  # noqa: E402  (the path has to be set first)
import runbook_pages  # noqa: E402

DEMO = demo_test.DEMO
# A command may meet a server just as it starts again, or an election; after a break the system takes its time to notice.
PATIENCE, PATIENCE_BROKEN, SETTLING = 10, 40, 60
COMMAND_LIMIT = 60


def main():
    if os.geteuid() != 0:
        print("NOT TESTED: the demo needs root, for network namespaces")
        return 1 if os.environ.get("CI") else demo_test.SKIPPED
    folder = tempfile.mkdtemp(prefix="qw-runbooks-")
    work = tempfile.mkdtemp(prefix="qw-runbooks-work-")
    os.environ["QW_DEMO_DIR"] = folder
    process = subprocess.Popen([os.path.join(DEMO, "run"), "--no-build"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                               start_new_session=True)
    try:
        demo_test.started(process)
        failures = run_all(work)
    finally:
        os.killpg(process.pid, signal.SIGINT)
        demo_test.ended_within(process, 60)
        shutil.rmtree(folder, ignore_errors=True)
        shutil.rmtree(work, ignore_errors=True)
    print("\n".join(failures) or "every command of every runbook runs")
    return 1 if failures else 0


def run_all(work):
    given = environment()
    failures = check_tour()
    missing = set(runbook_pages.variables()) - set(given)
    with_kafka = not {name for name in missing if name.startswith("KAFKA_")}
    if not with_kafka:
        print("NOT TESTED: commands for Kafka, whose jars can not be had here")
        assert not os.environ.get("CI"), "no Kafka on a CI machine"
        missing = {name for name in missing if not name.startswith("KAFKA_")}
    failures += [f"deploy/demo/env does not set {name}" for name in sorted(missing)]
    blocks = unique_blocks(with_kafka)
    failures += run_blocks("look", [b for b in blocks if b.kind == "look" and not b.broken_by], given, work, PATIENCE)
    failures += run_blocks("fix", [b for b in blocks if b.kind == "fix" and not b.broken_by], given, work, PATIENCE)
    for wave in waves([b for b in blocks if b.broken_by]):
        failures += run_broken(wave, work)
    return failures


def check_tour():
    """It names every break."""
    said = demo_test.output([os.path.join(DEMO, "tour")])
    listed = demo_test.output([os.path.join(DEMO, "break"), "--list"])
    return [f"deploy/demo/tour does not name {line.split()[0]}" for line in listed.splitlines()
            if not re.search(rf"^ *deploy/demo/break {line.split()[0]} ", said, re.M)]


def environment():
    """This process' and what `deploy/demo/env` prints, read by a shell as its user would."""
    printed = demo_test.output([os.path.join(DEMO, "env")])
    shown = subprocess.run(["sh", "-c", f"eval {shlex.quote(printed)}; env -0"], capture_output=True, text=True, check=True).stdout
    return dict(line.split("=", 1) for line in shown.split("\0") if line)


def unique_blocks(with_kafka):
    """Those that are tried. Pages share commands; each is tried once."""
    found = {}
    for page in runbook_pages.pages().values():
        for block in page.blocks:
            if block.kind in ("look", "fix") and (with_kafka or "$KAFKA_" not in block.text):
                found.setdefault((block.info, block.text), block)
    return list(found.values())


def waves(blocks):
    """Breaks of different systems go together: lists of {break: its blocks}."""
    by_system = {}
    for name in dict.fromkeys(block.broken_by for block in blocks):
        by_system.setdefault(name.split("-")[0], []).append({name: [b for b in blocks if b.broken_by == name]})
    while any(by_system.values()):
        wave = {}
        for breaks in by_system.values():
            if breaks:
                wave |= breaks.pop(0)
        yield wave


def run_broken(wave, work):
    print(f"== while {', '.join(wave)}", flush=True)
    for name in wave:
        demo_test.until(lambda name=name: can_break(name), SETTLING, f"{name} to be broken")
    failures = run_blocks("broken", [block for blocks in wave.values() for block in blocks], environment(), work, PATIENCE_BROKEN)
    demo_test.output([os.path.join(DEMO, "heal")])
    return failures


def can_break(name):
    """Not while the one before still heals, or a fix has moved a leader."""
    return subprocess.run([os.path.join(DEMO, "break"), name], capture_output=True, timeout=COMMAND_LIMIT, check=False).returncode == 0


def run_blocks(what, blocks, given, work, patience):
    began = time.monotonic()
    failures, tried = [], set()
    for block in blocks:
        for part in parts(block):
            if part in tried:
                continue
            tried.add(part)
            problem = run_until_good(part, given, work, patience, needs_output=block.kind == "look")
            if problem:
                failures.append(f"{block.where()}: {problem}")
                print(failures[-1], flush=True)
    print(f"{what}: {len(blocks)} blocks, {len(tried)} commands, {time.monotonic() - began:.0f} s", flush=True)
    return failures


def parts(block):
    """The lines of a block that only looks, where each is a command of its own: pages share lines more often than blocks."""
    lines = block.text.splitlines()
    alone = block.kind == "look" and all(re.match(r"[a-z\"$]", line) and not re.match(r"(for|do|done|if|fi|while) ?", line) for line in lines)
    return lines if alone else [block.text]


def run_until_good(text, given, work, patience, needs_output):
    """What is wrong with the last try."""
    deadline = time.monotonic() + patience
    while True:
        problem = run_once(text, given, work, needs_output)
        if not problem or time.monotonic() > deadline:
            return problem
        time.sleep(1)


def run_once(text, given, work, needs_output):
    try:
        done = subprocess.run(["sh", "-euc", text], cwd=work, env=given, capture_output=True, text=True, timeout=COMMAND_LIMIT,
                              stdin=subprocess.DEVNULL, check=False)
    except subprocess.TimeoutExpired:
        return f"not within {COMMAND_LIMIT} s: {text}"
    if done.returncode != 0:
        return f"exit code {done.returncode}: {text}\n{(done.stdout + done.stderr)[-1000:]}"
    return f"prints nothing: {text}" if needs_output and not (done.stdout + done.stderr).strip() else ""


if __name__ == "__main__":
    sys.exit(main())
