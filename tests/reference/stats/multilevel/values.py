"""Makes values.csv: two groups, two sessions, eight ROIs of four regions, unequal spreads, some values missing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

random = np.random.default_rng(7)
rows = []
group = np.array(["A"] * 16 + ["B"] * 14)
gains = 0.25 + 0.2 * random.normal(size=8)
spreads = np.exp(0.4 * random.normal(size=(2, 8)))
for i, label in enumerate(group):
    k, shared = int(label == "B"), 0.4 * random.normal()
    regional = 0.5 * random.normal(size=4)
    for r in range(8):
        pre = random.normal()
        post = 0.4 * pre + shared + regional[r // 2] + gains[r] * (label == "A") + spreads[k, r] * random.normal()
        region, side = "abcd"[r // 2], "LR"[r % 2]
        rows += [(f"{i:02d}", session, region, side, label, value) for session, value in (("pre", pre), ("post", post))]
frame = pd.DataFrame(rows, columns=["subject", "session", "region", "hemisphere", "group", "value"])
frame = frame.drop(index=[5, 40, 41, 200, 311])
frame.to_csv(Path(__file__).with_name("values.csv"), index=False, float_format="%.6f", lineterminator="\n")
