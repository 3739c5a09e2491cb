"""Topics: made, removed, configured. The only administrative calls here; those about groups can end librdkafka's process."""
from confluent_kafka.admin import AdminClient, ConfigResource, NewTopic

from .settings import say

_SECONDS = 20


def add_arguments(what):
    verbs = what.add_parser("topic", help="create, delete or configure topics").add_subparsers(required=True, metavar="VERB")
    create = verbs.add_parser("create")
    create.add_argument("names", nargs="+")
    create.add_argument("--partitions", type=int, default=3)
    create.add_argument("--copies", type=int, default=3)
    create.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    create.set_defaults(act=_create)
    delete = verbs.add_parser("delete")
    delete.add_argument("names", nargs="+")
    delete.set_defaults(act=_delete)
    change = verbs.add_parser("set", help="such as retention.ms=2000; what is not named gets its default back")
    change.add_argument("name")
    change.add_argument("settings", nargs="*", metavar="KEY=VALUE")
    change.set_defaults(act=_set)


def _create(settings, options):
    topics = [NewTopic(name, options.partitions, options.copies, config=_pairs(options.set)) for name in options.names]
    _finish(settings, lambda admin: admin.create_topics(topics, operation_timeout=_SECONDS))
    say("created", topics=options.names)


def _delete(settings, options):
    _finish(settings, lambda admin: admin.delete_topics(options.names, operation_timeout=_SECONDS))
    say("deleted", topics=options.names)


def _set(settings, options):
    resource = ConfigResource(ConfigResource.Type.TOPIC, options.name, set_config=_pairs(options.settings))
    _finish(settings, lambda admin: admin.alter_configs([resource]))
    say("set", topic=options.name, settings=_pairs(options.settings))


def _pairs(entries):
    return dict(entry.split("=", 1) for entry in entries)


def _finish(settings, ask):
    admin = AdminClient(settings.with_({}))  # Its requests end with it, so it outlives them.
    for future in ask(admin).values():
        future.result(_SECONDS + 10)
