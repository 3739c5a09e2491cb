#!/usr/bin/env python3
"""The recipe of probes/README.md, built as it stands, works (issue 3, done when 7): toy_system.py PROGRAM UNIT_TEST"""
import os
import socket
import subprocess
import sys
import tempfile
import threading
import unittest

UNIT_TEST = sys.argv.pop()
PROGRAM = sys.argv.pop()


def serve(listener):
    """The toy protocol: whatever is asked, `leader 7` is the answer."""
    while True:
        client, _ = listener.accept()
        client.recv(1024)
        client.sendall(b"leader 7\n")
        client.close()


def run(*command):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


class ToySystem(unittest.TestCase):
    def test_its_unit_test_passes(self):
        self.assertIn("PASSED", run(UNIT_TEST))

    def test_the_program_asks_a_toy_server(self):
        listener = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(listener.close)
        threading.Thread(target=serve, args=(listener,), daemon=True).start()
        member = f"127.0.0.1:{listener.getsockname()[1]}"
        with tempfile.TemporaryDirectory() as folder:
            config = os.path.join(folder, "toy.yml")
            with open(config, "w") as out:
                out.write(f'targets:\n  - {{system: toy, name: first, members: ["{member}"]}}\n')
            shown = run(PROGRAM, "once", f"--config.file={config}")
        self.assertIn(member, shown)
        self.assertIn("leader", shown)

    def test_it_is_documented_by_the_binary(self):
        self.assertIn("toy", run(PROGRAM, "probes"))
        self.assertIn("system: toy", run(PROGRAM, "reference"))


if __name__ == "__main__":
    unittest.main(verbosity=2)
