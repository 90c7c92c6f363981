"""Compile a module of your own, save it as a folder, and run it from there without the module's code.

Arguments and results may nest in tuples, lists and dictionaries; the example inputs fix the shapes.
"""

import torch
from torch import nn

import memstow


class TwoTowers(nn.Module):
    """Scores every query against every document."""

    def __init__(self, width: int = 64) -> None:
        super().__init__()
        self.query = nn.Sequential(nn.Linear(width, 256), nn.GELU(), nn.Linear(256, width))
        self.document = nn.Sequential(nn.Linear(width, 256), nn.GELU(), nn.Linear(256, width))

    def forward(self, query: torch.Tensor, document: torch.Tensor) -> dict[str, torch.Tensor]:
        scores = self.query(query) @ self.document(document).T
        return {"scores": scores, "best": scores.argmax(dim=1)}


torch.manual_seed(0)
model = TwoTowers().eval()
inputs = {"query": torch.randn(4, 64), "document": torch.randn(32, 64)}

compiled = memstow.compile(model, inputs, accelerator="ethos_u85", planner="local-search", budget=2)
print(compiled)

folder = compiled.save("two-towers")
loaded = memstow.load(folder)

others = {"query": torch.randn(4, 64), "document": torch.randn(32, 64)}
with torch.no_grad():
    torch.testing.assert_close(loaded(**others), model(**others), rtol=1e-4, atol=1e-5)
print("the folder", folder, "holds", ", ".join(sorted(path.name for path in folder.iterdir())))
