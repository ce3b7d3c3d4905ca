"""The house rules. Each is a function that takes a `Tree` and yields `Finding`s; `ALL` lists them by name.

A rule has no list of exceptions. Where a rule is wrong the rule is changed, for everybody.
"""

import pathlib
import re
from dataclasses import dataclass

import source

FILE_LINES_MAX = 700
FUNCTION_LINES_MAX = 100
FUNCTION_LINES_USUAL = 70
LONG_FUNCTIONS_PERCENT_MAX = 3
README_LINES_MAX = 60

# A module may include what stands above it here. Doors are told apart by the CMake graph.
LAYERS = [["base"], ["log", "keyspace", "types"], ["packing", "exchange"], ["store"], ["archive", "replication"], ["commands"]]
CODE_FOLDERS = ("include", "src", "tests", "fuzz", "bench", "examples", "tools")
# A program's own parts; everything else below src is what gets linked into other people's processes.
PROGRAM_PARTS = ("src/main.cc", "src/doors/resp/", "src/doors/shell/", "src/doors/tools/")


@dataclass(frozen=True)
class Finding:
    path: str
    line: int
    message: str

    def __str__(self):
        return "%s:%d: %s" % (self.path, self.line, self.message)


class Tree:
    """The files under a root, read once. `files` limits them to those (version control's list); None: what lies there."""

    def __init__(self, root, files=None):
        self.root = pathlib.Path(root)
        if files is None:
            files = [
                str(path.relative_to(self.root))
                for path in self.root.rglob("*")
                if path.is_file() and not {"build", ".git", "data", "__pycache__"} & set(path.relative_to(self.root).parts)
            ]
        self.files = sorted(set(files))
        self._texts, self._codes = {}, {}

    def text(self, path):
        if path not in self._texts:
            self._texts[path] = (self.root / path).read_text(encoding="utf-8", errors="replace")
        return self._texts[path]

    def code(self, path):
        if path not in self._codes:
            self._codes[path] = source.code_only(self.text(path))
        return self._codes[path]

    def cpp(self, *folders):
        wanted = folders or CODE_FOLDERS
        return [p for p in self.files if p.endswith((".h", ".cc", ".c")) and p.split("/")[0] in wanted]

    def cmake(self):
        return [p for p in self.files if p.endswith(("CMakeLists.txt", ".cmake"))]

    def modules(self):
        """Name -> (folder, names it USES), as CMake declares them."""
        found = {}
        for path in self.cmake():
            for match in re.finditer(r"^\s*stave_module\(\s*(\w+)([^)]*)\)", self.text(path), re.MULTILINE):
                words = match.group(2).split()
                folder = words[words.index("SOURCE_DIR") + 1] if "SOURCE_DIR" in words else "src/" + match.group(1)
                uses = []
                if "USES" in words:
                    for word in words[words.index("USES") + 1 :]:
                        if word.isupper():
                            break
                        uses.append(word)
                found[match.group(1)] = (folder, uses)
        return found

    def module_of(self, path):
        best = None
        for name, (folder, _) in self.modules().items():
            if path.startswith(folder + "/") and (best is None or len(folder) > len(best[1])):
                best = (name, folder)
        return best[0] if best else None


def _may_include(modules):
    """Module -> every module it may include: itself, and what its USES reach."""

    def closure(name, seen):
        if name not in seen:
            seen.add(name)
            for used in modules.get(name, ("", []))[1]:
                closure(used, seen)
        return seen

    return {name: closure(name, set()) for name in modules}


