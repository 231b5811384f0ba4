import json
import re
import shutil

import pandas as pd
import pytest

from tsrnn import TextGenerator

TEXT = "To be, or not to be, that is the question.\n" * 40
QUICK = ("--epochs", "2", "--hidden-size", "16", "--learning-rate", "0.02")


@pytest.fixture
def play(tmp_path):
    (tmp_path / "play.txt").write_text(TEXT, encoding="utf-8")
    return "play.txt"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("saved") / "model"
    TextGenerator(hidden_size=16, max_epochs=2, learning_rate=0.02, random_state=0).fit(TEXT).save(path)
    return path


@pytest.fixture
def trained(folder, play, tmp_path):
    shutil.copytree(folder, tmp_path / "model")
    return "model"


def test_help_names_the_commands_and_gives_examples(run):
    code, out, _ = run("text", "--help")
    assert code == 0
    assert all(name in out for name in ("train", "generate", "score"))
    for name in ("train", "generate", "score"):
        code, out, _ = run("text", name, "--help")
        assert code == 0
        assert "Example" in out
        assert f"tsrnn text {name}" in out
    assert "text" in run("--help")[1]


def test_train_saves_a_model_and_prints_its_score_beside_that_of_n_grams(run, play, tmp_path):
    code, out, err = run("text", "train", play, "--save", "deep/model", *QUICK, "--format", "json", "--seed", "5")
    assert code == 0, err
    rows = json.loads(out)
    assert [row["model"] for row in rows] == ["network", "n-grams"]
    assert set(rows[0]) == {"model", "tokens", "nats_per_token", "bits_per_character", "perplexity"}
    assert "Model: deep/model" in err
    assert "n-gram model predicts better: train longer" in err
    model = TextGenerator.load(tmp_path / "deep" / "model")
    assert model.validation_score_.perplexity == pytest.approx(rows[0]["perplexity"], rel=1e-3)
    assert (model.random_state, model.hidden_size, model.max_epochs) == (5, 16, 2)
    assert sorted(path.name for path in (tmp_path / "deep").iterdir()) == ["model"]


def test_a_model_may_be_saved_in_the_folder_where_one_stands(run, play, tmp_path, monkeypatch):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    code, _, err = run("text", "train", "../play.txt", "--save", ".", *QUICK)
    assert code == 0, err
    assert TextGenerator.load(tmp_path / "here").max_epochs == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["here", play]


def test_the_options_of_training_reach_the_model(run, play, tmp_path):
    code, _, err = run(
        "text", "train", play, "--save", "m", "--tokens", "word", "--cell", "lstm", "--layers", "2", "--dropout", "0.3",
        "--weight-dropout", "0.2", "--time-budget", "0.5", "--hidden-size", "8", "--mixed-precision",
    )  # fmt: skip
    assert code == 0, err
    model = TextGenerator.load(tmp_path / "m")
    found = (model.tokens, model.cell, model.num_layers, model.dropout, model.time_budget, model.mixed_precision)
    assert found == ("word", "lstm", 2, 0.3, 0.5, True)
    assert model.network_.size.weight_dropout == 0.2


def test_generate_writes_the_same_text_for_the_same_seed(run, trained):
    arguments = ("text", "generate", "--model", trained, "--prompt", "To be", "--length", "60", "--temperature", "1.5")
    code, out, err = run(*arguments, "--seed", "1")
    assert (code, err) == (0, "")
    assert out.startswith("To be")
    assert len(out) == 5 + 60 + 1
    assert run(*arguments, "--seed", "1")[1] == out
    assert run(*arguments, "--seed", "2")[1] != out
    greedy = run(*arguments[:-2], "--temperature", "0")[1]
    assert run(*arguments[:-2], "--temperature", "3", "--top-k", "1", "--seed", "9")[1] == greedy


def test_generate_begins_with_a_new_line_by_default_and_writes_to_a_file(run, trained, tmp_path):
    code, out, err = run("text", "generate", "--model", trained, "--length", "30", "--seed", "0", "--output", "new.txt")
    assert (code, out, err) == (0, "", "")
    expected = TextGenerator.load(tmp_path / trained).generate("\n", 30, 0.8, random_state=0)
    assert (tmp_path / "new.txt").read_text(encoding="utf-8") == expected[1:] + "\n"


def test_score_tells_how_well_a_text_is_predicted(run, trained, play, tmp_path):
    code, out, _ = run("text", "score", play, "--model", trained, "--format", "csv")
    assert code == 0
    row = pd.read_csv(pd.io.common.StringIO(out)).iloc[0]
    score = TextGenerator.load(tmp_path / trained).score_text(TEXT)
    assert row["nats_per_token"] == pytest.approx(score.nats_per_token)
    assert row["tokens"] == len(TEXT)


