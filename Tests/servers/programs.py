"""Servers as Debian has them, each run in the foreground on a port and out of a directory of its own, until it is stopped."""

import os
import random
import signal
import socket
import subprocess
import time

from mock_process import die_with_parent

_given = set()


def free_port():
    """A port that nobody listens at, and nobody is going to. Not one of those that the system gives to whoever connects."""
    while True:
        port = random.randrange(20000, 32000)
        if port in _given:
            continue
        _given.add(port)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port


class Program:
    """A program under way. It is ready when something listens at the port."""

    def __init__(self, arguments, port, log):
        self.port = port
        self.log = log
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
            died = self.process.poll() is not None
            if died or time.monotonic() > deadline:
                self.stop(signal.SIGKILL)
                raise AssertionError(
                    f"{arguments[0]} {'died' if died else 'does not listen'}: {self.said()}"
                )

    def said(self):
        with open(self.log, encoding="utf-8", errors="replace") as text:
            return text.read()

    def tell(self, number):
        self.process.send_signal(number)

    def stop(self, number=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class Nginx(Program):
    """In front of a provider, by three doors: http, https with HTTP/1.1, https with HTTP/2. Beside the provider's own paths:

    /small/     takes no body larger than 1 KiB
    /gone/      leads where nobody listens
    /hasty/     waits half a second for the provider, and no longer
    /moved/N/   redirects with status N to the path in the configuration's `elsewhere`
    /home/N/    redirects with status N to the provider's path on this same host
    """

    def __init__(self, directory, provider_port, pair, elsewhere="http://127.0.0.1:1"):
        self.doors = {"http": free_port(), "https": free_port(), "h2": free_port()}
        certificate, key = pair
        user = "user root;" if os.geteuid() == 0 else ""
        temporary = "\n".join(
            f"{kind}_temp_path {directory}/{kind};"
            for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        moved = "\n".join(
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
            location /hasty/ {{ proxy_read_timeout 500ms; proxy_pass http://provider/; }}
            {moved}
        """
        tls = f"ssl_certificate {certificate}; ssl_certificate_key {key};"
        configuration = directory / "nginx.conf"
        configuration.write_text(
            f"""
            daemon off; worker_processes 1; {user}
            pid {directory}/pid; error_log stderr warn;
            events {{ worker_connections 512; }}
            http {{
                {temporary}
                access_log off;
                # What is asked for as it is comes as it is, and each event as it is sent.
                gzip on; gzip_min_length 1; gzip_types *;
                proxy_buffering off; proxy_http_version 1.1; proxy_set_header Connection "";
                client_max_body_size 64m;
                keepalive_requests 3;
                upstream provider {{ server 127.0.0.1:{provider_port}; keepalive 8; }}
                server {{ listen 127.0.0.1:{self.doors["http"]}; {locations} }}
                server {{ listen 127.0.0.1:{self.doors["https"]} ssl; {tls} {locations} }}
                server {{ listen 127.0.0.1:{self.doors["h2"]} ssl http2; {tls} {locations} }}
            }}
            """
        )
        super().__init__(
            ["nginx", "-p", directory, "-e", "stderr", "-c", configuration],
            self.doors["h2"],
            directory / "log",
        )

    def url(self, door, path=""):
        scheme = "http" if door == "http" else "https"
        return f"{scheme}://localhost:{self.doors[door]}{path}/v1"


class Nghttpx(Program):
    """HTTP/2 over TLS in front of a server, by nghttp2's own hand; with `--http2-proxy`, a proxy that is spoken to over TLS."""

    def __init__(self, directory, backend_port, pair, *options):
        port = free_port()
        certificate, key = pair
        # An empty configuration, so that the system's is not read.
        configuration = directory / "nghttpx.conf"
        configuration.write_text("")
        super().__init__(
            [
                "nghttpx", f"--conf={configuration}", f"--frontend=127.0.0.1,{port}", f"--backend=127.0.0.1,{backend_port}",
                "--workers=1", "--no-ocsp", "--errorlog-file=/dev/stderr", *options, key, certificate,
            ],
            port,
            directory / "log",
        )  # fmt: skip
        self.url = f"https://localhost:{port}/v1"


class Tinyproxy(Program):
    """A forward proxy, which wants USER:PASSWORD if it is given one."""

    def __init__(self, directory, user=""):
        port = free_port()
        configuration = directory / "tinyproxy.conf"
        login = "BasicAuth " + user.replace(":", " ") if user else ""
        configuration.write_text(
            f"Port {port}\nListen 127.0.0.1\nTimeout 60\nMaxClients 20\nLogLevel Connect\n{login}\n"
        )
        super().__init__(["tinyproxy", "-d", "-c", configuration], port, directory / "log")
        self.address = f"127.0.0.1:{port}"


class Microsocks(Program):
    """A SOCKS5 proxy, which wants USER:PASSWORD if it is given one."""

    def __init__(self, directory, user=""):
        port = free_port()
        login = ["-u", user.split(":")[0], "-P", user.split(":")[1]] if user else []
        super().__init__(
            ["microsocks", "-i", "127.0.0.1", "-p", port, *login], port, directory / "log"
        )
        self.address = f"127.0.0.1:{port}"
