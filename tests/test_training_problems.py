"""Problems to train on: generated programs, files, keys, families."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import benchmark_modules
import numpy as np
import pytest

from memstow.accelerator import load_accelerator
from memstow.errors import InvalidInputError, UnknownNameError
from memstow.planners import Problem
from memstow.program import Program
from memstow.rl_agent.game import Game
from memstow.rl_agent.training.programs import (
    KINDS,
    ProblemSettings,
    TrainingProblems,
    family_of,
    generate_problem,
    is_test_program,
)
from memstow.rl_agent.training.programs.accelerators import CAPACITY_SHARE, peak_live_bytes
from memstow.validator import validate


def same(a: Problem, b: Problem) -> bool:
    return a.program == b.program and a.accelerator == b.accelerator


def opcodes(program: Program) -> list[str]:
    return [step.opcode for step in program.instructions]


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_makes_playable_problems(kind: str) -> None:
    for seed in range(3):
        generated = generate_problem(kind, 60, seed)
        program, accelerator = generated.program, generated.accelerator
        assert same(generated, generate_problem(kind, 60, seed))
        assert 20 <= len(program.instructions) <= 200
        peak = peak_live_bytes(program)
        assert accelerator.capacity % accelerator.alignment == 0
        assert accelerator.capacity <= CAPACITY_SHARE[1] * peak + accelerator.alignment
        game = Game(generated)
        assert game.num_decisions > 0.3 * len(game.core.touches.time), "fast memory has room for something"
        state = game.new_state()
        state.play_randomly(seed)
        assert validate(program, accelerator, state.to_plan(planner="random", seed=seed)) == ()


def test_other_seeds_make_other_programs() -> None:
    made = {generate_problem("transformer", 60, seed).program.fingerprint for seed in range(10)}
    assert len(made) == 10


def test_lengths_are_about_what_was_asked_for() -> None:
    for kind in ("feed_forward", "transformer", "convolutional", "decode", "transformer_train"):
        assert 0.5 <= len(generate_problem(kind, 1000, 1).program.instructions) / 1000 <= 1.5, kind


@pytest.mark.parametrize("seed", range(4))
def test_gradients_read_activations_in_the_opposite_order(seed: int) -> None:
    program = generate_problem("feed_forward_train", 150, seed).program
    turn = opcodes(program).index("loss")
    kept = [
        (buffer.definition_time, max(buffer.use_times))
        for buffer in program.buffers
        if 0 <= buffer.definition_time < turn and max(buffer.use_times, default=0) > turn
    ]
    forward = [last for _, last in sorted(kept)]
    assert len(forward) > 5
    descents = sum(b <= a for a, b in pairwise(forward))
    assert descents >= 0.9 * (len(forward) - 1)


def test_optimisers_update_weights_in_their_places() -> None:
    program = generate_problem("transformer_train", 200, 0).program
    updated = [step for step in program.instructions if step.opcode == "update"]
    assert updated
    for step in updated:
        for result in step.results:
            storage = program.storages[program.storage_of[result.buffer]]
            assert storage.born_slow and storage.is_output


def test_recurrent_programs_share_weights_and_caches_grow_in_their_places() -> None:
    weights = [s for s in generate_problem("recurrent", 200, 0).program.storages if s.members[0].kind == "parameter"]
    assert max(len(storage.reads) for storage in weights) > 10
    decode = generate_problem("decode", 60, 0).program
    caches = [s for s in decode.storages if s.members[0].name.startswith("cache")]
    assert caches and all(storage.born_slow and storage.is_output for storage in caches)
    assert all(0 < storage.writes[0][2] < storage.size_bytes for storage in caches)


def test_unknown_kinds_and_lengths_are_refused() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'unet'"):
        generate_problem("unnet", 50, 0)
    with pytest.raises(InvalidInputError, match="expected at least 1 instruction, found 0"):
        generate_problem("unet", 0, 0)


def test_files_of_one_architecture_are_one_family() -> None:
    families = {
        "resnet": ("resnet18_v4", "resnet50_v4c8", "resnet50_v5e.json", "resnet50", "resnet50-full.program.json"),
        "gpt2": ("gpt2", "gpt2_128_v5e", "gpt2_512", "gpt2_train-deep"),
        "bert": ("bert4_v5e", "bert-tiny"),
        "transformer": ("transformer_v4", "tf_train_v4", "adam_train_v5e"),
        "mlp": ("mlp_v4", "mlp_train_v5e"),
        "mixer": ("mixer_v4", "mlp_mixer-full"),
        "mobilenet": ("mobilenet_v4c8", "mobilenet_v2-full", "mobilenet_v2"),
        "llama": ("llama", "llama_decode-full", "decode_v4"),
        "t5": ("t5_encoder-tiny",),
        "vit": ("vit_b_v5e", "vit-deep"),
    }
    for family, programs in families.items():
        assert {family_of(program) for program in programs} == {family}


def test_a_third_of_the_suite_is_kept_for_judgement() -> None:
    names = (
        "adam_train alexnet bert4 decode densenet gpt2_128 gpt2_512 lstm mixer mlp mlp_train mobilenet resnet18 "
        "resnet50 tf_train transformer vgg16 vit_b"
    )
    kept = [name for name in names.split() if is_test_program(f"{name}_v5e")]
    assert kept == ["decode", "densenet", "gpt2_128", "gpt2_512", "lstm", "mixer"]
    assert not any(is_test_program(f"generated_{kind}") for kind in KINDS)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Programs of a family to train on, of one for judgement, a long one, and a file that is no program."""
    path = tmp_path / "zoo"
    path.mkdir()
    for name, length in (("bert-tiny", 30), ("bert-full", 60), ("gpt2-tiny", 30), ("vit-deep", 400)):
        program = generate_problem("transformer", length, 3).program
        program.model_copy(update={"name": name, "accelerator": "ethos_u65"}).save(path / f"{name}.program.json")
    (path / "prices.json").write_text("{}", encoding="utf-8")
    return path


