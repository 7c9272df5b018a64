# SPDX-License-Identifier: Apache-2.0
"""Certificates for tests, made by the openssl command: an independent judge of what our TLS accepts and refuses."""

import subprocess

import pytest


def openssl(*args, cwd, stdin=None):
    done = subprocess.run(["openssl", *map(str, args)], cwd=cwd, input=stdin, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, f"openssl {args}: {done.stderr}"
    return done.stdout


class Authority:
    """A CA; `issuer` makes it an intermediate one."""

    def __init__(self, folder, name, issuer=None):
        self.folder, self.name, self.issuer = folder, name, issuer
        self.cert, self.key = folder / f"{name}.pem", folder / f"{name}.key"
        openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", self.key, cwd=folder)
        extensions = "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\n"
        if issuer:
            issuer._sign(name, self.key, self.cert, f"/CN={name}", extensions, ["-days", "30"])
        else:
            openssl("req", "-x509", "-new", "-key", self.key, "-subj", f"/CN={name}", "-days", "30", "-out", self.cert,
                    "-addext", "keyUsage=critical,keyCertSign,cRLSign", cwd=folder)

    def _sign(self, stem, key, out, subject, extensions, validity):
        request, ext = self.folder / f"{stem}.csr", self.folder / f"{stem}.ext"
        ext.write_text(extensions)
        openssl("req", "-new", "-key", key, "-subj", subject, "-out", request, cwd=self.folder)
        openssl("x509", "-req", "-in", request, "-CA", self.cert, "-CAkey", self.key, "-CAcreateserial", "-extfile", ext,
                "-out", out, *validity, cwd=self.folder)

    def leaf(self, stem, names="DNS:localhost,IP:127.0.0.1", expired=False):
        """A server certificate with its chain (root left out) and its key, as paths."""
        key, cert, chain = (self.folder / f"{stem}.{end}" for end in ("key", "crt", "chain"))
        openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", key, cwd=self.folder)
        extensions = f"subjectAltName={names}\nextendedKeyUsage=serverAuth\nbasicConstraints=CA:FALSE\n"
        self._sign(stem, key, cert, f"/CN={stem}", extensions, ["-days", "-1" if expired else "30"])
        text, issuer = cert.read_text(), self
        while issuer.issuer:
            text += issuer.cert.read_text()
            issuer = issuer.issuer
        chain.write_text(text)
        return chain, key


@pytest.fixture
def pki(tmp_path):
    """Root and intermediate CA, a server certificate under the latter with its chain."""
    folder = tmp_path / "pki"
    folder.mkdir()
    root = Authority(folder, "root")
    middle = Authority(folder, "middle", root)
    return root, middle, middle.leaf("server")
