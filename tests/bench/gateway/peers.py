"""The gateways of the benchmark: how each is configured, started, and called. One worker each.

Every peer passes POST /v1/chat/completions on to a provider at 127.0.0.1, streams unbuffered, and
keeps its connections on both sides open."""
import dataclasses
import os
import re
import shutil
import subprocess

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(HERE)))
SLUICE = os.path.abspath(os.environ.get("SLUICE", os.path.join(ROOT, "build-bench", "sluice")))


def first_line(*command):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          check=False)
    return done.stdout.split("\n")[0]


class Peer:
    """name, what it is; `missing` says why it cannot be measured, or is None."""

    name = ""
    tls = False  # whether it can be had with a TLS listener
    headers = ()
    missing = None

    def version(self):
        raise NotImplementedError

    def command(self, place):
        """What starts it; configuration files are written where the place says."""
        raise NotImplementedError


@dataclasses.dataclass
class Place:
    """What a peer is to be told."""

    scratch: str         # a directory for its files
    provider: int        # the mock's port
    port: int            # its own
    certificate: str     # files of that name with .crt, .key and .pem, or None: plain text
    descriptors: int     # how many it may have


def write(place, name, text):
    path = os.path.join(place.scratch, name)
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)
    return path


class Nginx(Peer):
    name = "nginx"
    tls = True

    def __init__(self):
        self.program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
        if not self.program:
            self.missing = "nginx is not installed (scripts/setup bench)"

    def version(self):
        return first_line(self.program, "-v").removeprefix("nginx version: ")

    def command(self, place):
        tls = place.certificate and (f"ssl_certificate {place.certificate}.crt;\n"
                               f"    ssl_certificate_key {place.certificate}.key;")
        path = write(place, "nginx.conf", f"""
worker_processes 1;
worker_rlimit_nofile {place.descriptors};
daemon off;
pid {place.scratch}/nginx.pid;
error_log stderr crit;
# nginx keeps one in sixteen for itself
events {{ worker_connections {place.descriptors * 9 // 8}; }}
http {{
  access_log off;
  client_body_temp_path {place.scratch}/body;
  proxy_temp_path {place.scratch}/proxy;
  fastcgi_temp_path {place.scratch}/fastcgi;
  uwsgi_temp_path {place.scratch}/uwsgi;
  scgi_temp_path {place.scratch}/scgi;
  keepalive_requests 100000000;
  upstream provider {{
    server 127.0.0.1:{place.provider};
    keepalive 512;
    keepalive_requests 100000000;
  }}
  server {{
    listen 127.0.0.1:{place.port} backlog=4096{' ssl' if tls else ''};
    {tls or ''}
    location / {{
      proxy_pass http://provider;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_buffering off;
      proxy_read_timeout 600s;
    }}
  }}
}}
""")
        return [self.program, "-e", "stderr", "-c", path]


class Haproxy(Peer):
    name = "haproxy"
    tls = True

    def __init__(self):
        self.program = shutil.which("haproxy") or shutil.which("haproxy", path="/usr/sbin")
        if not self.program:
            self.missing = "haproxy is not installed (scripts/setup bench)"

    def version(self):
        return re.sub(r"^HAProxy version (\S+).*", r"haproxy/\1", first_line(self.program, "-v"))

    def command(self, place):
        tls = place.certificate and f" ssl crt {place.certificate}.pem"
        path = write(place, "haproxy.cfg", f"""
global
  nbthread 1
  maxconn {place.descriptors // 2 - 40}
defaults
  mode http
  timeout connect 10s
  timeout client 600s
  timeout server 600s
  http-reuse always
frontend clients
  bind 127.0.0.1:{place.port} backlog 4096{tls or ''}
  default_backend provider
backend provider
  server provider 127.0.0.1:{place.provider}
""")
        return [self.program, "-db", "-q", "-f", path]


class Sluice(Peer):
    """Counting, budgets, a tenant with a key and limits of its own, all on."""

    name = "sluice"
    tls = True
    concurrency = 20000

    def __init__(self):
        if not os.access(SLUICE, os.X_OK):
            self.missing = f"{SLUICE} is not built"

    def version(self):
        return "sluice/" + first_line(SLUICE, "--version").split()[-1]

    def command(self, place):
        tls = place.certificate and (f"tls: {{certificate: '{place.certificate}.crt', "
                                     f"key: '{place.certificate}.key'}}")
        path = write(place, "sluice.yaml", f"""
listen: "127.0.0.1:{place.port}"
state: "{place.scratch}/state"
queue: 20000
{tls or ''}
accounts:
  provider:
    base_url: "http://127.0.0.1:{place.provider}/v1"
    window: bucket
    concurrency: {self.concurrency}
    limits: {{"*": {{rpm: 100M, tpm: 2000M}}}}
tenants:
  bench: {{limits: {{rpm: 100M, tpm: 2000M}}}}
""")
        key = subprocess.run([SLUICE, "key", "create", "-c", path, "--tenant", "bench"],
                             capture_output=True, text=True, check=True).stdout.split()[-1]
        self.headers = (f"authorization: Bearer {key}",)
        return [SLUICE, "serve", "-c", path]


class Queue(Sluice):
    """The same, but all requests but one wait in its own queue."""

    name = "sluice, queued"
    concurrency = 1


class Portkey(Peer):
    name = "portkey"
    program = os.path.join(HERE, "portkey", "node_modules", "@portkey-ai", "gateway")
    headers = ("authorization: Bearer none", "x-portkey-provider: openai")

    def __init__(self):
        if not os.path.exists(self.program):
            self.missing = "Portkey is not installed (scripts/setup bench)"
        elif not shutil.which("node"):
            self.missing = "node is not installed (scripts/setup bench)"

    def version(self):
        with open(os.path.join(self.program, "package.json"), encoding="utf-8") as f:
            found = re.search(r'"version": "([^"]+)"', f.read())
        return f"portkey/{found.group(1)} on node {first_line('node', '--version')}"

    def command(self, place):
        self.headers = (*Portkey.headers,
                        f"x-portkey-custom-host: http://127.0.0.1:{place.provider}/v1")
        return ["node", os.path.join(self.program, "build", "start-server.js"),
                f"--port={place.port}", "--headless"]


PEERS = (Nginx, Haproxy, Sluice, Portkey)
