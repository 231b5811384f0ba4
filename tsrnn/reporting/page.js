"use strict";
(() => {
  const data = JSON.parse(document.getElementById("report-data").textContent);
  const book = data.forecasts;
  const darkScreen = matchMedia("(prefers-color-scheme: dark)");
  const coarse = matchMedia("(pointer: coarse)").matches;
  const byId = (id) => document.getElementById(id);
  let printing = false;

  // ---- figures -------------------------------------------------------------------------------------------------

  // Figures hold the colours of the light page; on a dark one every known colour is exchanged for its counterpart.
  const words = new Set(["text", "ticktext", "name", "x", "y", "customdata", "meta"]);
  function recoloured(value, key) {
    if (words.has(key)) return value;  // data may look like a colour
    if (typeof value === "string") return data.swap[value] ?? value;
    if (Array.isArray(value)) return value.map((item) => recoloured(item, key));
    if (value === null || typeof value !== "object" || ArrayBuffer.isView(value)) return value;
    return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, recoloured(item, name)]));
  }

  function draw(id, figure) {
    const place = byId("figure-" + id);
    if (!place) return;
    const shown = darkScreen.matches && !printing ? recoloured(figure) : figure;
    // A phone scrolls with the finger that would otherwise zoom into the figure.
    const layout = { ...shown.layout, dragmode: coarse ? false : "zoom", autosize: true };
    // The paper's width is not known before printing; this fits A4 and Letter with their margins.
    if (printing || place.clientWidth < 480) layout.height = Math.min(layout.height, 340);
    layout.width = printing ? 660 : Math.floor(place.getBoundingClientRect().width) || 700;
    Plotly.react(place, shown.data.map((trace) => ({ ...trace })), layout, {
      displaylogo: false, displayModeBar: false, scrollZoom: false,
    });
  }

  function drawAll() {
    for (const [id, figure] of Object.entries(data.figures)) if (id !== "forecast") draw(id, figure);
    if (book) drawForecast();
  }

  // Show a stretch of a figure; it is drawn again with it when the window's size or the colours change.
  function zoom(id, range) {
    Object.assign(data.figures[id].layout.xaxis, { range, autorange: false });
    draw(id, data.figures[id]);
    byId("figure-" + id).scrollIntoView({ block: "center" });
  }

  // ---- forecasts, on pages that have some -------------------------------------------------------------------------

  function numbers(text) {
    const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
    const view = new DataView(bytes.buffer);
    return Array.from({ length: bytes.length / 4 }, (_, i) => view.getFloat32(4 * i, true));
  }

  function positions(runs) {
    const all = [];
    for (let i = 0; i < runs.length; i += 2) for (let k = 0; k < runs[i + 1]; k++) all.push(runs[i] + k);
    return all;
  }

  const unpacked = new Map();
  function series(index) {
    if (!unpacked.has(index)) {
      const packed = book.series[index];
      const values = numbers(packed.values);
      const rows = values.length / book.columns.length;
      unpacked.set(index, {
        id: packed.id,
        cutoffs: packed.cutoffs,
        starts: packed.counts.map((_, i) => packed.counts.slice(0, i).reduce((sum, n) => sum + n, 0)),
        counts: packed.counts,
        seen: positions(packed.seen),
        y: numbers(packed.y),
        at: positions(packed.at),
        actual: numbers(packed.actual),
        column: (c, from, n) => values.slice(c * rows + from, c * rows + from + n),
      });
    }
    return unpacked.get(index);
  }

  const state = { series: 0, cutoff: 0, level: "", interval: 0, hidden: new Set() };
  const gaps = (values) => values.map((value) => (Number.isFinite(value) ? value : null));
  const label = (position) => book.axis[position];
  const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const short = (value) => value.toLocaleString("en", { maximumSignificantDigits: 4 });

  function view() {
    const one = series(state.series);
    const from = one.starts[state.cutoff], n = one.counts[state.cutoff], cutoff = one.cutoffs[state.cutoff];
    let end = one.seen.findIndex((position) => position > cutoff);
    if (end < 0) end = one.seen.length;
    const begin = Math.max(0, end - book.context);
    const known = end > begin && Number.isFinite(one.y[end - 1]);
    return {
      one, from, n,
      cutoff: label(cutoff),
      before: { x: one.seen.slice(begin, end).map(label), y: gaps(one.y.slice(begin, end)) },
      after: { x: one.at.slice(from, from + n).map(label), y: one.actual.slice(from, from + n) },
      // A forecast line starts at the last value that was known.
      start: known ? { x: [label(one.seen[end - 1])], y: [one.y[end - 1]] } : { x: [], y: [] },
    };
  }

  function traceOf(template, now) {
    const { role, model } = template.meta;
    const column = (c) => now.one.column(c, now.from, now.n);
    if (role === "before") return { ...template, ...now.before };
    if (role === "after") return { ...template, x: now.after.x, y: gaps(now.after.y) };
    const ends = book.models[state.interval].levels[state.level];
    if (role === "median") {
      const trace = {
        ...template,
        x: [...now.start.x, ...now.after.x],
        y: [...now.start.y, ...gaps(column(book.models[model].column))],
        visible: !state.hidden.has(model),
        hovertemplate: "%{y:,.6~r}",
      };
      if (model === state.interval && ends) {
        const [low, high] = ends.map((c) => gaps(column(c)));
        trace.customdata = [...now.start.y.map((y) => [y, y]), ...low.map((value, i) => [value, high[i]])];
        trace.hovertemplate += ` (${state.level} %: %{customdata[0]:,.6~r} to %{customdata[1]:,.6~r})`;
      }
      return trace;
    }
    if (!ends || state.hidden.has(state.interval)) return { ...template, x: [], y: [], visible: false };
    const [low, high] = ends.map(column);
    const kept = low.map((_, i) => i).filter((i) => Number.isFinite(low[i]) && Number.isFinite(high[i]));
    const x = [...now.start.x, ...kept.map((i) => now.after.x[i])];
    return {
      ...template,
      x: [...x, ...x.slice().reverse()],
      y: [...now.start.y, ...kept.map((i) => high[i]), ...kept.map((i) => low[i]).reverse(), ...now.start.y],
      fillcolor: book.models[state.interval].fill,
      line: { ...template.line, color: book.models[state.interval].colour },
      visible: true,
    };
  }

  function drawForecast() {
    const template = data.figures.forecast;
    const now = view();
    const layout = structuredClone(template.layout);
    Object.assign(layout.shapes[0], { x0: now.cutoff, x1: now.cutoff });
    layout.annotations[0].x = now.cutoff;
    // Zooming into one forecast says nothing about the next one.
    layout.uirevision = `${state.series}/${state.cutoff}`;
    draw("forecast", { data: template.data.map((trace) => traceOf(trace, now)), layout });
    describe(now);
  }

  function describe(now) {
    const steps = now.n === 1 ? "1 step" : `${now.n} steps`;
    byId("caption").textContent = `${now.one.id}, forecast from ${now.cutoff}: ${steps}`;
    book.models.forEach((model, m) => {
      const median = now.one.column(model.column, now.from, now.n);
      const errors = median.map((value, i) => Math.abs(value - now.after.y[i])).filter(Number.isFinite);
      byId(`error-${m}`).textContent = errors.length ? short(mean(errors)) : "–";
      byId(`model-${m}`).checked = !state.hidden.has(m);
      byId(`model-${m}`).closest("label").classList.toggle("off", state.hidden.has(m));
    });
    byId("series").value = state.series;
    byId("cutoff").value = state.cutoff;
    byId("interval").value = state.level ? `${state.interval}/${state.level}` : "";
    byId("earlier").disabled = state.cutoff === 0;
    byId("later").disabled = state.cutoff === now.one.cutoffs.length - 1;
  }

  function fillCutoffs() {
    const options = series(state.series).cutoffs.map((position, i) => new Option(label(position), i));
    byId("cutoff").replaceChildren(...options);
  }

  // ---- the address remembers the choice, so that a view can be linked to -----------------------------------------

  function remember() {
    const words = new URLSearchParams();
    words.set("series", series(state.series).id);
    words.set("cutoff", label(series(state.series).cutoffs[state.cutoff]));
    words.set("level", state.level);
    words.set("interval", book.models[state.interval].name);
    for (const m of state.hidden) words.append("hide", book.models[m].name);
    history.replaceState(null, "", "#" + words);
  }

  function recall() {
    const words = new URLSearchParams(location.hash.slice(1));
    const model = (name) => book.models.findIndex((item) => item.name === name);
    const wanted = book.series.findIndex((item) => item.id === words.get("series"));
    if (wanted >= 0) state.series = wanted;
    const { cutoffs } = series(state.series);
    const at = cutoffs.findIndex((position) => String(label(position)) === words.get("cutoff"));
    if (at >= 0) state.cutoff = at;
    else if (wanted >= 0 || state.cutoff >= cutoffs.length) state.cutoff = cutoffs.length - 1;
    if (model(words.get("interval")) >= 0) state.interval = model(words.get("interval"));
    const level = words.get("level");
    if (level !== null && (level === "" || level in book.models[state.interval].levels)) state.level = level;
    if (words.has("series")) state.hidden = new Set(words.getAll("hide").map(model).filter((m) => m >= 0));
    fillCutoffs();
  }

  function choose(change) {
    const before = label(series(state.series).cutoffs[state.cutoff]);
    const old = state.series;
    Object.assign(state, change);
    if (state.series !== old) {
      // The same cutoff of another series, if it has it.
      const { cutoffs } = series(state.series);
      const same = cutoffs.findIndex((position) => label(position) === before);
      state.cutoff = same >= 0 ? same : cutoffs.length - 1;
      fillCutoffs();
    }
    remember();
    drawForecast();
  }

  function connect() {
    byId("series").addEventListener("change", (event) => choose({ series: Number(event.target.value) }));
    byId("cutoff").addEventListener("change", (event) => choose({ cutoff: Number(event.target.value) }));
    byId("earlier").addEventListener("click", () => choose({ cutoff: state.cutoff - 1 }));
    byId("later").addEventListener("click", () => choose({ cutoff: state.cutoff + 1 }));
    byId("interval").addEventListener("change", (event) => {
      const [model, level] = event.target.value.split("/");
      choose(level ? { interval: Number(model), level } : { level: "" });
    });
    book.models.forEach((_, m) => byId(`model-${m}`).addEventListener("change", (event) => {
      const hidden = new Set(state.hidden);
      if (event.target.checked) hidden.delete(m); else hidden.add(m);
      choose({ hidden });
    }));
    for (const button of document.querySelectorAll("[data-series]")) {
      button.addEventListener("click", () => {
        choose({ series: Number(button.dataset.series) });
        byId("forecasts").scrollIntoView();
        byId("series").focus({ preventScroll: true });
      });
    }
  }

  async function copy(button, source) {
    // A file opened from disk may have no clipboard; then the text is selected, ready for Ctrl-C.
    const selection = getSelection();
    selection.selectAllChildren(source);
    let done = false;
    if (navigator.clipboard) {
      done = await navigator.clipboard.writeText(source.textContent).then(() => true, () => false);
    }
    button.textContent = done ? "Copied" : "Selected: press Ctrl-C";
  }

  // ---- start ---------------------------------------------------------------------------------------------------

  if (book) {
    state.interval = Math.max(0, book.leader);
    state.level = Object.keys(book.models[state.interval].levels)[0] ?? "";
    state.cutoff = series(0).cutoffs.length - 1;
    recall();
    connect();
    addEventListener("hashchange", () => {
      recall();
      drawForecast();
    });
  }
  for (const button of document.querySelectorAll("[data-copy]")) {
    button.addEventListener("click", () => copy(button, byId(button.dataset.copy)));
  }
  for (const button of document.querySelectorAll("[data-zoom]")) {
    button.addEventListener("click", () => zoom(button.dataset.zoom, JSON.parse(button.dataset.range)));
  }
  drawAll();
  darkScreen.addEventListener("change", drawAll);
  let waiting = 0;
  addEventListener("resize", () => {
    clearTimeout(waiting);
    waiting = setTimeout(drawAll, 120);
  });
  addEventListener("beforeprint", () => {
    printing = true;
    for (const details of document.querySelectorAll("details:not(.numbers)")) details.open = true;
    drawAll();
  });
  addEventListener("afterprint", () => {
    printing = false;
    drawAll();
  });
  document.documentElement.dataset.ready = "yes";
})();
