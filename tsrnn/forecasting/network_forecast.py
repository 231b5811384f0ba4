"""Forecast with a fitted network: any horizon, any quantile it knows, all windows in a few batches."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import KW_ONLY, dataclass
from functools import partial

import torch
from torch import Tensor

from tsrnn.errors import ParameterError
from tsrnn.networks.forecast_network import ForecastNetwork
from tsrnn.networks.limits import limit_drift, limit_growth
from tsrnn.networks.randomness import new_generator
from tsrnn.networks.sampling import (
    FEWEST_PATHS,
    SAMPLE_PATHS,
    interpolation_matrix,
    mixture_quantiles,
    sample_paths,
    stratified_noise,
)
from tsrnn.networks.size import NetworkSize
from tsrnn.networks.threads import in_threads
from tsrnn.preprocessing.inputs import make_inputs
from tsrnn.preprocessing.scaling import masked_mean
from tsrnn.preprocessing.window_power import WindowPower
from tsrnn.preprocessing.windows import EVERY_HISTORY, FlatSeries, gather_windows

# What one thread forecasts at a time. On one core batches of 512 to 4,096 windows are equally fast; a GPU, which one
# thread feeds, takes so many times as many.
WINDOWS_PER_BATCH, PATHS_PER_BATCH, ON_GPU = 512, 1024, 8

# Context lengths in patches, where a window is cut to its history. A forecast depends on its own history alone, and
# windows of one length are one batch.
LENGTHS = (1, 2, 3, 4, 5, 6, 8, 10, 12, 14, 16, 20, 24, 32, 40, 48, 64, 80, 96, 128)

# Where a season is a day and no value of a window is negative, its median forecast is no lower than this share of the
# lowest value; the other quantiles move with it, for an interval without a width says nothing. Nights are near the
# lowest value, and a network that adds a day's curve to a level misses them by more than they are. On M4 Hourly's four
# last held-back horizons the base's sMAPE was 11.50 without it and 10.99 with it, the MASE .751 and .750; the error on
# fourteen real series fell from .766 to .762 of the seasonal naive's. (A share of 1: 10.48, .748 and .761, but a price
# at its lowest is as likely to fall as to rise.) Since positive windows are read as roots it matters where values are
# zero. It is the mean of several networks that is lifted: where each was, one that is above zero at night was never
# outweighed by one below, and the sMAPE of 26 public series was 1.03 times as large (flights from three airports 43,
# 39 and 48 instead of 37, 29 and 39; the MASE 1.001).
LOWEST_SHARE = 0.5

# A window that ends without values is forecast from its last one on, if that is no further back than so many horizons.
# On held-back ends of six public sets whose last values had been taken away, the mean of the 80 % intervals held so
# 69 to 99 % and otherwise 27 to 86 %, and of 24 errors, from 1 to 240 values missing, 16 were smaller.
MOST_MISSING = 4


def check_known_quantiles(wanted: Sequence[float], known: Sequence[float]) -> None:
    """Raise ParameterError if a quantile lies beyond those that the network was trained on."""
    outside = [q for q in wanted if not known[0] - 1e-9 <= q <= known[-1] + 1e-9]
    if outside:
        widest = 100 * (1 - 2 * max(known[0], 1 - known[-1]))
        raise ParameterError(
            f"Quantiles {', '.join(f'{q:g}' for q in outside[:5])} lie outside the trained range {known[0]:g} to "
            f"{known[-1]:g} (levels up to {widest:g} %). Ask for less, or fit with wider `quantiles`."
        )


@dataclass(frozen=True, eq=False)
class NetworkForecast:
    """A fitted network with what is needed to forecast from original units to original units.

    Parameters
    ----------
    network : ForecastNetwork
        In evaluation mode.
    size : NetworkSize
    scaling : str
    seed : int
        Of the sample paths.
    cut : bool
        Whether a window is no longer than the history it holds, so that a short one costs few recurrent steps. A
        network that was trained on masked windows of one length wants them all.
    powers : tuple of float
        What is read of windows of positive values (`tsrnn.preprocessing.window_power`); with several each is forecast,
        and the quantiles are averaged: as they are (1) a season is additive, as logarithms (0) multiplicative.
    vote : int
        Where several forecasts are combined, those with the same number count as one.
    histories : range
        A window with another number of observed values before its end, in the whole series, is left to the other
        networks.
    """

    network: ForecastNetwork
    size: NetworkSize
    scaling: str
    seed: int
    _: KW_ONLY
    cut: bool = False
    powers: tuple[float, ...] = (1.0,)
    vote: int = 0
    histories: range = EVERY_HISTORY

    def work(
        self,
        flat: FlatSeries,
        series: Tensor,
        end: Tensor,
        h: int,
        wanted: Sequence[float],
        own: Tensor,
        sharing: Tensor,
        place: int,
    ) -> tuple[Tensor, list[Callable[[], None]]]:
        """Return an empty forecast, shape (B, h, Q), and the independent pieces of work that fill it.

        Parameters
        ----------
        flat, series, end, h, wanted
            As in `combined_quantiles`.
        own : bool tensor of shape (B,)
            The windows that are not left to other networks.
        sharing : int64 tensor of shape (B,)
            Networks, this one too, whose forecasts of a window are averaged, and who share its sample paths.
        place : int
            Number of this network among them, from 0: each draws paths of its own.
        """
        check_known_quantiles(wanted, self.size.quantiles)
        shape = (len(series), h, len(wanted))
        answer = torch.full(shape, torch.nan, dtype=torch.float64, device=series.device)
        if h <= self.size.reach:
            sharing = torch.ones_like(sharing)  # no paths are drawn

        @torch.inference_mode()
        def fill(rows: Tensor, length: int, paths: int) -> None:
            y, observed = gather_windows(flat, series[rows], end[rows] - length, length)
            values = self._quantiles(y, observed, h, wanted, paths, self.seed + place)
            answer[rows] = torch.where(observed.any(1)[:, None, None], values, torch.nan)

        places, pieces = torch.nonzero(own).flatten(), list[Callable[[], None]]()
        for networks in torch.unique(sharing[places]).tolist():
            paths = max(FEWEST_PATHS, -(-SAMPLE_PATHS // networks))
            batch = WINDOWS_PER_BATCH if h <= self.size.reach else max(1, PATHS_PER_BATCH // paths)
            batch *= 1 if series.device.type == "cpu" else ON_GPU
            alike = places[sharing[places] == networks]
            for rows, length in self._same_length(end[alike]):
                pieces += [partial(fill, part, length, paths) for part in torch.split(alike[rows], batch)]
        return answer, pieces

    def serves(self, count: Tensor) -> Tensor:
        """Tell which windows, by how many values were observed before their ends, are not left to other networks."""
        return (count >= self.histories.start) & (count < self.histories.stop)

    def _quantiles(self, y: Tensor, observed: Tensor, h: int, wanted: Sequence[float], paths: int, seed: int) -> Tensor:
        """Forecast windows that are alike in length: y, observed [B, L] to [B, h, Q], original units."""
        if len(self.powers) > 1 or self.powers[0] == 1:
            return self._continued(y, observed, h, wanted, paths, seed)
        # Once for all steps: with a path that comes to 0 a window that is mapped again would stay as it is.
        mapped, z = WindowPower.of(y, observed, self.powers[0])
        return mapped.backward(self._continued(z, observed, h, wanted, paths, seed))

    def _continued(self, y: Tensor, observed: Tensor, h: int, wanted: Sequence[float], paths: int, seed: int) -> Tensor:
        """Forecast by the network, and from where it ends by sample paths. Shape (B, h, Q), in units of y."""
        matrix = interpolation_matrix(self.size.quantiles, wanted).to(y.device)
        steps = self.size.horizon if h <= self.size.horizon else self.size.reach
        known = self._known(y, observed, steps)
        values = (known @ matrix)[:, :h]
        if h > steps:
            noise = partial(stratified_noise, paths, steps, new_generator(seed))
            values = torch.cat([values, self._beyond(y, observed, known, h, wanted, noise)], 1)
        return values

    def _same_length(self, end: Tensor) -> list[tuple[Tensor, int]]:
        """Return groups of windows and the context length that each group is read with."""
        L, p = self.size.context_length, self.size.patch_length
        if not self.cut:
            return [(torch.arange(len(end), device=end.device), L)] if len(end) else []
        fewest = -(-max(self.size.seasons) // p)
        lengths = sorted({min(max(n, fewest) * p, L) for n in LENGTHS} | {L})
        grid = torch.tensor(lengths, device=end.device)
        group = torch.searchsorted(grid, end.clamp(max=L))
        return [(torch.nonzero(group == g).flatten(), lengths[g]) for g in torch.unique(group).tolist()]

    def _known(self, y: Tensor, observed: Tensor, steps: int) -> Tensor:
        """Forecast so many steps, the horizon or the reach, at the trained quantiles. Shape (B, steps, Q_known)."""
        if len(self.powers) == 1:  # the window is mapped already
            return self._direct(y, observed, steps)
        return torch.stack([self._at_power(y, observed, steps, power) for power in self.powers]).mean(0)

    def _at_power(self, y: Tensor, observed: Tensor, steps: int, power: float) -> Tensor:
        if power == 1:
            return self._direct(y, observed, steps)
        mapped, z = WindowPower.of(y, observed, power)
        return mapped.backward(self._direct(z, observed, steps))

    def _direct(self, y: Tensor, observed: Tensor, steps: int) -> Tensor:
        inputs, loc, scale = make_inputs(y, observed, self.scaling, self.size.reads, steps)
        z: Tensor = self.network(inputs)
        return z.to(torch.float64) * scale.unsqueeze(-1) + loc.unsqueeze(-1)

    def _draw(self, y: Tensor, observed: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
        """Draw paths through all steps that are forecast without; see `ForecastNetwork.draw`. In units of y."""
        steps = noise.shape[-1]
        if len(self.powers) > 1:
            known = self._known(y, observed, steps)
            return sample_paths(known, self.size.quantiles, noise.to(torch.float64)), known.unsqueeze(1)
        inputs, loc, scale = make_inputs(y, observed, self.scaling, self.size.reads, steps)
        paths, known = (part.to(torch.float64) for part in self.network.draw(inputs, noise))
        loc, scale = loc.unsqueeze(-1), scale.unsqueeze(-1)  # [B, 1, 1]
        return paths * scale + loc, known * scale.unsqueeze(-1) + loc.unsqueeze(-1)

    def _beyond(
        self,
        y: Tensor,
        observed: Tensor,
        direct: Tensor,
        h: int,
        wanted: Sequence[float],
        draw_noise: Callable[[], Tensor],
    ) -> Tensor:
        """Forecast the steps after the first H, which the network forecasts without paths. Shape (B, h − H, Q).

        `direct` is the forecast of those at the trained quantiles, shape (B, H, Q_known), and `draw_noise` gives
        standard normal noise for the next H steps of every path, shape (P, H). Each path is drawn through a block of H
        steps by the network, joins its window, and is drawn on from there, so that intervals widen as uncertainty adds
        up. They widen no faster than `direct` does (`limit_growth`), and their level moves no faster (`limit_drift`),
        where that shows the whole season: spread and level may have one, too. The random numbers are the same for every
        window, so a forecast does not depend on its batch.
        """
        B, H, L = y.shape[0], direct.shape[1], self.size.context_length
        known_levels = self.size.quantiles
        levels = sorted({*wanted, known_levels[0], 0.5, known_levels[-1]})
        mean = masked_mean(torch.where(observed, y, 0.0), observed)  # [B, 1]
        noise = draw_noise()
        P = len(noise)
        paths, _ = self._draw(y, observed, noise.expand(B, -1, -1))  # [B, P, H]
        y, observed = y.repeat_interleave(P, 0), observed.repeat_interleave(P, 0)
        blocks = []
        for _ in range(-(-h // H) - 1):
            paths = paths.reshape(-1, H)  # [B·P, H]
            y = torch.cat([y, paths], 1)[:, -L:]
            observed = torch.cat([observed, torch.ones_like(paths, dtype=torch.bool)], 1)[:, -L:]
            paths, known = self._draw(y, observed, draw_noise().repeat(B, 1).unsqueeze(1))
            known = known.reshape(B, P, H, -1)
            blocks.append(mixture_quantiles(known, known_levels, levels))
        values = torch.cat(blocks, 1)
        # Not by what the first paths were drawn from: patch by patch that knows the earlier steps of each path.
        if max(self.size.seasons[0], self.size.year) <= H:
            low, middle, high = (levels.index(q) for q in (known_levels[0], 0.5, known_levels[-1]))
            ends = direct[..., [0, known_levels.index(0.5), -1]]
            values = limit_growth(values, ends, (low, middle, high))
            # A longer season moves the level, too.
            values = limit_drift(values, ends[..., 1], mean, max(*self.size.seasons, self.size.year), middle)
        return values[:, : h - H][..., [levels.index(q) for q in wanted]]


def most_missing(forecasts: Sequence[NetworkForecast]) -> int:
    """Return how many rows without values before a cutoff are forecast, too; more of them are read as missing."""
    return MOST_MISSING * max(forecast.size.horizon for forecast in forecasts)


def combined_quantiles(
    forecasts: Sequence[NetworkForecast], flat: FlatSeries, series: Tensor, end: Tensor, h: int, wanted: Sequence[float]
) -> Tensor:
    """Forecast with several networks: the mean of their votes' quantiles, of three votes and more the median.

    A vote is the mean of the networks that share it, of those that forecast a window. Quantiles are averaged at equal
    probabilities, so they stay in order. Where a season is a day, they are lifted as `LOWEST_SHARE` says.

    Parameters
    ----------
    forecasts : sequence of NetworkForecast
    flat : FlatSeries
    series, end : int64 tensors of shape (B,)
        Each window ends before row `end` of its series.
    h : int
    wanted : sequence of Q floats, ascending

    Returns
    -------
    float64 tensor of shape (B, h, Q), original units; NaN where a window has no observed value
    """
    lengths = [forecast.size.context_length for forecast in forecasts if forecast.size.own_season]
    if not lengths:
        return _averaged(forecasts, flat, series, end, h, wanted)
    levels = sorted({*wanted, 0.5})
    values = _averaged(forecasts, flat, series, end, h, levels)
    floor = LOWEST_SHARE * _lowest(flat, series, end, max(lengths))
    floor = torch.where(torch.isfinite(floor) & (floor >= 0), floor, -torch.inf)
    values = values + (floor[:, None, None] - values[..., [levels.index(0.5)]]).clamp(min=0)
    return values[..., [levels.index(q) for q in wanted]]


def _lowest(flat: FlatSeries, series: Tensor, end: Tensor, length: int) -> Tensor:
    """Return the lowest value of each window, infinite where there is none. Shape (B,)."""
    batch = WINDOWS_PER_BATCH * (1 if series.device.type == "cpu" else ON_GPU)
    found = []
    for part, stop in zip(torch.split(series, batch), torch.split(end, batch), strict=True):
        y, observed = gather_windows(flat, part, stop - length, length)
        found.append(torch.where(observed, y, torch.inf).amin(1))
    return torch.cat(found)


def _averaged(
    forecasts: Sequence[NetworkForecast], flat: FlatSeries, series: Tensor, end: Tensor, h: int, wanted: Sequence[float]
) -> Tensor:
    """Return the mean of the votes' quantiles, of three votes and more the median. Shape (B, h, Q)."""
    votes: dict[int, list[NetworkForecast]] = {}
    for forecast in forecasts:
        votes.setdefault(forecast.vote, []).append(forecast)
    # Counting takes a pass over all values.
    alike = all(forecast.histories == EVERY_HISTORY for forecast in forecasts)
    count = torch.full_like(end, EVERY_HISTORY.start) if alike else flat.observed_before(series, end)
    answers: list[list[Tensor]] = []
    work: list[Callable[[], None]] = []
    for voters in votes.values():
        own = torch.stack([voter.serves(count) for voter in voters])  # [V, B]
        sharing = own.sum(0)
        found = [voter.work(flat, series, end, h, wanted, own[v], sharing, v) for v, voter in enumerate(voters)]
        answers.append([answer for answer, _ in found])
        work += [piece for _, pieces in found for piece in pieces]
    in_threads(work, series.device)
    every = torch.stack([torch.stack(parts).nanmean(0) for parts in answers])
    # A quantile of no windows is an error in torch, their mean is not.
    return every.nanmean(0) if len(every) < 3 or not len(series) else torch.nanquantile(every, 0.5, dim=0)
