import os
import random
import re
from dataclasses import replace

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from tsrnn import Forecaster
from tsrnn.errors import DataError
from tsrnn.networks.registry import NETWORKS
from tsrnn.preprocessing.inputs import make_inputs
from tsrnn.pretrained.family import MEMBERS, Member
from tsrnn.pretrained.weights import WEIGHTS, load_member, load_near, read_recipe, save_member, weights_checksum

TINY = Member("tiny", 4, 24, 4, 8, "seasonal", (((4,), 1.0),))
CURE = r"Install tsrnn again, or train the base model with `python -m tsrnn.pretrained.train`"
MOST_BYTES = 8_000_000


@pytest.fixture
def network():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return NETWORKS["parallel"](TINY.size())


@pytest.fixture
def saved(network, tmp_path):
    load_member.cache_clear()
    return save_member(TINY, network, {"steps": 3, "member": "tiny"}, tmp_path)


def rewrite(path, weights, **header):
    """Write other weights, or another header, with a checksum that fits."""
    checksum = weights_checksum(weights, header.get("recipe", "{}"))
    save_file(weights, path, {"schema": "3", "recipe": "{}", "sha256": checksum, **header})


def test_saved_weights_come_back_as_they_were(saved, network, tmp_path):
    loaded = load_member(TINY, tmp_path)
    assert saved == tmp_path / "tiny.safetensors"
    for name, value in network.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], value.half().float())  # in half precision
    assert not loaded.training
    assert read_recipe(TINY, tmp_path) == {"steps": 3, "member": "tiny"}


def test_a_member_is_read_once_and_loading_leaves_the_global_random_state_alone(saved, tmp_path):
    before = torch.get_rng_state()
    first = load_member(TINY, tmp_path)
    assert torch.equal(torch.get_rng_state(), before)
    assert load_member(TINY, tmp_path) is first


def test_a_missing_file_is_named_with_the_cure(tmp_path):
    with pytest.raises(DataError, match=rf"{re.escape(str(tmp_path / 'tiny.safetensors'))} are missing\. {CURE}"):
        load_member(TINY, tmp_path)
    with pytest.raises(DataError, match="are missing"):
        read_recipe(TINY, tmp_path)


@pytest.mark.parametrize("keep", [0, 5, 100, -1])
def test_a_truncated_file_is_named_with_the_cure(saved, tmp_path, keep):
    saved.write_bytes(saved.read_bytes()[:keep])
    with pytest.raises(DataError, match=rf"tiny\.safetensors cannot be read: .*\. {CURE}"):
        load_member(TINY, tmp_path)


def test_what_is_no_file_in_place_of_one_is_named_with_the_cure(saved, tmp_path, put_no_file):
    put_no_file(saved)
    with pytest.raises(DataError, match=rf"tiny\.safetensors cannot be read: .*(it is|Is) a .*\. {CURE}"):
        load_member(TINY, tmp_path)


@pytest.mark.parametrize(("header", "found"), [({"schema": "1"}, "'1'"), ({"schema": ""}, "''")])
def test_another_schema_is_named_with_the_expected_one(saved, tmp_path, header, found):
    rewrite(saved, load_file(saved), **header)
    with pytest.raises(DataError, match=rf"tiny\.safetensors have schema {found}, expected 3\. {CURE}"):
        load_member(TINY, tmp_path)


def test_a_foreign_safetensors_file_without_a_header_is_refused(saved, tmp_path):
    save_file({"weight": torch.zeros(2)}, saved)
    with pytest.raises(DataError, match=rf"tiny\.safetensors have schema None, expected 3\. {CURE}"):
        load_member(TINY, tmp_path)
    with pytest.raises(DataError, match=rf"tiny\.safetensors have schema None, expected 3\. {CURE}"):
        read_recipe(TINY, tmp_path)


def test_weights_of_another_shape_are_refused(saved, tmp_path):
    wider = replace(TINY, hidden_size=16)
    save_member(TINY, NETWORKS["parallel"](wider.size()), {}, tmp_path)
    with pytest.raises(DataError, match=rf"tiny\.safetensors cannot be used: \d+ of its \d+ tensors .*{CURE}"):
        load_member(TINY, tmp_path)


def test_missing_and_unknown_weights_are_refused(saved, tmp_path):
    weights = load_file(saved)
    weights["wing"] = weights.pop(next(iter(weights)))
    rewrite(saved, weights)
    with pytest.raises(DataError, match=r"tiny\.safetensors cannot be used: 2 of its .*wing"):
        load_member(TINY, tmp_path)


@pytest.mark.parametrize("dtype", [torch.int32, torch.float64])
def test_weights_of_another_type_are_refused(saved, tmp_path, dtype):
    rewrite(saved, {name: value.to(dtype) for name, value in load_file(saved).items()})
    with pytest.raises(DataError, match=r"tiny\.safetensors cannot be used: (\d+) of its \1 tensors"):
        load_member(TINY, tmp_path)


@pytest.mark.parametrize("header", [{"sha256": ""}, {"sha256": "0" * 64}])
def test_a_file_whose_checksum_does_not_fit_is_refused(saved, tmp_path, header):
    rewrite(saved, load_file(saved), **header)
    with pytest.raises(DataError, match=rf"tiny\.safetensors are damaged: their checksum does not fit\. {CURE}"):
        load_member(TINY, tmp_path)


