"""Reading C++ well enough for house rules: code without comments and strings, includes, and where functions begin and end.

This is not a parser. It relies on the sources being formatted by clang-format and free of macros that unbalance braces,
which other rules and reviews keep so.
"""

import re
from dataclasses import dataclass

_TOKEN = re.compile(
    r"""
      (?P<comment>//[^\n]*|/\*.*?\*/)
    | (?P<raw>R"(?P<delimiter>[^()\s\\"]{0,16})\(.*?\)(?P=delimiter)")
    | (?P<string>"(?:\\.|[^"\\\n])*")
    | (?P<char>(?<![0-9a-zA-Z_])'(?:\\.|[^'\\\n])+')
    """,
    re.VERBOSE | re.DOTALL,
)
_CONTAINER = re.compile(r"^(?:inline\s+)?(?:namespace|class|struct|union|enum|extern\s*\"\")\b|^extern\b[^(]*$")
_TEMPLATE = re.compile(r"^template\s*<")


def code_only(text):
    """The text with comments blanked and literals emptied; every line stays where it was."""

    def blank(match):
        found = match.group(0)
        lines = "\n" * found.count("\n")
        if match.group("comment"):
            return " " + lines
        return ('""' if found[-1] == '"' else "' '") + lines

    return _TOKEN.sub(blank, text)


def comments_only(text):
    """(line, comment) of every comment."""
    return [
        (text.count("\n", 0, match.start()) + 1, match.group(0)) for match in _TOKEN.finditer(text) if match.group("comment")
    ]


def includes(text):
    """(line, name, is_system) of every #include."""
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        match = re.match(r'\s*#\s*include\s*(?:"([^"]+)"|<([^>]+)>)', line)
        if match:
            found.append((number, match.group(1) or match.group(2), match.group(2) is not None))
    return found


@dataclass
class Function:
    name: str
    line: int
    lines: int


def _drop_template(head):
    """`template <…>` and a requires-clause's angle brackets say nothing about what the brace opens."""
    while _TEMPLATE.match(head):
        depth = 0
        for position, letter in enumerate(head):
            if letter == "<":
                depth += 1
            elif letter == ">":
                depth -= 1
                if depth == 0:
                    head = head[position + 1 :].lstrip()
                    break
        else:
            return head
    return head


def _opens_function(head):
    head = _drop_template(" ".join(head.split()))
    head = re.sub(r"^(?:\[\[[^\]]*\]\]\s*)+", "", head)
    if _CONTAINER.match(head) or "(" not in head:
        return False
    if re.match(r"^(?:static |inline |constexpr |consteval |constinit |const )*[\w:<>,\s\*&]+\[?\]?\s*=\s*$", head):
        return False
    return not re.search(r"(?<![=!<>+\-*/|&^~,(\s])\s=\s*$|\breturn\s*$", head) or "](" in head


def functions(text):
    """Every function body outside other functions, with the number of lines from its brace to the closing one."""
    code = re.sub(r"^[ \t]*#(?:[^\n\\]|\\\n|\\.)*", lambda m: "\n" * m.group(0).count("\n"), code_only(text), flags=re.MULTILINE)
    found, stack, head_start, position, line = [], [], 0, 0, 1
    inside = None
    for position, letter in enumerate(code):
        if letter == "\n":
            line += 1
        elif letter == "{":
            head = code[head_start:position]
            opens = inside is None and _opens_function(head)
            if opens:
                names = re.findall(r"([~\w:]+)\s*\(([^()]*)", head)
                name = names[0][0] if names else "?"
                if names and name.startswith("TEST"):
                    name = ".".join(part.strip() for part in names[0][1].split(","))
                inside = (len(stack), name, line)
            stack.append(letter)
            if inside is None:
                head_start = position + 1
        elif letter == "}":
            if stack:
                stack.pop()
            if inside is not None and len(stack) == inside[0]:
                found.append(Function(inside[1], inside[2], line - inside[2] + 1))
                inside = None
            if inside is None:
                head_start = position + 1
        elif letter == ";" and inside is None:
            head_start = position + 1
    return found
