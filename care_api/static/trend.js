/* A measure as a small drawing, with the table that says the same. */
import { h, svg } from "./dom.js";
import { day, number, t, when } from "./words.js";

const DAY = 86_400_000;
const [WIDE, HIGH, LEFT, RIGHT, TOP, BOTTOM] = [340, 150, 40, 12, 10, 22];

const ends = (trend) => {
  if (trend.top !== null) return [-0.1 * trend.top, 1.1 * trend.top];
  const known = [...trend.points.map((point) => point.value), trend.low, trend.high, ...(trend.usual || [])].filter((value) => value !== null);
  const [least, most] = [Math.min(...known), Math.max(...known)];
  const edge = (most - least) * 0.1 || 1;
  return [least - edge, most + edge];
};

const steps = (trend, least, most) => {
  if (trend.top !== null) return Array.from({ length: trend.top + 1 }, (_, step) => step);
  const rough = (most - least) / 3;
  const size = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((one) => one * size).find((one) => one >= rough);
  const found = [];
  for (let value = Math.ceil(least / step) * step; value <= most; value += step) found.push(Number(value.toPrecision(6)));
  return found;
};

/* Values that follow one another; where several days are missing nothing is known, and no line is drawn. */
const runs = (times) => {
  const between = times.slice(1).map((time, place) => time - times[place]).sort((one, other) => one - other);
  const most = Math.max(2 * DAY, 3 * (between[Math.floor(between.length / 2)] || 0));
  const found = [];
  times.forEach((time, place) => {
    if (place && time - times[place - 1] <= most) found[found.length - 1].push(place);
    else found.push([place]);
  });
  return found;
};

const draw = (trend) => {
  const times = trend.points.map((point) => Date.parse(point.at));
  const [first, last] = [times[0], Math.max(times[times.length - 1], times[0] + DAY)];
  const [least, most] = ends(trend);
  const x = (moment) => LEFT + ((moment - first) / (last - first)) * (WIDE - LEFT - RIGHT);
  const y = (value) => TOP + (1 - (value - least) / (most - least)) * (HIGH - TOP - BOTTOM);
  const picture = svg("svg", { viewBox: `0 0 ${WIDE} ${HIGH}`, role: "img", class: "chart", "aria-label": t("trends-picture", {
    title: trend.title, count: trend.points.length, low: number(Math.min(...trend.points.map((point) => point.value))), high: number(Math.max(...trend.points.map((point) => point.value))),
  }) });
  const [from, to] = trend.usual || [];
  if (trend.usual) picture.append(svg("rect", { class: "usual", x: LEFT, width: WIDE - LEFT - RIGHT, y: y(to), height: Math.max(y(from) - y(to), 2) }));
  for (const value of steps(trend, least, most)) {
    picture.append(svg("line", { class: "grid", x1: LEFT, x2: WIDE - RIGHT, y1: y(value), y2: y(value) }));
    picture.append(svg("text", { x: LEFT - 6, y: y(value) + 4, "text-anchor": "end" }, number(value)));
  }
  for (const limit of [trend.low, trend.high]) {
    if (limit !== null && trend.top === null) picture.append(svg("line", { class: "limit", x1: LEFT, x2: WIDE - RIGHT, y1: y(limit), y2: y(limit) }));
  }
  for (const run of runs(times)) {
    picture.append(svg("polyline", { class: "course", points: run.map((place) => `${x(times[place]).toFixed(1)},${y(trend.points[place].value).toFixed(1)}`).join(" ") }));
  }
  trend.points.forEach((point, place) => {
    const [px, py] = [x(times[place]), y(point.value)];
    picture.append(point.out
      ? svg("path", { class: "out", d: `M${px} ${py - 5}l5 5l-5 5l-5 -5z` })
      : svg("circle", { class: "dot", cx: px, cy: py, r: 2.5 }));
  });
  picture.append(svg("text", { x: LEFT, y: HIGH - 5 }, day(first)));
  picture.append(svg("text", { x: WIDE - RIGHT, y: HIGH - 5, "text-anchor": "end" }, day(times[times.length - 1])));
  return picture;
};

const amount = (trend, value, comparator = "") => `${comparator}${number(value)} ${trend.unit}`.trim();

/** One measure as a figure. */
export const figure = (trend) => {
  const last = trend.points[trend.points.length - 1];
  const notes = [t("trends-last", { value: amount(trend, last.value, last.comparator), when: when(last.at) })];
  if (trend.usual) notes.push(t("trends-usual", { low: number(trend.usual[0]), high: amount(trend, trend.usual[1]) }));
  if (trend.top !== null) notes.push(t(`scale-${trend.top}`));
  else if (trend.low !== null && trend.high !== null) notes.push(t("trends-target", { low: number(trend.low), high: amount(trend, trend.high) }));
  else if (trend.high !== null) notes.push(t("trends-limit", { high: amount(trend, trend.high) }));
  const rows = [...trend.points].reverse().map((point) => h("tr", {},
    h("td", {}, h("time", { datetime: point.at }, when(point.at))),
    h("td", {}, amount(trend, point.value, point.comparator), point.out ? ` (${t(`trends-${point.out}`)})` : "")));
  return h("figure", { class: "card trend" },
    h("figcaption", {}, h("h2", {}, trend.title), ...notes.filter(Boolean).map((note) => h("p", { class: "quiet" }, note))),
    draw(trend),
    h("details", {}, h("summary", {}, t("trends-table", { title: trend.title })),
      h("table", { class: "plain" }, h("thead", {}, h("tr", {}, h("th", { scope: "col" }, t("trends-when")), h("th", { scope: "col" }, t("trends-value")))), h("tbody", {}, rows))));
};
