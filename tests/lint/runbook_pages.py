"""Reads the runbooks and the rules that they belong to: for tests/lint/runbooks, which checks them, and
tests/e2e/runbooks_test.py, which runs their commands."""
import dataclasses
import glob
import os
import re

ROOT = os.path.realpath(os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", ".."))
FOLDER = os.path.join(ROOT, "dashboards", "runbooks")
RULES = os.path.join(ROOT, "dashboards", "alerts", "*.rules.yml")


@dataclasses.dataclass
class Block:
    """What stands between two lines of three backticks."""
    page: str
    line: int
    info: str
    text: str

    @property
    def kind(self):
        """look, fix, untried, or what the page itself calls it."""
        words = self.info.split()
        if words[:1] != ["sh"]:
            return self.info
        return next((word for word in words[1:] if word in ("fix", "untried")), "look")

    @property
    def broken_by(self):
        return next((word[len("while="):] for word in self.info.split() if word.startswith("while=")), "")

    def where(self):
        return f"dashboards/runbooks/{self.page}.md:{self.line}"


@dataclasses.dataclass
class Page:
    name: str
    text: str
    headings: list
    blocks: list
    prose: str  # the text without its blocks


def read_page(path):
    name = os.path.basename(path).removesuffix(".md")
    with open(path, encoding="utf-8") as file:
        text = file.read()
    headings, blocks, prose, block = [], [], [], None
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith("```"):
            if block is None:
                block = Block(name, number, line[3:].strip(), "")
            else:
                blocks.append(block)
                block = None
        elif block is not None:
            block.text += line + "\n"
        else:
            prose.append(line)
            if line.startswith("#"):
                headings.append(line)
    return Page(name, text, headings, blocks, "\n".join(prose))


def pages():
    """All of them by name; the README is none."""
    found = (read_page(path) for path in sorted(glob.glob(os.path.join(FOLDER, "*.md"))) if not path.endswith("README.md"))
    return {page.name: page for page in found}


def alerts():
    """What the rules say of each alert: expr, for, severity, runbook_url, file. Reads the style of our own files only."""
    found = {}
    for path in sorted(glob.glob(RULES)):
        with open(path, encoding="utf-8") as file:
            text = file.read()
        for part in re.split(r"^ *- alert: ", text, flags=re.M)[1:]:
            name, _, rest = part.partition("\n")
            folded = re.search(r"expr: >-\n((?: {10}.*\n)+)", rest)
            plain = re.search(r"expr: (.*)\n", rest)
            wait, url = re.search(r"\n +for: (\S+)", rest), re.search(r"runbook_url: (\S+)", rest)
            found[name.strip()] = {
                "expr": " ".join(folded[1].split()) if folded else plain[1].strip(),
                "for": wait[1] if wait else "",
                "severity": re.search(r"severity: (\w+)", rest)[1],
                "runbook_url": url[1] if url else "",
                "file": os.path.basename(path),
            }
    return found


def variables():
    """The names in the README's table."""
    with open(os.path.join(FOLDER, "README.md"), encoding="utf-8") as file:
        cells = re.findall(r"^\| (`[A-Z].*?) \|", file.read(), re.M)
    return [name for cell in cells for name in re.findall(r"`([A-Z_0-9]+)`", cell)]
