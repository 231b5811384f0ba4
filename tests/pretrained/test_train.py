import csv
from dataclasses import asdict, replace

import pytest
import torch

from tsrnn.errors import DataError
from tsrnn.pretrained import train as module
from tsrnn.pretrained.family import MEMBERS, Member
from tsrnn.pretrained.simulated import SimulatedWindows
from tsrnn.pretrained.train import LOG, Recipe, main, train_member, write_log
from tsrnn.pretrained.weights import load_member, read_recipe
from tsrnn.training.trainer import Progress

CPU = torch.device("cpu")
TINY = Member("tiny", 4, 16, 4, 8, "seasonal", (((4,), 1.0),))


class Interrupted(Exception):
    """Stands for a kill."""


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """Keep trainings short: few simulated series, and a small family."""
    monkeypatch.setattr("tsrnn.pretrained.simulated.SERIES_AT_ONCE", 128)
    monkeypatch.setattr("tsrnn.pretrained.simulated.VALIDATION_BATCHES", 2)
    monkeypatch.setitem(MEMBERS, "tiny", TINY)
    monkeypatch.setattr(torch, "set_num_threads", lambda threads: None)
    load_member.cache_clear()


def recipe(steps=40, **options):
    return Recipe("tiny", **{"steps": steps, "batch_size": 32, "seed": 0, "learning_rate": 1e-2, **options})


def test_a_tiny_training_learns_and_writes_its_weights_its_log_and_its_recipe(tmp_path, capsys):
    history = train_member(TINY, recipe(120), tmp_path, CPU)
    losses = [state.validation_loss for state in history]
    assert min(losses[1:]) < 0.97 * losses[0]
    stored = read_recipe(TINY, tmp_path)
    assert stored == {**asdict(recipe(120)), "best_step": history[losses.index(min(losses))].step}
    with (tmp_path / LOG).open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["member"], int(row["step"])) for row in rows] == [("tiny", state.step) for state in history]
    assert [float(row["validation_loss"]) for row in rows] == pytest.approx(losses, abs=1e-5)
    assert "tiny  step 120/120" in capsys.readouterr().out


def test_the_weights_that_are_kept_are_those_of_the_best_validation(tmp_path):
    history = train_member(TINY, recipe(40), tmp_path, CPU)
    network = load_member(TINY, tmp_path)
    levels = torch.tensor(TINY.size().quantiles)
    batches = SimulatedWindows(TINY, 32, 0, CPU).validation()
    with torch.no_grad():
        scores = [module.quantile_loss(network(b.inputs), b.target, b.observed, levels) for b in batches]
    assert float(torch.stack(scores).mean()) == pytest.approx(min(state.validation_loss for state in history), rel=1e-5)


def test_the_seed_decides_the_weights(tmp_path):
    networks = []
    for number, seed in enumerate((0, 0, 1)):
        folder = tmp_path / str(number)
        folder.mkdir()
        torch.manual_seed(number)  # whatever the state of the world
        train_member(TINY, recipe(8, seed=seed), folder, CPU)
        networks.append(torch.cat([part.flatten() for part in load_member(TINY, folder).state_dict().values()]))
    assert torch.equal(networks[0], networks[1])
    assert not torch.equal(networks[0], networks[2])


@pytest.mark.parametrize("stop_at", [13, 30])
def test_an_interrupted_training_ends_with_the_weights_of_one_that_never_was(tmp_path, monkeypatch, stop_at):
    straight, broken = tmp_path / "straight", tmp_path / "broken"
    straight.mkdir()
    broken.mkdir()
    train_member(TINY, recipe(), straight, CPU)
    draw = SimulatedWindows.draw

    def interrupted(self, step):
        if self.seed == 0 and step == stop_at:
            raise Interrupted
        return draw(self, step)

    with monkeypatch.context() as patch:
        patch.setattr(SimulatedWindows, "draw", interrupted)
        with pytest.raises(Interrupted):
            train_member(TINY, recipe(), broken, CPU)
    assert [path.name for path in broken.iterdir()] == ["tiny.checkpoint"]
    train_member(TINY, recipe(), broken, CPU)
    expected, found = (load_member(TINY, folder).state_dict() for folder in (straight, broken))
    assert all(torch.equal(found[name], value) for name, value in expected.items())
    assert read_recipe(TINY, broken) == read_recipe(TINY, straight)
    # The seconds differ; what was learnt does not.
    texts = [(folder / LOG).read_text() for folder in (straight, broken)]
    logs = [[line.rsplit(",", 1)[0] for line in text.splitlines()] for text in texts]
    assert logs[0] == logs[1]
    assert len(logs[0]) == 5


