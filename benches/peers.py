#!/usr/bin/env python3
"""Time our encoder beside other runtimes: alternated in one run, medians as ratios, a table and a picture.

    python3 benches/peers.py --ours target/release/satisfice --peers encoder_peers.py --python .venv/bin/python

The peers' program takes `--engine … --threads N --length … --batch … --seconds S` and prints one JSON object a line with
`engine, length, batch, median_ms`; ours is `satisfice bench encoder --json`. Only the standard library is needed here. On Linux
both are kept on the same cores (`--cores`), so that neither is moved about.
"""
import argparse, datetime, json, os, platform, statistics, subprocess, sys

LENGTHS, BATCHES = [16, 64, 256], [1, 8, 32]


def run(command, cores):
    pin = (lambda: os.sched_setaffinity(0, cores)) if cores and hasattr(os, "sched_setaffinity") else None
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, preexec_fn=pin)
    if done.returncode != 0:
        raise SystemExit(f"{command[0]} ended with {done.returncode}: {' '.join(command)}")
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


def measure(args):
    """{(engine, length, batch): [median of each round]}, limits {(length, batch): [...]}."""
    times, limits = {}, {}
    shapes = ["--length", *map(str, LENGTHS), "--batch", *map(str, BATCHES)]
    common = ["--threads", str(args.threads), *shapes, "--seconds", str(args.seconds)]
    for number in range(args.rounds):
        programs = [[args.ours, "bench", "encoder", "--json", *common]]
        programs += [[args.python, args.peers, "--engine", engine, *common] for engine in args.engine]
        for program in programs:
            print(f"round {number + 1} of {args.rounds}: {program[0] if program is programs[0] else program[3]}", file=sys.stderr)
            for cell in run(program, args.cores):
                key = (cell["engine"], cell["length"], cell["batch"])
                times.setdefault(key, []).append(cell["median_ms"])
                if cell.get("limit_ms"):
                    limits.setdefault(key[1:], []).append(cell["limit_ms"])
    return times, limits


def report(args, times, limits):
    ours = next(engine for engine, _, _ in times if engine.startswith("satisfice"))
    head = ["tokens × batch", "ours ms", *[f"{e} ms" for e in args.engine], *[f"× {e}" for e in args.engine], "of the limit"]
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    cells = []
    for length in LENGTHS:
        for batch in BATCHES:
            mine = statistics.median(times[ours, length, batch])
            peers = [statistics.median(times[e, length, batch]) for e in args.engine]
            # Ratios round by round: what slows the machine for a while slows both.
            ratios = [statistics.median(p / m for p, m in zip(times[e, length, batch], times[ours, length, batch])) for e in args.engine]
            limit = limits.get((length, batch))
            of_limit = statistics.median(m / l for m, l in zip(times[ours, length, batch], limit)) if limit else None
            cells.append({"length": length, "batch": batch, "ours_ms": mine, "peers_ms": dict(zip(args.engine, peers)),
                          "ratios": dict(zip(args.engine, ratios)), "of_limit": of_limit})
            row = [f"{length} × {batch}", f"{mine:.2f}", *[f"{p:.2f}" for p in peers], *[f"{r:.2f}" for r in ratios],
                   f"{of_limit:.2f}" if of_limit else "unknown"]
            lines.append("| " + " | ".join(row) + " |")
    return "\n".join(lines) + "\n", cells


def picture(args, cells):
    """Bars: how many times as fast as each peer."""
    width, row, left = 640, 46, 90
    scale = (width - left - 60) / max(max(c["ratios"].values()) for c in cells)
    colours = ["#2f6f9f", "#c9822b", "#5a8f4e"]
    body = [f'<text x="{left}" y="18" font-weight="bold">Times as fast as the peer, {args.threads} thread(s); 1 is equal</text>']
    for i, engine in enumerate(args.engine):
        x = left + 160 * i
        body.append(f'<rect x="{x}" y="28" width="12" height="12" fill="{colours[i % 3]}"/><text x="{x + 18}" y="39">{engine}</text>')
    for n, cell in enumerate(cells):
        y = 56 + n * row
        body.append(f'<text x="{left - 8}" y="{y + 20}" text-anchor="end">{cell["length"]} × {cell["batch"]}</text>')
        for i, engine in enumerate(args.engine):
            ratio, top = cell["ratios"][engine], y + i * 18
            body.append(f'<rect x="{left}" y="{top}" width="{ratio * scale:.1f}" height="15" fill="{colours[i % 3]}"/>')
            body.append(f'<text x="{left + ratio * scale + 5:.1f}" y="{top + 12}">{ratio:.2f}</text>')
    height = 60 + len(cells) * row
    one = left + scale
    body.append(f'<line x1="{one:.1f}" y1="50" x2="{one:.1f}" y2="{height - 6}" stroke="#888" stroke-dasharray="3 3"/>')
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" font-family="sans-serif" font-size="12">'
            f'<rect width="100%" height="100%" fill="white"/>{"".join(body)}</svg>\n')


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ours", default="target/release/satisfice")
    parser.add_argument("--peers", required=True, help="the peers' program")
    parser.add_argument("--python", default=sys.executable, help="the interpreter that has the peers installed")
    parser.add_argument("--engine", nargs="+", default=["ort-int8", "openvino-int8"])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=0.3, help="at least this long for each cell and round")
    parser.add_argument("--cores", type=int, nargs="*", default=None, help="processors to stay on")
    parser.add_argument("--out", help="folder for encoder.md, encoder.json and encoder.svg")
    args = parser.parse_args()
    times, limits = measure(args)
    table, cells = report(args, times, limits)
    print(table)
    if args.out:
        os.makedirs(args.out, exist_ok=True)
        facts = {"date": datetime.date.today().isoformat(), "machine": platform.machine(), "threads": args.threads,
                 "rounds": args.rounds, "seconds": args.seconds, "cells": cells}
        name = "encoder" if args.threads == 1 else f"encoder-{args.threads}-threads"
        for ending, text in (("md", table), ("json", json.dumps(facts, indent=1) + "\n"), ("svg", picture(args, cells))):
            with open(os.path.join(args.out, f"{name}.{ending}"), "w", encoding="utf-8") as file:
                file.write(text)


if __name__ == "__main__":
    main()