def include_direction(tree):
    """Dependencies point down; public headers include only public ones."""
    modules = tree.modules()
    allowed = _may_include(modules)
    rank = {name: index for index, layer in enumerate(LAYERS) for name in layer}
    for name, (folder, _) in modules.items():
        for other in allowed[name] - {name}:
            if rank.get(other, len(LAYERS)) >= rank.get(name, len(LAYERS) + 1):
                yield Finding("CMakeLists.txt", 1, "module %s must not use %s: it stands above or beside it" % (name, other))
    for path in tree.cpp("include", "src"):
        public = path.startswith("include/")
        here = tree.module_of(path)
        test = path.endswith("_test.cc")
        for line, name, system in source.includes(tree.text(path)):
            if system:
                continue
            if public:
                if not name.startswith("stave/"):
                    yield Finding(path, line, "a public header includes only public ones, not %s" % name)
                continue
            if name.startswith("stave/"):
                continue
            there = tree.module_of("src/" + name)
            if there is None:
                if not (test and (tree.root / "tests" / name).is_file()) and (tree.root / "src" / name).is_file():
                    if not test and here is not None:
                        yield Finding(path, line, "%s belongs to no module" % name)
                elif not test:
                    yield Finding(path, line, "%s: include by the path below src/ or include/" % name)
            elif here is not None and there not in allowed[here] and not test:
                yield Finding(path, line, "%s must not include %s: dependencies point down" % (here, name))


def sizes(tree):
    """Files and functions stay small enough to be read."""
    total, long_ones = 0, []
    for path in tree.cpp():
        count = tree.text(path).count("\n")
        if count > FILE_LINES_MAX:
            yield Finding(path, 1, "%d lines; at most %d: split it by noun" % (count, FILE_LINES_MAX))
        for function in source.functions(tree.text(path)):
            total += 1
            if function.lines > FUNCTION_LINES_MAX:
                yield Finding(path, function.line, "%s has %d lines; at most %d" % (function.name, function.lines, FUNCTION_LINES_MAX))
            elif function.lines > FUNCTION_LINES_USUAL:
                long_ones.append((path, function))
    if total and len(long_ones) * 100 > max(total, 100) * LONG_FUNCTIONS_PERCENT_MAX:
        for path, function in long_ones:
            yield Finding(path, function.line, "%s has %d lines; too many functions are past %d" % (function.name, function.lines, FUNCTION_LINES_USUAL))


def _call(names, global_only=False):
    """A call of a function by one of these names: `::name(` or, unless global_only, `name(`; never `x.name(` or `a::name(`."""
    before = r"(?<![\w>])::" if global_only else r"(?<![\w.:>])(?:(?:::|std::)\s*)?"
    return re.compile(before + r"(?:" + "|".join(names) + r")\s*\(")


@dataclass(frozen=True)
class Ban:
    pattern: re.Pattern
    what: str
    applies: object  # path -> bool


def _in_src(path):
    return path.startswith(("src/", "include/"))


def _below(*folders):
    return lambda path: path.startswith(folders)


def _is_test(path):
    return path.endswith("_test.cc") or path.startswith(("tests/", "src/testing/"))