FAR = replace(TINY, far=8)


def far_recipe(**options):
    return recipe(**options, far_steps=40)


@pytest.fixture
def reaching(tmp_path, monkeypatch):
    """A member with far steps, trained once, and the same one without them."""
    monkeypatch.setattr(module, "FAR_STEPS", 40)
    monkeypatch.setitem(MEMBERS, "tiny", FAR)
    folders = tmp_path / "far", tmp_path / "near"
    for folder, member in zip(folders, (FAR, TINY), strict=True):
        folder.mkdir()
        train_member(member, far_recipe(), folder, CPU)
    return folders


def test_a_far_decoder_learns_last_and_leaves_the_rest_as_it_is(reaching):
    far, near = reaching
    expected, found = load_member(TINY, near).state_dict(), load_member(FAR, far).state_dict()
    assert all(torch.equal(found[name], value) for name, value in expected.items())
    with (far / LOG).open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["member"] == "tiny_far"]
    losses = [float(row["validation_loss"]) for row in rows]
    assert min(losses) < losses[0]
    assert read_recipe(FAR, far)["far_steps"] == 40


def test_a_far_decoder_can_be_trained_for_weights_that_are_there(reaching, capsys):
    far, near = reaching
    options = ["--members", "tiny", "--seed", "0", "--batch-size", "32", "--device", "cpu", "--far-only"]
    capsys.readouterr()
    assert main([*options, "--output", str(near)]) == 0
    assert main([*options, "--output", str(near)]) == 0  # again, over one that is there
    out = capsys.readouterr().out
    assert "tiny_far  step 40/40" in out
    assert "tiny  step" not in out
    load_member.cache_clear()
    expected, found = (load_member(FAR, folder).state_dict() for folder in (far, near))
    # The weights that it starts from were in half precision.
    for name, value in expected.items():
        torch.testing.assert_close(found[name], value, atol=2e-2, rtol=2e-2)


@pytest.mark.parametrize("stop_at", [5, 30])
def test_an_interrupted_far_training_goes_on_after_the_first_one(reaching, tmp_path, monkeypatch, stop_at):
    draw, drawn = SimulatedWindows.draw, []

    def interrupted(self, step):
        if self.seed == 0:
            drawn.append((self.member.horizon, step))
            if drawn[-1] == (12, stop_at) and (12, stop_at) not in drawn[:-1]:
                raise Interrupted
        return draw(self, step)

    broken = tmp_path / "broken"
    broken.mkdir()
    with monkeypatch.context() as patch:
        patch.setattr(SimulatedWindows, "draw", interrupted)
        with pytest.raises(Interrupted):
            train_member(FAR, far_recipe(), broken, CPU)
        assert not (broken / "tiny.safetensors").exists()  # weights that stood there would have stayed
        train_member(FAR, far_recipe(), broken, CPU)
    assert drawn.count((4, 40)) == 1  # not again
    load_member.cache_clear()
    expected, found = (load_member(FAR, folder).state_dict() for folder in (reaching[0], broken))
    assert all(torch.equal(found[name], value) for name, value in expected.items())
    assert read_recipe(FAR, broken) == read_recipe(FAR, reaching[0])


def test_a_checkpoint_of_another_recipe_is_refused_with_the_cure(tmp_path, monkeypatch):
    def interrupted(*arguments):
        raise Interrupted

    with monkeypatch.context() as patch:
        patch.setattr(module, "save_member", interrupted)
        with pytest.raises(Interrupted):
            train_member(TINY, recipe(4), tmp_path, CPU)
    with pytest.raises(DataError, match=r"tiny\.checkpoint belongs to another training .* Delete the file"):
        train_member(TINY, recipe(5), tmp_path, CPU)


def test_the_log_keeps_the_lines_of_other_members(tmp_path):
    path = tmp_path / LOG
    write_log(path, "a", [Progress(1, 2, 0.5, 0.4, 3.0), Progress(2, 2, 0.3, 0.2, 6.0)])
    write_log(path, "b", [Progress(1, 1, 0.7, 0.6, 1.0)])
    write_log(path, "a", [Progress(1, 1, 0.25, 0.125, 2.0)])
    assert path.read_text().splitlines() == [
        "member,step,train_loss,validation_loss,seconds",
        "b,1,0.70000,0.60000,1",
        "a,1,0.25000,0.12500,2",
    ]


