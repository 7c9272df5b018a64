# SPDX-License-Identifier: Apache-2.0
"""A server to update from: `updraft serve` on a free port of this machine."""

import os
import pathlib
import shutil
import subprocess
import time

from .tool import end_process


class OtaServer:
    """Serves `folder` over HTTPS until stop(). `ca` is the file with the certificate that the board must trust."""

    def __init__(self, updraft, folder, tls_dir, *options, find=pathlib.Path, timeout=30):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.ca = pathlib.Path(tls_dir) / "ca.pem"
        self._find = find
        self._log = self.folder.with_name(self.folder.name + ".log")
        ready = self.folder.with_name(self.folder.name + ".ready")
        ready.unlink(missing_ok=True)
        self._scheme = "http" if "--plain" in options else "https"
        command = [updraft.path, "serve", self.folder, "--tls-dir", tls_dir, "--ready", ready, *options]
        with open(self._log, "w") as log:
            self._process = subprocess.Popen(list(map(str, command)), stdin=subprocess.DEVNULL, stdout=log,
                                             stderr=subprocess.STDOUT)
        deadline = time.monotonic() + timeout
        while not (ready.exists() and ready.read_text().endswith("\n")):
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise RuntimeError(f"the server did not come up:\n{self.log}")
            time.sleep(0.01)
        self.port = int(ready.read_text())

    def url(self, name, host="localhost"):
        return f"{self._scheme}://{host}:{self.port}/{name}"

    def offer(self, image, name=None):
        """Serve a copy of the file `image` (by default under its own name) from now on; its URL."""
        image = self._find(image)
        name = name or image.name
        target = self.folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        fresh = target.with_name(f".{target.name}.new")  # hidden, so never served; and the change is at once
        shutil.copyfile(image, fresh)
        os.replace(fresh, target)
        return self.url(name)

    @property
    def log(self):
        """What the server has said: where it listens, and one line a request."""
        return self._log.read_text(errors="replace")

    def stop(self):
        end_process(self._process)
