"""containerd on a machine, with runc and the network plug-ins: their configuration, and images."""

import contextlib
import json
import subprocess
import time

from tests.tools import CONTAINERD, NETWORK, PAUSE, RUNC

from . import archive
from .machine import Machine

SOCKET = "/run/containerd/containerd.sock"
PAUSE_IMAGE = "localhost/pause:1"
STARTS_WITHIN = 60.0
CONFIG = """
version = 3
root = "{folder}/root"
state = "/run/containerd"
disabled_plugins = ["io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.devmapper",
  "io.containerd.snapshotter.v1.zfs", "io.containerd.snapshotter.v1.erofs", "io.containerd.nri.v1.nri",
  "io.containerd.tracing.processor.v1.otlp"]
[grpc]
address = "{socket}"
[plugins.'io.containerd.cri.v1.images'.pinned_images]
sandbox = "{pause}"
[plugins.'io.containerd.cri.v1.runtime']
# A machine that may not lower its out-of-memory score still starts pods.
restrict_oom_score_adj = true
[plugins.'io.containerd.cri.v1.runtime'.cni]
bin_dirs = ["{plugins}"]
conf_dir = "{folder}/network"
[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"
[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc.options]
BinaryName = "{runc}"
"""


class Runtime:
    """Its images and containers are in a folder of the machine's, removed with that."""

    def __init__(self, machine: Machine) -> None:
        folder = machine.folder / "containerd"
        (folder / "network").mkdir(parents=True)
        config = folder / "config.toml"
        programs = CONTAINERD.need().parent
        config.write_text(
            CONFIG.format(
                folder=folder, socket=SOCKET, pause=PAUSE_IMAGE, plugins=NETWORK.need().parent, runc=RUNC.need()
            )
        )
        (folder / "network" / "10-pods.conflist").write_text(json.dumps(_network(machine.pods)))
        self._machine, self._folder = machine, folder
        self._client = [str(programs / "ctr"), f"--address={SOCKET}"]
        path = f"{programs}:/usr/sbin:/usr/bin:/sbin:/bin"
        self.process = machine.process(
            "containerd", [str(programs / "containerd"), f"--config={config}"], {"PATH": path, "HOME": str(folder)}
        )

    def start(self) -> None:
        """Start it; wait until it answers. Raises RuntimeError."""
        self.process.start()
        deadline = time.monotonic() + STARTS_WITHIN
        while True:
            try:
                self.ctr("version")
                break
            except RuntimeError as error:
                if not self.process.running or time.monotonic() > deadline:
                    raise RuntimeError(f"containerd did not start: {error}\n{self.process.tail(40)}") from error
                time.sleep(0.05)
        pause = PAUSE.need()
        holder = archive.layer(self._folder / "pause.tar", [(pause, "pause")])
        self.load(archive.Image(PAUSE_IMAGE, [holder], {"Entrypoint": ["/pause"], "User": "65535:65535"}))

    def load(self, *images: archive.Image) -> None:
        """Import images; pods may name them. Raises RuntimeError."""
        command = self._machine.inside([*self._client, "--namespace=k8s.io", "images", "import", "-"])
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        ) as importing:
            assert importing.stdin is not None and importing.stdout is not None
            with contextlib.suppress(BrokenPipeError), importing.stdin:
                archive.write(images, importing.stdin)
            said = importing.stdout.read().decode(errors="replace")
        if importing.returncode:
            raise RuntimeError(f"containerd took none of {[image.name for image in images]}:\n{said}")

    def ctr(self, *arguments: str) -> str:
        """What `ctr` printed. Raises RuntimeError."""
        return self._machine.run([*self._client, *arguments])


def _network(pods: str) -> dict[str, object]:
    ipam = {
        "type": "host-local", "ranges": [[{"subnet": pods}]], "routes": [{"dst": "0.0.0.0/0"}],
        "dataDir": "/run/networks",
    }  # fmt: skip
    bridge = {"type": "bridge", "bridge": "pods", "isGateway": True, "hairpinMode": True, "ipam": ipam}
    return {"cniVersion": "1.0.0", "name": "pods", "plugins": [bridge]}
