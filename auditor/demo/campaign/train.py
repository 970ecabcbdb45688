"""Can a surrogate predict the amplitude? Kernel ridge regression on all simulations so far; reports the validation error."""

import argparse
import csv
import json
import math
import random
from pathlib import Path


def kernel(a: list[float], b: list[float], width: float) -> float:
    return math.exp(-sum((p - q) ** 2 for p, q in zip(a, b, strict=True)) / (2 * width**2))


def solve(matrix: list[list[float]], right: list[float]) -> list[float]:
    """Gaussian elimination with partial pivoting."""
    n = len(right)
    rows = [[*line, value] for line, value in zip(matrix, right, strict=True)]
    for i in range(n):
        pivot = max(range(i, n), key=lambda r: abs(rows[r][i]))
        rows[i], rows[pivot] = rows[pivot], rows[i]
        for r in range(i + 1, n):
            factor = rows[r][i] / rows[i][i]
            for c in range(i, n + 1):
                rows[r][c] -= factor * rows[i][c]
    answer = [0.0] * n
    for i in reversed(range(n)):
        answer[i] = (rows[i][n] - sum(rows[i][c] * answer[c] for c in range(i + 1, n))) / rows[i][i]
    return answer


def read(files: list[Path]) -> list[tuple[list[float], float]]:
    points = []
    for path in sorted(files):
        with path.open(newline="") as file:
            points += [([float(r["omega"]), 4 * float(r["gamma"])], float(r["amplitude"])) for r in csv.DictReader(file)]
    return points


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, nargs="+")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--width", type=float, default=0.5)
    parser.add_argument("--ridge", type=float, default=1e-3)
    args = parser.parse_args()
    points = read(args.data)
    random.seed(args.seed)
    random.shuffle(points)
    held, used = points[: len(points) // 5], points[len(points) // 5 :]
    mean = sum(y for _, y in used) / len(used)
    gram = [
        [kernel(a, b, args.width) + (args.ridge if i == j else 0.0) for j, (b, _) in enumerate(used)]
        for i, (a, _) in enumerate(used)
    ]
    weights = solve(gram, [y - mean for _, y in used])

    def predict(x: list[float]) -> float:
        return mean + sum(w * kernel(x, a, args.width) for w, (a, _) in zip(weights, used, strict=True))

    rmse = math.sqrt(sum((predict(x) - y) ** 2 for x, y in held) / len(held))
    model = {"kind": "kernel-ridge", "width": args.width, "mean": round(mean, 9), "seed": args.seed}
    model["points"] = [[round(v, 9) for v in a] for a, _ in used]
    model["weights"] = [round(w, 6) for w in weights]
    args.out.mkdir(parents=True, exist_ok=True)
    (args.out / "model.json").write_text(json.dumps(model, indent=1) + "\n")
    metrics = {"validation_rmse": round(rmse, 6), "trained_on": len(used), "held_out": len(held), "seed": args.seed}
    (args.out / "metrics.json").write_text(json.dumps(metrics, indent=1) + "\n")
    print(f"trained on {len(used)} points, validation rmse {rmse:.4f}")


if __name__ == "__main__":
    main()
