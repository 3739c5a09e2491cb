"""The command line of kafka-client."""
import argparse
import os
import sys

from confluent_kafka import KafkaException

from . import consumer, offsets, producer, topic
from .settings import Settings, be_quiet


def main(arguments):
    options = _parser().parse_args(arguments)
    if options.quiet:
        be_quiet()
    try:
        return options.act(Settings(options.bootstrap, options.property), options) or 0
    except (KafkaException, ValueError) as problem:
        print(f"kafka-client: {problem}", file=sys.stderr)
        return 1


def _parser():
    parser = argparse.ArgumentParser(prog="kafka-client")
    parser.add_argument("--bootstrap", default=os.environ.get("QW_KAFKA_BOOTSTRAP"), help="default: $QW_KAFKA_BOOTSTRAP")
    parser.add_argument("--property", "-X", action="append", default=[], metavar="KEY=VALUE",
                        help="one of librdkafka's properties")
    parser.add_argument("--quiet", action="store_true", help="say nothing of what goes as it should")
    what = parser.add_subparsers(required=True, metavar="WHAT")
    for module in (topic, producer, consumer, offsets):
        module.add_arguments(what)
    return parser
