from pathlib import Path

Path("sims").mkdir(exist_ok=True)
for i in range(3):
    Path(f"sims/{i}.csv").write_text(f"{i},{i * i}\n")
