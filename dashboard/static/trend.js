/* Draws each table of readings as a chart. The table stays: it is what is read without scripts, and by screen readers. */
"use strict";
(() => {
  if (!window.uPlot) return;
  const token = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const number = (text) => (text === undefined || text === "" ? null : Number(text));
  const seconds = (text) => Date.parse(text) / 1000;

  const read = (figure) => {
    const rows = [...figure.querySelectorAll("tbody tr[data-value]")].map((row) => ({
      at: seconds(row.querySelector("time").dateTime),
      value: Number(row.dataset.value),
      out: row.dataset.out,
      row,
    }));
    const gaps = [...figure.querySelectorAll("tbody tr[data-gap]")].map((row) => row.dataset.gap.split(" ").map(seconds));
    for (const [since, until] of gaps) rows.push({ at: (since + until) / 2, value: null, out: "", row: null }); // no line across it
    rows.sort((a, b) => a.at - b.at);
    const pick = (keep) => rows.map((row) => (keep(row) ? row.value : null));
    return { rows: rows.map((row) => row.row), gaps, data: [rows.map((row) => row.at), pick(() => true), pick((row) => row.out !== "")] };
  };

  const hatch = (ctx, left, top, width, height) => {
    ctx.save();
    ctx.beginPath();
    ctx.rect(left, top, width, height);
    ctx.clip();
    ctx.strokeStyle = token("--line-2");
    ctx.globalAlpha = 0.55;
    ctx.lineWidth = devicePixelRatio * 0.75;
    const step = 8 * devicePixelRatio;
    ctx.beginPath();
    for (let x = left - height; x < left + width; x += step) {
      ctx.moveTo(x, top + height);
      ctx.lineTo(x + height, top);
    }
    ctx.stroke();
    ctx.restore();
  };

  /* What lies behind the readings: unknown time, the target band, the usual band, limits, and limits of this patient. */
  const behind = (about, gaps) => (plot) => {
    const { ctx, bbox } = plot;
    const { low, high, top, usual, own } = about;
    const y = (value) => Math.round(plot.valToPos(value, "y", true));
    const x = (at) => Math.min(Math.max(plot.valToPos(at, "x", true), bbox.left), bbox.left + bbox.width);
    ctx.save();
    ctx.fillStyle = token("--sunken");
    for (const [since, until] of gaps) ctx.fillRect(x(since), bbox.top, x(until) - x(since), bbox.height);
    if (low !== null && high !== null) {
      ctx.fillStyle = token("--band");
      ctx.fillRect(bbox.left, y(high), bbox.width, y(low) - y(high));
    }
    if (usual) hatch(ctx, bbox.left, y(usual[1]), bbox.width, Math.max(y(usual[0]) - y(usual[1]), 2 * devicePixelRatio));
    const across = (value) => {
      ctx.beginPath();
      ctx.moveTo(bbox.left, y(value));
      ctx.lineTo(bbox.left + bbox.width, y(value));
      ctx.stroke();
    };
    ctx.strokeStyle = token("--line-2");
    ctx.lineWidth = devicePixelRatio;
    ctx.setLineDash([4 * devicePixelRatio, 3 * devicePixelRatio]);
    for (const value of [low, high]) if (value !== null && top === null) across(value);
    ctx.strokeStyle = token("--asap");
    ctx.lineWidth = 1.5 * devicePixelRatio;
    ctx.setLineDash([]);
    own.forEach(across);
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

  const about = (figure) => {
    const { low, high, top, usualLow, usualHigh, own } = figure.dataset;
    return {
      low: number(low),
      high: number(high),
      top: number(top),
      usual: number(usualLow) === null ? null : [Number(usualLow), Number(usualHigh)],
      own: own ? own.split(" ").map(Number) : [],
    };
  };

  const draw = (figure) => {
    const box = figure.querySelector(".plot");
    const { from, until, zone } = figure.dataset;
    const known = about(figure);
    const { top } = known;
    const { rows, gaps, data } = read(figure);
    const range = (plot, least, most) => {
      if (top !== null) return [-0.15 * top, 1.15 * top];
      const all = [least, most, known.low, known.high, ...(known.usual || []), ...known.own].filter((value) => value !== null && value !== undefined);
      const edge = (Math.max(...all) - Math.min(...all)) * 0.08 || 1;
      return [Math.min(...all) - edge, Math.max(...all) + edge];
    };
    const axis = { stroke: token("--ink-2"), grid: { stroke: token("--line"), width: 1 }, ticks: { show: false }, font: `12px ${token("--font")}` };
    const page = document.documentElement.lang;
    const day = new Intl.DateTimeFormat(page, { day: "numeric", month: "short", timeZone: zone });
    const clock = new Intl.DateTimeFormat(page, { hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZone: zone });
    const told = (plot, splits, _axis, _space, step) => splits.map((at) => (step >= 86400 ? day : clock).format(new Date(at * 1000)));
    const options = {
      width: Math.max(box.clientWidth || figure.clientWidth, 200),
      height: top !== null ? 120 : 220,
      tzDate: (at) => uPlot.tzDate(new Date(at * 1e3), zone),
      cursor: { y: false, drag: { x: false, y: false } },
      legend: { show: false },
      scales: { x: { range: () => [seconds(from), seconds(until)] }, y: { range } },
      axes: [
        { ...axis, values: told, space: 60, size: 30 },
        { ...axis, size: 44, ...(top !== null ? { splits: () => Array.from({ length: top + 1 }, (_, step) => step) } : {}) },
      ],
      series: [
        {},
        { stroke: token("--accent"), width: 1.5, points: { show: true, size: 5, fill: token("--accent") } },
        { stroke: token("--stat"), width: 0, paths: () => null, points: { show: diamonds } },
      ],
      hooks: { drawClear: [behind(known, gaps)], setCursor: [(plot) => tell(figure, rows, plot)] },
    };
    box.replaceChildren();
    return new uPlot(options, data, box);
  };

  const tell = (figure, rows, plot) => {
    const out = figure.querySelector(".reading");
    const place = plot.cursor.idx;
    const row = place === null || place === undefined ? null : rows[place];
    out.textContent = row ? `${row.dataset.said} · ${row.querySelector("time").textContent}` : out.dataset.rest;
  };

  const plots = new Map();
  const show = (figure) => figure.clientWidth > 0 && plots.set(figure, draw(figure));
  const all = () => document.querySelectorAll("figure[data-trend]").forEach(show);
  all();
  document.addEventListener(
    "toggle",
    (event) => event.target.querySelectorAll && event.target.querySelectorAll("figure[data-trend]").forEach((figure) => plots.has(figure) || show(figure)),
    true,
  );
  let waiting = 0;
  addEventListener("resize", () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => plots.forEach((plot, figure) => figure.clientWidth && plot.setSize({ width: figure.clientWidth, height: plot.height })), 120);
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", all);
})();
