"""How strongly does a driven Duffing oscillator swing? Integrates one slice of a parameter table (RK4)."""

import argparse
import csv
import math
from pathlib import Path

STEPS_PER_PERIOD = 40
PERIODS = 24


def acceleration(x: float, v: float, t: float, omega: float, gamma: float) -> float:
    return 0.5 * math.cos(omega * t) - gamma * v - x - 0.2 * x**3


def amplitude(omega: float, gamma: float) -> float:
    """Largest displacement over the last quarter of the periods, when the transient is gone."""
    x, v, t, top = 0.0, 0.0, 0.0, 0.0
    h = 2 * math.pi / omega / STEPS_PER_PERIOD
    steps = PERIODS * STEPS_PER_PERIOD
    for n in range(steps):
        k1, l1 = v, acceleration(x, v, t, omega, gamma)
        k2, l2 = v + h / 2 * l1, acceleration(x + h / 2 * k1, v + h / 2 * l1, t + h / 2, omega, gamma)
        k3, l3 = v + h / 2 * l2, acceleration(x + h / 2 * k2, v + h / 2 * l2, t + h / 2, omega, gamma)
        k4, l4 = v + h * l3, acceleration(x + h * k3, v + h * l3, t + h, omega, gamma)
        x, v, t = x + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4), v + h / 6 * (l1 + 2 * l2 + 2 * l3 + l4), t + h
        if n >= steps * 3 // 4:
            top = max(top, abs(x))
    return top


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--params", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--task", type=int, default=0)
    parser.add_argument("--tasks", type=int, default=1)
    args = parser.parse_args()
    with args.params.open(newline="") as file:
        rows = list(csv.DictReader(file))[args.task :: args.tasks]
    args.out.parent.mkdir(parents=True, exist_ok=True)
    with args.out.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["omega", "gamma", "amplitude"])
        for row in rows:
            omega, gamma = float(row["omega"]), float(row["gamma"])
            writer.writerow([row["omega"], row["gamma"], f"{amplitude(omega, gamma):.9f}"])
    print(f"simulated {len(rows)} oscillators -> {args.out}")


if __name__ == "__main__":
    main()
