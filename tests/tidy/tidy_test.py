#!/usr/bin/env python3
"""The checker checked: a small tree in good order passes, and each way of breaking a rule is found."""

import pathlib
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).parent))

import rules  # noqa: E402
import source  # noqa: E402

README = "# x\n\n**Purpose.** p\n\n**Entry test.** e\n\n**Threads.** t\n"
GOOD = {
    "CMakeLists.txt": "stave_module(base)\nstave_module(log USES base)\nstave_module(store USES log)\n"
    "stave_module(resp SOURCE_DIR src/doors/resp USES store)\n",
    "docs/architecture.md": "# A\n\n|folder|what|\n|-|-|\n" + "".join(
        "|`%s/`|x|\n" % folder for folder in ("src/base", "src/log", "src/store", "src/doors/resp", "docs", "include")
    ),
    "include/stave/units.h": "// Units.\n#pragma once\n#include <cstdint>\n",
    "src/base/clock.h": "// Clock.\n#pragma once\n#include \"stave/units.h\"\n",
    "src/base/clock.cc": "#include \"base/clock.h\"\n#include <chrono>\nlong now() { return std::chrono::steady_clock::now().time_since_epoch().count(); }\n",
    "src/base/README.md": README,
    "src/log/log.cc": "#include \"base/clock.h\"\n// steady_clock::now() in a comment, \"throw\" in a string:\nconst char* s = \"throw std::cout\";\n",
    "src/log/README.md": README,
    "src/store/store.cc": "#include \"base/clock.h\"\nvoid f(File& file) { file.open(1); file.write(2); }\n",
    "src/store/README.md": README,
    "src/doors/resp/resp.cc": "#include <sys/socket.h>\nint f() { return ::socket(1, 2, 3); }\n",
    "src/doors/resp/README.md": README,
}


def check(changes=None, rule=None):
    """The findings in the good tree after some files were replaced (None removes one)."""
    files = dict(GOOD)
    files.update(changes or {})
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        for name, text in files.items():
            if text is not None:
                (root / name).parent.mkdir(parents=True, exist_ok=True)
                (root / name).write_text(text)
        tree = rules.Tree(root)
        return [str(finding) for name in ([rule] if rule else rules.ALL) for finding in rules.ALL[name](tree)]


