"""``torch.compile(backend="memstow")``: PyTorch's numbers whatever happens, one clear word where there is no plan."""

from __future__ import annotations

import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from torch import nn

from memstow.errors import MemstowWarning
from memstow.planners.all_slow import AllSlow
from memstow.tvm_ext.torch_backend import Graph, backend, graphs, warn

X = torch.linspace(-1.0, 1.0, 8).reshape(2, 4)


class Layer(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(4, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.tanh(self.linear(x))


class Broken(Layer):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.linear(x)
        torch._dynamo.graph_break()
        return torch.relu(y) + 1


class Spectrum(Layer):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.fft.fft(self.linear(x)).abs()


@pytest.fixture(scope="module")
def cache(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(autouse=True)
def fresh(cache, monkeypatch) -> Iterator[None]:
    """No graph of another test, no warning of one, and inference, unless a test says otherwise."""
    monkeypatch.setenv("MEMSTOW_CACHE", str(cache))
    for told in (warn._told, warn._told_breaks, backend._programs):
        told.clear()
    torch._dynamo.reset()
    torch._dynamo.utils.counters.clear()
    torch.manual_seed(0)
    with torch.no_grad():
        yield


def compiled(model: Callable[..., object], **options: object) -> Callable[..., object]:
    return torch.compile(model, backend="memstow", options=options)


def run(model: Callable[..., object], *calls: tuple[object, ...], **options: object) -> tuple[list[Graph], list[str]]:
    """Check every call against PyTorch; the graphs and warnings that they led to."""
    before = len(graphs())
    planned = compiled(model, **options)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for call in calls:
            torch.testing.assert_close(planned(*call), model(*call), rtol=1e-4, atol=1e-5)
    messages = [str(warning.message) for warning in caught if issubclass(warning.category, MemstowWarning)]
    return list(graphs()[before:]), messages


def test_pytorch_finds_the_backend_without_an_import():
    code = (
        "import torch; assert 'memstow' in torch._dynamo.list_backends(); "
        "print(torch._dynamo.lookup_backend('memstow'))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "function memstow" in done.stdout


def test_a_module_becomes_one_planned_program():
    (graph,), messages = run(
        nn.Sequential(Layer(), Layer()), (X,), (2 * X,), accelerator="ethos_u55", planner="all-slow"
    )
    assert (graph.problem.accelerator.name, graph.plan.planner, messages) == ("ethos_u55", "all-slow", [])
    kinds = [buffer.kind for buffer in graph.problem.program.buffers]
    assert (kinds.count("parameter"), kinds.count("input")) == (4, 1)
    names = {buffer.name for buffer in graph.problem.program.buffers}
    assert "p_1_linear_weight" in names


def test_checked_runs_and_objects_as_options():
    (graph,), _ = run(Layer(), (X,), planner=AllSlow(), checked=True, iterations=3, budget=1)
    assert graph.plan.planner == "all-slow"


def test_weights_are_followed():
    model = Layer()
    planned = compiled(model)
    for change in (
        lambda: None,
        lambda: model.linear.weight.mul_(3.0),
        lambda: setattr(model.linear.weight, "data", torch.randn(4, 4)),
        lambda: setattr(model.linear.weight, "data", torch.randn(4, 4).T),  # kernels cannot read it as it is
        lambda: model.linear.weight.mul_(3.0),
        lambda: setattr(model.linear, "weight", nn.Parameter(torch.randn(4, 4))),
    ):
        change()
        torch.testing.assert_close(planned(X), model(X), rtol=1e-4, atol=1e-5)


def test_weights_are_not_copied(monkeypatch):
    import tvm

    planned = compiled(Layer())
    planned(X)
    seen: list[int] = []
    share = tvm.runtime.from_dlpack

    def shared(tensor: torch.Tensor) -> object:
        seen.append(tensor.data_ptr())
        return share(tensor)

    monkeypatch.setattr(tvm.runtime, "from_dlpack", shared)
    planned(X)
    assert seen == [X.data_ptr()]


def test_one_graph_serves_all_modules_of_one_structure():
    class Stack(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layers = nn.ModuleList(Layer() for _ in range(3))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            for layer in self.layers:
                x = layer(x)
                torch._dynamo.graph_break()
            return x

    found, _ = run(Stack(), (X,))
    assert [graph.fallback for graph in found] == [None]


def test_a_second_compilation_of_an_equal_graph_is_served_from_the_cache():
    first, _ = run(nn.Sequential(Layer(), Layer()), (X,))
    torch._dynamo.reset()
    second, _ = run(nn.Sequential(Layer(), Layer()), (X,))
    torch._dynamo.reset()
    other, _ = run(nn.Sequential(Layer(), Layer()), (X,), planner="first-touch")
    assert [graph.cached for graph in first + second + other] == [False, True, False]
    assert second[0].plan is first[0].plan


def test_another_process_takes_the_machine_code_from_disk(cache, monkeypatch):
    run(Layer(), (X,), planner="first-touch")
    backend._programs.clear()
    torch._dynamo.reset()
    monkeypatch.setattr("memstow.tvm_ext.compiler.tvm.compile", lambda *_, **__: pytest.fail("built again"))
    found, _ = run(Layer(), (X,), planner="first-touch")
    assert found[0].plan is not None


def test_constants_in_the_graph_and_in_the_key():
    for value in (2.0, 3.0):
        torch._dynamo.reset()
        (graph,), _ = run(lambda x, value=value: x * torch.tensor([value, 1.0, 1.0, 1.0]), (X,))
        assert not graph.cached


def test_results_nest_as_the_function_returns_them():
    def nested(x: torch.Tensor) -> dict[str, object]:
        return {"positive": x > 0, "pair": (x * 2, x.shape[0], None), "view": x.T}

    (graph,), messages = run(nested, (X,))
    assert graph.plan is not None
    assert messages == []


def test_every_shape_has_its_own_program():
    found, messages = run(Layer(), *[(torch.randn(rows, 4),) for rows in (2, 3, 5, 3, 5)])
    inputs = [buffer.size_bytes // 16 for g in found for buffer in g.problem.program.buffers if buffer.kind == "input"]
    assert (sorted(inputs), messages) == ([2, 3, 5], [])


def test_a_graph_break_is_told_once():
    found, messages = run(Broken(), (X,))
    _, nothing = run(Broken(), (X,))
    assert [graph.fallback for graph in found] == [None, None]
    (message,) = messages
    assert "PyTorch breaks the model at the graph's end (it ends at " in message
    assert "test_torch_backend.py" in message and "graph_break()" in message
    assert nothing == []


def test_a_break_before_any_graph_is_told():
    _, messages = run(lambda x: x.nonzero() * 2, (X,))
    assert [message for message in messages if "before a graph" in message and "Dynamic shape operator" in message]


def test_an_unsupported_operator_leaves_its_graph_to_pytorch_with_one_warning():
    (graph,), messages = run(Spectrum(), (X,), (2 * X,))
    assert graph.plan is None
    (message,) = messages
    assert "memstow leaves a graph to PyTorch (it ends at " in message and "in forward" in message
    assert "no translation of aten._fft_r2c.default (test_torch_backend.py:" in message
    assert "replace it in the model" in message
    assert graph.fallback in message
    torch._dynamo.reset()
    assert run(Spectrum(), (X,))[1] == []


def test_the_warning_points_to_the_users_line():
    with pytest.warns(MemstowWarning) as caught:
        compiled(Spectrum())(X)
    assert caught[0].filename == __file__


@pytest.mark.parametrize(
    ("function", "reason"),
    [
        (lambda x: x.add_(1), "changes 'l_x_' in place"),
        (lambda x: x + torch.rand(4), "draws random numbers with aten.rand.default"),
        (lambda x: x.to(torch.complex64) * 2, "TVM's importer rejects it"),
        (lambda x: x[:0] + 1, "expected tensors with elements"),
    ],
)
def test_what_is_left_to_pytorch(function, reason):
    torch.manual_seed(1)
    expected = function(X.clone())
    torch.manual_seed(1)
    with pytest.warns(MemstowWarning) as caught:
        found = compiled(function)(X.clone())
    torch.testing.assert_close(found, expected)
    assert reason in graphs()[-1].fallback
    assert [reason in str(warning.message) for warning in caught] == [True]


def test_training_is_left_to_pytorch():
    model = Layer()
    with torch.enable_grad(), pytest.warns(MemstowWarning, match=r"gradients flow .* under torch\.no_grad\(\)"):
        compiled(model)(X).sum().backward()
    assert model.linear.weight.grad is not None


def test_a_number_that_differs_between_calls():
    found, messages = run(lambda x, scale: x * scale, (X, 2.5), (X, 3.5), (X, 4.5))
    assert found[0].plan is not None
    assert "compute with a tensor in its place" in found[1].fallback
    assert len(messages) == 1


def test_a_graph_without_a_kernel_is_nobodys_loss():
    (graph,), messages = run(lambda x: x.view(-1), (X,))
    assert "calls no kernel" in (graph.fallback or "")
    assert messages == []


def test_autocast_decides_the_types():
    model = Layer()
    planned = compiled(model)
    planned(X)
    with torch.autocast("cpu", dtype=torch.bfloat16), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found, expected = planned(X), model(X)
    assert found.dtype == expected.dtype == torch.bfloat16
    torch.testing.assert_close(found, expected)


def test_inference_mode():
    with torch.inference_mode():
        model = Layer()
        found, _ = run(model, (X,), (X + 1,))
    assert found[0].plan is not None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"options": {"acelerator": "unit"}},
            "option of backend 'memstow' 'acelerator': did you mean 'accelerator'",
        ),
        ({"options": {"planner": "gredy"}}, "unknown planner 'gredy': did you mean 'greedy'"),
        ({"options": {"budget": -1}}, "budget: expected a number of seconds, 0 or more, found -1"),
        ({"mode": "max-autotune"}, "backend 'memstow' has no modes; pass options=.* of accelerator, planner, budget"),
    ],
)
def test_options_that_are_wrong(arguments, message):
    with pytest.raises(torch._dynamo.exc.BackendCompilerFailed, match=message):
        torch.compile(Layer(), backend="memstow", **arguments)(X)