def test_the_command_trains_the_members_that_it_is_given(tmp_path):
    options = ["--members", "tiny", "--steps", "4", "--batch-size", "16", "--learning-rate", "0.001", "--seed", "3"]
    assert main([*options, "--output", str(tmp_path / "new" / "folder"), "--device", "cpu"]) == 0
    stored = read_recipe(TINY, tmp_path / "new" / "folder")
    assert sorted(path.name for path in (tmp_path / "new" / "folder").iterdir()) == ["tiny.safetensors", LOG]
    assert (stored["steps"], stored["batch_size"], stored["learning_rate"], stored["seed"]) == (4, 16, 0.001, 3)


def test_a_command_that_is_given_again_goes_on_with_the_member_that_it_was_stopped_in(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(MEMBERS, "second", replace(FAR, name="second"))
    monkeypatch.setattr(module, "FAR_STEPS", 4)
    draw, drawn = SimulatedWindows.draw, []

    def interrupted(self, step):
        if self.seed == 0:
            drawn.append((self.member.name, self.member.horizon, step))
            if drawn.count(("second", 12, 3)) == 1 and drawn[-1] == ("second", 12, 3):
                raise KeyboardInterrupt
        return draw(self, step)

    monkeypatch.setattr(SimulatedWindows, "draw", interrupted)
    options = ["--members", "tiny", "second", "--steps", "4", "--batch-size", "16", "--output", str(tmp_path)]
    assert main(options) == 130
    assert capsys.readouterr().err == "stopped; the same command goes on from the last checkpoint.\n"
    first = (tmp_path / "tiny.safetensors").stat().st_size
    assert main(options) == 0
    assert [name for name, _, step in drawn if step == 4] == ["tiny", "second", "second"]
    assert (tmp_path / "tiny.safetensors").stat().st_size == first
    assert sorted(path.name for path in tmp_path.iterdir()) == ["second.safetensors", "tiny.safetensors", LOG]


def test_without_steps_a_member_is_trained_for_its_own(tmp_path, monkeypatch):
    monkeypatch.setitem(MEMBERS, "tiny", replace(TINY, steps=7))
    assert main(["--members", "tiny", "--batch-size", "16", "--output", str(tmp_path), "--device", "cpu"]) == 0
    assert read_recipe(TINY, tmp_path)["steps"] == 7


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--steps", "0"], "--steps must be 1 or more"),
        (["--batch-size", "-1"], "--batch-size must be 1 or more"),
        (["--threads", "0"], "--threads must be 1 or more"),
        (["--learning-rate", "0"], "--learning-rate must be above 0"),
        (["--learning-rate", "nan"], "--learning-rate must be above 0"),
        (["--seed", "-1"], "--seed must be a whole number from 0"),
        (["--seed", "9223372036854775808"], "--seed must be a whole number from 0 to below 2**63"),
        (["--far-only", "--members", "tiny"], "--far-only: tiny without far decoders"),
        (["--members", "season_13"], "invalid choice: 'season_13'"),
        (["--steps", "many"], "invalid int value: 'many'"),
    ],
)
def test_wrong_options_are_told_in_one_line_with_exit_code_2(tmp_path, capsys, options, message):
    with pytest.raises(SystemExit, match="2"):
        main(["--output", str(tmp_path), *options])
    assert message in capsys.readouterr().err.splitlines()[-1]


def test_what_goes_wrong_in_a_training_is_one_line_on_stderr_and_exit_code_1(tmp_path, capsys):
    options = ["--members", "tiny", "--steps", "4", "--batch-size", "16", "--output", str(tmp_path)]
    (tmp_path / "tiny.checkpoint").write_text("no checkpoint")
    assert main(options) == 1
    (tmp_path / "file").write_text("")
    assert main([*options, "--output", str(tmp_path / "file")]) == 1
    assert main([*options, "--device", "abacus"]) == 1
    (tmp_path / "tiny.checkpoint").unlink()
    # More than the memory of any computer; the last of two such options counts.
    assert main([*options, "--batch-size", str(10**14)]) == 1
    lines = capsys.readouterr().err.splitlines()
    assert [line.startswith("error: ") for line in lines] == [True] * 4
    assert "tiny.checkpoint cannot be read" in lines[0]
    assert "file" in lines[1]
    assert "abacus" in lines[2]
    assert "Unable to allocate" in lines[3]
