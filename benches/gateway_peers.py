#!/usr/bin/env python3
"""Measure our gateway beside others before one mock upstream, in alternation; see benches/gateway.

    python3 -m venv .venv && .venv/bin/pip install 'litellm[proxy]==1.106.2'
    cargo install --locked switchyard-server@0.3.0 --root .peers          # wants Rust 1.96.1 or later
    python3 benches/gateway_peers.py --litellm .venv/bin/litellm --switchyard .peers/bin/switchyard-server -- --json gateway.json

Each peer gets one worker and one OpenAI-compatible model at the mock's address, no cache, no log of requests, no retries. Leave out
the one you don't have. What stands after -- goes to the bench. Only the standard library is needed here.
"""
import argparse, json, os, pathlib, socket, subprocess, sys, tempfile, time, urllib.error, urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent
START_SECONDS = 180

LITELLM = """\
model_list:
  - model_name: mock
    litellm_params: {{model: openai/mock, api_base: {upstream}/v1, api_key: none, max_retries: 0}}
litellm_settings: {{num_retries: 0, telemetry: false, turn_off_message_logging: true}}
"""
SWITCHYARD = """\
schema_version = 1
[llm_clients.mock]
format = "openai_chat"
base_url = "{upstream}/v1"
max_retries = 0
[targets.mock]
id = "mock"
llm_client = "mock"
[targets.other]
id = "other"
llm_client = "mock"
[routes.passthrough]
id = "passthrough"
type = "passthrough"
target = "mock"
[routes.random]
id = "random"
type = "random"
targets = ["mock", "other"]
"""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def bench_program():
    """The bench as cargo builds it: what it says of the target is its last word on `gateway`."""
    command = ["cargo", "bench", "--bench", "gateway", "--no-run", "--message-format", "json"]
    said = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True).stdout
    messages = [json.loads(line) for line in said.splitlines() if line.startswith("{")]
    return next(m["executable"] for m in reversed(messages) if m.get("target", {}).get("name") == "gateway" and m.get("executable"))


class Peers:
    """Everything started here; ends with the block."""

    def __init__(self, folder):
        self.folder, self.running = pathlib.Path(folder), []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in self.running:
            process.terminate()
        for process in self.running:
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()

    def start(self, name, command, **more):
        log = open(self.folder / f"{name}.log", "wb")
        process = subprocess.Popen([str(part) for part in command], stderr=log, cwd=self.folder, **{"stdout": log, **more})
        self.running.append(process)
        return process

    def upstream(self, program):
        process = self.start("upstream", [program, "upstream"], stdout=subprocess.PIPE, text=True)
        return "http://" + process.stdout.readline().strip()

    def gateway(self, name, ending, config, command, health, environment):
        """Starts it with its configuration and waits for it; its address and process."""
        file, port = self.folder / f"{name}.{ending}", free_port()
        file.write_text(config)
        process = self.start(name, [*command, "--config", file, "--port", port], env=dict(os.environ, **environment))
        url, deadline = f"http://127.0.0.1:{port}", time.monotonic() + START_SECONDS
        while not answers(url + health):
            if process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(f"{name} did not start: " + (self.folder / f"{name}.log").read_text()[-2000:])
            time.sleep(0.1)
        return url, process.pid


def answers(url):
    try:
        return urllib.request.urlopen(url, timeout=5).status == 200
    except (urllib.error.URLError, OSError):
        return False


def start_all(args, peers, upstream):
    """What the bench is told of each."""
    told = []
    if args.litellm:
        # Prices and telemetry from the network are not part of the measurement, and nobody checks a key here.
        quiet = {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_LOG": "ERROR", "LITELLM_TELEMETRY": "False",
                 "LITELLM_DANGEROUSLY_PERMIT_WEAK_OR_UNSET_MASTER_KEY": "true"}
        command = [absolute(args.litellm), "--host", "127.0.0.1", "--num_workers", 1]
        url, process = peers.gateway("litellm", "yaml", LITELLM.format(upstream=upstream), command, "/health/liveliness", quiet)
        told.append(f"litellm,{url},mock,{process}")
    if args.switchyard:
        command = [absolute(args.switchyard), "--host", "127.0.0.1"]
        config = SWITCHYARD.format(upstream=upstream)
        url, process = peers.gateway("switchyard", "toml", config, command, "/health", {"RUST_LOG": "error"})
        told += [f"switchyard {route},{url},{route},{process}" for route in ("passthrough", "random")]
    return told


def absolute(path):
    return pathlib.Path(path).absolute()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--litellm", help="LiteLLM's program")
    parser.add_argument("--switchyard", help="Switchyard's server")
    parser.add_argument("--bench", help="the bench's program; by default cargo builds it")
    parser.add_argument("more", nargs="*", metavar="OPTION", help="options for the bench, after --")
    args = parser.parse_args()
    program = absolute(args.bench or bench_program())
    with tempfile.TemporaryDirectory() as folder, Peers(folder) as peers:
        upstream = peers.upstream(program)
        told = start_all(args, peers, upstream)
        command = [program, "--upstream", upstream, *(f"--peer={peer}" for peer in told), *args.more]
        sys.exit(subprocess.run([str(part) for part in command]).returncode)


if __name__ == "__main__":
    main()
