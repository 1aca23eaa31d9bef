# One entry point for every chore. `just` lists them.

# Where the public outcome tables and the task corpus lie; see datasets/README.md.
DATA := env("DATA", "data/training")
# The service that `just load` drives.
URL := env("URL", "http://127.0.0.1:8080")

_list:
    @just --list --unsorted

# Format everything
fmt:
    cargo fmt --all
    cargo fmt --manifest-path fuzz/Cargo.toml

# What a change must pass
lint:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets -- -D warnings

# All tests
test:
    cargo test --workspace

# The documentation, warnings refused
doc:
    RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps

# Fuzz one of requests, answers, events, sse, frames (needs cargo-fuzz); fuzz/README.md
fuzz TARGET SECONDS="600":
    mkdir -p fuzz/corpus/{{TARGET}}
    cargo fuzz run --sanitizer none {{TARGET}} fuzz/corpus/{{TARGET}} fuzz/seeds/{{TARGET}} -- \
        -max_total_time={{SECONDS}} -timeout=20 -dict=fuzz/json.dict

# Hold the service to its OpenAPI document (PYTHON: an interpreter with tests/schemathesis/requirements.txt)
schemathesis PYTHON="python3" *ARGS:
    cargo build --release
    {{PYTHON}} tests/schemathesis/run.py {{ARGS}}

# Licences and sources of dependencies (needs cargo-deny)
deny:
    cargo deny check

# Start the service
serve *ARGS:
    cargo run --release -- serve {{ARGS}}

# The whole story on real prompts: route, learn, survive a kill
demo *ARGS:
    cargo run --release -- demo {{ARGS}}

# Traffic with feedback through simulated models
simulate *ARGS:
    cargo run --release -- simulate {{ARGS}}

# The same against a running service (URL=…), 32 at a time, without feedback
load *ARGS:
    cargo run --release -- simulate --server {{URL}} --requests 20000 --concurrency 32 --feedback-rate 0 {{ARGS}}

# 200 rounds of kill -9 under traffic
kill-test ROUNDS="200":
    KILL_ROUNDS={{ROUNDS}} cargo test --release --test it kill -- --nocapture

# Fit the classifier: DATA=folder just train
train *ARGS:
    cargo run --release -p satisfice-training --bin satisfice-train -- fit \
        --tasks {{DATA}}/task_corpus.parquet \
        --outcomes {{DATA}}/outcomes/mmlu_pro.parquet \
        --outcomes {{DATA}}/outcomes/zeroeval.parquet \
        --outcomes {{DATA}}/outcomes/routellm.parquet \
        --outcomes {{DATA}}/outcomes/alpaca_eval2.parquet \
        --outcomes {{DATA}}/outcomes/llmrouter9.parquet \
        --outcomes {{DATA}}/outcomes/paretobandit.parquet \
        --out models/classifier {{ARGS}}

# Our encoder beside other runtimes, alternated: PEERS=their program, PYTHON=an interpreter that has them
bench-peers PEERS PYTHON="python3" *ARGS:
    cargo build --release
    python3 benches/peers.py --ours target/release/satisfice --peers {{PEERS}} --python {{PYTHON}} --out docs/performance {{ARGS}}

# What our gateway adds to a provider's answer, and with `--memory 1000000` what it holds
bench-gateway *ARGS:
    cargo bench --bench gateway -- {{ARGS}}

# The same beside other gateways, e.g. just bench-gateway-peers --litellm PROGRAM --switchyard PROGRAM -- --rounds 5
bench-gateway-peers *ARGS:
    python3 benches/gateway_peers.py {{ARGS}}

# What 8-bit encoding changes, in embeddings and decisions
evaluate-encoder *ARGS:
    cargo run --release -p satisfice-training --bin satisfice-train -- evaluate-encoder {{ARGS}}

# Our router beside its baselines on one public table, five splits: DATA=folder just evaluate zeroeval
evaluate TABLE *ARGS:
    cargo run --release -p satisfice-training --bin satisfice-train -- evaluate --protocol in-domain --priced-only \
        --outcomes {{DATA}}/outcomes/{{TABLE}}.parquet {{ARGS}}

# The service's policy on ParetoBandit's stream, half of it seen before: DATA=folder just stream --budgets 3e-4
stream *ARGS:
    cargo run --release -p satisfice-training --bin satisfice-train -- simulate --burn-in-share 0.5 \
        --warm {{DATA}}/paretobandit_prior.safetensors --stream {{DATA}}/outcomes/paretobandit3.parquet {{ARGS}}

# Streams with our choices, then other bandits on them (PYTHON has training/peers/requirements-online.txt): DATA=folder just online-peers paretobandit3
online-peers TABLE PYTHON="python3" *ARGS:
    cargo build --release -p satisfice-training
    target/release/satisfice-train online --outcomes {{DATA}}/outcomes/{{TABLE}}.parquet --first-seed 1001 --seeds 5 --out /tmp/{{TABLE}}-tune.json
    target/release/satisfice-train online --outcomes {{DATA}}/outcomes/{{TABLE}}.parquet --out /tmp/{{TABLE}}-streams.json
    {{PYTHON}} training/peers/online.py --tune /tmp/{{TABLE}}-tune.json --streams /tmp/{{TABLE}}-streams.json --out {{TABLE}}-peers.json {{ARGS}}
