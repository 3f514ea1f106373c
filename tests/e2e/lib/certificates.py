"""A test CA and server certificates, made on the fly, and TLS listeners that tell which name they were asked for."""
import os
import socket
import ssl
import subprocess

from .listener import Listener
from .servers import find


class Authority:
    """A certificate authority in a folder."""

    def __init__(self, folder):
        self.folder = folder
        self.certificate = os.path.join(folder, "ca.pem")
        self._key = os.path.join(folder, "ca.key")
        self._openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days",
                      "2",
                      "-subj", "/CN=test authority", "-keyout", self._key, "-out", self.certificate)

    def _openssl(self, *arguments):
        subprocess.run([find("openssl"), *arguments], check=True, capture_output=True, timeout=30)

    def issue(self, file_name, names, days=2):
        """(certificate, key) files of a server with these names; negative days are over."""
        base = os.path.join(self.folder, file_name)
        extensions = base + ".ext"
        with open(extensions, "w", encoding="ascii") as file:
            file.write("subjectAltName=" + ",".join(f"DNS:{name}" for name in names) + "\n")
        self._openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                      "-subj", f"/CN={file_name}", "-keyout", base + ".key", "-out", base + ".csr")
        self._openssl("x509", "-req", "-in", base + ".csr", "-CA", self.certificate, "-CAkey", self._key,
                      "-CAcreateserial", "-days", str(days), "-extfile", extensions, "-out", base + ".pem")
        return base + ".pem", base + ".key"


class TlsListener(Listener):
    """Takes TLS connections and says its title; remembers the server names it was asked for."""

    def __init__(self, address, port, title, files, newest=ssl.TLSVersion.MAXIMUM_SUPPORTED):
        self.title, self.names, self.shaken = title, [], 0  # handshakes that are over
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(*files)
        self._context.maximum_version = newest
        self._context.sni_callback = lambda _socket, name, _context: self.names.append(name)
        super().__init__(socket.create_server((address, port)))

    def serve(self, connection):
        with self._context.wrap_socket(connection, server_side=True) as tls:
            self.shaken += 1
            tls.sendall(self.title.encode("ascii") + b"\n")
            tls.unwrap()
