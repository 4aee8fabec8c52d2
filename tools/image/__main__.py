"""Go through the steps of the Dockerfile in scratch roots, where no engine can build it.

As root on Debian. In the place of the image that is named by its digest is a root of Debian 12 with its Python 3.11,
from Debian's archive; each step then runs in that root alone (bubblewrap). What an engine would build is left in
.venv/image, a folder for each stage, with image.json beside it.
"""

import argparse
import json
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Final

from tools.image.dockerfile import Stage, UnknownInstruction, context, is_in, settings, stages

ROOT: Final = Path(__file__).resolve().parents[2]

PACKAGES: Final = "base-files,ca-certificates,coreutils,dash,findutils,libstdc++6,python3,python3-pip,python3-venv"
"""Of what Debian's slim images have, what steps and images use; libstdc++6 comes with apt there."""

PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

LENT: Final = ("/etc/hosts", "/etc/pip.conf", "/etc/resolv.conf", "/etc/ssl")
"""What steps need of this machine to reach an index of packages: names, authorities, and which index."""

LENT_VARIABLES: Final = (
    "PIP_",
    "SSL_CERT",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "no_proxy",
)


@dataclass(frozen=True)
class Image:
    """How an image runs what is in its root."""

    root: str
    environment: Mapping[str, str] = field(default_factory=lambda: {"PATH": PATH})
    user: str = "0:0"
    folder: str = "/"
    entrypoint: list[str] = field(default_factory=list)
    command: list[str] = field(default_factory=list)


def made_base(folder: Path) -> Image:
    """Make the root that stands in for the image of Python, unless it is there."""
    root = folder / "debian"
    if not (root / "usr/local/bin/python").is_symlink():
        shutil.rmtree(root, ignore_errors=True)
        making = ["mmdebstrap", "--mode=root", "--variant=extract", "--quiet", f"--include={PACKAGES}", "bookworm"]
        subprocess.run([*making, root, "http://deb.debian.org/debian"], check=True)  # noqa: S603
        # As the image of Python has it: `python` and `pip`, and packages go where they are asked to.
        (root / "usr/local/bin").mkdir(parents=True)
        for name, of in (("python", "python3"), ("pip", "pip3")):
            (root / "usr/local/bin" / name).symlink_to(f"/usr/bin/{of}")
        for marker in root.glob("usr/lib/python3*/EXTERNALLY-MANAGED"):
            marker.unlink()
    return Image(str(root))


def go_through(stage: Stage, before: Mapping[str, Image], folder: Path) -> Image:
    """Return what a stage makes of the one that it begins with. Raises CalledProcessError and UnknownInstruction."""
    begun = before[stage.begins_with]
    root = folder / stage.name
    shutil.rmtree(root, ignore_errors=True)
    subprocess.run(["/bin/cp", "--archive", "--reflink=auto", begun.root, root], check=True)  # noqa: S603
    image = replace(begun, root=str(root))
    for word, rest in stage.instructions:
        print(f"{stage.name}: {word} {rest[:100]}", flush=True)
        image = step(word, rest, image, before)
    return image


def step(word: str, rest: str, image: Image, before: Mapping[str, Image]) -> Image:
    """Take one step; return how the image is after it."""
    match word:
        case "RUN":
            run(rest, image)
        case "COPY":
            copy(rest, image, before)
        case "ENV":
            return replace(image, environment={**image.environment, **settings(rest, image.environment)})
        case "USER":
            return replace(image, user=rest)
        case "WORKDIR":
            inside(image, rest).mkdir(parents=True, exist_ok=True)
            return replace(image, folder=rest)
        case "ENTRYPOINT":
            return replace(image, entrypoint=json.loads(rest), command=[])
        case "CMD":
            return replace(image, command=json.loads(rest))
    return image


def inside(image: Image, path: str) -> Path:
    """Return where a path of an image is on this machine."""
    return Path(image.root) / (Path(image.folder) / path).relative_to("/")


def run(command: str, image: Image) -> None:
    """Run a command of the shell in the root, as its root. Raises CalledProcessError."""
    lent = {name: value for name, value in os.environ.items() if name.startswith(LENT_VARIABLES)}
    environment = {"HOME": "/root", **lent, **image.environment}
    folders = [value for name, value in lent.items() if name == "PIP_FIND_LINKS" and value.startswith("/")]
    binds = [word for path in (*LENT, *folders) for word in ("--ro-bind-try", path, path)]
    variables = [word for name, value in environment.items() for word in ("--setenv", name, value)]
    box = ["bwrap", "--bind", image.root, "/", "--dev", "/dev", "--proc", "/proc", "--tmpfs", "/tmp", *binds]  # noqa: S108
    box += ["--unshare-pid", "--die-with-parent", "--clearenv", *variables, "--chdir", image.folder]
    subprocess.run([*box, "/bin/sh", "-ec", command], check=True, stdout=sys.stderr)  # noqa: S603


def copy(rest: str, image: Image, before: Mapping[str, Image]) -> None:
    """Copy as COPY does. Raises UnknownInstruction for what the context does not have."""
    *sources, target = shlex.split(rest)
    of = ROOT
    if sources[0].startswith("--from="):
        of = Path(before[sources.pop(0).removeprefix("--from=")].root)
    allowed = context((ROOT / ".dockerignore").read_text(encoding="utf-8"))
    for source in sources:
        if of == ROOT and not is_in(allowed, Path(source)):
            raise UnknownInstruction(f"COPY {source}: .dockerignore leaves it out")
        found, place = of / source.lstrip("/"), inside(image, target)
        if found.is_dir():
            ignored = shutil.ignore_patterns("__pycache__") if of == ROOT else None
            shutil.copytree(found, place, symlinks=True, dirs_exist_ok=True, ignore=ignored)
        else:
            place = place / found.name if target.endswith("/") else place
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(found, place)


def main() -> int:
    """Go through all stages, and say how large each image is."""
    arguments = argparse.ArgumentParser(prog="make image-steps", description=__doc__)
    arguments.add_argument("--into", type=Path, default=ROOT / ".venv" / "image", help="%(default)s if unset")
    into: Path = arguments.parse_args().into
    into.mkdir(parents=True, exist_ok=True)
    read = stages((ROOT / "Dockerfile").read_text(encoding="utf-8"))
    made: dict[str, Image] = {}
    for stage in read.values():
        if stage.begins_with not in made:
            made[stage.begins_with] = made_base(into)
        made[stage.name] = go_through(stage, made, into)
    (into / "image.json").write_text(json.dumps({name: asdict(made[name]) for name in read}), encoding="utf-8")
    for name in ("service", "gateway", "backup"):
        for part in sorted(Path(made[name].root, "opt").iterdir()):
            sizes = subprocess.run(["/usr/bin/du", "-sm", part], check=True, capture_output=True, text=True)  # noqa: S603
            print(f"{name}: /opt/{part.name} has {sizes.stdout.split()[0]} MB")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (UnknownInstruction, subprocess.CalledProcessError) as error:
        print(f"the Dockerfile cannot be gone through: {error}", file=sys.stderr)
        sys.exit(1)
