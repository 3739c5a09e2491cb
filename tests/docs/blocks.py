"""Reads the code blocks of a Markdown file: what stands between two lines of three backticks, and what is indented by four."""
import dataclasses
import re


@dataclasses.dataclass
class Block:
    path: str
    line: int
    info: str  # what stands behind the backticks; "" for an indented block
    text: str

    def where(self):
        return f"{self.path}:{self.line}"


def of(path, shown=None):
    """All blocks in order; `shown` is the name that messages give the file."""
    with open(path, encoding="utf-8") as file:
        return read(file.read(), shown or path)


def read(text, path):
    found, block, fence, before = [], None, "", ""
    for number, line in enumerate(text.splitlines(), 1):
        mark = re.match(r" {0,3}(`{3,}|~{3,})(.*)", line)
        if fence:
            if mark and mark[1].startswith(fence) and not mark[2].strip():
                block, fence = None, ""
            else:
                block.text += line + "\n"
        elif mark:
            block, fence = Block(path, number, mark[2].strip(), ""), mark[1]
            found.append(block)
        elif line.startswith("    ") and (block or not before.strip()):
            if not block:
                block = Block(path, number, "", "")
                found.append(block)
            block.text += line[4:] + "\n"
        elif line.strip():
            block = None
        elif block:
            # An empty line within an indented block is part of it; one after it is taken off below.
            block.text += "\n"
        before = line
    for block in found:
        block.text = block.text.rstrip("\n") + "\n"
    return found
