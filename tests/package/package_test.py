#!/usr/bin/env python3
"""What packaging/ holds fits the program: its options, its version, its names. `make package-test` does the rest in a
fresh Debian.

    STAVE_BIN=build/release/stave tests/package/package_test.py [-v] [Class.test]
"""

import glob
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest
import urllib.error
import urllib.request

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
PACKAGING = ROOT / "packaging"
PROGRAM = os.environ.get("STAVE_BIN", str(ROOT / "build/release/stave"))
VERSION = re.search(r"project\(Stave VERSION ([\d.]+)", (ROOT / "CMakeLists.txt").read_text()).group(1)


def output_of(*command, **arguments):
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=True, **arguments).stdout


def option_names():
    """Option -> how it changes ("live", "restart", "fixed"), of `stave options`."""
    rows = re.findall(r"^\|`([\w-]+)`\|.*?\|.*?\|.*?\|(\w+)\|", output_of(PROGRAM, "options"), re.MULTILINE)
    return dict(rows)


def variable(option):
    return option.upper().replace("-", "_")


class Server:
    """A server of the test's own, ended with it."""

    def __init__(self, *arguments, **environment):
        clean = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        self.process = subprocess.Popen(
            [PROGRAM, "serve", *arguments], env={**clean, **environment}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        self.ready = self.process.stdout.readline()

    def __enter__(self):
        if "is ready on" not in self.ready:
            raise AssertionError("the server did not start: " + self.process.communicate()[1])
        self.port = int(re.search(r":(\d+)", self.ready).group(1))
        return self

    def http_port(self):
        """Of a server that was started with HTTP_PORT=-1: any free one."""
        return int(re.search(r"http://127\.0\.0\.1:(\d+)", self.ready).group(1))

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        self.process.communicate(timeout=60)


class Documentation(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.path = pathlib.Path(cls.folder.name)
        environment = {**os.environ, "SOURCE_DATE_EPOCH": "1700000000"}
        output_of(sys.executable, str(PACKAGING / "generate_docs.py"), PROGRAM, VERSION, str(cls.path), env=environment)

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def page(self, name):
        return (self.path / "man" / name).read_text().replace("\\-", "-")

    def test_man_pages_have_every_option_of_the_program(self):
        page = self.page("stave-serve.1")
        configuration = self.page("stave.conf.5")
        for name, change in option_names().items():
            self.assertIn(".B %s\n" % name, configuration)
            if change != "fixed":
                self.assertIn("\\fB--%s\\fR" % name, page)
        overview = self.page("stave.1")
        for name in re.findall(r"^  ([a-z]+)  ", output_of(PROGRAM, "--help").split("Subcommands:")[1], re.MULTILINE):
            self.assertIn(".B %s\n" % name, overview)

    def test_man_pages_are_dated_by_the_source_and_carry_the_version(self):
        self.assertIn('"2023-11-14" "Stave %s"' % VERSION, self.page("stave.1"))

    @unittest.skipUnless(shutil.which("groff"), "groff is not installed")
    def test_man_pages_are_sound_roff(self):
        for path in (self.path / "man").iterdir():
            done = subprocess.run(["groff", "-man", "-ww", "-z", "-Tutf8", str(path)], capture_output=True, text=True, timeout=60, check=True)
            self.assertEqual(done.stderr, "", path.name)

    def complete(self, *words):
        """What bash offers for the last word."""
        script = 'source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _stave; printf "%s\\n" "${COMPREPLY[@]}"'
        return output_of("bash", "-c", script, "-", str(self.path / "completion/stave.bash"), "stave", *words).split()

    def test_bash_completes_subcommands_options_and_choices(self):
        self.assertIn("serve", self.complete(""))
        self.assertEqual(self.complete("ser"), ["serve"])
        self.assertEqual(self.complete("serve", "--sync-i"), ["--sync-interval"])
        self.assertEqual(sorted(self.complete("serve", "--sync", "")), ["always", "interval", "os"])
        self.assertEqual(self.complete("serve", "--port", ""), [])
        self.assertIn("SET", self.complete("shell", ""))
        for name, change in option_names().items():
            if change != "fixed":
                self.assertIn("--" + name, self.complete("serve", "--" + name))

    def test_bash_completes_what_stands_behind_a_subcommand(self):
        self.assertIn("dump", self.complete("log", ""))
        self.assertIn("--follow", self.complete("log", "dump", "--"))
        self.assertIn("verify", self.complete("backup", ""))
        self.assertIn(str(self.path / "man"), self.complete("backup", "verify", str(self.path) + "/m"))
        self.assertIn(str(self.path / "man"), self.complete("restore", str(self.path) + "/m"))
        self.assertIn("allkeys-lru", self.complete("serve", "--maxmemory-policy", ""))
        self.assertEqual(self.complete("serve", "--compression", "=", "lz"), ["lz4"])

    def test_man_pages_tell_the_exit_codes_of_each_tool(self):
        self.assertIn("It is damaged", self.page("stave-doctor.1"))
        for name in ("import", "load"):
            self.assertIn(".B 3\n", self.page("stave-%s.1" % name))
        self.assertIn("--follow", self.page("stave-log.1"))
        self.assertIn("STAVE BACKUP VERIFY", self.page("stave-backup.1"))

    def test_zsh_and_fish_take_their_completions(self):
        for shell, name in (("zsh", "_stave"), ("fish", "stave.fish")):
            script = self.path / "completion" / name
            for option, change in option_names().items():
                if change != "fixed":
                    self.assertRegex(script.read_text(), r"(--|-l )%s\b" % option)
            if shutil.which(shell):
                output_of(shell, "-n", str(script))


class Debian(unittest.TestCase):
    folder = PACKAGING / "debian"

    def test_build_depends_are_what_bootstrap_installs(self):
        wanted = set(output_of(str(ROOT / "tools/bootstrap.sh"), "--list", "build").split())
        control = (self.folder / "control").read_text()
        named = set(re.findall(r"[\w.+-]+", re.sub(r"\(.*?\)|:native", "", control.split("Build-Depends:")[1].split("Standards")[0])))
        # Debian's build-essential has these, and a package is built without a cache.
        self.assertEqual(wanted - {"make", "ccache", "pkg-config"} - named, set())

    def test_every_packaged_file_is_there(self):
        build = pathlib.Path(PROGRAM).parent
        with tempfile.TemporaryDirectory() as scratch:
            output_of("cmake", "--install", str(build), "--prefix", scratch + "/usr")
            installed = [str(path.relative_to(scratch)) for path in pathlib.Path(scratch).rglob("*")]
            for listing in self.folder.glob("*.install"):
                for line in listing.read_text().splitlines():
                    pattern = line.split()[0]
                    if pattern.startswith("debian/"):
                        self.assertTrue((PACKAGING / pattern).exists(), line)
                    elif pattern.startswith("usr/"):
                        # Debian's folder of libraries is named after the machine; here it may not be.
                        expression = re.escape(pattern).replace(r"lib/\*/", r"lib(/[\w-]+)?/").replace(r"\*", "[^/]*")
                        self.assertTrue([name for name in installed if re.fullmatch(expression, name)], line)
                    else:
                        self.assertTrue(glob.glob(str(ROOT / pattern)), line)

    def test_library_package_is_named_after_the_soname(self):
        major, minor, _ = VERSION.split(".")
        self.assertTrue((self.folder / ("libstave%s.%s.install" % (major, minor))).exists())

    def test_maintainer_scripts_are_sound(self):
        for path in [*self.folder.glob("*.postinst"), *self.folder.glob("*.postrm")]:
            output_of("sh", "-n", str(path))
            self.assertIn("#DEBHELPER#", path.read_text())

    def test_service_starts_with_the_packaged_configuration(self):
        unit = (self.folder / "stave.service").read_text()
        self.assertIn("ExecStart=/usr/bin/stave serve --config /etc/stave/stave.conf\n", unit)
        with tempfile.TemporaryDirectory() as scratch:
            with Server("--config", str(self.folder / "stave.conf"), PORT="-1", HTTP_PORT="0", DIR=scratch + "/store") as server:
                answer = output_of(PROGRAM, "shell", "--connect", "127.0.0.1:%d" % server.port, "--raw", "CONFIG", "GET", "dir")
                self.assertIn(scratch + "/store", answer)


class Environment(unittest.TestCase):
    def test_port_and_directory_are_taken_from_the_environment(self):
        with tempfile.TemporaryDirectory() as scratch:
            with Server(PORT="-1", HTTP_PORT="0", DIR=scratch + "/here"):
                self.assertTrue(any(pathlib.Path(scratch, "here").iterdir()))

    def test_every_option_is_an_environment_variable(self):
        clean = {key: os.environ[key] for key in ("PATH", "HOME") if key in os.environ}
        for name, change in option_names().items():
            # Any password is a good one.
            if change == "fixed" or name == "requirepass":
                continue
            environment = {**clean, "STAVE_" + variable(name): "bad\nvalue"}
            done = subprocess.run([PROGRAM, "serve"], env=environment, capture_output=True, text=True, timeout=60, check=False)
            self.assertEqual(done.returncode, 2, name)
            self.assertIn("environment variable STAVE_%s: " % variable(name), done.stderr)


class Containers(unittest.TestCase):
    def manifests(self):
        documents = []
        for path in (PACKAGING / "kubernetes").glob("*.yaml"):
            documents += [document for document in yaml.safe_load_all(path.read_text()) if document]
        return documents

    def of_kind(self, kind):
        return [document for document in self.manifests() if document["kind"] == kind]

    def test_all_yaml_and_json_is_well_formed(self):
        files = [path for path in PACKAGING.rglob("*.yaml") if "templates" not in path.parts]
        self.assertGreater(len(files), 8)
        for path in files:
            list(yaml.safe_load_all(path.read_text()))
        for path in PACKAGING.rglob("*.json"):
            json.loads(path.read_text())

    def test_images_carry_the_version(self):
        compose = yaml.safe_load((PACKAGING / "docker/compose.yaml").read_text())
        self.assertEqual(compose["services"]["stave"]["image"], "stave:" + VERSION)
        chart = yaml.safe_load((PACKAGING / "helm/stave/Chart.yaml").read_text())
        self.assertEqual(chart["appVersion"], VERSION)
        self.assertEqual(self.of_kind("Kustomization")[0]["images"][0]["newTag"], VERSION)
        for container in self.of_kind("StatefulSet")[0]["spec"]["template"]["spec"]["containers"]:
            self.assertEqual(container["image"], "stave:" + VERSION)

    def test_variables_are_options_of_the_program(self):
        options = {"STAVE_" + variable(name) for name, change in option_names().items() if change != "fixed"}
        options |= {"PORT", "HTTP_PORT", "DIR", "STAVE_PASSWORD"}
        dockerfile = (PACKAGING / "docker/Dockerfile").read_text()
        used = set(re.findall(r"(?:^ENV| )\s+(\w+)=", dockerfile.split("ENV ")[1].split("USER")[0], re.MULTILINE)) | {"STAVE_BIND"}
        compose = yaml.safe_load((PACKAGING / "docker/compose.yaml").read_text())
        used |= set(compose["services"]["stave"]["environment"])
        for container in self.of_kind("StatefulSet")[0]["spec"]["template"]["spec"]["containers"]:
            used |= {row["name"] for row in container["env"]}
        self.assertEqual(used - options, set())

    def test_manifests_refer_to_what_they_define(self):
        workload = self.of_kind("StatefulSet")[0]["spec"]
        pod = workload["template"]
        labels = pod["metadata"]["labels"]
        services = {service["metadata"]["name"]: service["spec"] for service in self.of_kind("Service")}
        self.assertIn(workload["serviceName"], services)
        selectors = [service["selector"] for service in services.values()]
        selectors += [workload["selector"]["matchLabels"], self.of_kind("PodDisruptionBudget")[0]["spec"]["selector"]["matchLabels"]]
        for selector in selectors:
            self.assertLessEqual(selector.items(), labels.items())
        volumes = {volume["name"] for volume in pod["spec"]["volumes"]} | {claim["metadata"]["name"] for claim in workload["volumeClaimTemplates"]}
        container = pod["spec"]["containers"][0]
        self.assertEqual({mount["name"] for mount in container["volumeMounts"]}, volumes)
        ports = {port["name"] for port in container["ports"]}
        for service in services.values():
            self.assertEqual({port["targetPort"] for port in service["ports"]}, ports)
        for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
            self.assertIn(container[probe]["httpGet"]["port"], ports)

    def test_pods_have_no_rights_they_do_not_need(self):
        pod = self.of_kind("StatefulSet")[0]["spec"]["template"]["spec"]
        self.assertTrue(pod["securityContext"]["runAsNonRoot"])
        self.assertFalse(pod["enableServiceLinks"], "a Service named http would set HTTP_PORT")
        for container in pod["containers"]:
            self.assertFalse(container["securityContext"]["allowPrivilegeEscalation"])
            self.assertTrue(container["securityContext"]["readOnlyRootFilesystem"])
            self.assertEqual(container["securityContext"]["capabilities"]["drop"], ["ALL"])
        user = "%d:%d" % (pod["securityContext"]["runAsUser"], pod["securityContext"]["runAsGroup"])
        self.assertIn("USER %s\n" % user, (PACKAGING / "docker/Dockerfile").read_text())

    def test_chart_uses_the_values_it_has(self):
        chart = PACKAGING / "helm/stave"
        values = yaml.safe_load((chart / "values.yaml").read_text())
        schema = json.loads((chart / "values.schema.json").read_text())
        used = set()
        for path in (chart / "templates").rglob("*"):
            if path.is_file():
                text = path.read_text()
                used |= set(re.findall(r"\.Values\.([\w.]+)", text))
                self.assertEqual(len(re.findall(r"\{\{-?\s*(?:if|range|with|define)\b", text)), len(re.findall(r"\{\{-?\s*end\b", text)), path.name)
        for name in used:
            place, shape = values, schema
            for part in name.split("."):
                self.assertIn(part, place, name)
                shape = shape.get("properties", {}).get(part, {})
                self.assertTrue(shape, "%s is not in the schema" % name)
                place = place[part]
        self.assertEqual({name.split(".")[0] for name in used}, set(values))
        self.assertEqual(set(schema["properties"]) - {"global"}, set(values))

    def test_chart_lets_probes_speak_tls_and_takes_more_volumes(self):
        text = (PACKAGING / "helm/stave/templates/statefulset.yaml").read_text()
        probes = re.findall(r"path: /(?:healthz|readyz)\n +port: http\n +\{\{- if .Values.tls.secretName \}\}\n +scheme: HTTPS", text)
        self.assertEqual(len(probes), 3)
        for name in ("extraVolumes", "extraVolumeMounts"):
            self.assertIn("toYaml . | nindent", text.split("{{- with .Values.%s }}" % name)[1][:60])

    def test_health_check_tells_a_server_from_none(self):
        script = str(PACKAGING / "docker/healthcheck.sh")
        with tempfile.TemporaryDirectory() as scratch:
            with Server(PORT="-1", HTTP_PORT="0", DIR=scratch) as server:
                port = str(server.port)
                output_of("bash", script, env={"PATH": os.environ["PATH"], "PORT": port, "HTTP_PORT": "0"})
        with tempfile.TemporaryDirectory() as scratch:
            with Server(PORT="-1", HTTP_PORT="-1", DIR=scratch, STAVE_PASSWORD="secret") as server:
                output_of("bash", script, env={"PATH": os.environ["PATH"], "HTTP_PORT": str(server.http_port())})
        with tempfile.TemporaryDirectory() as scratch:
            # https only: then the other door is asked.
            output_of("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost", "-days", "2",
                      "-keyout", scratch + "/key", "-out", scratch + "/cert")
            tls = {"STAVE_TLS_CERT_FILE": scratch + "/cert", "STAVE_TLS_KEY_FILE": scratch + "/key"}
            with Server(PORT="-1", HTTP_PORT="-1", DIR=scratch + "/store", STAVE_PASSWORD="secret", **tls) as server:
                output_of("bash", script, env={"PATH": os.environ["PATH"], "PORT": str(server.port), "HTTP_PORT": "8080", **tls})
        gone = subprocess.run(["bash", script], env={"PATH": os.environ["PATH"], "PORT": port, "HTTP_PORT": "0"}, capture_output=True, timeout=60, check=False)
        self.assertNotEqual(gone.returncode, 0)


class Monitoring(unittest.TestCase):
    def test_dashboard_and_alerts_ask_for_what_a_server_shows(self):
        with tempfile.TemporaryDirectory() as scratch:
            with Server(PORT="-1", HTTP_PORT="-1", DIR=scratch) as server:
                # Series of commands, of errors and of backups are there once there were some.
                for command in (["SET", "a", "1"], ["STAVE.BACKUP", "one"], ["NOSUCH"]):
                    subprocess.run([PROGRAM, "shell", "--connect", "127.0.0.1:%d" % server.port, *command], capture_output=True, timeout=60, check=False)
                with urllib.request.urlopen("http://127.0.0.1:%d/metrics" % server.http_port(), timeout=60) as answer:
                    page = answer.read().decode()
        shown = set(re.findall(r"^# TYPE (\w+) ", page, re.MULTILINE))
        shown |= {name + part for name in re.findall(r"^# TYPE (\w+) histogram", page, re.MULTILINE) for part in ("_bucket", "_sum", "_count")}
        for path in ("grafana/stave.json", "prometheus/alerts.yaml", "prometheus/alerts_test.yaml"):
            asked = set(re.findall(r"\b(?:stave|process)_[a-z0-9_]+", (PACKAGING / path).read_text()))
            self.assertGreater(len(asked), 5)
            self.assertEqual(asked - shown, set(), path)

    @unittest.skipUnless(shutil.which("promtool"), "promtool is not installed")
    def test_alerts_fire_when_they_should(self):
        output_of("promtool", "test", "rules", "alerts_test.yaml", cwd=PACKAGING / "prometheus")


class Protocol(unittest.TestCase):
    def protoc(self, *arguments, **options):
        return subprocess.run(["protoc", "--proto_path=" + str(ROOT), *arguments, "proto/stave.proto"], capture_output=True, check=True, timeout=60, **options).stdout

    def ask(self, server, path, body=None, **headers):
        request = urllib.request.Request("http://127.0.0.1:%d%s" % (server.http_port(), path), data=body, headers=headers)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.headers["Content-Type"], answer.read()

    def test_batches_and_pages_travel_as_messages(self):
        batch = self.protoc("--encode=stave.v1.Batch", input=rb"""
            operations { key: "a\377" set { value: "\000\001" } precondition { absent: true } }
            operations { key: "n" increment { by: 5 } }
            operations { key: "a\377" get {} }
            operations { key: "gone" delete {} }""")
        kind = "application/x-protobuf"
        with tempfile.TemporaryDirectory() as scratch:
            with Server(PORT="-1", HTTP_PORT="-1", DIR=scratch) as server:
                content_type, body = self.ask(server, "/db/_batch", batch, **{"Content-Type": kind})
                self.assertEqual(content_type, kind)
                text = self.protoc("--decode=stave.v1.BatchResult", input=body).decode()
                self.assertEqual(re.findall(r"STATUS_\w+", text), ["STATUS_CREATED", "STATUS_CREATED", "STATUS_FOUND", "STATUS_ABSENT"])
                self.assertIn(r'value: "\000\001"', text)
                self.assertIn('value: "5"', text)
                with self.assertRaises(urllib.error.HTTPError) as refused:
                    self.ask(server, "/db/_batch", batch, **{"Content-Type": kind})
                self.assertEqual(refused.exception.code, 412)
                self.assertEqual(refused.exception.headers["Content-Type"], "application/problem+json")
                self.assertEqual(json.load(refused.exception)["index"], 0)
                refused.exception.close()
                content_type, body = self.ask(server, "/db/_batch", batch[:0], **{"Content-Type": kind, "Accept": "application/json"})
                self.assertEqual(content_type.split(";")[0], "application/json")
                content_type, body = self.ask(server, "/db?values=true", Accept=kind)
                self.assertEqual(content_type, kind)
                text = self.protoc("--decode=stave.v1.ListResponse", input=body).decode()
                self.assertIn(r'key: "a\377"', text)
                self.assertEqual(text.count("entries {"), 2)

    def test_messages_generate_code_for_other_languages(self):
        with tempfile.TemporaryDirectory() as scratch:
            output_of("protoc", "--proto_path=" + str(ROOT), "--python_out=" + scratch, "--cpp_out=" + scratch, "proto/stave.proto")
            self.assertTrue(pathlib.Path(scratch, "proto/stave_pb2.py").exists())


if __name__ == "__main__":
    unittest.main()
