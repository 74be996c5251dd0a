/* Draws each table of readings as a chart. The table stays: it is what is read without scripts, and by screen readers. */
"use strict";
(() => {
  if (!window.uPlot) return;
  const token = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const number = (text) => (text === undefined || text === "" ? null : Number(text));

  const read = (figure) => {
    const rows = [...figure.querySelectorAll("tbody tr")].map((row) => ({
      at: Date.parse(row.querySelector("time").dateTime) / 1000,
      value: Number(row.dataset.value),
      out: row.dataset.out,
    }));
    rows.sort((a, b) => a.at - b.at);
    const pick = (keep) => rows.map((row) => (keep(row) ? row.value : null));
    return [rows.map((row) => row.at), rows.map((row) => row.value), pick((row) => row.out !== "")];
  };

  const lines = (low, high, top) => (plot) => {
    const { ctx, bbox } = plot;
    const y = (value) => Math.round(plot.valToPos(value, "y", true));
    ctx.save();
    if (low !== null && high !== null) {
      ctx.fillStyle = token("--band");
      ctx.fillRect(bbox.left, y(high), bbox.width, y(low) - y(high));
    }
    ctx.strokeStyle = token("--line-2");
    ctx.lineWidth = devicePixelRatio;
    ctx.setLineDash([4 * devicePixelRatio, 3 * devicePixelRatio]);
    for (const value of [low, high]) {
      if (value === null || top !== null) continue;
      ctx.beginPath();
      ctx.moveTo(bbox.left, y(value));
      ctx.lineTo(bbox.left + bbox.width, y(value));
      ctx.stroke();
    }
    ctx.restore();
  };

  const diamonds = (plot, series) => {
    const { ctx } = plot;
    const size = 4.5 * devicePixelRatio;
    ctx.save();
    ctx.fillStyle = token("--stat");
    plot.data[series].forEach((value, place) => {
      if (value === null) return;
      const x = plot.valToPos(plot.data[0][place], "x", true);
      const y = plot.valToPos(value, "y", true);
      ctx.beginPath();
      ctx.moveTo(x, y - size);
      ctx.lineTo(x + size, y);
      ctx.lineTo(x, y + size);
      ctx.lineTo(x - size, y);
      ctx.closePath();
      ctx.fill();
    });
    ctx.restore();
    return false; // uPlot need not draw points of its own
  };

  const draw = (figure) => {
    const box = figure.querySelector(".plot");
    const { unit, from, until, zone } = figure.dataset;
    const low = number(figure.dataset.low);
    const high = number(figure.dataset.high);
    const top = number(figure.dataset.top);
    const data = read(figure);
    const range = (plot, least, most) => {
      if (top !== null) return [-0.15 * top, 1.15 * top];
      const known = [least, most, low, high].filter((value) => value !== null && value !== undefined);
      const edge = (Math.max(...known) - Math.min(...known)) * 0.08 || 1;
      return [Math.min(...known) - edge, Math.max(...known) + edge];
    };
    const axis = { stroke: token("--ink-2"), grid: { stroke: token("--line"), width: 1 }, ticks: { show: false }, font: `12px ${token("--font")}` };
    const options = {
      width: Math.max(box.clientWidth || figure.clientWidth, 200),
      height: top !== null ? 120 : 220,
      tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1e3), zone),
      cursor: { y: false, drag: { x: false, y: false } },
      legend: { show: false },
      scales: { x: { range: () => [Date.parse(from) / 1000, Date.parse(until) / 1000] }, y: { range } },
      axes: [
        { ...axis, values: [[86400, "{D} {MMM}", null, null, null, null, null, null, 0], [3600, "{HH}:{mm}", null, null, null, null, null, null, 0]], space: 60, size: 30 },
        { ...axis, size: 44, ...(top !== null ? { splits: () => Array.from({ length: top + 1 }, (_, step) => step) } : {}) },
      ],
      series: [
        {},
        { stroke: token("--accent"), width: 1.5, points: { show: true, size: 5, fill: token("--accent") } },
        { stroke: token("--stat"), width: 0, paths: () => null, points: { show: diamonds } },
      ],
      hooks: { drawClear: [lines(low, high, top)], setCursor: [(plot) => tell(figure, plot, unit)] },
    };
    box.replaceChildren();
    return new uPlot(options, data, box);
  };

  const tell = (figure, plot, unit) => {
    const out = figure.querySelector(".reading");
    const place = plot.cursor.idx;
    if (place === null || place === undefined) return void (out.textContent = out.dataset.rest);
    const row = figure.querySelectorAll("tbody tr")[place];
    out.textContent = row ? `${row.dataset.said} · ${row.querySelector("time").textContent}` : out.dataset.rest;
  };

  const figures = [...document.querySelectorAll("figure[data-trend]")];
  const plots = new Map();
  const all = () => figures.forEach((figure) => plots.set(figure, draw(figure)));
  all();
  let waiting = 0;
  addEventListener("resize", () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => plots.forEach((plot, figure) => plot.setSize({ width: figure.clientWidth, height: plot.height })), 120);
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", all);
})();
