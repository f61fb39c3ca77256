// Draws each figure when it comes near the window, in the colours of the page.
"use strict";

const narrow = window.matchMedia("(max-width: 640px)");
const dark = window.matchMedia("(prefers-color-scheme: dark)");
const drawn = new Set();

function specification(plot) {
  return JSON.parse(document.querySelector(`script[data-for="${plot.id}"]`).textContent);
}

// The parts that depend on the window: colours, and the legend, which is below the plot on a phone. The height grows with
// the number of entries, so that the legend needs no scroll bar.
function layoutFor(spec) {
  const style = getComputedStyle(document.documentElement);
  const colour = (name) => style.getPropertyValue(name).trim();
  const axis = { gridcolor: colour("--grid"), linecolor: colour("--muted"), tickcolor: colour("--muted") };
  const entries = spec.data.filter((trace) => trace.showlegend !== false).length;
  const below = { orientation: "h", tracegroupgap: 0, x: 0, xanchor: "left", y: -0.22, yanchor: "top" };
  const right = { orientation: "v", tracegroupgap: 0, x: 1.02, xanchor: "left", y: 1, yanchor: "top" };
  return {
    ...spec.layout,
    xaxis: { ...spec.layout.xaxis, ...axis },
    yaxis: { ...spec.layout.yaxis, ...axis },
    font: { color: colour("--text"), family: style.fontFamily, size: narrow.matches ? 11 : 13 },
    legend: narrow.matches ? below : right,
    height: narrow.matches ? 360 + 20 * entries : Math.max(420, 100 + 20 * entries),
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
  };
}

function draw(plot) {
  const spec = specification(plot);
  drawn.add(plot);
  // no tool bar, which covers the plot on touch screens; a double click undoes a zoom
  const config = { responsive: true, displayModeBar: false };
  return Plotly.react(plot, spec.data, layoutFor(spec), config);
}

const watcher = new IntersectionObserver(
  (entries) =>
    entries.filter((entry) => entry.isIntersecting).forEach((entry) => {
      watcher.unobserve(entry.target);
      draw(entry.target);
    }),
  { rootMargin: "600px" },
);
document.querySelectorAll(".plot").forEach((plot) => watcher.observe(plot));

[narrow, dark].forEach((query) => query.addEventListener("change", () => drawn.forEach(draw)));
window.addEventListener("beforeprint", () => document.querySelectorAll(".plot").forEach(draw));
