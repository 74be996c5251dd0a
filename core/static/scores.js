/* Draws each table of scores as a chart: the bands behind, the line through what stands, crosses for what was corrected. */
"use strict";
(() => {
  if (!window.uPlot) return;
  const token = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const number = (text) => (text === undefined || text === "" ? null : Number(text));

  const read = (figure) => {
    const rows = [...figure.querySelectorAll("tbody tr")].map((row) => ({
      at: Date.parse(row.querySelector("time").dateTime) / 1000,
      value: number(row.dataset.value),
      old: "superseded" in row.dataset,
    }));
    rows.sort((a, b) => a.at - b.at);
    return [
      rows.map((row) => row.at),
      rows.map((row) => (row.old ? undefined : row.value)), // undefined: the line goes on; null: it is broken
      rows.map((row) => (row.old ? row.value : null)),
    ];
  };

  const behind = (bands, line) => (plot) => {
    const { ctx, bbox } = plot;
    const y = (value) => Math.round(plot.valToPos(value, "y", true));
    ctx.save();
    ctx.font = `${11 * devicePixelRatio}px ${token("--font")}`;
    ctx.textAlign = "right";
    bands.forEach(([low, high, words], place) => {
      const [top, bottom] = [y(high + 0.5), y(Math.max(low - 0.5, 0))];
      ctx.globalAlpha = 0.08 + 0.06 * place;
      ctx.fillStyle = token("--line-2");
      ctx.fillRect(bbox.left, top, bbox.width, bottom - top);
      ctx.globalAlpha = 1;
      ctx.fillStyle = token("--ink-2");
      if (bottom - top > 12 * devicePixelRatio) ctx.fillText(words, bbox.left + bbox.width - 4, (top + bottom) / 2 + 4 * devicePixelRatio);
    });
    if (line !== null) {
      ctx.strokeStyle = token("--asap");
      ctx.setLineDash([5 * devicePixelRatio, 4 * devicePixelRatio]);
      ctx.lineWidth = devicePixelRatio;
      ctx.beginPath();
      ctx.moveTo(bbox.left, y(line));
      ctx.lineTo(bbox.left + bbox.width, y(line));
      ctx.stroke();
    }
    ctx.restore();
  };

  const crosses = (plot, series) => {
    const { ctx } = plot;
    const size = 4 * devicePixelRatio;
    ctx.save();
    ctx.strokeStyle = token("--ink-2");
    ctx.lineWidth = 1.5 * devicePixelRatio;
    plot.data[series].forEach((value, place) => {
      if (value === null || value === undefined) return;
      const x = plot.valToPos(plot.data[0][place], "x", true);
      const y = plot.valToPos(value, "y", true);
      ctx.beginPath();
      ctx.moveTo(x - size, y - size);
      ctx.lineTo(x + size, y + size);
      ctx.moveTo(x + size, y - size);
      ctx.lineTo(x - size, y + size);
      ctx.stroke();
    });
    ctx.restore();
    return false; // uPlot need not draw points of its own
  };

  const draw = (figure) => {
    const box = figure.querySelector(".plot");
    const { from, until, zone, top } = figure.dataset;
    const axis = { stroke: token("--ink-2"), grid: { stroke: token("--line"), width: 1 }, ticks: { show: false }, font: `12px ${token("--font")}` };
    const day = { year: "numeric", month: "numeric", day: "numeric", timeZone: zone };
    const short = new Intl.DateTimeFormat(document.documentElement.lang || "en", { month: "short", day: "numeric", timeZone: zone });
    box.replaceChildren();
    return new uPlot(
      {
        width: Math.max(box.clientWidth || figure.clientWidth, 200),
        height: 200,
        tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1e3), zone),
        cursor: { show: false },
        legend: { show: false },
        scales: { x: { range: () => [Date.parse(from) / 1000, Date.parse(until) / 1000] }, y: { range: () => [0, Number(top)] } },
        axes: [
          { ...axis, space: 70, size: 30, values: (plot, splits) => splits.map((at, place) => {
            const words = short.format(new Date(at * 1e3));
            return place && new Date(at * 1e3).toLocaleDateString("en", day) === new Date(splits[place - 1] * 1e3).toLocaleDateString("en", day) ? "" : words;
          }) },
          { ...axis, size: 44 },
        ],
        series: [
          {},
          { stroke: token("--accent"), width: 1.5, points: { show: true, size: 6, fill: token("--accent") } },
          { stroke: token("--ink-2"), width: 0, paths: () => null, points: { show: crosses } },
        ],
        hooks: { drawClear: [behind(JSON.parse(figure.dataset.bands), number(figure.dataset.line))] },
      },
      read(figure),
      box,
    );
  };

  const figures = [...document.querySelectorAll("figure[data-score]")];
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
