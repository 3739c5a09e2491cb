"""The parts of tests/lab/lab."""