def test_a_far_decoder_can_be_left_out(network, tmp_path):
    far = replace(TINY, far=8)
    reaching = NETWORKS["parallel"](far.size())
    reaching.load_state_dict(network.state_dict(), strict=False)
    for member, written in ((TINY, network), (far, reaching)):
        save_member(member, written, {}, tmp_path)
        near = load_near(far, tmp_path).state_dict()
        assert all(torch.equal(near[name], value.half().float()) for name, value in network.state_dict().items())
        assert len(near) == len(network.state_dict())
    load_member.cache_clear()
    assert load_member(far, tmp_path).far is not None
    with pytest.raises(DataError, match=r"tiny\.safetensors cannot be used: 5 of its .* tensors"):
        load_member(TINY, tmp_path)


def test_one_changed_bit_is_found(saved, tmp_path):
    data = bytearray(saved.read_bytes())
    data[-2] ^= 1  # within the last weight, which stays finite
    saved.write_bytes(data)
    with pytest.raises(DataError, match=rf"tiny\.safetensors are damaged: their checksum does not fit\. {CURE}"):
        load_member(TINY, tmp_path)


def test_every_changed_bit_of_the_header_is_found_or_changes_nothing(saved, tmp_path):
    whole, recipe = saved.read_bytes(), read_recipe(TINY, tmp_path)
    weights = load_member(TINY, tmp_path).state_dict()
    bits = [(at, bit) for at in range(8 + int.from_bytes(whole[:8], "little")) for bit in range(8)]
    # All of what tells of the file, and a sample of what tells of the tensors.
    facts = range(whole.index(b"__metadata__"), whole.index(b'"},"'))
    tried = [*(one for one in bits if one[0] in facts), *random.Random(0).sample(bits, 400)]
    n_found = 0
    for at, bit in tried:
        data = bytearray(whole)
        data[at] ^= 1 << bit
        saved.write_bytes(data)
        load_member.cache_clear()
        try:
            network, read = load_member(TINY, tmp_path), read_recipe(TINY, tmp_path)
        except DataError:
            n_found += 1
            continue
        assert read == recipe
        assert all(torch.equal(part, weights[name]) for name, part in network.state_dict().items())
    assert n_found > 0.95 * len(tried)


def test_weights_that_cannot_be_written_leave_the_old_file(saved, network, tmp_path, monkeypatch):
    def fail(file):
        raise OSError(28, "No space left on device")

    before = saved.read_bytes()
    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="No space left on device"):
        save_member(TINY, network, {"steps": 4}, tmp_path)
    assert saved.read_bytes() == before


@pytest.mark.parametrize("name", MEMBERS)
def test_a_shipped_file_tells_its_checksum(name):
    with safe_open(WEIGHTS / f"{name}.safetensors", "pt") as file:
        assert re.fullmatch("[0-9a-f]{64}", file.metadata()["sha256"])


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_not_finite_are_refused(saved, tmp_path, value):
    weights = load_file(saved)
    next(iter(weights.values())).view(-1)[0] = value
    rewrite(saved, weights)
    with pytest.raises(DataError, match=rf"tiny\.safetensors cannot be used: a weight is not finite\. {CURE}"):
        load_member(TINY, tmp_path)


@pytest.mark.parametrize("recipe", ["", "{", "[1]"])
def test_a_damaged_recipe_is_refused(saved, tmp_path, recipe):
    rewrite(saved, load_file(saved), recipe=recipe)
    with pytest.raises(DataError, match=rf"tiny\.safetensors have no recipe\. {CURE}"):
        read_recipe(TINY, tmp_path)


def test_a_damaged_base_model_stops_a_fit_with_the_cure(monthly, monkeypatch, tmp_path):
    monkeypatch.setattr(
        "tsrnn.forecasting.strategy.load_member", lambda member: load_member.__wrapped__(member, tmp_path)
    )
    with pytest.raises(DataError, match=rf"season_12\.safetensors are missing\. {CURE}"):
        Forecaster(strategy="zero-shot").fit(monthly)
    assert Forecaster(strategy="scratch", max_steps=1, hidden_size=4).fit(monthly).strategy_ == "scratch"


@pytest.mark.parametrize("name", MEMBERS)
def test_a_shipped_member_loads_tells_its_recipe_and_forecasts(name):
    member = MEMBERS[name]
    network, recipe = load_member(member), read_recipe(member)
    assert recipe["member"] == name
    assert {"steps", "batch_size", "seed", "learning_rate", "weight_decay", "best_step"} <= set(recipe)
    size = member.size()
    y = torch.linspace(1, 2, size.context_length, dtype=torch.float64).repeat(2, 1)
    y = y + 0.1 * torch.sin(torch.arange(size.context_length))
    observed = torch.ones_like(y, dtype=torch.bool)
    inputs, _, _ = make_inputs(y, observed, member.scaling, size.reads, size.horizon)
    with torch.inference_mode():
        answer = network(inputs)
    assert answer.shape == (2, size.horizon, len(size.quantiles))
    assert torch.isfinite(answer).all()
    assert (answer.diff(dim=-1) >= 0).all()


def test_the_shipped_files_are_those_of_the_family_and_eight_megabytes_at_most():
    files = list(WEIGHTS.glob("*.safetensors"))
    assert {file.stem for file in files} == set(MEMBERS)
    assert sum(file.stat().st_size for file in files) <= MOST_BYTES
