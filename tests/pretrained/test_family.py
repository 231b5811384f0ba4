import math

import pytest

from tsrnn.preprocessing.scaling import SCALINGS
from tsrnn.pretrained.family import MEMBERS


def test_a_season_beyond_the_context_brings_a_longer_one():
    member = MEMBERS["season_7"]
    assert member.size().context_length == 392
    assert member.size((365,)).context_length == math.ceil(730 / 7) * 7


def test_five_weeks_are_read_of_any_step_below_a_day():
    member = MEMBERS["season_24"]
    contexts = [member.serving_size((m, 7 * m)).context_length for m in (12, 24, 48, 96, 144)]
    assert contexts == [840, 840, 1680, 3360, 5040]
    assert member.size((96, 672)).context_length == 840  # as it has learnt
    # A season beside itself is no week.
    assert member.serving_size((182, 182)).context_length == 840


def test_five_years_are_read_where_a_network_knows_the_year():
    members = {name: member for name, member in MEMBERS.items() if member.year}
    years = {name: member.serving_size(member.seasons[0][0]).context_length for name, member in members.items()}
    assert years == {"season_5": 1300, "season_7_year": 1820, "season_52": 260}
    assert MEMBERS["season_7_year"].serving_size((14,)).context_length == 1820
    assert MEMBERS["season_5"].serving_size((1,)).context_length == 780  # steps without a season have no year


@pytest.mark.parametrize("member", MEMBERS.values(), ids=list(MEMBERS))
def test_a_member_is_described_consistently(member):
    assert member.context_length % member.patch_length == 0
    assert member.horizon % member.patch_length == 0  # a sample path's block joins a window of whole patches
    assert member.scaling in SCALINGS
    assert len({len(seasons) for seasons, _ in member.seasons}) == 1
    assert sum(share for _, share in member.seasons) == pytest.approx(1)
    assert all(list(seasons) == sorted(seasons) for seasons, _ in member.seasons)