BANS = [
    Ban(re.compile(r"\b(?:system_clock|steady_clock|high_resolution_clock)\s*::\s*now\b"), "ask the Clock that was passed in",
        lambda p: _in_src(p) and not p.startswith("src/base/")),
    Ban(_call(["clock_gettime", "gettimeofday", "localtime", "gmtime"]), "ask the Clock that was passed in",
        lambda p: _in_src(p) and not p.startswith("src/base/")),
    Ban(re.compile(r"\b(?:sleep_for|sleep_until)\b|(?<![\w.:>])(?:::)?(?:usleep|nanosleep|sleep)\s*\("), "wait for a condition, do not sleep",
        lambda p: p.startswith(("src/", "include/", "tests/", "fuzz/"))),
    Ban(_call(["open", "read", "write", "close", "unlink", "rename", "stat"], global_only=True), "raw file calls belong to src/base; use FileSystem",
        lambda p: _in_src(p) and not _is_test(p) and not p.startswith(("src/base/", "src/doors/")) and p != "src/main.cc"),
    Ban(_call(["openat", "creat", "pread", "pwrite", "preadv", "pwritev", "fsync", "fdatasync", "sync_file_range", "fallocate",
               "posix_fallocate", "ftruncate", "flock", "fopen", "fdopen", "freopen", "mmap", "munmap", "renameat2", "unlinkat"]),
        "raw file calls belong to src/base; use FileSystem",
        lambda p: _in_src(p) and not _is_test(p) and not p.startswith("src/base/") and not p.startswith("src/keyspace/chunk")),
    Ban(re.compile(r"\bstd::(?:[io]?fstream|filesystem)\b"), "files are reached through FileSystem",
        lambda p: _in_src(p) and not _is_test(p) and not p.startswith("src/base/")),
    Ban(re.compile(r"\bstd::(?:cout|cerr|clog)\b|(?<![\w.:>])(?:std::)?(?:printf|fprintf|puts|fputs|perror|vprintf)\s*\("),
        "the library prints nothing; hand the text to the caller",
        lambda p: _in_src(p) and not _is_test(p) and not p.startswith(PROGRAM_PARTS) and p != "src/base/assert.cc"),
    Ban(re.compile(r"(?<![\w.])throw\b(?!\s*;|\s+std::bad_alloc\b)"), "errors are values: return fail(...)",
        lambda p: _in_src(p) and not _is_test(p)),
    Ban(re.compile(r"(?<![\w.:>])(?:std::|::)?(?:abort|exit|_exit|quick_exit|terminate)\s*\("), "only main and a failed assertion end the process",
        lambda p: _in_src(p) and not _is_test(p) and p not in ("src/base/assert.cc", "src/main.cc")),
    Ban(re.compile(r"(?<![\w.:>])(?:std::|::)?(?:rand|srand|drand48)\s*\("), "use the random source of base; tests print their seed",
        lambda p: p.startswith(CODE_FOLDERS)),
    Ban(re.compile(r"\brandom_device\b"), "randomness comes from src/base",
        lambda p: _in_src(p) and not _is_test(p) and not p.startswith("src/base/")),
    Ban(re.compile(r"(?<![\w.:>])(?:std::|::)?(?:secure_)?getenv\s*\("), "the environment is read by main and the doors only",
        lambda p: _in_src(p) and not _is_test(p) and not p.startswith("src/doors/") and p != "src/main.cc"),
    Ban(re.compile(r"(?<![\w.:>])(?:socket|accept4?|epoll_\w+|listen|recv|recvmsg|sendmsg|getaddrinfo)\s*\(|(?<![\w>])::(?:socket|accept4?|bind|connect|send|recv)\s*\("),
        "sockets belong to the doors",
        lambda p: _in_src(p) and not _is_test(p) and not p.startswith(("src/doors/", "src/base/"))),
    Ban(re.compile(r"(?<![\w.:>])assert\s*\("), "use STAVE_ASSERT, which stays on", _in_src),
    Ban(re.compile(r"(?:\.|->)detach\s*\(\s*\)"), "every thread is owned and joined", lambda p: p.startswith(("src/", "tests/", "fuzz/"))),
]


def banned_calls(tree):
    """Time, sleep, raw files, printing, exceptions and the like stay in their place."""
    for path in tree.cpp():
        bans = [ban for ban in BANS if ban.applies(path)]
        for number, line in enumerate(tree.code(path).splitlines(), 1):
            if line.lstrip().startswith("#"):
                continue
            for ban in bans:
                match = ban.pattern.search(line)
                if match:
                    yield Finding(path, number, "`%s`: %s" % (match.group(0).strip(), ban.what))


def unfinished(tree):
    """Nothing is left for later in the sources: what is missing stands in an issue."""
    marker = re.compile(r"\b(?:TO" + r"DO|FIX" + r"ME|XX" + r"X|HA" + r"CK)\b")
    for path in tree.cpp() + [p for p in tree.files if p.endswith((".py", ".sh")) or p in tree.cmake()]:
        comments = source.comments_only(tree.text(path)) if path.endswith((".h", ".cc", ".c")) else enumerate(tree.text(path).splitlines(), 1)
        for line, text in comments:
            if marker.search(text):
                yield Finding(path, line, "unfinished work; finish it or write it down in an issue")


