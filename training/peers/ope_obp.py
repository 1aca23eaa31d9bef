#!/usr/bin/env python3
"""Random cases with what Open Bandit Pipeline estimates on them, for the test beside our estimators.

    python3 training/peers/ope_obp.py training/fixtures/obp_cases.json

Needs `obp` (0.4.1), which can be installed without its dependencies where they don't build:
`pip install --no-deps obp && pip install numpy scipy scikit-learn pandas pyyaml tqdm matplotlib seaborn mypy_extensions`. PyTorch, which obp
imports for gradients only, is stood in for where it is missing. Seeded: the same file each time.
"""
import json, sys, types

try:
    import torch
except ImportError:
    class Stub(types.ModuleType):
        """Any attribute is a class of that name, nothing is an instance of it; enough to import obp's estimators."""
        def __getattr__(self, name):
            if name.startswith("__"):
                raise AttributeError(name)
            if name[0].isupper():
                made = type(name, (), {})
            else:
                made = Stub(f"{self.__name__}.{name}")
                sys.modules[made.__name__] = made
            setattr(self, name, made)
            return made

        def __call__(self, *args, **kwargs):
            return None

    for name in ["torch", "torch.nn", "torch.nn.functional", "torch.optim", "torch.utils", "torch.utils.data"]:
        sys.modules[name] = Stub(name)
        sys.modules[name].__path__ = []

import numpy
from obp.ope import (
    DirectMethod, DoublyRobust, DoublyRobustWithShrinkage, InverseProbabilityWeighting,
    SelfNormalizedInverseProbabilityWeighting, SwitchDoublyRobust,
)

ROUNDS, ARMS = 40, 4
# (name, least thousandths of probability under the logging policy, how the target chooses, τ, λ)
CASES = [("stochastic", 50, "stochastic", 1.5, 2.0), ("deterministic", 100, "greedy", 3.0, 10.0), ("thin", 10, "stochastic", 2.0, 0.5)]


def thousandths(rng, least):
    """A distribution in whole thousandths, so that its sum is 1 as written."""
    counts = rng.multinomial(1000 - ARMS * least, rng.dirichlet(numpy.ones(ARMS))) + least
    return counts / 1000


def case(rng, name, least, target, tau, lambda_):
    logging = numpy.array([thousandths(rng, least) for _ in range(ROUNDS)])
    if target == "greedy":
        action_dist = numpy.eye(ARMS)[rng.integers(ARMS, size=ROUNDS)]
    else:
        action_dist = numpy.array([thousandths(rng, 0) for _ in range(ROUNDS)])
    action = numpy.array([rng.choice(ARMS, p=row) for row in logging])
    pscore = logging[numpy.arange(ROUNDS), action]
    reward = numpy.round(rng.beta(2, 1, size=ROUNDS), 4)
    q_hat = numpy.round(rng.uniform(size=(ROUNDS, ARMS)), 4)
    inputs = {"reward": reward, "action": action, "action_dist": action_dist[:, :, None]}
    weighted, modelled = {"pscore": pscore}, {"estimated_rewards_by_reg_model": q_hat[:, :, None]}
    both = {**inputs, **weighted, **modelled}
    return {
        "name": name, "tau": tau, "lambda": lambda_,
        "action": action.tolist(), "pscore": pscore.tolist(), "reward": reward.tolist(),
        "action_dist": action_dist.tolist(), "q_hat": q_hat.tolist(),
        "ips": InverseProbabilityWeighting().estimate_policy_value(**inputs, **weighted),
        "snips": SelfNormalizedInverseProbabilityWeighting().estimate_policy_value(**inputs, **weighted),
        "dm": DirectMethod().estimate_policy_value(**inputs, **modelled),
        "dr": DoublyRobust().estimate_policy_value(**both),
        "switch_dr": SwitchDoublyRobust(tau=tau).estimate_policy_value(**both),
        "dr_os": DoublyRobustWithShrinkage(lambda_=lambda_).estimate_policy_value(**both),
    }


if __name__ == "__main__":
    rng = numpy.random.default_rng(20260101)
    with open(sys.argv[1], "w") as out:
        json.dump([case(rng, *row) for row in CASES], out, separators=(",", ":"))
        out.write("\n")
