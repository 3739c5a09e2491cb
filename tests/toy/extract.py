#!/usr/bin/env python3
"""Writes the code blocks of probes/README.md to a folder: extract.py README REGISTRY OUT

A block's info string names its file ("```cpp probes/systems/toy.cpp"). The block for probes/registry.cpp is the line to add there: it is
put behind the other declarations of a copy of the registry, and its kind at the end of the table.
"""
import os
import re
import sys

readme, registry, out = sys.argv[1:]
with open(readme) as text:
    files = dict(re.findall(r"^```cpp (\S+)\n(.*?)^```", text.read(), re.M | re.S))
wanted = ["probes/registry.cpp", "probes/systems/toy.cpp", "tests/unit/systems/toy_test.cpp"]
if sorted(files) != wanted:
    sys.exit(f"{readme}: the recipe must have one code block for each of {', '.join(wanted)}; found {sorted(files)}")

with open(registry) as source:
    text = source.read()
declaration = files["probes/registry.cpp"].strip()
kind = re.fullmatch(r"extern const ProbeKind (k\w+);", declaration)
if not kind:
    sys.exit(f"{readme}: the registry's block must be one declaration, not {declaration!r}")
last = re.findall(r"^extern const ProbeKind k\w+;\n", text, re.M)[-1]
text = text.replace(last, last + declaration + "\n")
text, replaced = re.subn(
    r"std::array<const ProbeKind\*, (\d+)> kKinds\{(.*?)\}",
    lambda m: f"std::array<const ProbeKind*, {int(m[1]) + 1}> kKinds{{{m[2]}, &{kind[1]}}}", text, flags=re.S)
if replaced != 1:
    sys.exit(f"{registry}: its table does not look as expected")

for name, content in (("toy.cpp", files["probes/systems/toy.cpp"]),
                      ("toy_test.cpp", files["tests/unit/systems/toy_test.cpp"]), ("registry.cpp", text)):
    with open(os.path.join(out, name), "w") as target:
        target.write(content)