def machine_paths(tree):
    """Nothing names a place on somebody's machine."""
    places = re.compile(r"(?<![\w.}$*])/(?:work|tmp|home|root|Users|mnt)/[\w.]")
    for path in tree.files:
        if path.split("/")[0] in CODE_FOLDERS + ("docs", "cmake", "changes", ".ci") or "/" not in path:
            if path.endswith((".h", ".cc", ".c", ".py", ".sh", ".md", ".txt", ".cmake", ".json")) or path in ("Makefile", ".ci/run"):
                for number, line in enumerate(tree.text(path).splitlines(), 1):
                    if places.search(line):
                        yield Finding(path, number, "names a place on a machine: `%s`" % places.search(line).group(0))


def dead_files(tree):
    """Every source is built by something and every header is included by somebody."""
    folders = [folder for folder, _ in tree.modules().values()]
    cmake_text = {path: tree.text(path) for path in tree.cmake()}
    for path in tree.cpp():
        if path.endswith(".h"):
            continue
        if any(path.startswith(folder + "/") for folder in folders):
            continue
        if any(path in text for text in cmake_text.values()):
            continue
        name = pathlib.PurePosixPath(path).name
        stem = pathlib.PurePosixPath(path).stem
        owner = [text for cmake, text in cmake_text.items() if path.startswith(cmake.rpartition("/")[0])]
        built = any(re.search(r"(?<![\w.-])%s(?![\w-])" % re.escape(word), text) for text in owner for word in (name, stem))
        built = built or any("stave_fuzzer(%s " % stem.removeprefix("fuzz_") in text for text in owner)
        folder = path.rpartition("/")[0]
        globbed = any(
            re.search(r"file\(GLOB", text) and path.startswith(cmake.rpartition("/")[0] + "/") and "*.cc" in text
            for cmake, text in cmake_text.items() if cmake.rpartition("/")[0] and folder.startswith(cmake.rpartition("/")[0])
        )
        if not built and not globbed:
            yield Finding(path, 1, "no CMake target builds it")
    for path in tree.files:
        stem = pathlib.PurePosixPath(path).stem
        if re.match(r"tests/[^/]+\.py$", path) and path.endswith("_test.py"):
            words = "|".join(re.escape(word) for word in (stem, stem.removesuffix("_test")))
            if not re.search(r"(?<![\w-])(?:%s)(?![\w-])" % words, cmake_text.get("tests/CMakeLists.txt", "")):
                yield Finding(path, 1, "no test of CMake runs it")
    included = set()
    for path in tree.cpp():
        folder = path.rpartition("/")[0]
        for _, name, _ in source.includes(tree.text(path)):
            for prefix in ("include/", "src/", "tests/", "", folder + "/"):
                included.add(prefix + name)
    for path in tree.cpp():
        if path.endswith(".h") and path not in included and not path.startswith("include/stave/"):
            yield Finding(path, 1, "nobody includes it")


def module_readmes(tree):
    """Every module says on one screen what it is for, what belongs in it, and which threads run there."""
    for name, (folder, _) in tree.modules().items():
        readme = folder + "/README.md"
        if not any(path.startswith(folder + "/") for path in tree.files):
            continue
        if readme not in tree.files:
            yield Finding(readme, 1, "module %s has no README.md" % name)
            continue
        text = tree.text(readme)
        if text.count("\n") > README_LINES_MAX:
            yield Finding(readme, 1, "longer than a screen (%d lines)" % README_LINES_MAX)
        for heading in ("Purpose", "Entry test", "Threads"):
            if "**%s.**" % heading not in text:
                yield Finding(readme, 1, "does not say: **%s.**" % heading)


