"""Kafka's clients for tests and the demo."""
