"""Where should the next simulations look? Picks the candidates with the largest predicted amplitude, and says when to stop."""

import argparse
import csv
import json
import math
import random
from pathlib import Path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--iteration", type=int, required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--count", type=int, default=24)
    parser.add_argument("--stop-below", type=float, default=0.02, help="relative gain below which the loop ends")
    args = parser.parse_args()
    model = json.loads((args.model / "model.json").read_text())

    def predicted(omega: float, gamma: float) -> float:
        x = [omega, 4 * gamma]
        near = (
            math.exp(-sum((p - q) ** 2 for p, q in zip(x, a, strict=True)) / (2 * model["width"] ** 2)) for a in model["points"]
        )
        return float(model["mean"] + sum(w * k for w, k in zip(model["weights"], near, strict=True)))

    draw = random.Random(args.seed)
    candidates = [(round(draw.uniform(0.6, 1.8), 4), round(draw.uniform(0.05, 0.5), 4)) for _ in range(200)]
    best = sorted(candidates, key=lambda c: predicted(*c), reverse=True)[: args.count]
    args.out.mkdir(parents=True, exist_ok=True)
    with (args.out / "params.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("omega", "gamma"), *best])
    top = round(predicted(*best[0]), 6)
    state = {"iteration": args.iteration, "best_predicted": top, "stop_rule": f"relative gain < {args.stop_below}"}
    (args.out / "loop.json").write_text(json.dumps(state, indent=1) + "\n")
    print(f"iteration {args.iteration}: best predicted amplitude {top:.4f}, {args.count} new points")


if __name__ == "__main__":
    main()