def folder_table(tree):
    """The table in docs/architecture.md names exactly the folders that exist."""
    page = "docs/architecture.md"
    if page not in tree.files:
        yield Finding(page, 1, "missing")
        return
    named = {}
    for number, line in enumerate(tree.text(page).splitlines(), 1):
        match = re.match(r"\|\s*`([\w./-]+)/`\s*\|", line)
        if match:
            named[match.group(1)] = number
    there = {folder for folder, _ in tree.modules().values()}
    there = {folder for folder in there if any(path.startswith(folder + "/") for path in tree.files)}
    top = {path.split("/")[0] for path in tree.files if "/" in path and not path.startswith(".")}
    there |= top - {"src"}
    there |= {"/".join(path.split("/")[:2]) for path in tree.files if path.startswith("src/") and path.count("/") >= 2} - {"src/doors"}
    for folder in sorted(set(named) - there):
        yield Finding(page, named[folder], "names %s/, which does not exist" % folder)
    for folder in sorted(there - set(named)):
        yield Finding(page, 1, "does not name %s/ in its table of folders" % folder)


def _anchors(text):
    found = set()
    for title in re.findall(r"^#+\s+(.*)$", text, re.MULTILINE):
        slug = re.sub(r"[^\w\- ]", "", title.strip().lower().replace("`", "")).replace(" ", "-")
        while slug in found:
            slug += "-1"
        found.add(slug)
    return found


def links(tree):
    """Links between pages lead somewhere."""
    for path in tree.files:
        if not path.endswith(".md"):
            continue
        fenced = False
        for number, line in enumerate(tree.text(path).splitlines(), 1):
            if line.lstrip().startswith("```"):
                fenced = not fenced
            if fenced:
                continue
            for target in re.findall(r"\]\(([^)\s]+)\)", re.sub(r"`[^`]*`", "", line)):
                if re.match(r"[a-z]+:", target):
                    continue
                name, _, anchor = target.partition("#")
                page = (tree.root / path).parent / name if name else tree.root / path
                if not page.exists():
                    yield Finding(path, number, "links to %s, which is not there" % target)
                elif anchor and page.suffix == ".md" and anchor not in _anchors(page.read_text(encoding="utf-8")):
                    yield Finding(path, number, "links to %s, which has no such heading" % target)


def pragma_once(tree):
    """Headers guard themselves and open with what they are for."""
    for path in tree.cpp("include", "src"):
        if path.endswith(".h"):
            text = tree.text(path)
            if "#pragma once" not in text and not re.search(r"#ifndef\s+\w+_H", text):
                yield Finding(path, 1, "no #pragma once")
            if not text.startswith(("//", "/*")):
                yield Finding(path, 1, "does not open with a sentence on what it is")


def kinds_answered(tree):
    """A switch over the kinds of records has no default: a new kind does not compile until every one has its answer."""
    for path in tree.cpp("src"):
        code = tree.code(path)
        for match in re.finditer(r"\bswitch\s*\(", code):
            begin = code.find("{", match.end())
            depth, at = 0, begin
            while 0 <= at < len(code):
                depth += {"{": 1, "}": -1}.get(code[at], 0)
                if depth == 0:
                    break
                at += 1
            body = code[begin:at]
            if re.search(r"\bcase\s+(?:\w+::)*RecordKind::", body) and re.search(r"\bdefault\s*:", body):
                yield Finding(path, code.count("\n", 0, match.start()) + 1, "a switch over kinds of records has a default; name every kind, or ask log::traits")


ALL = {
    "include-direction": include_direction,
    "sizes": sizes,
    "banned-calls": banned_calls,
    "unfinished": unfinished,
    "machine-paths": machine_paths,
    "dead-files": dead_files,
    "module-readmes": module_readmes,
    "folder-table": folder_table,
    "links": links,
    "header-opening": pragma_once,
    "kinds-answered": kinds_answered,
}
