#!/usr/bin/env python3
"""Other bandits on the streams that `satisfice-train online` wrote, beside what the service's policy chose there.

    pip install -r training/peers/requirements-online.txt
    python3 training/peers/online.py --check
    python3 training/peers/online.py --tune TUNE.json --streams STREAMS.json --out CELLS.json

Everybody sees the same requests in the same order, the same features (constant and the 30 numbers that the policy sees), the same
mask, and is judged by `u = score - cost/lambda`; peers learn from u of the arm they chose, brought into [0, 1] by an affine map. Warm,
a peer learns the burn-in with u of every arm. --tune is a file of other seeds: each peer takes its setting of least regret there,
by table, weight and start. A cell is the mean u over the first T requests, ours minus the peer's, with Student's t over the seeds.
"""
import argparse, json, time
import numpy as np
from scipy import stats


class Vw:
    """Vowpal Wabbit, action-dependent features: context x arm."""
    def __init__(self, arms, dim, seed, explore):
        import vowpalwabbit
        self.vw = vowpalwabbit.Workspace(f"--cb_explore_adf {explore} -q ca --quiet --random_seed {seed + 1}")
        self.arms, self.rng = arms, np.random.default_rng(seed)

    def text(self, x, label=None):
        shared = "shared |c " + " ".join(f"{i}:{v:.5f}" for i, v in enumerate(x))
        arm = lambda a: (f"0:{label[1]:.6f}:{label[2]:.6f} " if label and label[0] == a else "") + f"|a arm{a}"
        return [shared] + [arm(a) for a in range(self.arms)]

    def choose(self, x, t):
        p = np.maximum(np.array(self.vw.predict(self.text(x))), 0)
        self.arm = int(self.rng.choice(self.arms, p=p / p.sum()))
        self.p = p[self.arm] / p.sum()
        return self.arm

    def learn(self, x, arm, reward, full=False):
        self.vw.learn(self.text(x, (arm, -reward, 1.0 if full else self.p)))


class Pareto:
    """ParetoBandit's policy; cost is in the reward."""
    def __init__(self, arms, dim, seed, alpha, gamma):
        from pareto_bandit import DisjointLinUCBPolicy
        self.policy = DisjointLinUCBPolicy([str(a) for a in range(arms)], dim, alpha=alpha, forgetting_factor=gamma, seed=seed)

    def choose(self, x, t):
        arm, _ = self.policy.select_arm(x)
        self.policy.mark_selected(arm)
        return int(arm)

    def learn(self, x, arm, reward, full=False):
        # In a burn-in nothing was routed: the first of a request's outcomes moves the clock.
        self.policy.update(str(arm), x, reward, advance_time=full and arm == 0)


class LinTs:
    """MABWiser's linear Thompson sampling."""
    def __init__(self, arms, dim, seed, alpha):
        from mabwiser.mab import MAB, LearningPolicy
        self.mab = MAB(list(range(arms)), LearningPolicy.LinTS(alpha=alpha), seed=seed)
        # It wants a first fit; an empty context says nothing.
        self.mab.fit(list(range(arms)), [0.0] * arms, np.zeros((arms, dim)))

    def choose(self, x, t):
        return int(self.mab.predict(x[None]))

    def learn(self, x, arm, reward, full=False):
        self.mab.partial_fit([arm], [reward], x[None])


class Bootstrapped:
    """contextualbandits' bootstrapped Thompson sampling over ridge regressions; its prior is for arms with few rewards."""
    def __init__(self, arms, dim, seed, samples, ridge):
        from contextualbandits.linreg import LinearRegression
        from contextualbandits.online import BootstrappedTS
        base = LinearRegression(lambda_=ridge, fit_intercept=False, method="sm")
        self.policy = BootstrappedTS(base, arms, nsamples=samples, beta_prior="auto", batch_train=True, random_state=seed, njobs_arms=1)
        self.arms, self.rng, self.known = arms, np.random.default_rng(seed), set()

    def choose(self, x, t):
        fresh = [a for a in range(self.arms) if a not in self.known]
        return int(self.rng.choice(fresh)) if fresh else int(np.ravel(self.policy.predict(x[None]))[0])

    def learn(self, x, arm, reward, full=False):
        self.known.add(arm)
        self.policy.partial_fit(x[None], np.array([arm]), np.array([reward]))


# A settings grid for each, tuned on other seeds than those reported.
PEERS = {
    "vw squarecb": (Vw, [{"explore": f"--squarecb --gamma_scale {g}"} for g in (10, 100, 1000)]),
    "vw cover": (Vw, [{"explore": f"--cover {n}"} for n in (3, 8)]),
    "vw bag": (Vw, [{"explore": f"--bag {n}"} for n in (3, 8)]),
    "paretobandit": (Pareto, [{"alpha": a, "gamma": g} for a in (0.01, 0.1, 0.5) for g in (1.0, 0.997)]),
    "mabwiser lints": (LinTs, [{"alpha": a} for a in (0.05, 0.2, 1.0)]),
    "bootstrapped ts": (Bootstrapped, [{"samples": 10, "ridge": r} for r in (0.1, 1.0, 10.0)]),
}


def features(rows):
    x = np.array(rows)
    return np.hstack([np.ones((len(x), 1)), x])


