"""Who serves whom: the members of the base that forecast a season, and the seasons they read."""

from __future__ import annotations

from dataclasses import dataclass, replace

from tsrnn.preprocessing.own_season import own_profile_count
from tsrnn.preprocessing.windows import EVERY_HISTORY
from tsrnn.pretrained.family import KINDS, Member

# The longest season that days read where none has learnt it; hours read longer ones. On simulated seasons that repeat
# exactly days have .83 of the seasonal naive's error from 31 to 100 steps, hours .88; from 150 to 365 .66 and .64.
LONGEST_OF_DAYS = 100
# Steps of a day that the networks of hours have learnt.
DAYS = tuple(dict.fromkeys(seasons[0] for seasons, _ in KINDS["season_24"][0].seasons))
# Days of a year by the days of a week; days of hours and shorter steps count as the first.
_YEARS = {7: (364, 365, 366), 5: (260, 261, 262)}


@dataclass(frozen=True)
class Service:
    """Which members forecast, with which seasons.

    Parameters
    ----------
    members : tuple of Member
        Those whose forecasts are averaged, the main one first.
    seasons : tuple of int
    note : str or None
        What a user should know, such as that the base has not been trained on this season length.
    """

    members: tuple[Member, ...]
    seasons: tuple[int, ...]
    note: str | None = None

    @property
    def member(self) -> Member:
        """Return the main member."""
        return self.members[0]

    @property
    def fine_tuned(self) -> tuple[Member, ...]:
        """Return the members that learn from a table: not those that know the year, where there are others.

        A table has few windows that show a year. On two held-back ends of NN5 the network of days that knows the year
        had .978 and 1.080 of its error after fine-tuning, the two others .897 and 1.057 of that.
        """
        return tuple(member for member in self.members if not member.year) or self.members

    def fine_tuned_histories(self, member: Member) -> range:
        """Return how many values a history may hold for a member to forecast it that has learnt from a table.

        What it has not learnt from the prior it learns there, but for one that reads short histories otherwise.
        """
        readings = sum(other.name == member.name for other in self.members)
        return member.histories if readings > 1 else EVERY_HISTORY

    def serving(self, history: int) -> tuple[Member, ...]:
        """Return the members that forecast a history of so many values."""
        return tuple(member for member in self.members if history in member.histories)


def served_by(season_length: int, *, slow: bool = True, day: int = 0) -> Service:
    """Find the members for a season length.

    Parameters
    ----------
    season_length : int
    slow : bool
        Whether a step is a month or longer. The networks of years expect growth, so shorter steps without a season are
        read by that of business days: on simulated noise, autoregressions, walks and counts and on the sensors of SKAB
        the quantile loss twelve steps ahead, from 60 and 400 rows, is 6 to 23 % smaller, on Ausgrid's weeks and sums
        of NN5 by week 5 to 6 % (on sums of M4 Hourly by day, which are smooth, 12 % larger; years 10 to 36 % larger).
    day : int
        Steps of a day where a step is shorter, else 0. What serves months and quarters does not know such steps: on 26
        public series a season of twelve steps of two hours is forecast with .753 of the seasonal naive's error by the
        networks of hours (of months .903), eight of three with .796 (`any_season` .947). Days serve the shortest ones:
        six of four hours have .883 (.956), four of six .895 (quarters .912), three of eight .899 (.948), and from two
        weeks on, when they read the week as the season, .834, .836 and .842, from five .788, .781 and .798.

    Examples
    --------
    >>> served_by(12).member.name, served_by(96).seasons, served_by(1, slow=False).member.name
    ('season_12', (96, 672), 'season_5')
    >>> served_by(100).note
    'The base model was not trained on seasons of 100; it reads them with patches of 7 (season_7).'
    >>> served_by(12, slow=False, day=12).seasons, served_by(6, slow=False, day=6).member.name
    ((12, 84), 'season_7')
    """
    m = 5 if season_length == 1 and not slow else season_length
    if m == day and m not in DAYS and m < max(DAYS):  # the week of longer days is out of sight
        # A window keeps no season of its own beside one as short as six, which hours would read.
        if own_profile_count(m) > 0:
            return _untrained(m, (m, 7 * m), "season_24")
        short = _untrained(m, (m,), "season_7")
        weeks = replace(short.member, reads=(7 * m,), histories=range(14 * m, EVERY_HISTORY.stop))
        return replace(short, members=(replace(short.member, histories=range(14 * m)), weeks))
    for members in KINDS.values():  # the last one has learnt the short lengths that no other kind has
        for seasons, _ in members[0].seasons:
            if seasons[0] == m:
                return Service(members, (m, 7 * m) if m in DAYS else seasons)
    if m <= 30:
        return _untrained(m, (m,), "any_season")
    # Long seasons are rarely exact, and those of hours may start from a window's own season: on the pulses of four
    # series of the UCR archive (182 steps) the error is .70 of the seasonal naive's with them, with days .84.
    return _untrained(m, (m, m), "season_24") if m > LONGEST_OF_DAYS else _untrained(m, (m,), "season_7")


def year_served_by(season_length: int, short: int) -> Service | None:
    """Find the members for a season that is a year of steps which have a shorter season, too; None if it is not one.

    Examples
    --------
    >>> year_served_by(365, 7).seasons, year_served_by(8760, 24).seasons, year_served_by(365, 12)
    ((7,), (24, 168), None)
    """
    day = 1 if short in _YEARS else short
    if season_length not in [day * days for days in _YEARS.get(short, _YEARS[7] if short % 24 == 0 else ())]:
        return None
    service = served_by(short)
    known = any(member.year for member in service.members)
    reads = f"the year beside a season of {short}" if known else f"a season of {short}; it knows no year of such steps"
    return replace(service, note=f"The base model reads a season of {season_length} as {reads}.")


def _untrained(m: int, seasons: tuple[int, ...], name: str) -> Service:
    """Return the service of a season length that a member was not trained on."""
    first = KINDS[name][0]
    points = "single points" if first.patch_length == 1 else f"patches of {first.patch_length}"
    note = f"The base model was not trained on seasons of {m}; it reads them with {points} ({name})."
    # Days forecast such seasons with their main network alone, however long the history is.
    members = KINDS[name] if name == "season_24" else (replace(first, histories=EVERY_HISTORY),)
    return Service(members, seasons, note)
