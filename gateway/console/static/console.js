// Draws the days of the last month where the page has put them, and says what is out of date.

const HALF_A_DAY = 43200;
const SERIES = [
  { label: "requests", colour: "--accent" },
  { label: "refused", colour: "--warn" },
  { label: "failed", colour: "--bad" },
];

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

function options(width) {
  const axis = { stroke: colour("--muted"), grid: { stroke: colour("--line"), width: 1 } };
  return {
    width,
    height: 260,
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), "UTC"),
    scales: {
      x: { range: (_, first, last) => [first - HALF_A_DAY, last + HALF_A_DAY] },
      y: { range: (_, low, high) => [0, Math.max(high * 1.05, 4)] },
    },
    axes: [axis, { ...axis, size: 64 }],
    series: [
      { label: "day", value: (_, day) => (day === null ? "–" : new Date(day * 1000).toISOString().slice(0, 10)) },
      ...SERIES.map(({ label, colour: name }) => ({
        label,
        stroke: colour(name),
        fill: colour(name),
        paths: uPlot.paths.bars({ size: [0.7, 40] }),
        points: { show: false },
      })),
    ],
  };
}

function draw(place) {
  const width = () => place.clientWidth;
  const plot = new uPlot(options(width()), JSON.parse(place.dataset.days), place);
  new ResizeObserver(() => plot.setSize({ width: width(), height: 260 })).observe(place);
}

document.addEventListener("htmx:load", (event) => {
  for (const place of event.target.querySelectorAll("[data-days]")) draw(place);
});

// A part that cannot be renewed is not to look as if it were; who must sign in again is asked to.
document.addEventListener("htmx:afterRequest", ({ detail }) => {
  if (detail.xhr.status === 401) location.reload();
  detail.elt.classList.toggle("stale", !detail.successful);
});
