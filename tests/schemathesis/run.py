#!/usr/bin/env python3
"""Hold the service to its own OpenAPI document with Schemathesis.

    python3 -m venv .venv && .venv/bin/pip install -r tests/schemathesis/requirements.txt
    .venv/bin/python tests/schemathesis/run.py [--binary target/release/satisfice] [--examples 100] [-- SCHEMATHESIS OPTIONS]

Starts the service on a free port with simulated models, a stub that embeds, an admin key and a data folder of its own, makes an
API key, sends requests made from the document, right ones and wrong ones, and stops the service. Exit code 0: every answer was as documented and the service lived through it;
1: findings, each with the request that shows it; 2: nothing could be tested.
"""
import argparse, json, os, pathlib, secrets, signal, socket, subprocess, sys, tempfile, time, urllib.error, urllib.request
import provider

HERE = pathlib.Path(__file__).resolve().parent
START_SECONDS = 120


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def start(binary, base, address, admin_key, data, log):
    environment = dict(os.environ, SATISFICE_SIMULATED="on", SATISFICE_SIMULATED_SPEED="1000000", SATISFICE_ADMIN_KEY=admin_key)
    config = provider.start(pathlib.Path(data))
    command = [binary, "serve", "--config", config, "--listen", address, "--data-dir", pathlib.Path(data) / "data"]
    service = subprocess.Popen(command, env=environment, stdout=log, stderr=log, cwd=data)
    deadline = time.monotonic() + START_SECONDS
    while not is_ready(base):
        if service.poll() is not None or time.monotonic() > deadline:
            service.kill()
            print(f"the service did not start: {read(log)}")
            sys.exit(2)
        time.sleep(0.05)
    return service


def is_ready(base):
    try:
        return urllib.request.urlopen(f"{base}/readyz", timeout=5).status == 200
    except (urllib.error.URLError, OSError):
        return False


def issue_key(base, admin_key):
    """A key for all requests under /v1."""
    headers = {"authorization": f"Bearer {admin_key}", "content-type": "application/json"}
    request = urllib.request.Request(f"{base}/admin/keys", json.dumps({"name": "of the run"}).encode(), headers)
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def read(log):
    log.seek(0)
    return log.read().decode(errors="replace")


def test(args, base, admin_key, folder):
    # Beside this interpreter, so that no PATH is needed.
    program = pathlib.Path(sys.executable).with_name("schemathesis")
    if not program.exists():
        print(f"{program} is missing: pip install -r {HERE / 'requirements.txt'}")
        return 2
    command = [program, "--config-file", HERE / "schemathesis.toml", "run", f"{base}/openapi.json", "--no-color"]
    command += ["--max-examples", str(args.examples), "--seed", str(args.seed), *args.more]
    own = issue_key(base, admin_key)
    # The names that schemathesis.toml and hooks.py look for.
    keys = {"ADMIN_KEY": admin_key, "API_KEY": own["key"], "API_KEY_ID": own["id"], "EMBEDDER": provider.MODEL}
    environment = dict(os.environ, SCHEMATHESIS_HOOKS=str(HERE / "hooks.py"), PYTHONDONTWRITEBYTECODE="1", **keys)
    try:
        # In a folder that goes away: it keeps what it learned of the service in the current one.
        return subprocess.run(command, cwd=folder, env=environment, timeout=args.minutes * 60).returncode
    except subprocess.TimeoutExpired:
        print(f"not done after {args.minutes} minutes")
        return 2


def stop(service):
    """Whether it was still there and ended as told."""
    alive = service.poll() is None
    if alive:
        service.send_signal(signal.SIGTERM)
    try:
        return alive and service.wait(timeout=40) == 0
    except subprocess.TimeoutExpired:
        service.kill()
        return False


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", default="target/release/satisfice")
    parser.add_argument("--examples", type=int, default=100, help="random requests to each operation at most")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--minutes", type=float, default=20, help="the longest that all may take")
    parser.add_argument("more", nargs="*", metavar="OPTION", help="options for Schemathesis, after --")
    args = parser.parse_args()
    address = f"127.0.0.1:{free_port()}"
    base, admin_key = f"http://{address}", secrets.token_urlsafe(48)
    with tempfile.TemporaryDirectory() as data, tempfile.TemporaryFile() as log:
        service = start(os.path.abspath(args.binary), base, address, admin_key, data, log)
        try:
            code = test(args, base, admin_key, data)
        finally:
            ended_well = stop(service)
        said = read(log)
    faults = [line for line in said.splitlines() if "panic" in line]
    if not ended_well or faults:
        print(f"the service {'panicked' if faults else 'did not end well'}:", *(faults or said.splitlines()[-20:]), sep="\n  ")
    sys.exit(code or int(bool(faults) or not ended_well))


if __name__ == "__main__":
    main()
