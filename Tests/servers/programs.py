"""Servers and proxies as Debian packages them.

Each runs in the foreground, with a port and a directory of its own, until it is stopped.
"""

import atexit
import os
import signal
import socket
import subprocess
import time

from mock_process import die_with_parent

#: Sockets that reserve the ports which `free_port` returned, until this process ends.
_reservations = []


@atexit.register
def _close_reservations():
    for reservation in _reservations:
        reservation.close()


def free_port():
    """A port of 127.0.0.1 on which nothing listens, and which no other process is given.

    A socket stays bound to it. A program can listen on it because both sockets have SO_REUSEADDR;
    until then, connections to it are refused.
    """
    reservation = socket.socket()
    # Without SO_REUSEADDR, bind() fails or selects another port if a socket is bound to the port.
    reservation.bind(("127.0.0.1", 0))
    reservation.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    _reservations.append(reservation)
    return reservation.getsockname()[1]


class Program:
    """A running program. It is ready as soon as it listens on the port."""

    def __init__(self, arguments, port, log):
        self.port = port
        self._log = log
        with open(log, "ab") as output:
            self.process = subprocess.Popen(
                [str(argument) for argument in arguments],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                preexec_fn=die_with_parent,
                env={**os.environ, "PATH": os.environ["PATH"] + ":/usr/sbin:/sbin"},
            )
        deadline = time.monotonic() + 30
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=5).close()
                return
            except ConnectionRefusedError:
                time.sleep(0.02)
            has_ended = self.process.poll() is not None
            if has_ended or time.monotonic() > deadline:
                self.stop(signal.SIGKILL)
                problem = "has ended" if has_ended else "does not listen"
                raise AssertionError(f"{arguments[0]} {problem}: {self.log()}")

    def log(self):
        """Everything that the program has printed."""
        with open(self._log, encoding="utf-8", errors="replace") as text:
            return text.read()

    def stop(self, number=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class Nginx(Program):
    """nginx in front of a provider, with three listeners: "http", "https" (HTTP/1.1) and "h2".

    Paths that it adds to the provider's own:

    /small/      accepts no body larger than 1 KiB
    /gone/       forwards to a port on which nothing listens
    /hasty/      waits 200 ms for the provider's response
    /moved/N/    redirects with status N to another host, `elsewhere`
    /home/N/     redirects with status N to the provider's path on the same host
    """

    def __init__(self, directory, provider_port, pair, elsewhere="http://127.0.0.1:1"):
        self.ports = {name: free_port() for name in ("http", "https", "h2")}
        configuration = directory / "nginx.conf"
        configuration.write_text(self._configuration(directory, provider_port, pair, elsewhere))
        super().__init__(
            ["nginx", "-p", directory, "-e", "stderr", "-c", configuration],
            self.ports["h2"],
            directory / "log",
        )

    def _configuration(self, directory, provider_port, pair, elsewhere):
        certificate, key = pair
        user = "user root;" if os.geteuid() == 0 else ""
        temporary = "\n".join(
            f"{kind}_temp_path {directory}/{kind};"
            for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        redirects = "\n".join(
            f"location /moved/{status}/ {{ return {status} {elsewhere}/v1/chat/completions; }}\n"
            f"location /home/{status}/ {{ return {status} /v1/chat/completions; }}"
            for status in (301, 302, 303, 307, 308)
        )
        locations = f"""
            add_header x-protocol $server_protocol always;
            add_header x-connection $connection always;
            location / {{ proxy_pass http://provider; }}
            location /small/ {{ client_max_body_size 1k; proxy_pass http://provider/; }}
            location /gone/ {{ proxy_pass http://127.0.0.1:1/; }}
            location /hasty/ {{ proxy_read_timeout 200ms; proxy_pass http://provider/; }}
            {redirects}
        """
        tls = f"ssl_certificate {certificate}; ssl_certificate_key {key};"
        return f"""
            daemon off; worker_processes 1; {user}
            pid {directory}/pid; error_log stderr warn;
            events {{ worker_connections 512; }}
            http {{
                {temporary}
                access_log off;
                # Compresses only if the client asks for it; forwards each event immediately.
                gzip on; gzip_min_length 1; gzip_types *;
                proxy_buffering off; proxy_http_version 1.1; proxy_set_header Connection "";
                client_max_body_size 64m;
                keepalive_requests 3;
                upstream provider {{ server 127.0.0.1:{provider_port}; keepalive 8; }}
                server {{ listen 127.0.0.1:{self.ports["http"]}; {locations} }}
                server {{ listen 127.0.0.1:{self.ports["https"]} ssl; {tls} {locations} }}
                server {{ listen 127.0.0.1:{self.ports["h2"]} ssl http2; {tls} {locations} }}
            }}
            """

    def url(self, listener, path=""):
        scheme = "http" if listener == "http" else "https"
        return f"{scheme}://localhost:{self.ports[listener]}{path}/v1"


class Nghttpx(Program):
    """nghttp2's server: HTTP/2 over TLS in front of a backend.

    With `--http2-proxy`, a forward proxy that clients connect to over TLS.
    """

    def __init__(self, directory, backend_port, pair, *options):
        port = free_port()
        certificate, key = pair
        # An empty configuration, so that the system's is not read.
        configuration = directory / "nghttpx.conf"
        configuration.write_text("")
        arguments = [
            "nghttpx",
            f"--conf={configuration}",
            f"--frontend=127.0.0.1,{port}",
            f"--backend=127.0.0.1,{backend_port}",
            "--workers=1",
            "--no-ocsp",
            "--errorlog-file=/dev/stderr",
        ]
        super().__init__([*arguments, *options, key, certificate], port, directory / "log")
        self.url = f"https://localhost:{port}/v1"


class Tinyproxy(Program):
    """A forward proxy. `login`: the USER:PASSWORD that it requires."""

    def __init__(self, directory, login=""):
        port = free_port()
        configuration = directory / "tinyproxy.conf"
        authentication = "BasicAuth " + login.replace(":", " ") if login else ""
        lines = [f"Port {port}", "Listen 127.0.0.1", "Timeout 60", "MaxClients 20"]
        configuration.write_text("\n".join([*lines, "LogLevel Connect", authentication, ""]))
        super().__init__(["tinyproxy", "-d", "-c", configuration], port, directory / "log")
        self.address = f"127.0.0.1:{port}"


class Microsocks(Program):
    """A SOCKS5 proxy. `login`: the USER:PASSWORD that it requires."""

    def __init__(self, directory, login=""):
        port = free_port()
        user, _, password = login.partition(":")
        authentication = ["-u", user, "-P", password] if login else []
        arguments = ["microsocks", "-i", "127.0.0.1", "-p", port, *authentication]
        super().__init__(arguments, port, directory / "log")
        self.address = f"127.0.0.1:{port}"
