"""What becomes of each code block of a document, and of each command in one. Read by tests/e2e/documents_test.py."""
import dataclasses
import re


@dataclasses.dataclass
class Run:
    """As printed, to the end: exit code 0."""


@dataclasses.dataclass
class Daemon:
    """Runs until it is stopped; good once it is ready."""


@dataclasses.dataclass
class Instead:
    """Another command does the same without a cluster: what `pattern` finds is replaced, `tool` must be had."""
    tool: str
    changes: list


@dataclasses.dataclass
class Elsewhere:
    """Run by another test, which has these words."""
    test: str
    words: str


@dataclasses.dataclass
class ByHand:
    """Run by nobody. A program of ours that it starts must exist."""
    reason: str


@dataclasses.dataclass
class Config:
    """Goes through `quorumwatch check`, with the files that it names."""


@dataclasses.dataclass
class WebConfig:
    """Goes through `quorumwatch check --web.config.file`, and promtool's check."""


@dataclasses.dataclass
class Rules:
    """Goes through `quorumwatch check-rules`, and promtool's check."""


@dataclasses.dataclass
class Cpp:
    """Compiles, `...` taken out."""


@dataclasses.dataclass
class Shell:
    """Commands, each by COMMANDS."""


@dataclasses.dataclass
class Figure:
    """No command and no configuration."""
    reason: str


# Documents whose blocks have a test of their own, which reads them.
OWN_TEST = [
    (r"probes/ACCOUNTS\.md", Elsewhere("tests/docs/pasting.py", 'PAGE = "probes/ACCOUNTS.md"')),
    (r"dashboards/runbooks/Quorumwatch\w+\.md", Elsewhere("tests/e2e/runbooks_test.py", "runbook_pages.pages()")),
    (r"probes/README\.md", Elsewhere("tests/toy/CMakeLists.txt", "extract.py ${PROJECT_SOURCE_DIR}/probes/README.md")),
]

# No documents: what programs print, and what lints must find.
NOT_DOCUMENTS = [r"tests/golden/", r"tests/lint/samples/"]

# (document, how the block begins, what it is). The first that fits.
BLOCKS = [
    (r"daemon/README\.md", r"target --\(protocol\)-->", Figure("how data flows")),
    (r"probes/network/README\.md", r"nodes -> peers", Figure("which part hands what to which")),
    (r"tests/lab/delayline/README\.md", r"ARRIVED LEFT\|lost", Figure("the fields of a line")),
    (r"tests/traces/README\.md", r"# expect last", Figure("lines of a trace, which tests/unit/signals/trace_test.cpp reads from every file")),
    (r".*", r"(#.*\n)*tls_server_config:", WebConfig()),
    (r".*", r"(#.*\n)*(defaults|targets|rules|alertmanagers|alerting|reflector|journal|placement):", Config()),
    (r".*", r"(#.*\n)*groups:", Rules()),
    (r".*", r"TEST\(", Cpp()),
]

# (how the command begins, what becomes of it). The first that fits; a command that no line fits fails the test.
COMMANDS = [
    (r"quorumwatch run\b", Daemon()),
    (r"quorumwatch (check|once|discover|check-rules|test-rules|explain|report|metrics|probes|reference|man|completion|--version|--help)\b", Run()),
    (r"deploy/demo/run( --list)?$", Elsewhere("tests/fresh", "deploy/demo/run >/tmp/demo.log")),
    (r"deploy/demo/break --list$", Run()),
    (r"deploy/demo/break etcd-partition$", Elsewhere("tests/e2e/demo_test.py", '"break"), "etcd-partition"]')),
    (r"deploy/demo/heal$", Elsewhere("tests/fresh", "deploy/demo/heal")),
    (r"tests/run$", Elsewhere("tests/fresh", "inside tests/run")),
    (r"tests/run (fast|deep)$", ByHand("this is what runs the tests")),
    (r"tests/fresh$", ByHand("45 minutes, in a tree that it makes; it runs tests/run itself")),
    (r"tests/packages$", Elsewhere("tests/run", 'check "packages" tests/packages')),
    (r"ctest .*", Instead("ctest", [(r"^ctest", "ctest -N")])),
    (r"lab=tests/lab/lab$", Run()),
    (r"\$lab --dir /tmp/\w+ (up|show|cut|heal|down)\b", Run()),
    (r"(build/release/tests|tests)/bench/\w+$", ByHand("minutes on a quiet machine; its figures stand beside it")),
    (r"deploy/image/build$", Elsewhere("tests/deploy/image", '"deploy/image/build")')),
    (r"skopeo copy .* docker://YOUR-REGISTRY/", ByHand("a registry is yours to have")),
    (r"ninja -C build/release deb$", Elsewhere("tests/deploy/package", 'run("ninja", "-C", BUILD, "deb")')),
    (r"(QW_UPDATE_GOLDEN=1 )?tests/deploy/manifests\b", Elsewhere("tests/run", "tests/deploy/manifests")),
    (r"ninja -C build/release deb && tests/deploy/booted\b", Elsewhere("tests/run", "tests/deploy/booted build/release")),
    (r"apt(-get)? install (-\S+ )*\S*quorumwatch\S*\.deb$", Elsewhere("tests/deploy/booted", '"apt-get", "install", "-y"')),
    (r"apt(-get)? (remove|purge) quorumwatch$", Elsewhere("tests/deploy/booted", '"apt-get", "remove", "-y"')),
    (r"systemctl (status|enable|start|stop|reload|restart)( --now)? quorumwatch", Elsewhere("tests/deploy/booted", '"systemctl", "reload", UNIT')),
    (r"curl .*http://127\.0\.0\.1:10979/", Run()),
    (r"helm (install|upgrade) ", Instead("helm", [(r"^helm (install|upgrade)", "helm template --kube-version 1.30.0"), (r" --create-namespace", "")])),
    (r"kubectl apply -k ", Instead("kustomize", [(r"^kubectl apply -k", "kustomize build")])),
]


def block_kind(document, block):
    """Nothing where no line says what it is."""
    words = block.info.split()
    if words[:1] in (["sh"], ["console"]):
        return Shell()
    for path, begin, kind in BLOCKS:
        if re.fullmatch(path, document) and re.match(begin, block.text):
            return kind
    # A block without a word on it holds commands.
    return Shell() if not words else None


def command_kind(command):
    for begin, kind in COMMANDS:
        if re.match(begin, command):
            return kind
    return None


def commands(text):
    """The commands of a block as they are printed, each on a line, without what is said about them."""
    joined = re.sub(r"\\\n\s*", "", text)
    for line in joined.splitlines():
        command = re.split(r"\s+#\s|\s{3,}", line.strip())[0]
        if command and not command.startswith("#"):
            yield command