class Streams:
    """A file of `satisfice-train online`."""
    def __init__(self, data):
        self.data, self.models = data, data["models"]
        self.x, self.before = features(data["stream"]["context"]), features(data["burn_in"]["context"])

    def utility(self, weight, part="stream"):
        part = self.data[part]
        return np.array(part["score"]) - np.array(part["cost"]) / self.data["lambda_usd"][weight]

    def run(self, kind, setting, weight, seed_index, warm, requests):
        """Utility of each of the first requests."""
        u, before = self.utility(weight), self.utility(weight, "burn_in")
        low, high = min(u.min(), before.min()), max(u.max(), before.max())
        scaled = lambda value: (value - low) / (high - low)
        peer = kind(len(self.models), self.x.shape[1], self.data["seeds"][seed_index], **setting)
        if warm:
            for x, row in zip(self.before, before):
                for arm, value in enumerate(row):
                    peer.learn(x, arm, scaled(value), full=True)
        got = []
        order, seen = self.data["order"][seed_index], self.data["seen"][seed_index]
        for t, row in enumerate(order[:requests]):
            arm = peer.choose(self.x[row], t)
            if seen[t]:
                peer.learn(self.x[row], arm, scaled(u[row, arm]))
            got.append(u[row, arm])
        return np.array(got)

    def ours(self, weight, seed_index, warm, requests):
        chosen = self.data["ours"]["warm" if warm else "cold"][weight][seed_index]
        return self.utility(weight)[self.data["order"][seed_index][:requests], chosen[:requests]]


def tuned(streams, name, weight, warm, requests):
    kind, grid = PEERS[name]
    seeds = range(len(streams.data["seeds"]))
    worth = [np.mean([streams.run(kind, s, weight, k, warm, requests).mean() for k in seeds]) for s in grid]
    return grid[int(np.argmax(worth))]


def cells(tune, streams, name, weight, warm, horizons):
    reached = [t for t in horizons if t <= len(streams.x)]
    setting = tuned(tune, name, weight, warm, max(reached))
    seeds = range(len(streams.data["seeds"]))
    theirs = [streams.run(PEERS[name][0], setting, weight, k, warm, max(reached)) for k in seeds]
    for t in reached:
        ours = np.array([streams.ours(weight, k, warm, t).mean() for k in seeds])
        peer = np.array([got[:t].mean() for got in theirs])
        d = ours - peer
        half = stats.t.ppf(0.975, len(d) - 1) * d.std(ddof=1) / np.sqrt(len(d))
        verdict = "better" if d.mean() > half else "worse" if d.mean() < -half else "same"
        yield {"weight": streams.data["cost_weights"][weight], "start": "warm" if warm else "cold", "T": t, "peer": name,
               "setting": setting, "seeds": len(d), "ours": ours.mean(), "theirs": peer.mean(), "difference": d.mean(),
               "half_width": half, "verdict": verdict}


def check():
    """Arm 2 is best where the first feature is positive, arm 0 elsewhere: each peer must find that, warm and cold."""
    rng = np.random.default_rng(5)
    context = rng.normal(size=(700, 3)) / 2
    right = np.where(context[:, 0] > 0, 2, 0)
    score = 0.2 + 0.6 * (np.arange(3)[None] == right[:, None])
    part = lambda rows: {"context": context[rows].tolist(), "score": score[rows].tolist(), "cost": np.zeros((len(rows), 3)).tolist()}
    streams = Streams({"models": ["a", "b", "c"], "lambda_usd": [1.0], "stream": part(range(600)), "burn_in": part(range(600, 700)),
                       "seeds": [7], "order": [list(range(600))], "seen": [[1] * 600]})
    for name, (kind, grid) in PEERS.items():
        late = [max(streams.run(kind, s, 0, 0, warm, 600)[300:].mean() for s in grid) for warm in (False, True)]
        print(f"{name:16} late mean utility: cold {late[0]:.3f}, warm {late[1]:.3f} (random .400, best .800)", flush=True)
        assert min(late) > 0.62, name


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--tune")
    parser.add_argument("--streams")
    parser.add_argument("--out")
    parser.add_argument("--horizons", default="500,2000,10000")
    parser.add_argument("--peers", default=",".join(PEERS))
    args = parser.parse_args()
    if args.check:
        return check()
    tune, streams = (Streams(json.load(open(path))) for path in (args.tune, args.streams))
    assert not set(tune.data["seeds"]) & set(streams.data["seeds"]), "--tune has seeds of --streams"
    horizons, done = [int(t) for t in args.horizons.split(",")], []
    for name in args.peers.split(","):
        for warm in (False, True):
            for weight in range(len(streams.data["cost_weights"])):
                start = time.time()
                for cell in cells(tune, streams, name, weight, warm, horizons):
                    done.append(cell)
                    print(f"{cell['peer']:16} {cell['start']} weight {cell['weight']} T {cell['T']}: ours {cell['ours']:.4f} theirs "
                          f"{cell['theirs']:.4f} difference {cell['difference']:+.4f} ± {cell['half_width']:.4f} {cell['verdict']} "
                          f"({time.time() - start:.0f} s)", flush=True)
                json.dump(done, open(args.out, "w"), indent=1)


if __name__ == "__main__":
    main()
