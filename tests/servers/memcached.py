"""memcached, with TLS and with SASL."""

from __future__ import annotations

import os
import ssl
import subprocess

from .process import Server, exchange, program

USERNAME, PASSWORD = "scott", "tiger"

_NO_OPERATION = b"\x80\x0a" + bytes(22)


class Memcached(Server):
    """Be a memcached.

    :param tls: speak TLS, with the certificate :attr:`certificate`.
    :param sasl: ask for :data:`USERNAME` and :data:`PASSWORD`.
    """

    def __init__(self, *options: str, tls: bool = False, sasl: bool = False) -> None:
        super().__init__()
        self._options = list(options)
        self._tls = tls
        self._sasl = sasl
        self.certificate = self.directory / "certificate.pem"
        if tls:
            self._prepare_tls()
        if sasl:
            self._prepare_sasl()

    @property
    def url(self) -> str:
        """The address as the client libraries take it."""
        return f"127.0.0.1:{self.port}"

    def context(self) -> ssl.SSLContext:
        """Return a context that trusts this server."""
        return ssl.create_default_context(cafile=str(self.certificate))

    def command(self) -> list[str]:
        fixed = ["-l", "127.0.0.1", "-p", str(self.port), "-U", "0"]
        user = ["-u", "root"] if os.geteuid() == 0 else []
        return [program("memcached"), *fixed, *user, *self._options]

    def answers(self) -> bool:
        if self._sasl:  # which it asks for in the binary protocol
            return exchange(self.port, _NO_OPERATION) != b""
        context = self.context() if self._tls else None
        return exchange(self.port, b"version\r\n", context).startswith(b"VERSION")

    def _prepare_tls(self) -> None:
        key = self.directory / "key.pem"
        request = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
        files = ["-keyout", str(key), "-out", str(self.certificate)]
        names = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
        subprocess.run(
            [program("openssl"), *request, *files, *names],
            check=True,
            capture_output=True,
        )
        chain = f"ssl_chain_cert={self.certificate},ssl_key={key}"
        self._options += ["-Z", "-o", chain]

    def _prepare_sasl(self) -> None:
        database = self.directory / "sasldb"
        realm = "dogpile"
        options = ["-a", "memcached", "-c", "-p"]  # create; read it from the input
        subprocess.run(
            [program("saslpasswd2"), *options, "-f", database, "-u", realm, USERNAME],
            input=PASSWORD.encode(),
            check=True,
        )
        (self.directory / "memcached.conf").write_text(
            f"mech_list: plain\nsasldb_path: {database}\n"
        )
        self.environment = {**os.environ, "SASL_CONF_PATH": str(self.directory)}
        self._options += ["-S"]
        self.username = f"{USERNAME}@{realm}"
        self.password = PASSWORD
