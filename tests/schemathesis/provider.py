"""A provider of embeddings on this machine: the simulated models can't embed, and what nobody serves is not tested.

It speaks as much of OpenAI's dialect as that takes. Conversations are the simulated models' business.
"""
import http.server, json, threading

MODEL = "stub/embedder"
CATALOG = """
[[models]]
id = "stub/embedder"
provider = "stub"
kind = "embedding"
upstream_name = "embedder"
tier = "nano"
context_window = 8192
max_output_tokens = 1
price = { input = 0.1, output = 0.0, source = "made up", as_of = "2026-11-23" }
"""
CONFIG = """
[catalog]
file = {catalog}
[providers.stub]
base_url = "http://127.0.0.1:{port}/v1"
"""


class Provider(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        request = json.loads(self.rfile.read(int(self.headers["content-length"])))
        vectors = [{"object": "embedding", "index": at, "embedding": [0.6, -0.8]} for at in range(count(request["input"]))]
        usage = {"prompt_tokens": 2, "total_tokens": 2}
        answer = json.dumps({"object": "list", "model": request["model"], "data": vectors, "usage": usage}).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass


def count(texts):
    """How many vectors are wanted: tokens of one text are one."""
    return len(texts) if isinstance(texts, list) and isinstance(texts[0], (str, list)) else 1


def start(folder):
    """Serves until this process ends; gives the configuration by which the service finds it."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Provider)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    catalog, config = folder / "catalog.toml", folder / "satisfice.toml"
    catalog.write_text(CATALOG)
    config.write_text(CONFIG.format(catalog=json.dumps(str(catalog)), port=server.server_port))
    return config
