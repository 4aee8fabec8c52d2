"""Runs what the Dockerfile's steps have made as a pod is run: no root, no capability, nothing to write but /tmp."""

import json
import os
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import psutil

from tests.deployment.installation import ROOT
from tests.support.programs import PATIENCE_SECONDS, Started

USER: Final = 10001

BECOMES: Final = (
    "import os, sys; user = int(sys.argv[1]); os.setgroups([]); os.setgid(user); os.setuid(user); "
    "os.execvp(sys.argv[2], sys.argv[2:])"
)
"""What makes of the box's root its user, as a runtime does before anything of the image runs."""


@dataclass(frozen=True)
class Box:
    """An image, the files that are mounted into it (by their folder in it) and its environment."""

    image: Mapping[str, Any]
    mounts: Mapping[str, Path]
    environment: Mapping[str, str]
    scratch: Path

    def command(self, arguments: Sequence[str]) -> list[str]:
        """Return the command line that runs the image's entrypoint, with these arguments, in its box."""
        environment = {**self.image["environment"], **self.environment}
        assert self.image["user"] == f"{USER}:{USER}"
        box = ["/usr/bin/bwrap", "--bind", self.image["root"], "/", "--dev", "/dev", "--proc", "/proc"]
        box += ["--perms", "1777", "--tmpfs", "/tmp"]  # noqa: S108
        for place, source in self.mounts.items():
            self._make(Path(self.image["root"], place.lstrip("/")), is_folder=source.is_dir())
            box += ["--ro-bind", str(source), place]
        box += ["--remount-ro", "/", "--die-with-parent", "--clearenv", "--chdir", self.image["folder"]]
        box += ["--cap-drop", "ALL", "--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"]
        for name, value in environment.items():
            box += ["--setenv", name, value]
        return [*box, "/usr/bin/python3", "-c", BECOMES, str(USER), *self.image["entrypoint"], *arguments]

    def _make(self, place: Path, *, is_folder: bool) -> None:
        """Make where something is mounted, with a way there for everybody, which bubblewrap would not make."""
        if is_folder:
            place.mkdir(parents=True, exist_ok=True)
        else:
            place.touch()

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run it to its end."""
        return subprocess.run(
            self.command(arguments), capture_output=True, text=True, check=False, timeout=PATIENCE_SECONDS
        )

    def of(self, entrypoint: Sequence[str]) -> "Box":
        """Return the same with another program to begin with."""
        return Box({**self.image, "entrypoint": list(entrypoint)}, self.mounts, self.environment, self.scratch)

    @contextmanager
    def started(self, *arguments: str) -> Iterator["InBox"]:
        """Run it while the block lasts; whatever is left of it then is killed."""
        output = self.scratch / f"{time.monotonic_ns()}.out"
        with output.open("wb") as file:
            process = subprocess.Popen(self.command(arguments), stdout=file, stderr=file)
        started = InBox(process, output)
        try:
            yield started
        finally:
            for left in started.descendants():
                with suppress(psutil.NoSuchProcess):
                    left.kill()
            process.kill()
            process.wait()


class InBox(Started):
    """What runs in a box."""

    def end(self) -> int:
        """Tell it to end in order, as a runtime does; return its exit code."""
        first, *_ = self.descendants()
        first.terminate()
        return self.process.wait(PATIENCE_SECONDS)


def images() -> Mapping[str, Any]:
    """Return what `make image-steps` has made, by the names of its stages."""
    return dict(json.loads((ROOT / ".venv" / "image" / "image.json").read_text(encoding="utf-8")))


def mounted(folder: Path, files: Mapping[str, bytes]) -> Path:
    """Write files as Kubernetes mounts those of a Secret: its user's group may read them, and nobody else."""
    folder.mkdir(parents=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
        (folder / name).chmod(0o440)
        os.chown(folder / name, 0, USER)
    folder.chmod(0o750)
    os.chown(folder, 0, USER)
    return folder