class Tidy(unittest.TestCase):
    def assert_found(self, changes, rule, *words):
        found = check(changes, rule)
        self.assertTrue(found, "nothing found in %s" % changes)
        for word in words:
            self.assertTrue(any(word in finding for finding in found), "%r not in %s" % (word, found))

    def test_passes_a_tree_in_good_order(self):
        self.assertEqual(check(), [])

    def test_finds_an_include_that_points_up(self):
        self.assert_found({"src/log/log.cc": '#include "store/store.h"\n', "src/store/store.h": "// S.\n#pragma once\n"},
                          "include-direction", "src/log/log.cc:1", "point down")

    def test_finds_an_include_between_doors(self):
        self.assert_found({"CMakeLists.txt": GOOD["CMakeLists.txt"] + "stave_module(shell SOURCE_DIR src/doors/shell USES store)\n",
                           "src/doors/shell/a.cc": '#include "doors/resp/resp.h"\n', "src/doors/resp/resp.h": "// R.\n#pragma once\n"},
                          "include-direction", "src/doors/shell/a.cc:1")

    def test_finds_a_public_header_that_shows_private_ones(self):
        self.assert_found({"include/stave/units.h": '// U.\n#pragma once\n#include "base/clock.h"\n'}, "include-direction", "public")

    def test_finds_a_module_graph_that_points_up(self):
        self.assert_found({"CMakeLists.txt": GOOD["CMakeLists.txt"].replace("stave_module(base)", "stave_module(base USES store)")},
                          "include-direction", "base must not use store")

    def test_finds_a_switch_over_kinds_that_has_a_default(self):
        switch = "int f(K k) {\n  switch (k) {\n    case log::RecordKind::kDelete: { return 1; }\n    %s\n  }\n  return 0;\n}\n"
        self.assert_found({"src/log/log.cc": switch % "default: break;"}, "kinds-answered", "src/log/log.cc:2")
        self.assertEqual(check({"src/log/log.cc": switch % ""}, "kinds-answered"), [])
        self.assertEqual(check({"src/log/log.cc": switch.replace("RecordKind", "Other") % "default: break;"}, "kinds-answered"), [])

    def test_finds_long_files_and_functions(self):
        self.assert_found({"src/log/log.cc": "int x;\n" * 701}, "sizes", "701 lines")
        self.assert_found({"src/log/log.cc": "namespace a {\nint f(int x) {\n" + "  x += 1;\n" * 100 + "  return x;\n}\n}\n"},
                          "sizes", "f has 103 lines")
        self.assertEqual(check({"src/log/log.cc": "namespace a {\nclass B {\n" + "  int f() { return 1; }\n" * 200 + "};\n}\n"}, "sizes"), [])

    def test_finds_too_many_functions_past_the_usual(self):
        body = "int f(int x) {\n" + "  x += 1;\n" * 80 + "  return x;\n}\n"
        self.assert_found({"src/log/log%d.cc" % i: body for i in range(5)}, "sizes", "too many")
        self.assertEqual(check({"src/log/log.cc": body}, "sizes"), [])

    def test_finds_each_banned_call(self):
        for text, where in [
            ("auto t = std::chrono::system_clock::now();", "src/log/log.cc"),
            ("auto t = steady_clock::now();", "src/store/store.cc"),
            ("clock_gettime(1, &t);", "src/log/log.cc"),
            ("std::this_thread::sleep_for(d);", "src/base/clock.cc"),
            ("usleep(1);", "src/log/log_test.cc"),
            ("int d = ::open(p, 0);", "src/log/log.cc"),
            ("::write(1, p, 2);", "src/store/store.cc"),
            ("pwrite(1, p, 2, 3);", "src/doors/resp/resp.cc"),
            ("::fdatasync(1);", "src/log/log.cc"),
            ("fsync(1);", "src/log/log.cc"),
            ("void* p = mmap(0, 1, 2, 3, 4, 5);", "src/log/log.cc"),
            ("std::ofstream out(p);", "src/doors/resp/resp.cc"),
            ("std::cout << 1;", "src/log/log.cc"),
            ("printf(\"x\");", "src/store/store.cc"),
            ("throw 1;", "src/log/log.cc"),
            ("std::abort();", "src/log/log.cc"),
            ("exit(1);", "src/doors/resp/resp.cc"),
            ("int x = rand();", "src/log/log_test.cc"),
            ("std::random_device d;", "src/log/log.cc"),
            ("auto* e = std::getenv(\"A\");", "src/log/log.cc"),
            ("int s = ::socket(1, 2, 3);", "src/store/store.cc"),
            ("thread.detach();", "src/log/log.cc"),
        ]:
            with self.subTest(text):
                self.assert_found({where: "void f() { %s }\n" % text}, "banned-calls", where + ":1")

    def test_leaves_members_and_other_namespaces_alone(self):
        for text in ("file->open(p);", "log::write(p);", "sink.printf(p);", "clock.exit(p);", "my::rand();", "Store::open(p);"):
            with self.subTest(text):
                self.assertEqual(check({"src/store/store.cc": "void f() { %s }\n" % text}, "banned-calls"), [])

    def test_finds_unfinished_work(self):
        self.assert_found({"src/log/log.cc": "// TO" + "DO: later\n"}, "unfinished", "src/log/log.cc:1")

    def test_finds_machine_paths(self):
        self.assert_found({"docs/a.md": "see /ho" + "me/me/x\n"}, "machine-paths", "docs/a.md:1")
        self.assertEqual(check({"docs/a.md": "GET /api/home/x and ./tmp/x and ${HOME}/tmp/x\n"}, "machine-paths"), [])

    def test_finds_dead_files(self):
        self.assert_found({"src/lost/x.cc": "int x;\n"}, "dead-files", "no CMake target")
        self.assert_found({"tests/x.cc": "int x;\n", "tests/CMakeLists.txt": "add_executable(y y.cc)\n"}, "dead-files", "tests/x.cc")
        self.assertEqual(check({"tests/x.cc": "int x;\n", "tests/CMakeLists.txt": "add_executable(x x.cc)\n"}, "dead-files"), [])
        self.assert_found({"tests/x_test.py": "", "tests/CMakeLists.txt": "add_test(NAME y COMMAND y_test.py)\n"}, "dead-files", "no test")
        self.assertEqual(check({"tests/x_test.py": "", "tests/CMakeLists.txt": "add_test(NAME x COMMAND x_test.py)\n"}, "dead-files"), [])
        self.assert_found({"src/log/alone.h": "// A.\n#pragma once\n"}, "dead-files", "nobody includes it")

    def test_finds_modules_without_a_good_readme(self):
        self.assert_found({"src/log/README.md": None}, "module-readmes", "no README")
        self.assert_found({"src/log/README.md": "# log\n"}, "module-readmes", "Entry test")
        self.assert_found({"src/log/README.md": README + "x\n" * 60}, "module-readmes", "screen")

    def test_finds_a_stale_folder_table(self):
        page = GOOD["docs/architecture.md"]
        self.assert_found({"docs/architecture.md": page + "|`src/gone/`|x|\n"}, "folder-table", "src/gone/")
        self.assert_found({"docs/architecture.md": page.replace("|`src/log/`|x|\n", "")}, "folder-table", "does not name src/log/")

    def test_finds_broken_links(self):
        self.assert_found({"docs/a.md": "[x](b.md)\n"}, "links", "b.md")
        self.assert_found({"docs/a.md": "[x](b.md#no)\n", "docs/b.md": "# Yes\n"}, "links", "no such heading")
        self.assertEqual(check({"docs/a.md": "[x](b.md#yes-it-is) [y](https://example.org) `[z](no.md)`\n", "docs/b.md": "# Yes, it is\n"}, "links"), [])

    def test_finds_headers_that_do_not_say_what_they_are(self):
        self.assert_found({"src/log/a.h": "#pragma once\n"}, "header-opening", "sentence")
        self.assert_found({"src/log/a.h": "// A.\n"}, "header-opening", "pragma once")


class Functions(unittest.TestCase):
    def names(self, text):
        return [(f.name, f.lines) for f in source.functions(text)]

    def test_are_told_from_classes_and_data(self):
        self.assertEqual(self.names("namespace a::b {\nclass alignas(64) C : public D {\n int f() const noexcept {\n }\n};\n}\n"), [("f", 2)])
        self.assertEqual(self.names("constexpr int t[] = {\n f(1),\n};\ntemplate <class T>\n requires(sizeof(T) > 1)\nT g() {\n}\n")[-1][1], 2)

    def test_may_hold_lambdas_and_braces_in_literals(self):
        self.assertEqual(self.names("void f() {\n auto g = [&](int x) { return x; };\n h('{', \"}\", R\"({)\");\n}\n"), [("f", 4)])

    def test_are_found_after_initialiser_lists(self):
        self.assertEqual(self.names("A::A(int x) : x_(x), y_{x} {\n\n}\nvoid g() {\n}\n")[-1], ("g", 2))


if __name__ == "__main__":
    unittest.main()