def test_keys_make_the_same_problems_again(folder: Path) -> None:
    problems = TrainingProblems(ProblemSettings(folders=(folder,), longest=100))
    assert list(problems.files) == ["zoo/bert-full", "zoo/bert-tiny"] and list(problems.families) == ["bert"]
    again = TrainingProblems(problems.settings)
    rng, keys = np.random.default_rng(0), set()
    for _ in range(40):
        drawn = problems.draw(rng)
        keys.add(drawn.key)
        assert same(again.by_key(drawn.key).problem, drawn.problem)
        assert len(drawn.problem.program.instructions) <= 250
    generated = [key for key in keys if key.startswith("generated_")]
    assert 5 < len(generated) < 35
    assert len({key.partition("/")[0] for key in generated}) > 4
    assert any(key.endswith("#0") for key in keys) and sum(key.startswith("zoo/") for key in keys) > 5


def test_files_come_unchanged_or_with_another_memory(folder: Path) -> None:
    problems = TrainingProblems(ProblemSettings(folders=(folder,), generated=0.0))
    part = load_accelerator("ethos_u65")
    assert problems.by_key("zoo/bert-tiny#0").problem.accelerator == part
    varied = [problems.by_key(f"zoo/bert-tiny#{seed}").problem for seed in range(1, 21)]
    assert len({problem.accelerator.capacity for problem in varied}) > 10
    rates = [problem.accelerator.slow_memory.bandwidth for problem in varied]
    assert 3 <= sum(rate == part.slow_memory.bandwidth for rate in rates) <= 17
    assert {problem.program.name for problem in varied} == {"bert-tiny"}


def test_draws_without_folders_are_generated() -> None:
    problems = TrainingProblems(ProblemSettings(generated=0.0, kinds=("unet",), longest=40))
    rng = np.random.default_rng(1)
    assert all(problems.draw_key(rng).startswith("generated_unet/") for _ in range(20))


def test_test_families_are_never_trained_on(folder: Path) -> None:
    problems = TrainingProblems(ProblemSettings(folders=(folder,)))
    with pytest.raises(InvalidInputError, match="zoo/gpt2-tiny: programs of the family 'gpt2' are for judging only"):
        problems.by_key("zoo/gpt2-tiny#0")
    rng = np.random.default_rng(2)
    assert not any("gpt2" in problems.draw_key(rng) for _ in range(200))


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("zoo/bert-tiny", "expected NAME#SEED"),
        ("zoo/bert-tiny#x", "expected NAME#SEED"),
        ("generated_unet#3", "expected generated_KIND/INSTRUCTIONS#SEED"),
        ("zoo/bert-tinny#0", "did you mean 'zoo/bert-tiny'"),
        ("generated_unnet/30#0", "did you mean 'unet'"),
    ],
)
def test_broken_keys_are_refused(folder: Path, key: str, message: str) -> None:
    with pytest.raises(InvalidInputError, match=message):
        TrainingProblems(ProblemSettings(folders=(folder,))).by_key(key)


def test_folders_without_programs_and_double_names_are_refused(folder: Path, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(InvalidInputError, match=r"empty: expected programs .* found none"):
        TrainingProblems(ProblemSettings(folders=(empty,)))
    with pytest.raises(InvalidInputError, match="has the key 'zoo/bert-full' too; name the folders differently"):
        TrainingProblems(ProblemSettings(folders=(folder, folder)))


def test_programs_without_an_accelerator_are_refused(tmp_path: Path) -> None:
    program = generate_problem("unet", 30, 0).program.model_copy(update={"accelerator": None})
    program.save(tmp_path / "unet-tiny.program.json")
    problems = TrainingProblems(ProblemSettings(folders=(tmp_path,)))
    with pytest.raises(InvalidInputError, match="expected the program's 'accelerator', found none"):
        problems.by_key(f"{tmp_path.name}/unet-tiny#0")


def test_settings_are_checked() -> None:
    with pytest.raises(InvalidInputError, match="did you mean 'decode'"):
        ProblemSettings.parse({"kinds": ["decod"]}, where="config")
    with pytest.raises(InvalidInputError, match="expected shortest <= longest, found 50 and 40"):
        ProblemSettings.parse({"shortest": 50, "longest": 40}, where="config")
    with pytest.raises(InvalidInputError, match="unknown key 'longst'"):
        ProblemSettings.parse({"longst": 40}, where="config")


def test_the_exported_zoo_leaves_out_test_families(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    command = benchmark_modules.load("training_programs")
    asked: list[tuple[str, ...]] = []

    def export(folder: Path, names: list[str], size: str, accelerators: list[str]) -> list[str]:
        asked.append((str(folder), size, *names, *accelerators))
        return ["bert deep: cannot be built"] if size == "deep" else []

    monkeypatch.setattr(command, "export_zoo", export)
    models = ("--model", "bert", "--model", "gpt2", "--model", "vit")
    assert command.main([str(tmp_path), *models, "--accelerator", "gemmini"]) == 0
    assert command.main([str(tmp_path), *models, "--size", "full", "--size", "deep", "--accelerator", "gemmini"]) == 1
    sizes = [("tiny", "bert", "vit"), ("full", "bert", "vit"), ("deep", "vit")]
    assert asked == [(str(tmp_path), *names, "gemmini") for names in sizes]


def test_what_may_be_drawn_is_described() -> None:
    problems = TrainingProblems(ProblemSettings(kinds=("unet", "decode")))
    assert problems.describe() == "generated: unet\ngenerated: decode\n"
