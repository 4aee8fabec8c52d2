"""What callers make of the protos: docs/buf.gen.yaml, and the Python code that is ready."""

import os
import re
import stat
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from google.protobuf.compiler.plugin_pb2 import CodeGeneratorRequest

pytestmark = pytest.mark.requirement("H4")

ROOT = Path(__file__).parents[2]
GENERATED = ROOT / "generated" / "python"
PROTOS = sorted((ROOT / "protos" / "credit").rglob("*.proto"))
BUF = Path(sys.executable).with_name("buf")

PLUGINS = ("protoc-gen-go", "protoc-gen-go-grpc", "protoc-gen-es", "protoc-gen-grpc-java", "grpc_python_plugin")

PLUGIN = """#!{python}
import pathlib, sys
with pathlib.Path({folder!r}, pathlib.Path(sys.argv[0]).name).open("ab") as asked:
    asked.write(sys.stdin.buffer.read())
"""
"""Answers nothing, which is no file. One that is asked folder by folder is asked for all of them together: two messages
in a row are one message with the fields of both."""

PROTOC = "#!/bin/sh\ncat >/dev/null\necho libprotoc 30.0\n"
"""Stands for the compiler's own languages, which are asked for by arguments."""


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Run the template with plugins that only write down what they are asked for; return that by plugin."""
    folder = tmp_path_factory.mktemp("plugins")
    text = PLUGIN.format(python=sys.executable, folder=str(folder / "asked"))
    for name, program in (dict.fromkeys(PLUGINS, text) | {"protoc": PROTOC}).items():
        plugin = folder / name
        plugin.write_text(program, encoding="utf-8")
        plugin.chmod(plugin.stat().st_mode | stat.S_IXUSR)
    (folder / "asked").mkdir()
    environment = os.environ | {"PATH": f"{folder}{os.pathsep}{os.environ['PATH']}"}
    command = [str(BUF), "generate", "--template", "docs/buf.gen.yaml", "--output", str(folder / "out")]
    subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True)
    return {file.name: file.read_bytes() for file in (folder / "asked").iterdir()}


@pytest.mark.parametrize("plugin", PLUGINS)
def test_only_what_is_ours_is_written(asked: dict[str, bytes], plugin: str) -> None:
    """But for TypeScript, whose modules have no common registry."""
    written = set(CodeGeneratorRequest.FromString(asked[plugin]).file_to_generate)
    foreign = {name for name in written if not name.startswith("credit/")}
    assert written - foreign == {str(file.relative_to(ROOT / "protos")) for file in PROTOS}
    assert foreign <= ({"google/rpc/status.proto"} if plugin == "protoc-gen-es" else set())


@pytest.mark.parametrize("plugin", PLUGINS)
def test_no_caller_needs_a_package_of_rules(asked: dict[str, bytes], plugin: str) -> None:
    described = CodeGeneratorRequest.FromString(asked[plugin]).proto_file
    of_options = {"buf/validate/validate.proto", "google/api/annotations.proto"}
    assert not [file.name for file in described if of_options & {*file.dependency}]


def test_each_proto_says_where_its_code_belongs() -> None:
    for file in PROTOS:
        package = str(file.parent.relative_to(ROOT / "protos"))
        go = "".join(package.split("/")[-2:])
        text = file.read_text(encoding="utf-8")
        name = "".join(part.capitalize() for part in file.stem.split("_")) + "Proto"
        assert f'option go_package = "github.com/creditd/creditd/generated/go/{package};{go}";' in text, file.name
        assert f'option java_package = "com.creditd.{package.replace("/", ".")}";' in text, file.name
        assert "option java_multiple_files = true;" in text, file.name
        assert f'option java_outer_classname = "{name}";' in text, file.name


def test_the_python_code_is_of_our_package_alone() -> None:
    assert [path.name for path in GENERATED.iterdir() if path.name != "__pycache__"] == ["credit"]
    imported = {
        line.split()[1]
        for file in GENERATED.rglob("*_pb2*.py")
        for line in file.read_text(encoding="utf-8").splitlines()
        if re.match(r"(from|import) ", line)
    }
    ours = {"credit.v1", "credit.executor.v1"}
    assert imported <= ours | {"google.protobuf", "google.protobuf.internal", "google.rpc", "grpc", "warnings"}


def test_the_python_code_loads_on_the_oldest_releases_that_are_promised() -> None:
    """It refuses any older one than it was written by: that one is a floor of ours, and named to callers."""
    dependencies = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"]
    floors = dict(one.split(">=") for one in dependencies if one.startswith(("grpcio>", "protobuf>")))
    assert written_by("*_pb2.py", r"Protobuf Python Version: (\d+\.\d+)\.0$") == {floors["protobuf"]}
    assert written_by("*_pb2_grpc.py", r"GRPC_GENERATED_VERSION = '([\d.]+)'") == {floors["grpcio"]}
    page = (ROOT / "docs" / "clients.md").read_text(encoding="utf-8")
    assert f"`protobuf` {floors['protobuf']} or newer, `grpcio` {floors['grpcio']} or newer" in page


def written_by(files: str, pattern: str) -> set[str]:
    """Return the releases that generated files say they were written by."""
    texts = [file.read_text(encoding="utf-8") for file in GENERATED.rglob(files)]
    return {release for text in texts for release in re.findall(pattern, text, re.MULTILINE)}