def test_a_text_comes_from_standard_input_with_any_line_ends(run, trained):
    code, out, err = run("text", "score", "-", "--model", trained, "--format", "json", stdin=TEXT.replace("\n", "\r\n"))
    assert code == 0, err
    assert json.loads(out)[0]["tokens"] == len(TEXT)


def test_after_ctrl_c_the_same_command_goes_on(run, play, tmp_path, monkeypatch):
    fit = TextGenerator.fit
    arguments = ("text", "train", play, "--save", "model", *QUICK)

    def interrupted(self, text, *, checkpoint):
        def stop(state):
            if len(seen) == 2:
                raise KeyboardInterrupt
            seen.append(state)

        seen, self.verbose = [], stop
        return fit(self, text, checkpoint=checkpoint)

    with monkeypatch.context() as patch:
        patch.setattr(TextGenerator, "fit", interrupted)
        code, out, err = run(*arguments)
    assert (code, out) == (130, "")
    assert "The same command goes on from model.unfinished." in err
    assert err.splitlines()[-1] == "tsrnn: stopped."
    code, out, err = run(*arguments, "--seed", "7")
    assert code == 1
    assert "belongs to another training" in err
    code, out, err = run(*arguments)
    assert code == 0, err
    assert "Going on from model.unfinished." in err
    assert not (tmp_path / "model.unfinished").exists()
    straight = TextGenerator(hidden_size=16, max_epochs=2, learning_rate=0.02, random_state=0).fit(TEXT)
    assert TextGenerator.load(tmp_path / "model").score(TEXT) == straight.score(TEXT)


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("generate", "--model", "model", "--prompt", ""), 1, "prompt is empty: it has 0 characters"),
        (("generate", "--model", "model", "--temperature", "-1"), 2, "-1.0 is not in the range x>=0"),
        (("generate", "--model", "model", "--temperature", "nan"), 2, "nan is not a finite number"),
        (("generate", "--model", "model", "--prompt", "Ω"), 1, "1 character is not in the vocabulary"),
        (("generate", "--model", "nowhere"), 1, "nowhere is no folder"),
        (("generate", "--model", "."), 1, "model.json cannot be read"),
        (("generate", "--model", "model", "--top-k", "0"), 2, "--top-k"),
        (("generate", "--model", "model", "--output", "no/where.txt"), 1, "no/where.txt: cannot be written"),
        (("generate",), 2, "--model"),
        (("score", "empty.txt", "--model", "model"), 1, "empty.txt: is empty; expected a text of 1 character or more"),
        (("train", "play.txt"), 2, "--save"),
        (("train", "empty.txt", "--save", "m"), 1, "empty.txt: is empty"),
        (("train", "short.txt", "--save", "m"), 1, "text is too short: 3 tokens"),
        (("train", "latin.txt", "--save", "m"), 1, "latin.txt: byte 0xe9 in line 2 is not UTF-8. Save the file as"),
        (("train", "binary.txt", "--save", "m"), 1, "binary.txt: is a binary file; expected plain text"),
        (("train", "missing.txt", "--save", "m"), 1, "missing.txt: no such file"),
        (("train", "play.txt", "--save", "play.txt"), 1, "play.txt is a file"),
        (("train", "play.txt", "--save", "play.txt/m"), 1, "play.txt is no folder"),
        (("train", "play.txt", "--save", "."), 1, "is not a saved text generator alone"),
        (("train", "play.txt", "--save", "m", "--dropout", "1"), 2, "--dropout"),
        (("train", "play.txt", "--save", "m", "--time-budget", "0"), 2, "--time-budget"),
    ],
)
def test_a_users_mistake_is_one_line_without_a_traceback(run, trained, tmp_path, arguments, code, message):
    (tmp_path / "empty.txt").write_bytes(b"")
    (tmp_path / "short.txt").write_bytes(b"abc")
    (tmp_path / "latin.txt").write_bytes(b"to be\nr\xe9p\xe9ter")
    (tmp_path / "binary.txt").write_bytes(b"\x00\x01" * 50)
    found, out, err = run("text", *arguments)
    assert (found, out) == (code, "")
    assert message in re.sub(r"\s+", " ", err)
    assert "Traceback" not in err
    assert code == 2 or err.count("\n") == 1
    assert not (tmp_path / "m").exists()


def test_a_model_without_a_new_line_or_space_asks_for_a_prompt(run, tmp_path):
    TextGenerator(hidden_size=4, max_epochs=1).fit("abc" * 50).save(tmp_path / "abc")
    code, _, err = run("text", "generate", "--model", "abc")
    assert code == 2
    assert "no new line to begin with; give a --prompt" in err
