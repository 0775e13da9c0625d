"""A Docker engine of the tests' own: socket, data and containers in one folder, ended with everything it started.

No registry is asked: its one image is a shell made of busybox. Containers have no network, and the machine's own
engine and firewall are left alone.
"""

from __future__ import annotations

import io
import os
import shutil
import socket
import subprocess
import tarfile
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import docker

IMAGE = "floodmark-test:1"
COMMANDS = ("sh", "sleep", "dd", "awk")
SYS_ADMIN = 21
"""The bit of CAP_SYS_ADMIN: without it nobody can start an engine, root or not (capabilities(7))."""


def may_start() -> bool:
    """Whether this process has the right that an engine needs."""
    lines = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return bool(int(lines["CapEff"], 16) >> SYS_ADMIN & 1)


class Engine:
    """`dockerd` of the system's package; `url` is what the watch is told."""

    def __init__(self) -> None:
        # Not pytest's folder: the path of a socket has room for 107 bytes.
        self.folder = Path(tempfile.mkdtemp(prefix="floodmark-engine-"))
        self.url = f"unix://{self.folder}/docker.sock"
        with (self.folder / "log").open("wb") as log:
            self.process = subprocess.Popen(
                [
                    shutil.which("dockerd", path=f"{os.environ['PATH']}:/usr/sbin") or "dockerd",
                    "--host", self.url, "--data-root", f"{self.folder}/data", "--exec-root", f"{self.folder}/exec",
                    "--pidfile", f"{self.folder}/pid", "--storage-driver", "vfs", "--bridge", "none",
                    "--iptables=false", "--ip6tables=false", "--ip-forward=false", "--userland-proxy=false",
                ],
                stdout=log, stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip
        self.client = docker.DockerClient(base_url=self.url, version="1.41", timeout=30)
        try:
            self._wait()
            self.client.api.import_image_from_data(_image(), repository="floodmark-test", tag="1")
        except BaseException:
            self.stop()
            raise

    def _wait(self) -> None:
        for _ in range(300):
            if self.process.poll() is not None:
                break
            # Not the client's ping: it leaves its socket open where nobody listens yet.
            with closing(socket.socket(socket.AF_UNIX)) as probe:
                if probe.connect_ex(str(self.folder / "docker.sock")) == 0:
                    return
            time.sleep(0.1)
        raise AssertionError("the engine did not come up:\n" + (self.folder / "log").read_text()[-2000:])

    def run(self, name: str, script: str, *, stop_timeout: int | None = None, **host: Any) -> Any:
        """A container that runs a line of shell; `host` are limits and the like."""
        api = self.client.api
        made = api.create_container(
            IMAGE, ["/bin/sh", "-c", script], name=name, stop_timeout=stop_timeout,
            host_config=api.create_host_config(network_mode="none", **host),
        )  # fmt: skip
        api.start(made["Id"])
        return self.client.containers.get(made["Id"])

    def remove_containers(self) -> None:
        """Whatever the engine is still doing with one: a restart that nobody waits for writes while it is removed."""
        for one in self.client.containers.list(all=True):
            for _ in range(100):
                try:
                    one.remove(force=True)
                    break
                except docker.errors.NotFound:
                    break
                except docker.errors.APIError:
                    time.sleep(0.2)

    def stop(self) -> None:
        try:
            if self.process.poll() is None:
                self.remove_containers()
        finally:
            self.client.close()
            self.process.terminate()
            self.process.wait(60)
            shutil.rmtree(self.folder, ignore_errors=True)


def _image() -> bytes:
    """A file system of one program; `busybox` is linked statically in the package that the tests install."""
    made = io.BytesIO()
    program = Path(shutil.which("busybox") or "/bin/busybox").read_bytes()
    with tarfile.open(fileobj=made, mode="w") as tar:
        file = tarfile.TarInfo("bin/busybox")
        file.size, file.mode = len(program), 0o755
        tar.addfile(file, io.BytesIO(program))
        for command in COMMANDS:
            link = tarfile.TarInfo(f"bin/{command}")
            link.type, link.linkname = tarfile.SYMTYPE, "busybox"
            tar.addfile(link)
    return made.getvalue()
